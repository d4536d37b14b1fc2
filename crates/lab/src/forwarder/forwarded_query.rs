//! Queries that wait for the server's answer, and the replies made from it.

use canvass_model::Time;
use smallvec::SmallVec;

use super::open_queries::OpenQueries;
use crate::connection_table::ConnectionId;
use crate::dns_server::{DelayedReply, ReplySchedule, ReturnPath};
use crate::query::{HEADER_BYTES, LowerName};
use crate::report::{DnsCounter, Metrics};
use crate::responder::{PlannedReply, Responder};

/// A forwarded query, and the replies that are planned for its answer.
pub(crate) struct ForwardedQuery {
    /// When the query was read.
    pub received: Time,
    return_path: ReturnPath,
    /// The client's id.
    id: [u8; 2],
    question: u64,
    /// Nearly always one.
    replies: SmallVec<[PlannedReply; 1]>,
}

impl ForwardedQuery {
    /// The query must have a header.
    pub(crate) fn new(
        received: Time,
        return_path: ReturnPath,
        query: &[u8],
        replies: SmallVec<[PlannedReply; 1]>,
    ) -> Self {
        Self {
            received,
            return_path,
            id: query.first_chunk().copied().unwrap_or_default(),
            question: question_hash(query),
            replies,
        }
    }

    /// Whether a message has its question or, like some FORMERR, none (RFC 1035 §4.1.1).
    pub(crate) fn is_answered_by(&self, answer: &[u8]) -> bool {
        has_no_question(answer) || question_hash(answer) == self.question
    }
}

/// Replies that will not be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AbandonedReplies {
    /// The connection that waits for them.
    pub connection: ConnectionId,
    /// Their number.
    pub replies: u32,
}

/// Relays the server's answers to the clients.
pub(crate) struct AnswerRelay<'c> {
    pub delayed: &'c mut ReplySchedule,
    pub metrics: &'c Metrics<DnsCounter>,
    pub abandoned: &'c mut Vec<AbandonedReplies>,
}

impl AnswerRelay<'_> {
    /// Schedules the planned replies with the content of the answer.
    pub(crate) fn answer(&mut self, query: &ForwardedQuery, answer: &[u8]) {
        self.metrics.add(DnsCounter::ForwardAnswered);
        let mut dropped = 0;
        for planned in &query.replies {
            let mut message = answer.to_vec();
            message[..2].copy_from_slice(&query.id);
            let status = Responder::relay(planned.kind, &mut message);
            let reply = DelayedReply {
                received: query.received,
                delay: planned.delay,
                return_path: query.return_path,
                counter: DnsCounter::of_reply(planned.kind, status),
                message: message.into(),
            };
            if !self.delayed.push(reply) {
                self.metrics.add(DnsCounter::Overflow);
                dropped += 1;
            }
        }
        self.abandon(query.return_path, dropped);
    }

    /// Counts a query that the server never answered.
    pub(crate) fn unanswered(&mut self, query: &ForwardedQuery) {
        self.metrics.add(DnsCounter::ForwardUnanswered);
        self.abandon(query.return_path, query.replies.len() as u32);
    }

    /// A TCP connection counts the replies that it waits for; a UDP socket does not wait.
    fn abandon(&mut self, return_path: ReturnPath, replies: u32) {
        if let ReturnPath::Tcp(connection) = return_path
            && replies > 0
        {
            self.abandoned.push(AbandonedReplies {
                connection,
                replies,
            });
        }
    }
}

/// Whether a message is a query with a header.
pub(super) fn is_query(message: &[u8]) -> bool {
    message.len() >= HEADER_BYTES && message[2] & 0x80 == 0
}

/// Removes the query that a message answers, by id and question. `forwarded` returns the query of
/// an entry.
pub(super) fn remove_answered<T>(
    open: &mut OpenQueries<T>,
    answer: &[u8],
    forwarded: impl Fn(&T) -> &ForwardedQuery,
) -> Option<T> {
    let id = reply_id(answer)?;
    let matches = forwarded(open.query(id)?).is_answered_by(answer);
    matches.then(|| open.remove(id)).flatten()
}

/// The id of a message if it is a reply with a header.
fn reply_id(message: &[u8]) -> Option<u16> {
    let header: &[u8; HEADER_BYTES] = message.first_chunk()?;
    let is_reply = header[2] & 0x80 != 0;
    is_reply.then(|| u16::from_be_bytes([header[0], header[1]]))
}

fn has_no_question(message: &[u8]) -> bool {
    message[4..6] == [0, 0]
}

/// A hash of the first question of a message with a header: of its name in lower case (RFC 4343),
/// its type and its class. Malformed questions all have the same hash.
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

    use crate::packet_info::RawAddress;
    use crate::testing::query;

    fn forwarded(query: &[u8]) -> ForwardedQuery {
        let return_path = ReturnPath::Udp {
            socket: 0,
            server: [127, 0, 0, 1].into(),
            client: RawAddress::UNSET,
        };
        ForwardedQuery::new(Time::ZERO, return_path, query, SmallVec::new())
    }

    #[test]
    fn an_answer_has_the_question_that_was_asked_in_any_case_or_none() {
        let asked = forwarded(&query(1, "a.example.net", 1, None));
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
