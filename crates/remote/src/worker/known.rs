//! What the workers of a campaign have found of the limits of resolvers, divided among them.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use canvass_model::{Transport, UpstreamReport, WindowReport};
use canvass_run::KnownWindow;

use super::report::WorkerReport;
use crate::broker::WorkerState;

/// What live workers have found together of one resolver over one transport.
#[derive(Default)]
struct Found {
    in_flight: u32,
    rate_per_second: f64,
}

/// The part of each worker of what all live ones have found, so that one that joins does not find it out
/// again by asking too much.
pub(super) fn known(workers: &[WorkerState]) -> Vec<KnownWindow> {
    let live: Vec<&WorkerState> = workers.iter().filter(|worker| worker.is_alive).collect();
    let count = live.len().max(1) as u32;
    let mut lanes: BTreeMap<(SocketAddr, bool), Found> = BTreeMap::new();
    for report in live
        .iter()
        .filter_map(|worker| WorkerReport::decode(&worker.report))
    {
        for upstream in &report.shard.upstreams {
            for (is_udp, window) in windows(upstream) {
                let found = lanes.entry((upstream.address, is_udp)).or_default();
                found.rate_per_second += window.rate_per_second;
                found.in_flight += window.in_flight_limit.unwrap_or_default();
            }
        }
    }
    lanes
        .into_iter()
        .map(|((resolver, is_udp), found)| KnownWindow {
            resolver,
            transport: if is_udp {
                Transport::Udp
            } else {
                Transport::Tcp
            },
            in_flight: (found.in_flight > 0).then(|| (found.in_flight / count).max(1)),
            rate_per_second: (found.rate_per_second > 0.0)
                .then(|| found.rate_per_second / f64::from(count)),
        })
        .collect()
}

fn windows(upstream: &UpstreamReport) -> impl Iterator<Item = (bool, &WindowReport)> {
    let udp = upstream.udp.as_ref().map(|window| (true, window));
    let tcp = upstream.tcp.as_ref().map(|window| (false, window));
    udp.into_iter().chain(tcp)
}

#[cfg(test)]
mod tests {
    use canvass_model::ShardReport;

    use super::*;
    use crate::broker::WorkerName;

    fn worker(is_alive: bool, in_flight_limit: Option<u32>) -> WorkerState {
        let mut upstream = UpstreamReport::new(([192, 0, 2, 53], 53).into());
        upstream.udp = Some(WindowReport {
            rate_per_second: 1_000.0,
            in_flight_limit,
            ..WindowReport::default()
        });
        let report = WorkerReport {
            shard: ShardReport {
                upstreams: vec![upstream],
                ..ShardReport::default()
            },
            ..WorkerReport::default()
        };
        WorkerState {
            name: WorkerName("a".into()),
            is_alive,
            report: report.encode(),
        }
    }

    #[test]
    fn a_worker_that_joins_gets_its_part_of_what_the_others_have_found() {
        let joined = WorkerState {
            report: WorkerReport::default().encode(),
            ..worker(true, None)
        };
        let all = [worker(true, Some(150)), worker(false, Some(900)), joined];
        let known = known(&all);
        assert_eq!(known.len(), 1);
        assert_eq!(known[0].in_flight, Some(75));
        assert_eq!(known[0].rate_per_second, Some(500.0));
    }

    #[test]
    fn nothing_is_known_of_a_limit_that_nobody_has_found() {
        let known = known(&[worker(true, None)]);
        assert_eq!(
            (known[0].in_flight, known[0].rate_per_second),
            (None, Some(1_000.0))
        );
    }
}
