//! The explanations of statuses.

use canvass_model::Phase;

use super::{Explanation, Kind};

/// Every status that is a word, in the order of the table.
pub(super) fn all() -> impl Iterator<Item = Explanation> {
    STATUSES
        .iter()
        .map(|&(name, phases, meaning, advice)| Explanation {
            name,
            kind: Kind::Status,
            meaning,
            advice,
            phases,
            advice_by_phase: &[],
        })
}

const NOWHERE: &[Phase] = &[];
const DNS: &[Phase] = &[Phase::Dns, Phase::Resolve];
const STREAM: &[Phase] = &[
    Phase::Dns,
    Phase::Connect,
    Phase::Tls,
    Phase::FirstByte,
    Phase::Transfer,
];
const ANSWER: &[Phase] = &[Phase::Dns, Phase::FirstByte, Phase::Transfer];

// Laid out by hand, so that it reads as a table.
#[rustfmt::skip]
const STATUSES: [(&str, &[Phase], &str, &str); 21] = [
    ("OPEN", NOWHERE,
     "The connection was accepted.",
     "Nothing is wrong. To find out which service listens there, use `--talk banner`."),
    ("MATCHED", NOWHERE,
     "The conversation went as the script expects.",
     "Nothing is wrong. `captures` has what the script captured."),
    ("UNMATCHED", NOWHERE,
     "The peer replied, but not as the script expects.",
     "`expected` and `seen` say what was waited for and what came; compare with the `expect`, `match` \
      and `fail` lines of the script. Rejected credentials have this status too."),
    ("TIMEOUT", &[Phase::Wait, Phase::Dns, Phase::Resolve, Phase::Connect, Phase::Tls, Phase::FirstByte, Phase::Transfer],
     "No answer was received in time.",
     "`error.phase` says in which phase; `canvass explain timeout` has advice for each."),
    ("CONNREFUSED", &[Phase::Dns, Phase::Connect],
     "The host answered that nothing listens on the port.",
     "Check on the host that the service runs and on which address it listens (`ss -ltnp`). A \
      firewall that rejects connections looks the same."),
    ("RESET", STREAM,
     "The peer reset the connection, or closed it before its answer was complete.",
     "`error.phase` says in which phase; `canvass explain reset` has advice for each."),
    ("UNREACHABLE", &[Phase::Dns, Phase::Connect],
     "There is no route to the peer, or a router on the path reported that it is unreachable.",
     "`error.errno` distinguishes a missing route (ENETUNREACH) from a missing host (EHOSTUNREACH). \
      Then use `ip route get ADDRESS` and `traceroute`."),
    ("TRUNCATED", ANSWER,
     "The answer is incomplete.",
     "For DNS, allow TCP (`--transport auto`). Otherwise ask again, and check the server's log for a \
      worker that died or a proxy that gave up."),
    ("MALFORMED", ANSWER,
     "The answer could not be parsed.",
     "`error.message` names the offset and the rule. Check whether another protocol is served on the \
      port, or whether a middlebox rewrote the answer."),
    ("LAME", DNS,
     "No DNS server that was asked recurses for this client or serves the name.",
     "`canvass explain lame` has advice. The code of the answer was NOERROR or NXDOMAIN, but such a \
      server may not say either."),
    ("TLS", &[Phase::Tls],
     "The TLS handshake failed, or the certificate is not trusted.",
     "`error.cause` says which; explain that cause. `tls` has the certificate."),
    ("INVALID", &[Phase::Target],
     "The line or argument is not a target.",
     "Correct the input at `line`; `error.message` says what is wrong with it."),
    ("LOCAL", &[Phase::Wait, Phase::Dns, Phase::Resolve, Phase::Connect, Phase::FirstByte, Phase::Transfer],
     "The fault was on this side. It says nothing about the peer.",
     "`error.cause` and `error.errno` say what was missing on this machine: descriptors, ports, memory \
      or a permission."),
    ("NOERROR", NOWHERE,
     "The DNS server answered without an error. With outcome `negative`, the name has no record of \
      the type.",
     "Nothing is wrong. If the outcome is negative, ask for other types of the name."),
    ("NXDOMAIN", NOWHERE,
     "The DNS name does not exist, and nothing below it does.",
     "Check the spelling of the name, then the delegation in the parent zone (`dig +trace`)."),
    ("SERVFAIL", DNS,
     "The resolver could not get a valid answer: the servers of the zone failed, or DNSSEC \
      validation did.",
     "`error.message` and `ede` have the resolver's own explanation, if it sent one. Ask with `--cd`: \
      if there is an answer then, DNSSEC is broken for the zone. Otherwise ask the zone's own \
      servers."),
    ("REFUSED", DNS,
     "The DNS server refuses to answer this client or this question.",
     "Check whether this address may use the resolver, and whether the server is authoritative only. \
      Some refuse if asked too fast: lower `--rate-per-resolver`."),
    ("FORMERR", DNS,
     "The DNS server could not parse the query.",
     "Check for an old server or a firewall that does not support EDNS: `--no-edns` gets an answer \
      then."),
    ("NOTIMP", DNS,
     "The DNS server does not support this kind of query.",
     "Ask for another type, or ask another server: some reject ANY and newer types with this code."),
    ("NOTAUTH", DNS,
     "The DNS server is not authoritative for the zone.",
     "Find the servers that the parent zone delegates to (`dig +trace`) and ask one of those."),
    ("BADVERS", DNS,
     "The DNS server does not support this version of EDNS.",
     "Check the server's software: all implementations in use support version 0."),
];
