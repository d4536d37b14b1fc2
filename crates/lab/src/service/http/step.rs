//! The steps of a response.

use std::borrow::Cow;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use canvass_model::Time;

use crate::service::Activity;

/// One step.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Sends octets, from `at` on.
    Bytes { bytes: Bytes, at: usize },
    /// Sends `left` octets of a repeated text.
    Repeat {
        text: Cow<'static, [u8]>,
        at: usize,
        left: u64,
    },
    /// Sends `left` octets of a repeated text, with a pause of `every` before each but the first.
    Trickle {
        text: Cow<'static, [u8]>,
        at: usize,
        left: u64,
        every: Duration,
        due: Option<Time>,
    },
    /// Sends numbered lines; if `framed`, each in a chunk with an extension (RFC 9112 §7.1.1).
    Chunks { next: u64, last: u64, framed: bool },
    /// Sends nothing for some time.
    Pause { span: Duration, since: Option<Time> },
    /// Sends nothing until the client closes.
    Hang,
    /// Closes the connection.
    Close,
    /// Resets the connection.
    Reset,
}

/// Octets that may be shared.
#[derive(Clone, Debug)]
pub(super) enum Bytes {
    Own(Cow<'static, [u8]>),
    Shared(Arc<[u8]>),
}

/// The result of advancing a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Advance {
    /// The next step may begin.
    Done,
    /// The step continues once its octets have been sent.
    More,
    Wait(Time),
    Hang,
    Close,
    Reset,
}

impl Step {
    /// Sends octets.
    pub(super) fn bytes(bytes: impl Into<Cow<'static, [u8]>>) -> Self {
        Self::Bytes {
            bytes: Bytes::Own(bytes.into()),
            at: 0,
        }
    }

    /// Sends octets that connections share.
    pub(super) fn shared(bytes: Arc<[u8]>) -> Self {
        Self::Bytes {
            bytes: Bytes::Shared(bytes),
            at: 0,
        }
    }

    /// Sends this many octets of a repeated text.
    pub(super) fn repeat(text: impl Into<Cow<'static, [u8]>>, octets: u64) -> Self {
        Self::Repeat {
            text: text.into(),
            at: 0,
            left: octets,
        }
    }

    /// Sends this many octets of a repeated text, one per `every`.
    pub(super) fn trickle(
        text: impl Into<Cow<'static, [u8]>>,
        octets: u64,
        every: Duration,
    ) -> Self {
        Self::Trickle {
            text: text.into(),
            at: 0,
            left: octets,
            every,
            due: None,
        }
    }

    /// Sends nothing for this long.
    pub(super) const fn pause(span: Duration) -> Self {
        Self::Pause { span, since: None }
    }

    /// Advances as far as possible, and appends about `room` octets at most.
    pub(super) fn advance(
        &mut self,
        now: Time,
        out: &mut Vec<u8>,
        room: usize,
        activity: &mut Activity,
    ) -> Advance {
        match self {
            Self::Bytes { bytes, at } => {
                let rest = &bytes.as_slice()[*at..];
                let taken = rest.len().min(room);
                out.extend_from_slice(&rest[..taken]);
                *at += taken;
                done_when(taken == rest.len())
            }
            Self::Repeat { text, at, left } => {
                let mut room = room;
                while *left > 0 && room > 0 {
                    let taken = (text.len() - *at).min(room).min(clamp(*left));
                    out.extend_from_slice(&text[*at..*at + taken]);
                    *at = (*at + taken) % text.len();
                    *left -= taken as u64;
                    room -= taken;
                }
                done_when(*left == 0)
            }
            Self::Trickle {
                text,
                at,
                left,
                every,
                due,
            } => {
                let next = due.get_or_insert(now);
                let mut room = room;
                while *left > 0 && room > 0 {
                    if *next > now {
                        return Advance::Wait(*next);
                    }
                    out.push(text[*at]);
                    *at = (*at + 1) % text.len();
                    *left -= 1;
                    room -= 1;
                    *next = *next + *every;
                }
                done_when(*left == 0)
            }
            Self::Chunks { next, last, framed } => {
                let end = out.len() + room;
                while next <= last && out.len() < end {
                    let text = format!("chunk {next} of {last}\n");
                    // Writing to a vector cannot fail.
                    let _ = if *framed {
                        write!(out, "{:x};lab=\"{next}\"\r\n{text}\r\n", text.len())
                    } else {
                        out.write_all(text.as_bytes())
                    };
                    *next += 1;
                }
                done_when(next > last)
            }
            Self::Pause { span, since } => {
                let began = *since.get_or_insert(now);
                let until = began + *span;
                if now < until {
                    return Advance::Wait(until);
                }
                activity.delays.push((began, *span));
                Advance::Done
            }
            Self::Hang => Advance::Hang,
            Self::Close => Advance::Close,
            Self::Reset => Advance::Reset,
        }
    }
}

impl Bytes {
    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Own(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }
}

fn done_when(done: bool) -> Advance {
    if done { Advance::Done } else { Advance::More }
}

fn clamp(octets: u64) -> usize {
    usize::try_from(octets).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(mut step: Step, room: usize) -> (Vec<u8>, Vec<u64>) {
        let (mut out, mut waits) = (Vec::new(), Vec::new());
        let (mut now, mut activity) = (Time::ZERO, Activity::default());
        loop {
            let before = out.len();
            match step.advance(now, &mut out, room, &mut activity) {
                Advance::Done => return (out, waits),
                Advance::Wait(until) => {
                    waits.push(until.as_nanos());
                    now = until;
                }
                Advance::More => {}
                other => panic!("{other:?}"),
            }
            assert!(out.len() - before <= room);
        }
    }

    #[test]
    fn octets_are_the_same_whatever_the_room() {
        let text = b"abcdefg".as_slice();
        for room in 1..30 {
            assert_eq!(run(Step::bytes(text), room).0, text);
            assert_eq!(run(Step::repeat(text, 17), room).0, b"abcdefgabcdefgabc");
        }
    }

    #[test]
    fn a_trickle_keeps_its_pace() {
        let (out, waits) = run(Step::trickle(&b"ab"[..], 5, Duration::from_nanos(10)), 100);
        assert_eq!(out, b"ababa");
        assert_eq!(waits, [10, 20, 30, 40]);
    }

    #[test]
    fn a_pause_is_recorded_when_it_is_over() {
        let (mut out, mut activity) = (Vec::new(), Activity::default());
        let (began, span) = (Time::from_nanos(5), Duration::from_nanos(20));
        let mut step = Step::pause(span);
        let mut advance = |at| step.advance(Time::from_nanos(at), &mut out, 1, &mut activity);
        assert_eq!(advance(5), Advance::Wait(Time::from_nanos(25)));
        assert_eq!(advance(24), Advance::Wait(Time::from_nanos(25)));
        assert_eq!(advance(26), Advance::Done);
        assert_eq!(activity.delays.as_slice(), [(began, span)]);
    }
}
