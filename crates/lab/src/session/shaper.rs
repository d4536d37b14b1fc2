//! Limits how fast and how many octets a connection sends.

use std::time::Duration;

use canvass_model::Time;

use crate::impairment::Impairments;
use crate::service::Output;

/// The limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ShaperSettings {
    /// The time per octet.
    trickle: Option<Duration>,
    /// Reset the connection after this many octets.
    reset_at: Option<u64>,
    /// Close the connection after this many octets.
    close_at: Option<u64>,
}

/// The output of one connection.
#[derive(Debug)]
pub(super) struct Shaper {
    settings: ShaperSettings,
    /// Output, of which `taken` octets have been sent.
    queue: Vec<u8>,
    taken: usize,
    sent: u64,
    next_at: Time,
}

impl ShaperSettings {
    /// `None` if there are no limits.
    pub(crate) fn new(impairments: &Impairments) -> Option<Self> {
        let settings = Self {
            trickle: impairments.trickle.filter(|every| !every.is_zero()),
            reset_at: impairments.reset_at,
            close_at: impairments.close_at,
        };
        let any = settings.trickle.is_some()
            || settings.reset_at.is_some()
            || settings.close_at.is_some();
        any.then_some(settings)
    }
}

impl Shaper {
    pub(super) const fn new(settings: ShaperSettings) -> Self {
        Self {
            settings,
            queue: Vec::new(),
            taken: 0,
            sent: 0,
            next_at: Time::ZERO,
        }
    }

    /// Sends the output of `produce` within the limits.
    pub(super) fn poll(
        &mut self,
        now: Time,
        out: &mut Vec<u8>,
        mut produce: impl FnMut(&mut Vec<u8>) -> Output,
    ) -> Output {
        let (mut room, end) = self.room();
        if room == 0 {
            return end;
        }
        if self.taken == self.queue.len() {
            self.queue.clear();
            self.taken = 0;
            match produce(&mut self.queue) {
                Output::Send => {}
                other => return other,
            }
        }
        if let Some(every) = self.settings.trickle {
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

    /// The number of octets that may still be sent, and what follows them.
    fn room(&self) -> (u64, Output) {
        let left = |at: Option<u64>| at.map_or(u64::MAX, |at| at.saturating_sub(self.sent));
        let (reset, close) = (left(self.settings.reset_at), left(self.settings.close_at));
        if close < reset {
            (close, Output::Close)
        } else {
            (reset, Output::Reset)
        }
    }
}
