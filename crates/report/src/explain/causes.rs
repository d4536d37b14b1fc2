//! What each cause means.

use canvass_model::{Cause, Phase};

use super::{Explanation, Kind};

/// The explanation of `cause`.
pub(super) fn explanation(cause: Cause) -> Explanation {
    let entry = entry(cause);
    Explanation {
        name: cause.as_str(),
        kind: Kind::Cause(cause),
        meaning: entry.meaning,
        look: entry.look,
        phases: entry.phases,
        look_by_phase: entry.look_by_phase,
    }
}

struct Entry {
    phases: &'static [Phase],
    meaning: &'static str,
    look: &'static str,
    look_by_phase: &'static [(Phase, &'static str)],
}

const fn plain(phases: &'static [Phase], meaning: &'static str, look: &'static str) -> Entry {
    Entry {
        phases,
        meaning,
        look,
        look_by_phase: &[],
    }
}

use Phase::{Connect, Dns, FirstByte, Resolve, Target, Tls, Transfer, Wait};

// A match, so that a new cause is noticed.
fn entry(cause: Cause) -> Entry {
    match cause {
        Cause::Timeout => TIMEOUT,
        Cause::Reset => RESET,
        Cause::Closed => CLOSED,
        Cause::Malformed => MALFORMED,
        Cause::Invalid => plain(
            &[Target],
            "The input was no target.",
            "Correct the line the outcome names; the message says what is wrong with it.",
        ),
        Cause::Refused => plain(
            &[Dns, Connect, FirstByte],
            "The host answered at once that nothing listens on the port.",
            "See on the host whether the service runs and on which address and port (`ss -ltnp`). \
             A firewall that rejects looks the same, and so does a listener whose backlog is full \
             where the system is told to refuse then.",
        ),
        Cause::Unreachable => plain(
            &[Dns, Connect, FirstByte],
            "There is no way to the peer, or a router or the peer's own network said so.",
            "Follow the route: `ip route get ADDRESS`, then `traceroute`. If only IPv6 fails, this \
             machine may have an address without a working route.",
        ),
        Cause::Truncated => plain(
            &[Dns, FirstByte, Transfer],
            "The answer did not come whole: it did not fit, or the peer ended the connection in \
             the middle of it.",
            "Ask again and compare how far it got; the same place each time is a wrong \
             Content-Length or a proxy's limit, a different one a worker that dies. For DNS, allow \
             TCP.",
        ),
        Cause::Oversize => plain(
            &[FirstByte, Transfer],
            "The answer is larger than was allowed.",
            "Raise `--body-max` or `--head-max` if the size is meant. A small body that decodes to \
             a huge one is a decompression bomb or a mistake at the server.",
        ),
        Cause::Coding => plain(
            &[Transfer],
            "The content coding of the answer is broken, or is one that was not offered.",
            "Fetch it without coding (`-H 'Accept-Encoding: identity'`): if that works, look at \
             what compresses at the server, often a proxy that does it twice.",
        ),
        Cause::Redirect => plain(
            &[FirstByte, Transfer],
            "There were more redirects than were to be followed, or one leads nowhere.",
            "Read `redirects` on the line: a loop between http and https, or between two names, is \
             usual. Raise `--follow` if the chain is meant.",
        ),
        Cause::Rcode => plain(
            &[Dns, Resolve],
            "The DNS server answered with a code that settles nothing, such as SERVFAIL or \
             REFUSED.",
            "Explain that code, then ask another resolver and the zone's own servers with `dig \
             +trace`.",
        ),
        Cause::NxDomain => plain(
            &[Resolve],
            "The name of the host does not exist.",
            "Look for a slip in the name and for a search domain that is missing here. If it \
             should exist, compare this resolver with another one and with the zone's own servers.",
        ),
        Cause::NoData => plain(
            &[Resolve],
            "The name of the host exists and has no address.",
            "See whether the name has records of other kinds only (`dig NAME MX`). A CNAME that \
             leads to a name without addresses looks the same.",
        ),
        Cause::Expired => plain(
            &[Tls],
            "The time of the certificate is over.",
            "Renew the certificate, and see that the server has loaded the new one; `tls.not_after` \
             says when it ended. If every host seems expired, look at this machine's clock.",
        ),
        Cause::NotYetValid => plain(
            &[Tls],
            "The time of the certificate has not begun.",
            "Compare the clocks of this machine and of the one that signed it; `tls.not_before` \
             says when it begins.",
        ),
        Cause::WrongHost => plain(
            &[Tls],
            "The certificate is for other hosts than the one that was asked.",
            "Compare `tls.sans` with the name in the URL. A server's default certificate shows up \
             where it does not know the name (SNI), or where the address is an old one.",
        ),
        Cause::UnknownIssuer => plain(
            &[Tls],
            "No root that is trusted here signed the certificate.",
            "If `tls.chain_length` is 1, the server most likely leaves out its intermediate. \
             Otherwise it signed itself or a private authority did: give that with `--cacert`.",
        ),
        Cause::BadCertificate => plain(
            &[Tls],
            "The certificate is not what it should be in another way: not readable, not for \
             servers, badly signed.",
            "The message has the reason. Look at it with `openssl x509 -text` and have it issued \
             again.",
        ),
        Cause::Alert => plain(
            &[Tls],
            "The peer ended the handshake with a TLS alert.",
            "The message names the alert: `handshake_failure` and `protocol_version` mean nothing \
             in common, `unrecognized_name` an unknown host, `certificate_required` a client \
             certificate it wants. The server's log has its side.",
        ),
        Cause::Handshake => plain(
            &[Tls],
            "The peer does not speak TLS, or none that is spoken here.",
            "Ask without TLS: a plain service on that port answers then. If it does speak TLS, it \
             may be older than TLS 1.2.",
        ),
        Cause::Descriptors => plain(
            &[Wait, Connect],
            "No descriptor was left on this machine for a socket.",
            "Raise the limit (`ulimit -n`, `fs.file-max`), or lower `--concurrency`. It says \
             nothing of the peer.",
        ),
        Cause::Ports => plain(
            &[Wait, Connect],
            "No local port was left for another connection to that peer.",
            "Widen `net.ipv4.ip_local_port_range`, set `net.ipv4.tcp_tw_reuse`, ask from more \
             addresses, or slower. It says nothing of the peer.",
        ),
        Cause::System => plain(
            &[Wait, Dns, Resolve, Connect, Tls, FirstByte, Transfer],
            "This machine's system would not send, or would not open a socket.",
            "Explain the errno of the line. Usual are a local firewall (EPERM), a missing address \
             (EADDRNOTAVAIL) and a lack of memory (ENOBUFS).",
        ),
        Cause::Interrupted => plain(
            &[Wait, Dns, Resolve, Connect, Tls, FirstByte, Transfer],
            "The run was stopped before the target was done.",
            "Nothing is wrong with the target: ask it again, or go on from the journal with \
             `--resume`.",
        ),
    }
}

const TIMEOUT: Entry = Entry {
    phases: &[Wait, Dns, Resolve, Connect, Tls, FirstByte, Transfer],
    meaning: "Nothing came back in time.",
    look: "See in which phase the time went: each has reasons of its own.",
    look_by_phase: &[
        (
            Wait,
            "The deadline ended while the target waited for its turn: lower the load or raise \
             `--deadline`.",
        ),
        (
            Dns,
            "No resolver answered: ask one by hand with `dig @ADDRESS NAME`. A name that times out \
             everywhere has servers that are gone.",
        ),
        (
            Resolve,
            "The resolvers gave no answer for the host's name: ask one with `dig @ADDRESS NAME`, \
             and give another with `-r`.",
        ),
        (
            Connect,
            "Nobody answered the SYN: a firewall that drops, a host that is down, or a full accept \
             queue (`ss -ltn` on the host). `tcptraceroute` shows how far it gets.",
        ),
        (
            Tls,
            "The port is open and the handshake stalls: it may not be a TLS port, the server may \
             be out of CPU, or large packets are lost on the way (path MTU). Try `openssl s_client`.",
        ),
        (
            FirstByte,
            "The connection stands and no answer comes: look at the application behind it and at \
             its queue, or at a server that waits for more than it was sent.",
        ),
        (
            Transfer,
            "The answer began and stalled, or trickles: look at packet loss and path MTU, at a \
             rate limit, and at what produces the rest of it.",
        ),
    ],
};

const RESET: Entry = Entry {
    phases: &[Dns, Connect, Tls, FirstByte, Transfer],
    meaning: "The peer, or something that speaks in its name, broke the connection off.",
    look: "See in which phase it came, and in the peer's log whether it knows of it: if it does \
           not, a firewall or load balancer on the way sent the reset.",
    look_by_phase: &[
        (
            Connect,
            "The connection was cut while it was being opened: a firewall that resets, or a \
             balancer without a live backend.",
        ),
        (
            Tls,
            "The connection was cut in the handshake: a middlebox that filters by host name (SNI), \
             or a server that dislikes what was offered.",
        ),
        (
            FirstByte,
            "The peer cut the connection without an answer: a service that crashed on the request, \
             a full one that sheds load, or a filter on what was asked.",
        ),
        (
            Transfer,
            "The peer cut the connection within its answer: a worker that was killed, a proxy's \
             timeout, or a peer that closed with octets of ours unread.",
        ),
    ],
};

const CLOSED: Entry = Entry {
    phases: &[Dns, Tls, FirstByte, Transfer],
    meaning: "The peer closed the connection in good order before its answer was there.",
    look: "Look in the peer's log why it gave up: a limit on connections, an access list, or a \
           wait for more than it was sent.",
    look_by_phase: &[
        (
            Tls,
            "The peer hung up in the handshake: a plain service, or one that wants another host \
             name (SNI).",
        ),
        (
            FirstByte,
            "The peer hung up without an answer: an access list such as tcp wrappers, a limit on \
             connections, or a service that expects TLS.",
        ),
    ],
};

const MALFORMED: Entry = Entry {
    phases: &[Dns, Tls, FirstByte, Transfer],
    meaning: "The answer breaks the rules of its protocol and could not be read.",
    look: "The message names the offset and the rule; `--trace` shows what came. Another protocol \
           on the port, a broken proxy and a captive portal are usual.",
    look_by_phase: &[(
        Transfer,
        "The head of the answer was good and its body is not: look at chunked framing, usually a \
         proxy or an application that writes it by hand.",
    )],
};
