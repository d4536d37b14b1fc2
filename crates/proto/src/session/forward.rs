//! Looking the names of an address up again, to see whether they lead back to it.

use std::net::IpAddr;

use canvass_model::{Confirmation, RecordType, Time};
use rand::rngs::StdRng;

use super::query::{self, Query};
use super::{Limits, Reply, ReplyClass};
use crate::dns::{Message, Question};

/// How many names of one address are looked up at the same time.
const LOOKUPS_AT_ONCE_MAX: usize = 8;

/// The lookups of all names of one address.
#[derive(Debug)]
pub(super) struct Forward {
    address: IpAddr,
    names: Vec<Name>,
}

#[derive(Debug)]
struct Name {
    text: Box<str>,
    query: Query,
    addresses: Vec<IpAddr>,
}

impl Forward {
    pub(super) fn new(address: IpAddr, names: &[Box<str>], limits: &Limits) -> Self {
        let record_type = if address.is_ipv4() {
            RecordType::A
        } else {
            RecordType::AAAA
        };
        let mut distinct: Vec<Name> = Vec::new();
        for text in names {
            // What came in a message reads back; the root is a name too, if an odd one.
            let Ok(name) = text.parse() else { continue };
            if distinct
                .iter()
                .all(|known| !known.text.eq_ignore_ascii_case(text))
            {
                distinct.push(Name {
                    text: text.clone(),
                    query: Query::new(Question::new(&name, record_type), limits.transport),
                    addresses: Vec::new(),
                });
            }
        }
        distinct.truncate(usize::from(u16::MAX) - 1);
        Self {
            address,
            names: distinct,
        }
    }

    pub(super) fn query(&self, at: usize) -> &Query {
        &self.names[at].query
    }

    pub(super) fn query_mut(&mut self, at: usize) -> &mut Query {
        &mut self.names[at].query
    }

    /// The lookups that are under way or may begin, with their question numbers.
    pub(super) fn active(&mut self) -> impl Iterator<Item = (u16, &mut Query)> {
        self.names
            .iter_mut()
            .enumerate()
            .filter(|(_, name)| !name.query.is_done())
            .take(LOOKUPS_AT_ONCE_MAX)
            .map(|(at, name)| (at as u16 + 1, &mut name.query))
    }

    pub(super) fn any_out(&self) -> bool {
        self.names.iter().any(|name| name.query.is_out())
    }

    pub(super) fn is_done(&self) -> bool {
        self.names.iter().all(|name| name.query.is_done())
    }

    pub(super) fn attempts(&self) -> u32 {
        self.names.iter().map(|name| name.query.attempts()).sum()
    }

    pub(super) fn reply(
        &mut self,
        now: Time,
        reply: &Reply<'_>,
        limits: &Limits,
        rng: &mut StdRng,
    ) -> ReplyClass {
        let name = &mut self.names[usize::from(reply.question.0) - 1];
        let class = query::classify(reply);
        if name.query.is_settled() {
            return class;
        }
        if class != ReplyClass::Answer {
            name.query.unhelpful(now, reply, class, limits, rng);
            return class;
        }
        match read_addresses(reply.message) {
            Some(addresses) => {
                name.addresses = addresses;
                name.query.settle();
                class
            }
            None => {
                name.query
                    .unhelpful(now, reply, ReplyClass::Unusable, limits, rng);
                ReplyClass::Unusable
            }
        }
    }

    pub(super) fn confirmation(self) -> Confirmation {
        let all_known = self.names.iter().all(|name| name.query.is_settled());
        let found = self
            .names
            .iter()
            .any(|name| name.addresses.contains(&self.address));
        Confirmation {
            confirmed: if found {
                Some(true)
            } else {
                all_known.then_some(false)
            },
            forward: self
                .names
                .into_iter()
                .map(|name| (name.text, name.addresses))
                .collect(),
        }
    }
}

/// The addresses in the answer section; `None` when it is broken.
fn read_addresses(message: Message<'_>) -> Option<Vec<IpAddr>> {
    let mut addresses = Vec::new();
    let mut seen = 0;
    for record in message.answer_records() {
        seen += 1;
        match record.record_type {
            RecordType::A => addresses.push(IpAddr::from(<[u8; 4]>::try_from(record.data()).ok()?)),
            RecordType::AAAA => {
                addresses.push(IpAddr::from(<[u8; 16]>::try_from(record.data()).ok()?));
            }
            _ => {}
        }
    }
    (seen == message.answer_count()).then_some(addresses)
}
