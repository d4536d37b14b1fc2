//! The CSV columns of `check`: those of every probe, and what most endpoints of a kind have. A column
//! has the name and the meaning that it has for the probe alone, and is empty for other probes.

use std::net::SocketAddr;
use std::time::Duration;

use canvass_model::{
    Answer as ProbeAnswer, HttpAnswer, Outcome, Phase, Record, Remote, TalkAnswer,
};

use super::host::Tls;
use super::lookup::{self, ResourceRecord};
use super::value::{Captures, Object, Objects, TypeName, Warnings, Word};

fields! {
    Answer: Outcome, |outcome| "," .. "";

    type: Option<TypeName> = lookup::record_type(outcome).map(TypeName), csv, "as for `dns`";
    answers: Option<Objects<'_, ResourceRecord>> = records(outcome).map(Objects), csv, "as for `dns`";
    resolver: Option<&SocketAddr> = outcome.resolver.as_ref(), csv, "as for `dns`";
    transport: Option<Word> = outcome.transport.map(|transport| Word(transport.as_str())), csv,
        "as for `dns`";
    remote: Option<&Remote> = remote(outcome), csv, "as for `http`, `tcp` and `udp`";
    url: Option<&str> = http(outcome).map(|answer| &*answer.url).filter(|url| !url.is_empty()), csv,
        "as for `http`";
    body_bytes: Option<u64> = http(outcome).and_then(|answer| answer.body_bytes), csv,
        "as for `http`";
    captures: Option<Captures<'_>> = talk(outcome).map(|answer| Captures(&answer.captures)), csv,
        "as for `tcp` and `udp`";
    received_bytes: Option<u64> = talk(outcome).map(|answer| answer.received_bytes), csv,
        "as for `tcp` and `udp`";
    mismatch: Option<&str> = talk(outcome).and_then(|answer| answer.mismatch.as_deref()), csv,
        "as for `tcp` and `udp`";
    tls: Option<Object<'_, Tls>> = outcome.answer.tls().map(Object), csv, "as for `http` and `tcp`";
    warnings: Option<Warnings> = http(outcome).map(|answer| Warnings(answer.warnings)), csv,
        "as for `http`";
}

fields! {
    Time: Outcome, |outcome| "," .. "";

    phases_ms: Object<'_, Phases> = Object(&outcome.phases), csv, "the phases of any probe";
}

fields! {
    Phases: canvass_model::Phases, |phases| "{" .. "}", columns "*_ms";

    wait: Option<Duration> = phases.span(Phase::Wait), csv, "as for every probe";
    dns: Option<Duration> = phases.span(Phase::Dns), csv, "as for `dns`";
    resolve: Option<Duration> = phases.span(Phase::Resolve), csv, "as for `http`, `tcp` and `udp`";
    connect: Option<Duration> = phases.span(Phase::Connect), csv, "as for `http`, `tcp` and `udp`";
    tls: Option<Duration> = phases.span(Phase::Tls), csv, "as for `http`, `tcp` and `udp`";
    first_byte: Option<Duration> = phases.span(Phase::FirstByte), csv,
        "as for `http`, `tcp` and `udp`";
    transfer: Option<Duration> = phases.span(Phase::Transfer), csv,
        "as for `http`, `tcp` and `udp`";
}

whole_outcome!(Answer, Time);

fn http(outcome: &Outcome) -> Option<&HttpAnswer> {
    match &outcome.answer {
        ProbeAnswer::Http(answer) => Some(answer),
        _ => None,
    }
}

fn talk(outcome: &Outcome) -> Option<&TalkAnswer> {
    match &outcome.answer {
        ProbeAnswer::Talk(answer) => Some(answer),
        _ => None,
    }
}

fn records(outcome: &Outcome) -> Option<&[Record]> {
    match &outcome.answer {
        ProbeAnswer::Dns(answer) => Some(&answer.records),
        _ => None,
    }
}

fn remote(outcome: &Outcome) -> Option<&Remote> {
    let of_talk = || talk(outcome)?.remote.as_ref();
    http(outcome).map_or_else(of_talk, |answer| answer.remote.as_ref())
}
