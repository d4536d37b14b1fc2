//! Hashes of outcomes. They are computed from times, octets and named fields, not from `Debug`
//! text, so renaming a type or rewording a message does not change them.

use std::time::Duration;

use canvass_model::{
    AddressVerdict, Answer, DnsAnswer, Fault, HttpAnswer, Outcome, Phase, Phases, PtrAnswer,
    ResponseDetails, TalkAnswer, Time, TlsFacts,
};

/// FNV-1a, because the hash must be the same on every platform.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    pub(crate) fn value(self) -> u64 {
        self.0
    }

    pub(crate) fn octets(&mut self, octets: &[u8]) {
        self.0 = octets.iter().fold(self.0, |hash, octet| {
            (hash ^ u64::from(*octet)).wrapping_mul(0x0000_0100_0000_01b3)
        });
    }

    pub(crate) fn number(&mut self, number: u64) {
        self.octets(&number.to_le_bytes());
    }

    /// Includes the length, so that the boundaries of fields matter.
    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.octets(text.as_bytes());
    }

    fn display(&mut self, shown: impl std::fmt::Display) {
        self.text(&shown.to_string());
    }

    fn option<T>(&mut self, option: Option<T>, take: impl FnOnce(&mut Self, T)) {
        self.number(u64::from(option.is_some()));
        if let Some(value) = option {
            take(self, value);
        }
    }

    fn list<T>(&mut self, list: impl ExactSizeIterator<Item = T>, take: impl Fn(&mut Self, T)) {
        self.number(list.len() as u64);
        list.for_each(|item| take(self, item));
    }

    fn span(&mut self, span: Duration) {
        self.number(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX));
    }

    fn time(&mut self, time: Time) {
        self.number(time.as_nanos());
    }
}

/// A hash of the results of all jobs, which does not depend on order and times.
pub(crate) fn of_ends(outcomes: &[Outcome]) -> u64 {
    let mut ends: Vec<(u64, u64)> = outcomes
        .iter()
        .map(|outcome| {
            let mut hash = Fnv::default();
            end(&mut hash, outcome);
            (outcome.job.seq, hash.value())
        })
        .collect();
    ends.sort_unstable();
    let mut hash = Fnv::default();
    for (seq, value) in ends {
        hash.number(seq);
        hash.number(value);
    }
    hash.value()
}

/// Adds an outcome with its times.
pub(crate) fn with_times(hash: &mut Fnv, outcome: &Outcome) {
    hash.number(outcome.job.seq);
    end(hash, outcome);
    hash.number(u64::from(outcome.attempts));
    hash.time(outcome.due);
    hash.option(outcome.first_send, Fnv::time);
    hash.time(outcome.finished);
    phases(hash, &outcome.phases);
    hash.number(u64::from(outcome.stalled));
    hash.option(outcome.resolver, Fnv::display);
    hash.option(outcome.transport, |hash, transport| {
        hash.text(transport.as_str());
    });
    hash.option(outcome.trace.as_ref(), |hash, events| {
        hash.list(events.iter(), |hash, event| {
            hash.time(event.at);
            hash.text(event.event);
            hash.option(event.octets, Fnv::number);
        });
    });
}

fn end(hash: &mut Fnv, outcome: &Outcome) {
    hash.text(outcome.verdict.as_str());
    hash.display(outcome.status);
    hash.option(outcome.fault.as_deref(), fault);
    hash.display(outcome.class);
    hash.option(outcome.details.as_deref(), details);
    match &outcome.answer {
        Answer::Ptr(answer) => ptr(hash, answer),
        Answer::Dns(answer) => dns(hash, answer),
        Answer::Http(answer) => http(hash, answer),
        Answer::Talk(answer) => talk(hash, answer),
    }
}

/// Leaves out the message, which may be reworded.
fn fault(hash: &mut Fnv, fault: &Fault) {
    hash.text(fault.phase.as_str());
    hash.text(fault.cause.as_str());
    hash.option(fault.errno, Fnv::display);
}

fn phases(hash: &mut Fnv, phases: &Phases) {
    hash.list(Phase::TIMED.iter(), |hash, phase| {
        hash.option(phases.span(*phase), Fnv::span);
    });
}

fn ptr(hash: &mut Fnv, answer: &PtrAnswer) {
    hash.list(answer.names.iter(), |hash, name| hash.text(name));
    hash.option(answer.ttl_s, |hash, ttl_s| hash.number(ttl_s.into()));
    hash.option(answer.confirmation(), |hash, confirmation| {
        hash.option(confirmation.confirmed, |hash, is| hash.number(is.into()));
        hash.list(confirmation.forward.iter(), |hash, (name, addresses)| {
            hash.text(name);
            hash.list(addresses.iter(), Fnv::display);
        });
    });
    // An outcome without aliases adds nothing, so that the hashes of such runs stay as they are.
    if let Some(cname) = answer.cname() {
        hash.text(cname);
    }
}

/// Leaves out the sections, which no scenario keeps.
fn details(hash: &mut Fnv, details: &ResponseDetails) {
    hash.text(&details.flags.names().collect::<String>());
    hash.list(details.errors.iter(), Fnv::display);
    hash.option(details.nsid.as_ref(), Fnv::display);
    hash.option(details.subnet, Fnv::display);
    hash.option(details.edns, |hash, is| hash.number(is.into()));
}

fn dns(hash: &mut Fnv, answer: &DnsAnswer) {
    hash.list(answer.records.iter(), |hash, record| {
        hash.display(record.class);
        hash.text(&record.name);
        hash.display(record.record_type);
        hash.number(record.ttl_s.into());
        hash.text(&record.data);
    });
}

fn http(hash: &mut Fnv, answer: &HttpAnswer) {
    hash.text(&answer.url);
    hash.option(answer.remote.as_ref(), Fnv::display);
    hash.option(answer.version, Fnv::text);
    hash.option(answer.code, |hash, code| hash.number(code.into()));
    hash.option(answer.content_length, Fnv::number);
    hash.option(answer.content_type.as_deref(), Fnv::text);
    hash.option(answer.server.as_deref(), Fnv::text);
    hash.option(answer.body_bytes, Fnv::number);
    hash.option(answer.decoded_bytes, Fnv::number);
    hash.list(answer.redirects.iter(), |hash, hop| {
        hash.text(&hop.url);
        hash.number(hop.code.into());
        hash.option(hop.remote.as_ref(), Fnv::display);
        hash.text(&hop.location);
    });
    hash.option(answer.tls.as_deref(), tls);
    hash.option(answer.repeat, |hash, repeat| hash.number(repeat.into()));
    addresses(hash, answer.addresses.as_deref());
    hash.option(answer.body.as_deref(), Fnv::octets);
}

fn talk(hash: &mut Fnv, answer: &TalkAnswer) {
    hash.option(answer.remote.as_ref(), Fnv::display);
    captures(hash, &answer.captures);
    captures(hash, &answer.captures_hex);
    hash.number(answer.sent_bytes);
    hash.number(answer.received_bytes);
    hash.option(answer.tls.as_deref(), tls);
    hash.number(u64::from(answer.mismatch.is_some()));
    hash.option(answer.replies.as_deref(), |hash, replies| {
        hash.list(replies.iter(), |hash, reply| {
            hash.display(&reply.remote);
            hash.number(reply.received_bytes);
            captures(hash, &reply.captures);
            captures(hash, &reply.captures_hex);
            hash.number(u64::from(reply.matched));
        });
    });
    addresses(hash, answer.addresses.as_deref());
}

fn captures(hash: &mut Fnv, captures: &[(Box<str>, Box<str>)]) {
    hash.list(captures.iter(), |hash, (name, value)| {
        hash.text(name);
        hash.text(value);
    });
}

fn addresses(hash: &mut Fnv, verdicts: Option<&[AddressVerdict]>) {
    hash.option(verdicts, |hash, verdicts| {
        hash.list(verdicts.iter(), |hash, one| {
            hash.display(&one.remote);
            hash.text(one.verdict.as_str());
            hash.display(one.status);
            hash.option(one.fault.as_deref(), fault);
        });
    });
}

fn tls(hash: &mut Fnv, facts: &TlsFacts) {
    hash.option(facts.version, Fnv::text);
    hash.option(facts.cipher.as_deref(), Fnv::text);
    hash.option(facts.alpn.as_deref(), Fnv::text);
    hash.option(facts.verified, |hash, is| hash.number(is.into()));
    hash.option(facts.certificate.as_ref(), |hash, certificate| {
        hash.octets(&certificate.sha256);
    });
    hash.number(facts.chain_length as u64);
    hash.option(facts.ocsp_stapled, |hash, is| hash.number(is.into()));
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::run::run;

    #[test]
    fn order_and_times_change_nothing_of_the_ends_and_an_answer_does() {
        let mut outcomes = run(3).outcomes;
        let before = of_ends(&outcomes);
        outcomes.reverse();
        outcomes[0].finished = Time::ZERO;
        assert_eq!(of_ends(&outcomes), before);
        outcomes[0].status = canvass_model::Status::Local;
        assert_ne!(of_ends(&outcomes), before);
    }
}
