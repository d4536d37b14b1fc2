//! What waits for the server's answer, and what is made of the answer.

use canvass_model::Time;
use smallvec::SmallVec;

use super::pending::Pending;
use crate::destination::Destination;
use crate::query::{HEADER_BYTES, LowerName};
use crate::report::{Count, Meter};
use crate::schedule::{Held, Schedule};
use crate::script::{Delivery, Script};

/// A query that was passed on, and what is to leave once the answer is there.
pub(crate) struct Waiting {
    /// When the query was read.
    pub received: Time,
    back: Destination,
    /// The client's id.
    id: [u8; 2],
    question: u64,
    /// Nearly always one.
    deliveries: SmallVec<[Delivery; 1]>,
}

impl Waiting {
    /// For a query that has a header.
    pub fn new(
        received: Time,
        back: Destination,
        query: &[u8],
        deliveries: SmallVec<[Delivery; 1]>,
    ) -> Self {
        Self {
            received,
            back,
            id: query.first_chunk().copied().unwrap_or_default(),
            question: question_hash(query),
            deliveries,
        }
    }

    /// How many replies come of its answer.
    pub fn replies(&self) -> u32 {
        self.deliveries.len() as u32
    }

    /// Whether a message can be its answer, as far as the question says: that is its own, or
    /// there is none, as in a FORMERR (RFC 1035 §4.1.1).
    pub fn is_answered_by(&self, answer: &[u8]) -> bool {
        has_no_question(answer) || question_hash(answer) == self.question
    }
}

/// Replies of one connection that will not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GivenUp {
    /// The connection's slot.
    pub slot: usize,
    /// Which of the slot's connections.
    pub generation: u32,
    /// How many.
    pub replies: u32,
}

/// What takes the server's answers back to those who asked.
pub(crate) struct Returns<'c> {
    pub schedule: &'c mut Schedule<Destination>,
    pub meter: &'c Meter,
    pub given_up: &'c mut Vec<GivenUp>,
}

impl Returns<'_> {
    /// Makes an answer the replies that were planned. They leave when they are due, and those
    /// that are already, next.
    pub fn answer(&mut self, waiting: &Waiting, answer: &[u8]) {
        self.meter.add(Count::ForwardAnswered);
        let mut dropped = 0;
        for delivery in &waiting.deliveries {
            let mut message = answer.to_vec();
            message[..2].copy_from_slice(&waiting.id);
            let responded = Script::relay(delivery.kind, &mut message);
            let held = Held {
                received: waiting.received,
                asked: delivery.delay,
                destination: waiting.back,
                count: Count::of_reply(delivery.kind, responded),
                message: message.into(),
            };
            if self.schedule.hold(held).is_err() {
                self.meter.add(Count::Overflow);
                dropped += 1;
            }
        }
        self.give_up(waiting.back, dropped);
    }

    /// Takes down that the server never answered.
    pub fn unanswered(&mut self, waiting: &Waiting) {
        self.meter.add(Count::ForwardUnanswered);
        self.give_up(waiting.back, waiting.replies());
    }

    /// A connection counts the replies that it waits for; for datagrams nobody waits.
    fn give_up(&mut self, back: Destination, replies: u32) {
        if let Destination::Tcp { slot, generation } = back
            && replies > 0
        {
            self.given_up.push(GivenUp {
                slot,
                generation,
                replies,
            });
        }
    }
}

/// Whether a message is a query with a header.
pub(super) fn is_query(message: &[u8]) -> bool {
    message.len() >= HEADER_BYTES && message[2] & 0x80 == 0
}

/// Ends the query that a message answers: the id is the query's, and the question too.
/// `waiting` finds what waits in an entry of the table.
pub(super) fn remove_answered<T>(
    pending: &mut Pending<T>,
    answer: &[u8],
    waiting: impl Fn(&T) -> &Waiting,
) -> Option<T> {
    let id = reply_id(answer)?;
    let query = pending.query(id)?;
    let matches = waiting(query).is_answered_by(answer);
    matches.then(|| pending.remove(id)).flatten()
}

/// The id of a message that is a reply with a header.
fn reply_id(message: &[u8]) -> Option<u16> {
    let header: &[u8; HEADER_BYTES] = message.first_chunk()?;
    let is_reply = header[2] & 0x80 != 0;
    is_reply.then(|| u16::from_be_bytes([header[0], header[1]]))
}

fn has_no_question(message: &[u8]) -> bool {
    message[4..6] == [0, 0]
}

/// Stands for the first question of a message that has a header: its name in lower case
/// (RFC 4343), its type and its class. Questions that cannot be read are all the same.
fn question_hash(message: &[u8]) -> u64 {
    let body = &message[HEADER_BYTES..];
    let Some(name) = LowerName::parse(body) else {
        return 0;
    };
    let kind = body[name.wire().len()..].iter().take(4);
    // FNV-1a.
    name.wire()
        .iter()
        .chain(kind)
        .fold(0xcbf2_9ce4_8422_2325, |hash, &octet| {
            (hash ^ u64::from(octet)).wrapping_mul(0x0000_0100_0000_01b3)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::datagram::Peer;
    use crate::testing::query;

    fn waiting(query: &[u8]) -> Waiting {
        let back = Destination::Udp {
            endpoint: 0,
            server: [127, 0, 0, 1].into(),
            peer: Peer::NOBODY,
        };
        Waiting::new(Time::ZERO, back, query, SmallVec::new())
    }

    #[test]
    fn an_answer_has_the_question_that_was_asked_in_any_case_or_none() {
        let asked = waiting(&query(1, "a.example.net", 1, None));
        assert!(asked.is_answered_by(&query(9, "A.Example.NET", 1, None)));
        assert!(!asked.is_answered_by(&query(1, "b.example.net", 1, None)));
        assert!(!asked.is_answered_by(&query(1, "a.example.net", 28, None)));
        let mut bare = query(1, "a.example.net", 1, None)[..HEADER_BYTES].to_vec();
        assert!(!asked.is_answered_by(&bare));
        bare[4..6].fill(0);
        assert!(asked.is_answered_by(&bare));
    }

    #[test]
    fn only_replies_with_a_header_have_a_replys_id() {
        let mut message = query(0x0102, "a.example.net", 1, None);
        assert!(is_query(&message));
        assert_eq!(reply_id(&message), None);
        message[2] |= 0x80;
        assert!(!is_query(&message));
        assert_eq!(reply_id(&message), Some(0x0102));
        assert_eq!(reply_id(&message[..HEADER_BYTES - 1]), None);
        assert!(!is_query(&message[..HEADER_BYTES - 1]));
    }
}
