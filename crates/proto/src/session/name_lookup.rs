//! The lookup of one address family of a host name.

use std::net::IpAddr;

use canvass_model::{Cause, DnsName, Rcode, RecordType, Status, Time};
use rand::rngs::StdRng;

use super::query::{AliasUse, Query, Step};
use super::{Limits, LostCause, Reply, ReplyClass, SendRequest, Sent, UpstreamId};
use crate::dns::Question;
use crate::output::{Output, QuestionId};
use crate::{AddressFamily, ResolveFault};

/// The lookup of one address family of a host name: for a probe, or for the forward confirmation
/// of a [`Session`](super::Session).
///
/// Drive it as a `Session`; it has one question, number 0, and ends in [`Self::finish`].
#[derive(Debug)]
pub struct NameLookup {
    query: Query,
    deadline: Time,
    found: Option<Found>,
}

#[derive(Debug)]
struct Found {
    rcode: Rcode,
    addresses: Vec<IpAddr>,
    ttl_s: Option<u32>,
}

impl NameLookup {
    /// A lookup that ends at `deadline`.
    pub fn new(name: &DnsName, family: AddressFamily, deadline: Time, limits: &Limits) -> Self {
        let record_type = match family {
            AddressFamily::V4 => RecordType::A,
            AddressFamily::V6 => RecordType::AAAA,
        };
        Self {
            query: Query::new(Question::new(name, record_type), limits.transport),
            deadline,
            found: None,
        }
    }

    /// Restricts the lookup to one upstream, if there is one given.
    pub(super) fn only(mut self, upstream: Option<UpstreamId>) -> Self {
        self.query.ask_only(upstream);
        self
    }

    pub(super) fn query(&self) -> &Query {
        &self.query
    }

    pub(super) fn query_mut(&mut self) -> &mut Query {
        &mut self.query
    }

    /// The addresses found; none while there is no answer.
    pub(super) fn addresses(&self) -> &[IpAddr] {
        self.found.as_ref().map_or(&[], |found| &found.addresses)
    }

    pub(super) fn into_addresses(self) -> Vec<IpAddr> {
        self.found.map_or_else(Vec::new, |found| found.addresses)
    }

    /// See [`Session::question`](super::Session::question).
    pub fn question(&self) -> &Question {
        self.query.question()
    }

    /// See [`Session::request`](super::Session::request).
    pub fn request(&self) -> Option<SendRequest> {
        self.query.request()
    }

    /// See [`Session::write_query`](super::Session::write_query).
    pub fn write_query(&self, id: u16, edns: bool, limits: &Limits, out: &mut Vec<u8>) -> bool {
        self.query.write_query(id, edns, limits, out)
    }

    /// See [`Session::sent`](super::Session::sent).
    pub fn sent(&mut self, now: Time, sent: &Sent, limits: &Limits, rng: &mut StdRng) {
        self.query.sent(now, sent, limits, rng);
    }

    /// See [`Session::reply`](super::Session::reply).
    pub fn reply(
        &mut self,
        now: Time,
        reply: &Reply<'_>,
        limits: &Limits,
        rng: &mut StdRng,
    ) -> ReplyClass {
        let use_of_alias = AliasUse::None;
        let query = &mut self.query;
        let (class, found) = query.reply(now, reply, limits, rng, use_of_alias, |answers| {
            let (addresses, ttl_s) = answers.addresses()?;
            Some(Found {
                rcode: answers.rcode(),
                addresses,
                ttl_s,
            })
        });
        if found.is_some() {
            self.found = found;
        }
        class
    }

    /// See [`Session::wait_until`](super::Session::wait_until).
    pub fn wait_until(&mut self, end: Time) {
        self.query.wait_until(end);
    }

    /// See [`Session::expire`](super::Session::expire).
    pub fn expire(&mut self) {
        self.query.expire();
    }

    /// See [`Session::lost`](super::Session::lost).
    pub fn lost(&mut self, now: Time, lost: LostCause, limits: &Limits, rng: &mut StdRng) {
        self.query.lost(now, lost, limits, rng);
    }

    /// See [`Session::returned`](super::Session::returned).
    pub fn returned(&mut self) {
        self.query.returned();
    }

    /// See [`Session::taken_back`](super::Session::taken_back).
    pub fn taken_back(&mut self) {
        self.query.taken_back();
    }

    /// See [`Session::blocked`](super::Session::blocked).
    pub fn blocked(&mut self, lost: LostCause) {
        self.query.blocked(lost);
    }

    /// See [`Session::end`](super::Session::end).
    pub fn end(&mut self, now: Time) {
        self.deadline = self.deadline.min(now);
    }

    /// See [`Session::cancel`](super::Session::cancel).
    pub fn cancel(&mut self, now: Time) {
        self.end(now);
        self.query.blocked(LostCause::INTERRUPTED);
    }

    /// What the event loop is to do now.
    pub fn poll(&mut self, now: Time, limits: &Limits) -> Output {
        if now >= self.deadline {
            return Output::Finish;
        }
        let step = self.query.step(now, limits);
        match step {
            Step::Send => Output::Send(QuestionId(0)),
            Step::Overdue => Output::Overdue(QuestionId(0)),
            _ if self.query.is_done() => Output::Finish,
            Step::Wait(until) => Output::Wait(until.min(self.deadline)),
            Step::Idle => Output::Wait(self.deadline),
        }
    }

    /// Ends the lookup: the addresses, and how many seconds they may be kept if the answer says
    /// so. An existing name without addresses of this family has none and is no fault.
    ///
    /// # Errors
    /// Why there is no answer, or that the name does not exist.
    pub fn finish(self) -> Result<(Vec<IpAddr>, Option<u32>), ResolveFault> {
        match self.found {
            Some(found) if found.addresses.is_empty() && found.rcode == Rcode::NXDOMAIN => {
                Err(ResolveFault {
                    status: Status::Rcode(found.rcode),
                    cause: Cause::NxDomain,
                    message: "the name does not exist".into(),
                })
            }
            Some(found) => Ok((found.addresses, found.ttl_s)),
            None => {
                let (status, fault) = self.query.fault();
                Err(ResolveFault {
                    status,
                    cause: fault.cause,
                    message: fault.message,
                })
            }
        }
    }
}
