//! What happens to a peer's octets on their way out.

use std::time::Duration;

use canvass_model::Time;

use crate::impairment::Impairments;
use crate::service::Output;

/// What is done to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WireRules {
    /// One octet each so long.
    trickle: Option<Duration>,
    /// The connection is reset after so many.
    reset_at: Option<u64>,
    /// The connection closes after so many.
    close_at: Option<u64>,
}

/// The way out of one connection.
#[derive(Debug)]
pub(super) struct Wire {
    rules: WireRules,
    /// What was said and has not left; `taken` octets of it have.
    queue: Vec<u8>,
    taken: usize,
    sent: u64,
    next_at: Time,
}

impl WireRules {
    /// `None` where nothing is done.
    pub fn new(impairments: &Impairments) -> Option<Self> {
        let rules = Self {
            trickle: impairments.trickle.filter(|every| !every.is_zero()),
            reset_at: impairments.reset_at,
            close_at: impairments.close_at,
        };
        let any = rules.trickle.is_some() || rules.reset_at.is_some() || rules.close_at.is_some();
        any.then_some(rules)
    }
}

impl Wire {
    pub const fn new(rules: WireRules) -> Self {
        Self {
            rules,
            queue: Vec::new(),
            taken: 0,
            sent: 0,
            next_at: Time::ZERO,
        }
    }

    /// Passes on what `speak` says, as the rules have it.
    pub fn poll(
        &mut self,
        now: Time,
        out: &mut Vec<u8>,
        mut speak: impl FnMut(&mut Vec<u8>) -> Output,
    ) -> Output {
        let (mut room, end) = self.room();
        if room == 0 {
            return end;
        }
        if self.taken == self.queue.len() {
            self.queue.clear();
            self.taken = 0;
            match speak(&mut self.queue) {
                Output::Send => {}
                other => return other,
            }
        }
        if let Some(every) = self.rules.trickle {
            if now < self.next_at {
                return Output::Wait(self.next_at);
            }
            self.next_at = now + every;
            room = 1;
        }
        let rest = &self.queue[self.taken..];
        let leaving = rest.len().min(usize::try_from(room).unwrap_or(usize::MAX));
        out.extend_from_slice(&rest[..leaving]);
        self.taken += leaving;
        self.sent += leaving as u64;
        Output::Send
    }

    /// How many octets may still leave, and what comes then.
    fn room(&self) -> (u64, Output) {
        let left = |at: Option<u64>| at.map_or(u64::MAX, |at| at.saturating_sub(self.sent));
        let (reset, close) = (left(self.rules.reset_at), left(self.rules.close_at));
        if close < reset {
            (close, Output::Close)
        } else {
            (reset, Output::Reset)
        }
    }
}
