//! Several answers to one datagram.

use canvass_model::Time;

use super::{Talk, TalkOutput};

/// What one of several answers to a datagram is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// Whether it is what the script expects next.
    pub matched: bool,
    /// What was picked out of it, in order, each name once.
    pub captures: Vec<(Box<str>, Box<str>)>,
    /// Why it is not what was expected, for a person.
    pub why_not: Option<String>,
}

impl Talk {
    /// Looks at a datagram as if it were the only answer to what was sent, and leaves the
    /// conversation as it is: so each of several hosts that answer the same datagram is judged
    /// for itself. An answer matches when nothing more of the same host is needed before the
    /// script ends or speaks again. To be called once [`Self::poll`] has said
    /// [`TalkOutput::Read`].
    pub fn judge_datagram(&self, now: Time, datagram: &[u8]) -> Judgement {
        let mut talk = self.clone();
        talk.received(now, datagram);
        let output = talk.poll(now, &mut Vec::new());
        let why_not = match output {
            TalkOutput::Matched | TalkOutput::Send => None,
            TalkOutput::Wait(_) if talk.place > self.place => None,
            TalkOutput::Unmatched(why) => Some(why),
            TalkOutput::Fault(fault) => Some(fault.message),
            _ => Some(format!("waiting for {}", talk.waiting_for())),
        };
        Judgement {
            matched: why_not.is_none(),
            captures: talk.captures(),
            why_not,
        }
    }
}
