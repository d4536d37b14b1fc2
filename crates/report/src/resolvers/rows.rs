//! The rows of a resolver in a table, in a terminal or on a page.

use std::time::Duration;

use canvass_model::{Transport, UpstreamReport, WindowReport};

use super::Resolver;
use crate::human::seconds;

/// The names of the columns.
pub(crate) const HEADING: [&str; 5 + WINDOW_CELLS + 1] = [
    "resolver",
    "sent",
    "answered",
    "timeouts",
    "late",
    "by",
    "rate",
    "limit",
    "in flight",
    "rtt p50",
    "rtt p99",
    "state",
];

/// The number of cells about a window.
const WINDOW_CELLS: usize = 6;

/// How a table formats figures.
pub(crate) struct Style {
    /// A count.
    pub(crate) number: fn(u64) -> String,
    /// A rate per second.
    pub(crate) rate: fn(f64) -> String,
    /// The text where there is no figure.
    pub(crate) none: &'static str,
}

impl Resolver<'_> {
    /// Returns a row, and a second one if both transports were used.
    pub(crate) fn rows(&self, style: &Style) -> Vec<Vec<String>> {
        let (udp, tcp) = (
            self.window(|one| one.udp.as_ref()),
            self.window(|one| one.tcp.as_ref()),
        );
        let mut windows = [(Transport::Udp, udp), (Transport::Tcp, tcp)]
            .into_iter()
            .filter_map(|(transport, window)| Some(cells(&window?, transport, style)));
        let counts: [fn(&UpstreamReport) -> u64; 4] = [
            |one| one.sent,
            |one| one.answered,
            |one| one.timeouts,
            |one| one.late,
        ];
        let mut first = vec![self.address.to_string()];
        first.extend(counts.map(|count| (style.number)(self.sum(count))));
        first.extend(
            windows
                .next()
                .unwrap_or_else(|| [style.none; WINDOW_CELLS].map(str::to_owned)),
        );
        first.push(self.state_text());
        let mut rows = vec![first];
        for cells in windows {
            let mut row = vec![String::new(); 5];
            row.extend(cells);
            row.push(String::new());
            rows.push(row);
        }
        rows
    }
}

fn cells(window: &WindowReport, transport: Transport, style: &Style) -> [String; WINDOW_CELLS] {
    [
        transport.as_str().to_owned(),
        (style.rate)(window.rate_per_second),
        if window.plateau {
            "reached"
        } else {
            "not seen"
        }
        .to_owned(),
        (style.number)(window.in_flight_max.into()),
        round_trip(window.rtt_p50, style),
        round_trip(window.rtt_p99, style),
    ]
}

/// A time that was measured, unless it is zero.
fn round_trip(time: Duration, style: &Style) -> String {
    match time.is_zero() {
        true => style.none.to_owned(),
        false => seconds(time),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolvers::busiest_first;
    use canvass_model::{Health, ShardReport, WindowReport};

    const STYLE: Style = Style {
        number: |number| format!("<{number}>"),
        rate: |rate| format!("{rate} qps"),
        none: "none",
    };

    fn texts(upstream: UpstreamReport) -> Vec<String> {
        let shard = ShardReport {
            upstreams: vec![upstream],
            ..ShardReport::default()
        };
        let shards = [shard];
        let rows = busiest_first(&shards)[0].rows(&STYLE);
        assert!(rows.iter().all(|row| row.len() == HEADING.len()));
        rows.iter().map(|row| row.join("|")).collect()
    }

    #[test]
    fn each_transport_that_was_used_has_a_row() {
        let mut upstream = UpstreamReport {
            health: Health::Good,
            sent: 1000,
            answered: 990,
            timeouts: 10,
            late: 2,
            ..UpstreamReport::new(([192, 0, 2, 1], 53).into())
        };
        assert_eq!(
            texts(upstream.clone()),
            ["192.0.2.1:53|<1000>|<990>|<10>|<2>|none|none|none|none|none|none|good"]
        );
        upstream.tcp = Some(WindowReport {
            rate_per_second: 200.0,
            in_flight_max: 14,
            rtt_p50: Duration::from_millis(2),
            rtt_p99: Duration::from_millis(9),
            ..WindowReport::default()
        });
        assert_eq!(
            texts(upstream.clone()),
            ["192.0.2.1:53|<1000>|<990>|<10>|<2>|tcp|200 qps|not seen|<14>|2.00 ms|9.00 ms|good"]
        );
        upstream.udp = Some(WindowReport {
            plateau: true,
            ..upstream.tcp.unwrap()
        });
        assert_eq!(
            texts(upstream),
            [
                "192.0.2.1:53|<1000>|<990>|<10>|<2>|udp|200 qps|reached|<14>|2.00 ms|9.00 ms|good",
                "|||||tcp|200 qps|not seen|<14>|2.00 ms|9.00 ms|",
            ]
        );
    }
}
