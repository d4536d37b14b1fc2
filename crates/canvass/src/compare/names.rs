//! What the sides are called.

use canvass_model::{ShardReport, UpstreamReport, WindowReport};
use canvass_proto::TransportPolicy;
use canvass_run::Plan;

use super::sides::Asks;
use crate::plan::Other;

/// Whether sides that are canvass are told apart by whom they ask: where it is not the transport.
pub(super) fn tell_resolvers(first: &Plan, others: &[Other]) -> bool {
    others.iter().any(|other| match other {
        Other::Engine(other) => !differ(first, other),
        Other::System { .. } => false,
    })
}

/// Whether two sides differ in their transport: `auto` is UDP until an answer does not fit.
pub(super) fn differ(one: &Plan, other: &Plan) -> bool {
    let is_tcp = |plan: &Plan| plan.transport() == TransportPolicy::Tcp;
    is_tcp(one) != is_tcp(other)
}

/// `canvass (udp, window 412)`: how it asked, and how much the windows of all its resolvers
/// allowed in flight.
pub(super) fn engine(
    who: &str,
    plan: &Plan,
    reports: &[ShardReport],
    tells_resolver: bool,
) -> String {
    let upstreams = || reports.iter().flat_map(|report| &report.upstreams);
    let window = |pick: fn(&UpstreamReport) -> Option<WindowReport>| {
        upstreams()
            .filter_map(pick)
            .map(|window| u64::from(window.in_flight_max))
            .sum::<u64>()
    };
    let (udp, tcp) = (window(|one| one.udp), window(|one| one.tcp));
    let (transport, window) = match (udp, tcp) {
        (0, tcp) if plan.transport() == TransportPolicy::Tcp => ("tcp", tcp),
        (udp, 0) => ("udp", udp),
        (udp, tcp) => ("udp and tcp", udp + tcp),
    };
    match plan.resolvers() {
        [one] if tells_resolver => format!("{who} ({transport}, {one}, window {window})"),
        many if tells_resolver => format!(
            "{who} ({transport}, {} resolvers, window {window})",
            many.len()
        ),
        _ => format!("{who} ({transport}, window {window})"),
    }
}

/// `getnameinfo, one at a time`.
pub(super) fn system(asks: Asks, threads: usize) -> String {
    let call = match asks {
        Asks {
            names: true,
            addresses: true,
        } => "getnameinfo and getaddrinfo",
        Asks {
            addresses: true, ..
        } => "getaddrinfo",
        Asks { .. } => "getnameinfo",
    };
    match threads {
        1 => format!("{call}, one at a time"),
        threads => format!("{call}, {threads} threads"),
    }
}
