//! The names of the sides.

use canvass_model::{ShardReport, UpstreamReport, WindowReport};
use canvass_proto::TransportPolicy;
use canvass_run::Plan;

use super::sides::QuestionKinds;
use crate::plan::Other;

/// Whether names must show the resolvers: two sides are canvass with the same transport.
pub(super) fn shows_resolvers(first: &Plan, others: &[Other]) -> bool {
    others.iter().any(|other| match other {
        Other::Engine(other) => !transports_differ(first, other),
        Other::System { .. } => false,
    })
}

/// Whether two plans differ in their transport.
pub(super) fn transports_differ(one: &Plan, other: &Plan) -> bool {
    one.transport() != other.transport()
}

/// The name of a canvass side, such as `canvass (udp, window 412)`: the transport, and the sum of the
/// windows of its resolvers.
pub(super) fn engine(
    label: &str,
    plan: &Plan,
    reports: &[ShardReport],
    shows_resolvers: bool,
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
        [one] if shows_resolvers => format!("{label} ({transport}, {one}, window {window})"),
        many if shows_resolvers => format!(
            "{label} ({transport}, {} resolvers, window {window})",
            many.len()
        ),
        _ => format!("{label} ({transport}, window {window})"),
    }
}

/// The name of a libc side, such as `getnameinfo, one at a time`.
pub(super) fn system(kinds: QuestionKinds, threads: usize) -> String {
    let call = match kinds {
        QuestionKinds {
            names: true,
            addresses: true,
        } => "getnameinfo and getaddrinfo",
        QuestionKinds {
            addresses: true, ..
        } => "getaddrinfo",
        QuestionKinds { .. } => "getnameinfo",
    };
    match threads {
        1 => format!("{call}, one at a time"),
        threads => format!("{call}, {threads} threads"),
    }
}
