//! The fields of `ptr` and `dns`.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use canvass_model::{
    Answer as ProbeAnswer, Outcome, Phase, ProbeSpec, PtrAnswer, Record, RecordType, Transport,
};

use super::read::{PhasesReader, Read};
use super::value::{
    AddressesByName, ClassName, CsvContext, KeyIf, KeyIfSome, Listed, Object, Objects, Texts,
    TypeName, Word, push_joined,
};
use crate::json::put;
use crate::read::{FromText, LineDraft, Millis};
use crate::write::push_record;

fields! {
    Question: Outcome, |outcome| "," .. "", into LineDraft;

    type: KeyIfSome<TypeName> = KeyIfSome(record_type(outcome).map(TypeName)), csv,
        read(optional, |line, record_type: Option<FromText<RecordType>>| {
            line.record_type = record_type.map(|record_type| record_type.0);
        }),
        "`dns`: the record type of the question, a mnemonic or `TYPEnnn` (RFC 3597)";
}

fields! {
    Answer: Outcome, |outcome| "," .. "", into LineDraft;

    names: KeyIf<Texts<'_>> = KeyIf(is_ptr(outcome), Texts(names(outcome))), csv,
        "`ptr`: the PTR names in the order of the answer, with the final dot and zone file escapes; empty if there are none";
    ttl: KeyIf<Option<u32>> = KeyIf(is_ptr(outcome), ttl(outcome)), csv,
        "`ptr`: the smallest time to live of these records, in seconds";
    answers: KeyIf<Objects<'_, ResourceRecord>> = KeyIf(is_dns(outcome), Objects(records(outcome))), csv,
        "`dns`: the whole answer section in the order of the answer, with the CNAME records on the way; see [answers](#answers)";
    confirmed: KeyIf<Option<bool>> = KeyIf(is_confirming(outcome), confirmed(outcome)), csv,
        read(optional, |line, confirmed| line.set_confirmed(confirmed)),
        "`ptr --forward-confirm`: true if at least one name has the address; false if every name was looked up and none has it; null if this could not be determined, or there was no name";
    forward: KeyIf<AddressesByName<'_>> = KeyIf(is_confirming(outcome), AddressesByName(forward(outcome))), csv,
        "`ptr --forward-confirm`: each name with an array of its addresses of the target's address family; `{}` if there was no name";
    resolver: Option<&SocketAddr> = outcome.resolver.as_ref(), csv,
        read(optional, |line, resolver: Option<FromText<SocketAddr>>| {
            line.outcome.resolver = resolver.map(|resolver| resolver.0);
        }),
        "`address:port` of the resolver whose reply, or failure to reply, decided the outcome of the target's own question; null if none was asked";
    transport: Option<Word> = outcome.transport.map(|transport| Word(transport.as_str())), csv,
        read(optional, |line, transport: Option<FromText<Transport>>| {
            line.outcome.transport = transport.map(|transport| transport.0);
        }),
        "the transport of that reply or failure, `udp` or `tcp`; null if none was asked";
}

fields! {
    Time: Outcome, |outcome| "," .. "", into LineDraft;

    phases_ms: Object<'_, Phases> = Object(&outcome.phases), csv,
        read(required, |line, phases: Read<PhasesReader>| line.outcome.phases = phases.0),
        "see [phases](#phases)";
}

fields! {
    Phases: canvass_model::Phases, |phases| "{" .. "}", columns "*_ms", into canvass_model::Phases;

    wait: Option<Duration> = phases.span(Phase::Wait), csv,
        read(optional, |phases, span: Option<Millis>| Millis::add_to(phases, Phase::Wait, span)),
        "no query was in flight: time spent waiting for permits, pacing or descriptors, and in backoff between attempts";
    dns: Option<Duration> = phases.span(Phase::Dns), csv,
        read(optional, |phases, span: Option<Millis>| Millis::add_to(phases, Phase::Dns, span)),
        "at least one query was in flight";
}

fields! {
    ResourceRecord: Record, |record| "{" .. "}";

    name: &str = &record.name, json, "the owner name";
    type: TypeName = TypeName(record.record_type), json, "the record type";
    class: KeyIfSome<ClassName> = KeyIfSome(ClassName::unless_in(record.class)), json,
        "the class, where it is not IN";
    ttl: u32 = record.ttl_s, json, "the time to live, in seconds";
    data: &str = &record.data, json,
        "the data as in a zone file; `\\# length hex` (RFC 3597 §5) where the type has no such form or the data are malformed";
}

impl Listed for ResourceRecord {
    fn write_cell(records: &[Record], out: &mut Vec<u8>, context: &mut CsvContext<'_>) {
        context.quoted(out, |out| {
            push_joined(out, records, " | ", |out, record| {
                push_record(out, record, put);
            });
        });
    }
}

whole_outcome!(Question, Answer, Time);

pub(super) fn record_type(outcome: &Outcome) -> Option<RecordType> {
    match outcome.job.spec {
        ProbeSpec::Dns { record_type } => Some(record_type),
        _ => None,
    }
}

#[inline(always)]
fn is_ptr(outcome: &Outcome) -> bool {
    matches!(outcome.job.spec, ProbeSpec::Ptr { .. })
}

#[inline(always)]
fn is_confirming(outcome: &Outcome) -> bool {
    matches!(
        outcome.job.spec,
        ProbeSpec::Ptr {
            forward_confirm: true
        }
    )
}

#[inline(always)]
pub(super) fn ptr(outcome: &Outcome) -> Option<&PtrAnswer> {
    match &outcome.answer {
        ProbeAnswer::Ptr(answer) => Some(answer),
        _ => None,
    }
}

#[inline(always)]
fn names(outcome: &Outcome) -> &[Box<str>] {
    ptr(outcome).map_or(&[], |answer| &answer.names)
}

#[inline(always)]
fn ttl(outcome: &Outcome) -> Option<u32> {
    ptr(outcome)?.ttl_s
}

fn confirmed(outcome: &Outcome) -> Option<bool> {
    ptr(outcome)?.confirmation()?.confirmed
}

fn forward(outcome: &Outcome) -> &[(Box<str>, Vec<IpAddr>)] {
    let confirmation = ptr(outcome).and_then(PtrAnswer::confirmation);
    confirmation.map_or(&[], |confirmation| &confirmation.forward)
}

#[inline(always)]
pub(super) fn is_dns(outcome: &Outcome) -> bool {
    matches!(outcome.job.spec, ProbeSpec::Dns { .. })
}

#[inline(always)]
fn records(outcome: &Outcome) -> &[Record] {
    match &outcome.answer {
        ProbeAnswer::Dns(answer) => &answer.records,
        _ => &[],
    }
}
