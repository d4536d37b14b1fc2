//! The explanations of causes.

use canvass_model::{Cause, Phase};

use super::{Explanation, Kind};

/// The explanation of `cause`.
pub(super) fn explanation(cause: Cause) -> Explanation {
    let entry = entry(cause);
    Explanation {
        name: cause.as_str(),
        kind: Kind::Cause(cause),
        meaning: entry.meaning,
        advice: entry.advice,
        phases: entry.phases,
        advice_by_phase: entry.advice_by_phase,
    }
}

struct Entry {
    phases: &'static [Phase],
    meaning: &'static str,
    advice: &'static str,
    advice_by_phase: &'static [(Phase, &'static str)],
}

const fn plain(phases: &'static [Phase], meaning: &'static str, advice: &'static str) -> Entry {
    Entry {
        phases,
        meaning,
        advice,
        advice_by_phase: &[],
    }
}

use Phase::{Connect, Dns, FirstByte, Resolve, Target, Tls, Transfer, Wait};

// A match, so that a new cause must be added here.
fn entry(cause: Cause) -> Entry {
    match cause {
        Cause::Timeout => TIMEOUT,
        Cause::Reset => RESET,
        Cause::Closed => CLOSED,
        Cause::Malformed => MALFORMED,
        Cause::Invalid => plain(
            &[Target],
            "The input was not a target.",
            "Correct the input at `line`; the message says what is wrong with it.",
        ),
        Cause::Refused => plain(
            &[Dns, Connect, FirstByte],
            "The host answered at once that nothing listens on the port.",
            "Check on the host that the service runs and on which address and port it listens (`ss \
             -ltnp`). A firewall that rejects connections looks the same, and so does a listener \
             with a full backlog if the system is configured to refuse then.",
        ),
        Cause::Unreachable => plain(
            &[Dns, Connect, FirstByte],
            "There is no route to the peer, or a router reported that it is unreachable.",
            "Check the route with `ip route get ADDRESS`, then `traceroute`. If only IPv6 fails, this \
             machine may have an IPv6 address without a working route.",
        ),
        Cause::Truncated => plain(
            &[Dns, FirstByte, Transfer],
            "The answer is incomplete: it did not fit, or the peer closed the connection in the \
             middle of it.",
            "Ask again and compare how much was received. The same amount each time indicates a \
             wrong Content-Length or the limit of a proxy, different amounts a worker that dies. \
             For DNS, allow TCP.",
        ),
        Cause::Oversize => plain(
            &[FirstByte, Transfer],
            "The answer is larger than a limit.",
            "If the size is expected, raise the limit that the message names: `--body-max`, \
             `--head-max`, `--head-lines-max`, `--interim-max` or `--codings-max`. A small body that \
             decodes to a huge one is a decompression bomb or an error of the server.",
        ),
        Cause::Coding => plain(
            &[Transfer],
            "The content coding of the answer is malformed, or with `--strict-http` unknown.",
            "Request it without coding (`-H 'Accept-Encoding: identity'`). If that works, check what \
             compresses the answer; often a proxy does it a second time.",
        ),
        Cause::Redirect => plain(
            &[FirstByte, Transfer],
            "There were more redirects than the limit, or one has no valid destination.",
            "Check `redirects` of the line: loops between http and https or between two names are \
             common. Raise `--follow` if the chain is intended.",
        ),
        Cause::Proxy => plain(
            &[Connect],
            "The proxy did not open the connection: it refuses, wants a user and a password, or could \
             not reach the server. The message has its answer.",
            "Try the proxy alone: `curl -v -x PROXY URL`. Check whether it permits this host and port \
             (many permit CONNECT to port 443 only), and the user and the password in `--proxy`.",
        ),
        Cause::Rcode => plain(
            &[Dns, Resolve],
            "The DNS server answered with an error code, such as SERVFAIL or REFUSED.",
            "Explain that code, then ask another resolver and the zone's own servers with `dig \
             +trace`.",
        ),
        Cause::Lame => plain(
            &[Dns, Resolve],
            "The DNS server does not recurse for this client, and does not serve the name: it referred \
             to other servers, or answered with nothing.",
            "Ask a server that recurses, or one that serves the zone (`dig +trace` shows which). To \
             see the referral itself, ask with `--no-recurse --sections`.",
        ),
        Cause::NxDomain => plain(
            &[Resolve],
            "The name of the host does not exist.",
            "Check the spelling of the name; search domains are not applied. If it should exist, \
             compare this resolver with another one and with the zone's own servers.",
        ),
        Cause::NoData => plain(
            &[Resolve],
            "The name of the host exists, but has no address.",
            "Check whether the name has only records of other types (`dig NAME MX`). A CNAME to a \
             name without addresses looks the same.",
        ),
        Cause::Expired => plain(
            &[Tls],
            "The certificate has expired.",
            "Renew the certificate, and check that the server has loaded the new one; `tls.not_after` \
             says when it expired. If all certificates seem to have expired, check the clock of \
             this machine.",
        ),
        Cause::NotYetValid => plain(
            &[Tls],
            "The certificate is not valid yet.",
            "Compare the clocks of this machine and of the certificate authority; `tls.not_before` \
             says when it becomes valid.",
        ),
        Cause::WrongHost => plain(
            &[Tls],
            "The certificate is not valid for the host in the URL or target.",
            "Compare `tls.sans` with the name that was asked. A server that does not know the name \
             (SNI) sends its default certificate; the address may also be outdated.",
        ),
        Cause::UnknownIssuer => plain(
            &[Tls],
            "The certificate does not chain to a root that is trusted here.",
            "If `tls.chain_length` is 1, the server probably does not send its intermediate \
             certificate. Otherwise it is self-signed or issued by a private authority: give that \
             with `--cacert`.",
        ),
        Cause::WeakKey => plain(
            &[Tls],
            "The RSA key of the certificate, or of an issuer in its chain, is shorter than 2,048 bits.",
            "Such a key can be factored, so a signature with it proves nothing. The message says whose \
             key it is. Make a new key of at least 2,048 bits, or one of ECDSA, and have the \
             certificate reissued for it.",
        ),
        Cause::BadCertificate => plain(
            &[Tls],
            "The certificate is invalid for another reason: malformed, not for servers, signed with \
             an algorithm that is not accepted, or with a bad signature.",
            "The message has the reason. Inspect the certificate with `openssl x509 -text` and have \
             it reissued.",
        ),
        Cause::Alert => plain(
            &[Tls],
            "The peer ended the handshake with a TLS alert.",
            "The message names the alert and what was offered. `handshake_failure` and \
             `protocol_version` mean that there is no common version or cipher suite (offered are TLS \
             1.2 and 1.3, with ECDHE and AEAD ciphers), `unrecognized_name` that the host is unknown, \
             `certificate_required` that a client certificate is required. Check the server's log.",
        ),
        Cause::Handshake => plain(
            &[Tls],
            "The peer does not speak TLS, chose what was not offered, or exceeds a limit of this side.",
            "The message says which. If it is not TLS, ask without: a plain-text service answers then. \
             Otherwise the peer may support only versions before TLS 1.2; `tls` has its certificate \
             where the handshake shows it.",
        ),
        Cause::Descriptors => plain(
            &[Wait, Dns, Resolve, Connect],
            "No descriptor was left on this machine for a socket.",
            "Raise the limit (`ulimit -n`, `fs.file-max`) or lower `--concurrency`. It says nothing \
             about the peer.",
        ),
        Cause::Ports => plain(
            &[Wait, Dns, Resolve, Connect],
            "No local port was left for a socket to that peer.",
            "Widen `net.ipv4.ip_local_port_range`, set `net.ipv4.tcp_tw_reuse`, use more local \
             addresses or a lower rate. It says nothing about the peer.",
        ),
        Cause::System => plain(
            &[Wait, Dns, Resolve, Connect, Tls, FirstByte, Transfer],
            "The system of this machine failed to send or to open a socket.",
            "Explain the errno of the line. Common reasons are a local firewall (EPERM) and a lack of \
             buffers (ENOBUFS) or memory (ENOMEM).",
        ),
        Cause::Interrupted => plain(
            &[Wait, Dns, Resolve, Connect, Tls, FirstByte, Transfer],
            "The run was stopped before the target was finished.",
            "Nothing is wrong with the target: ask it again.",
        ),
        Cause::Quarantined => plain(
            &[Wait],
            "Three workers of a campaign were lost while they had this target, so it was not given to \
             another one.",
            "Run the target without `--workers` on a machine where you can see how it ends, and report \
             it.",
        ),
        Cause::Denied => plain(
            &[Wait, Connect],
            "The address is not among those that this machine may send to, so nothing was sent.",
            "The message names the address. If it should be asked, restart the worker with an `--allow` \
             that includes it. It may come from the target, a name, a redirect, a proxy or a resolver.",
        ),
    }
}

const TIMEOUT: Entry = Entry {
    phases: &[Wait, Dns, Resolve, Connect, Tls, FirstByte, Transfer],
    meaning: "No answer was received in time.",
    advice: "Check in which phase the time was spent; each has its own reasons.",
    advice_by_phase: &[
        (
            Wait,
            "The deadline passed while the target was waiting to be sent: lower the load or raise \
             `--deadline`.",
        ),
        (
            Dns,
            "No resolver answered: ask one with `dig @ADDRESS NAME`. If a name times out at every \
             resolver, the servers of its zone do not respond.",
        ),
        (
            Resolve,
            "The resolvers gave no answer for the host's name: ask one with `dig @ADDRESS NAME`, \
             and give another with `-r`.",
        ),
        (
            Connect,
            "No answer to the SYN: a firewall that drops packets, a host that is down, or a full accept \
             queue (`ss -ltn` on the host). `tcptraceroute` shows how far packets get.",
        ),
        (
            Tls,
            "The port is open, but the handshake stalls: it may not be a TLS port, the server may \
             be out of CPU, or large packets are lost (path MTU). Try `openssl s_client`.",
        ),
        (
            FirstByte,
            "The connection is open, but there is no answer: check the application and its queue, or \
             whether the server waits for more input.",
        ),
        (
            Transfer,
            "The answer started and then stalled, or is very slow: check for packet loss, path MTU, \
             a rate limit, and the application that produces it.",
        ),
    ],
};

const RESET: Entry = Entry {
    phases: &[Dns, Connect, Tls, FirstByte, Transfer],
    meaning: "The peer, or a device on the path, reset the connection.",
    advice: "Check the phase, and the log of the peer. If the peer does not know of the reset, a \
           firewall or load balancer on the path sent it.",
    advice_by_phase: &[
        (
            Connect,
            "Reset while the connection was being opened: a firewall that sends resets, or a load \
             balancer without a live backend.",
        ),
        (
            Tls,
            "Reset during the handshake: a middlebox that filters by host name (SNI), or a server \
             that does not accept what was offered.",
        ),
        (
            FirstByte,
            "Reset before any answer: a service that crashed on the request or sheds load, or a \
             device that filters requests.",
        ),
        (
            Transfer,
            "Reset within the answer: a worker that was killed, the timeout of a proxy, or a peer \
             that closed the connection with unread data.",
        ),
    ],
};

const CLOSED: Entry = Entry {
    phases: &[Dns, Tls, FirstByte, Transfer],
    meaning: "The peer closed the connection normally before its answer was complete.",
    advice: "Check the log of the peer: a limit on connections, an access list, or a timeout while it \
           waited for more input.",
    advice_by_phase: &[
        (
            Tls,
            "Closed during the handshake: a plain-text service, or one that requires another host \
             name (SNI).",
        ),
        (
            FirstByte,
            "Closed without an answer: an access list such as TCP wrappers, a limit on connections, \
             or a service that expects TLS.",
        ),
    ],
};

const MALFORMED: Entry = Entry {
    phases: &[Dns, Tls, FirstByte, Transfer],
    meaning: "The answer violates its protocol and could not be parsed.",
    advice: "The message names the offset and the rule; `--trace` shows what was received. Common \
           reasons are another protocol on the port, a broken proxy or a captive portal.",
    advice_by_phase: &[(
        Transfer,
        "The header of the answer is valid, but its body is not: check the chunked framing, which \
         some proxies and applications write themselves.",
    )],
};
