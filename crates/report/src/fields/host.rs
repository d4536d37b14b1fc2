//! The fields that `http`, `tcp` and `udp` share.

use std::time::Duration;

use canvass_model::{AddressVerdict, Outcome, Phase, Remote, Status, TlsFacts};
use jiff::Timestamp;

use super::common::Error;
use super::value::{
    CsvContext, KeyIfSome, Listed, Object, Second, Sha256, Texts, Word, push_joined,
};
use crate::json::put;
use crate::read::{FromText, LineDraft, Millis};
use crate::write::{push_remote, push_status};

fields! {
    // It is read back by the entry of the same key for `ptr` and `dns`.
    Time: Outcome, |outcome| "," .. "", into LineDraft;

    phases_ms: Object<'_, Phases> = Object(&outcome.phases), csv, "see [phases](#phases)";
}

fields! {
    Phases: canvass_model::Phases, |phases| "{" .. "}", columns "*_ms", into canvass_model::Phases;

    wait: Option<Duration> = phases.span(Phase::Wait), csv,
        read(optional, |phases, span: Option<Millis>| Millis::add_to(phases, Phase::Wait, span)),
        "nothing was in progress: time spent waiting for permits, pacing or descriptors, and in backoff between attempts";
    resolve: Option<Duration> = phases.span(Phase::Resolve), csv,
        read(optional, |phases, span: Option<Millis>| Millis::add_to(phases, Phase::Resolve, span)),
        "the host's addresses were being looked up; null also if the host is an address, `localhost` or a Unix socket, or its addresses were known already";
    connect: Option<Duration> = phases.span(Phase::Connect), csv,
        read(optional, |phases, span: Option<Millis>| Millis::add_to(phases, Phase::Connect, span)),
        "a connection was being opened, from the first connection attempt (RFC 8305) to the one that succeeded; always null for `udp`";
    tls: Option<Duration> = phases.span(Phase::Tls), csv,
        read(optional, |phases, span: Option<Millis>| Millis::add_to(phases, Phase::Tls, span)),
        "the TLS handshake";
    first_byte: Option<Duration> = phases.span(Phase::FirstByte), csv,
        read(optional, |phases, span: Option<Millis>| Millis::add_to(phases, Phase::FirstByte, span)),
        "from when the connection was ready to the first octet received; for a script that receives first it is the time until the peer's greeting; for `udp` it begins when the socket is open; always null for `tcp` without a script";
    transfer: Option<Duration> = phases.span(Phase::Transfer), csv,
        read(optional, |phases, span: Option<Millis>| Millis::add_to(phases, Phase::Transfer, span)),
        "from the first octet received to the last";
}

fields! {
    Tls: TlsFacts, |tls| "{" .. "}", columns "tls_*", into TlsFacts;

    version: Option<&str> = tls.version, csv,
        "`TLSv1.2` or `TLSv1.3`, or the older one that the host chose although it was not offered; null if it chose none";
    cipher: Option<&str> = tls.cipher.as_deref(), json,
        "the cipher suite by its IANA name";
    alpn: Option<&str> = tls.alpn.as_deref(), json,
        "the application protocol negotiated (RFC 7301)";
    verified: Option<bool> = tls.verified, json,
        "whether the chain leads to a trusted root and the certificate is valid for this host at this time; null if no certificate was received, or the handshake failed before it was checked";
    verify_error: Option<&str> = tls.verify_error.as_deref(), json,
        "why it is not";
    subject: Option<&str> = tls.certificate.as_ref().map(|certificate| &*certificate.subject), json,
        "the subject of the host's certificate (RFC 4514)";
    sans: Texts<'_> = Texts(tls.certificate.as_ref().map_or(&[], |certificate| &certificate.subject_alt_names)), json,
        "the names and addresses it is valid for";
    issuer: Option<&str> = tls.certificate.as_ref().map(|certificate| &*certificate.issuer), json,
        "its issuer (RFC 4514)";
    not_before: Option<Second> = tls.certificate.as_ref().map(|certificate| Second(certificate.not_before_s)), json,
        "the first second of its validity (RFC 3339)";
    not_after: Option<Second> = tls.certificate.as_ref().map(|certificate| Second(certificate.not_after_s)), json,
        read(optional, |tls, not_after: Option<FromText<Timestamp>>| {
            if let Some(FromText(not_after)) = not_after {
                tls.certificate.get_or_insert_default().not_after_s = not_after.as_second();
            }
        }),
        "the last second of its validity (RFC 3339)";
    days_left: Option<i64> = tls.certificate.as_ref().map(|certificate| certificate.days_left), csv,
        read(optional, |tls, days_left: Option<i64>| {
            if let Some(days_left) = days_left {
                tls.certificate.get_or_insert_default().days_left = days_left;
            }
        }),
        "whole days from the handshake to `not_after`; if it has expired, minus the whole days since then, and at least one";
    sha256: Option<Sha256<'_>> = tls.certificate.as_ref().map(|certificate| Sha256(&certificate.sha256)), json,
        "the SHA-256 of its DER form, in hexadecimal";
    chain_length: usize = tls.chain_length, json,
        "number of certificates the host sent";
    ocsp_stapled: Option<bool> = tls.ocsp_stapled, json,
        "whether the host sent an OCSP response with its certificate (RFC 6066); null if the handshake did not get as far";
}

fields! {
    Address: AddressVerdict, |address| "{" .. "}";

    remote: &Remote = &address.remote, json, "the address and port";
    outcome: Word = Word(address.verdict.as_str()), json, "as for the line";
    status: Status = address.status, json, "as for the line";
    phases_ms: Object<'_, Phases> = Object(&address.phases), json, "as for the line";
    error: Option<Object<'_, Error>> = address.fault.as_deref().map(Object), json, "as for the line";
    expected: KeyIfSome<&str> = KeyIfSome(address.unmet.as_deref().map(|unmet| &*unmet.expected)), json, "as for the line";
    seen: KeyIfSome<&str> = KeyIfSome(address.unmet.as_deref().map(|unmet| &*unmet.seen)), json, "as for the line";
}

impl Listed for Address {
    fn write_cell(addresses: &[AddressVerdict], out: &mut Vec<u8>, context: &mut CsvContext<'_>) {
        context.quoted(out, |out| {
            push_joined(out, addresses, " ", |out, address| {
                push_remote(out, &address.remote, put);
                put(out, "=");
                push_status(out, address.status);
            });
        });
    }
}

whole_outcome!(Time);
