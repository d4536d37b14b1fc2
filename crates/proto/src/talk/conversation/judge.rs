//! Several replies to one datagram.

use canvass_model::Time;

use super::{Talk, TalkOutput};

/// The result for one of several replies to a datagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// Whether it matches the script.
    pub matched: bool,
    /// Its captures, in order, each name once.
    pub captures: Vec<(Box<str>, Box<str>)>,
    /// Those of the captures in hex that are not text.
    pub captures_hex: Vec<(Box<str>, Box<str>)>,
    /// Why it does not match.
    pub why_not: Option<String>,
}

impl Talk {
    /// Judges a datagram as if it were the only reply, and leaves the conversation as it is, so
    /// that the reply of each host is judged by itself. It matches if nothing more is needed from
    /// the same host before the script ends or sends again. To be called after [`Self::poll`] has
    /// returned [`TalkOutput::Read`].
    pub fn judge_datagram(&self, now: Time, datagram: &[u8]) -> Judgement {
        let mut talk = self.clone();
        talk.received(now, datagram);
        let output = talk.poll(now, &mut Vec::new());
        let why_not = match output {
            TalkOutput::Matched | TalkOutput::Send => None,
            TalkOutput::Wait(_) if talk.index > self.index => None,
            TalkOutput::Unmatched(mismatch) => Some(mismatch.to_string()),
            TalkOutput::Fault(fault) => Some(fault.message),
            _ => Some(format!("waiting for {}", talk.waiting_for())),
        };
        Judgement {
            matched: why_not.is_none(),
            captures: talk.captures(),
            captures_hex: talk.captures_hex(),
            why_not,
        }
    }
}
