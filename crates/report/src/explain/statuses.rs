//! What each status means.

use canvass_model::Phase;

use super::{Explanation, Kind};

/// Every status with a word of its own, in the order of the table.
pub(super) fn all() -> impl Iterator<Item = Explanation> {
    STATUSES
        .iter()
        .map(|&(name, phases, meaning, look)| Explanation {
            name,
            kind: Kind::Status,
            meaning,
            look,
            phases,
            look_by_phase: &[],
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

// One row of the table is one line or a few: laid out by hand, it can be read down the columns.
#[rustfmt::skip]
const STATUSES: [(&str, &[Phase], &str, &str); 20] = [
    ("OPEN", NOWHERE,
     "The port took the connection.",
     "Nothing is wrong. To learn what listens there, talk to it: `--talk banner`."),
    ("MATCHED", NOWHERE,
     "The conversation went as its script says.",
     "Nothing is wrong. `captures` holds what the script picked out."),
    ("UNMATCHED", NOWHERE,
     "The peer answered, and not as the script expects.",
     "See with `--trace` what it said, then compare that with the `expect` and `fail` lines of the \
      script; credentials that were refused show up here too."),
    ("TIMEOUT", &[Phase::Wait, Phase::Dns, Phase::Resolve, Phase::Connect, Phase::Tls, Phase::FirstByte, Phase::Transfer],
     "Nothing came back in time.",
     "`error.phase` says what was waited for: `canvass explain timeout` has what to look at in each \
      phase."),
    ("CONNREFUSED", &[Phase::Dns, Phase::Connect],
     "The host answered that nothing listens on the port.",
     "See on the host whether the service runs and on which address it listens (`ss -ltnp`); a \
      firewall that rejects looks the same."),
    ("RESET", STREAM,
     "The peer broke the connection off.",
     "`error.phase` says when: `canvass explain reset` has what to look at in each phase."),
    ("UNREACHABLE", &[Phase::Dns, Phase::Connect],
     "There is no way to the peer, or a router on the way said so.",
     "`error.errno` tells no route from here (ENETUNREACH) from a host that is gone (EHOSTUNREACH); \
      then `ip route get ADDRESS` and `traceroute`."),
    ("TRUNCATED", ANSWER,
     "The answer did not come whole.",
     "For DNS, allow TCP (`--transport auto`); elsewhere ask again and look in the server's log for \
      a worker that died or a proxy that gave up in the middle."),
    ("MALFORMED", ANSWER,
     "The answer could not be read.",
     "`error.message` names the offset and the rule; look whether another protocol listens on the \
      port, or a middlebox rewrote the answer."),
    ("TLS", &[Phase::Tls],
     "TLS could not be agreed on, or the certificate is not to be trusted.",
     "`error.cause` says which, and `tls` has the certificate that was shown: explain that cause."),
    ("INVALID", &[Phase::Target],
     "The line or argument is no target.",
     "Correct the input at `line`; `error.message` says what is wrong with it."),
    ("LOCAL", &[Phase::Wait, Phase::Dns, Phase::Resolve, Phase::Connect, Phase::FirstByte, Phase::Transfer],
     "The fault was on this side; it says nothing of the peer.",
     "`error.cause` and `error.errno` say what this machine lacked: descriptors, ports, memory or a \
      permission."),
    ("NOERROR", NOWHERE,
     "The DNS server answered without an error; with outcome `negative` the name has no record of \
      the type.",
     "Nothing is wrong. For a negative, ask for other types of the name before calling it missing."),
    ("NXDOMAIN", NOWHERE,
     "The DNS name does not exist, and nothing below it does.",
     "Look for a slip in the name, then at the parent zone's delegation (`dig +trace`)."),
    ("SERVFAIL", DNS,
     "The resolver could not get an answer it may give: its own servers failed, or DNSSEC \
      validation did.",
     "Ask with `dig +cd`: an answer then means DNSSEC is broken for the zone; otherwise ask the \
      zone's own servers."),
    ("REFUSED", DNS,
     "The DNS server will not answer this client or this question.",
     "See whether this address may use the resolver, and whether the server is authoritative only; \
      some refuse when asked too fast, so lower `--rate-per-resolver`."),
    ("FORMERR", DNS,
     "The DNS server could not read the query.",
     "Look for an old server or a firewall that cannot bear EDNS: `dig +noedns` answers then."),
    ("NOTIMP", DNS,
     "The DNS server does not do this kind of query.",
     "Ask for another type, or another server: some refuse ANY and newer types this way."),
    ("NOTAUTH", DNS,
     "The DNS server is not authoritative for the zone.",
     "See which servers the parent names for the zone (`dig +trace`) and ask one of those."),
    ("BADVERS", DNS,
     "The DNS server does not speak this version of EDNS.",
     "Look at the server's software; all versions in use speak version 0."),
];
