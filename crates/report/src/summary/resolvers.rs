//! What each resolver's window learned, over all shards.

use std::collections::HashMap;
use std::fmt::Write;
use std::net::SocketAddr;
use std::time::Duration;

use canvass_model::{Health, ShardReport, Transport, UpstreamReport, WindowReport};

use crate::human::{count, rate, seconds, table};

/// Resolvers with a line of their own, and addresses named in a group.
const SHOWN_MAX: usize = 10;

/// Appends a table of the busiest resolvers, and the bad ones by group where the table does not
/// hold all.
pub(super) fn write(shards: &[ShardReport], out: &mut String) -> std::fmt::Result {
    let mut resolvers = merged(shards);
    if resolvers.is_empty() {
        return Ok(());
    }
    // Stable, so that equally busy ones stay in the order they were given.
    resolvers.sort_by_key(|resolver| std::cmp::Reverse(resolver.sent));
    let all_shown = resolvers.len() <= SHOWN_MAX;
    write!(
        out,
        "{}",
        count(resolvers.len() as u64, "resolver", "resolvers")
    )?;
    if all_shown {
        writeln!(out)?;
    } else {
        writeln!(out, ", the {SHOWN_MAX} busiest")?;
    }
    let heading = [
        "",
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
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    for resolver in resolvers.iter().take(SHOWN_MAX) {
        resolver.push_rows(&mut rows);
    }
    table(out, &rows);
    if !all_shown {
        write_groups(&resolvers, out)?;
    }
    write_oddities(&resolvers, out)
}

/// One resolver, all shards together.
struct Resolver {
    address: SocketAddr,
    shards: u64,
    dead_in: u64,
    lying_in: u64,
    unused_in: u64,
    benched: u64,
    sent: u64,
    answered: u64,
    timeouts: u64,
    late: u64,
    refused: u64,
    servfail: u64,
    truncated: u64,
    mismatched: u64,
    errors: u64,
    queries_per_connection: Option<u32>,
    udp: Option<Window>,
    tcp: Option<Window>,
}

/// What the shards' windows learned together. Rates and what is in flight add up. Percentiles
/// do not: the median is the mean of the shards' medians, weighted by their answers, and the
/// 99th percentile is the worst of theirs.
#[derive(Default)]
struct Window {
    rate_per_second: f64,
    in_flight_max: u64,
    plateau: bool,
    weighted_p50_s: f64,
    weight: f64,
    rtt_p99: Duration,
}

/// How a resolver stood at the end, the worst first.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Lying,
    Dead,
    Recovered,
    Unused,
    Good,
}

fn merged(shards: &[ShardReport]) -> Vec<Resolver> {
    let mut places = HashMap::new();
    let mut resolvers: Vec<Resolver> = Vec::new();
    for report in shards.iter().flat_map(|shard| &shard.upstreams) {
        let place = *places.entry(report.address).or_insert(resolvers.len());
        if place == resolvers.len() {
            resolvers.push(Resolver::new(report.address));
        }
        resolvers[place].add(report);
    }
    resolvers
}

impl Resolver {
    fn new(address: SocketAddr) -> Self {
        Self {
            address,
            shards: 0,
            dead_in: 0,
            lying_in: 0,
            unused_in: 0,
            benched: 0,
            sent: 0,
            answered: 0,
            timeouts: 0,
            late: 0,
            refused: 0,
            servfail: 0,
            truncated: 0,
            mismatched: 0,
            errors: 0,
            queries_per_connection: None,
            udp: None,
            tcp: None,
        }
    }

    fn add(&mut self, report: &UpstreamReport) {
        self.shards += 1;
        match report.health {
            Health::Unused => self.unused_in += 1,
            Health::Good => {}
            Health::Dead => self.dead_in += 1,
            Health::Lying => self.lying_in += 1,
        }
        self.benched += report.benched;
        self.sent += report.sent;
        self.answered += report.answered;
        self.timeouts += report.timeouts;
        self.late += report.late;
        self.refused += report.refused;
        self.servfail += report.servfail;
        self.truncated += report.truncated;
        self.mismatched += report.mismatched;
        self.errors += report.errors;
        self.queries_per_connection = self
            .queries_per_connection
            .into_iter()
            .chain(report.queries_per_connection)
            .min();
        for (sum, window) in [(&mut self.udp, &report.udp), (&mut self.tcp, &report.tcp)] {
            if let Some(window) = window {
                sum.get_or_insert_default().add(window, report.answered);
            }
        }
    }

    fn standing(&self) -> Standing {
        if self.lying_in > 0 {
            Standing::Lying
        } else if self.dead_in > 0 {
            Standing::Dead
        } else if self.unused_in == self.shards {
            Standing::Unused
        } else if self.benched > 0 {
            Standing::Recovered
        } else {
            Standing::Good
        }
    }

    fn state(&self) -> String {
        let state = match self.standing() {
            Standing::Lying => self.in_shards("lying", self.lying_in),
            Standing::Dead => self.in_shards("dead", self.dead_in),
            Standing::Recovered => "good again".to_owned(),
            Standing::Unused => "unused".to_owned(),
            Standing::Good => "good".to_owned(),
        };
        if self.benched > 0 {
            format!("benched {}: {state}", count(self.benched, "time", "times"))
        } else {
            state
        }
    }

    fn in_shards(&self, state: &str, shards: u64) -> String {
        if shards == self.shards {
            state.to_owned()
        } else {
            format!("{state} in {shards} of {} shards", self.shards)
        }
    }

    /// A row, and a second one where both transports were used.
    fn push_rows(&self, rows: &mut Vec<Vec<String>>) {
        let mut row = vec![
            self.address.to_string(),
            self.sent.to_string(),
            self.answered.to_string(),
            self.timeouts.to_string(),
            self.late.to_string(),
        ];
        let windows: Vec<_> = [(Transport::Udp, &self.udp), (Transport::Tcp, &self.tcp)]
            .into_iter()
            .filter_map(|(transport, window)| Some((transport, window.as_ref()?)))
            .collect();
        match windows.first() {
            Some((transport, window)) => row.extend(window.cells(*transport)),
            None => row.extend(["-"; 6].map(str::to_owned)),
        }
        row.push(self.state());
        rows.push(row);
        for (transport, window) in windows.into_iter().skip(1) {
            let mut row = vec![String::new(); 5];
            row.extend(window.cells(transport));
            rows.push(row);
        }
    }
}

impl Window {
    fn add(&mut self, window: &WindowReport, answers: u64) {
        self.rate_per_second += window.rate_per_second;
        self.in_flight_max += u64::from(window.in_flight_max);
        self.plateau |= window.plateau;
        // A shard without answers still has a guess, which counts when there is nothing else.
        let weight = answers as f64 + f64::EPSILON;
        self.weighted_p50_s += weight * window.rtt_p50.as_secs_f64();
        self.weight += weight;
        self.rtt_p99 = self.rtt_p99.max(window.rtt_p99);
    }

    fn cells(&self, transport: Transport) -> [String; 6] {
        let rtt_p50 = Duration::from_secs_f64(self.weighted_p50_s / self.weight);
        [
            transport.as_str().to_owned(),
            rate(self.rate_per_second),
            if self.plateau { "reached" } else { "not seen" }.to_owned(),
            self.in_flight_max.to_string(),
            seconds(rtt_p50),
            seconds(self.rtt_p99),
        ]
    }
}

fn write_groups(resolvers: &[Resolver], out: &mut String) -> std::fmt::Result {
    for (standing, name) in [
        (Standing::Lying, "lying"),
        (Standing::Dead, "dead"),
        (Standing::Recovered, "benched and good again"),
    ] {
        let group: Vec<String> = resolvers
            .iter()
            .filter(|resolver| resolver.standing() == standing)
            .map(|resolver| resolver.address.to_string())
            .collect();
        if !group.is_empty() {
            write!(out, "  {name}: {} of {}", group.len(), resolvers.len())?;
            write!(out, ": {}", group[..group.len().min(SHOWN_MAX)].join(" "))?;
            match group.len().saturating_sub(SHOWN_MAX) {
                0 => writeln!(out)?,
                more => writeln!(out, " and {more} more")?,
            }
        }
    }
    let unused = resolvers
        .iter()
        .filter(|resolver| resolver.standing() == Standing::Unused)
        .count();
    if unused > 0 {
        writeln!(out, "  unused: {unused} of {}", resolvers.len())?;
    }
    Ok(())
}

/// Appends what went wrong with answers, summed over all resolvers, where anything did.
fn write_oddities(resolvers: &[Resolver], out: &mut String) -> std::fmt::Result {
    let sum = |pick: fn(&Resolver) -> u64| resolvers.iter().map(pick).sum::<u64>();
    let oddities: Vec<String> = [
        ("REFUSED", sum(|resolver| resolver.refused)),
        ("SERVFAIL", sum(|resolver| resolver.servfail)),
        ("truncated", sum(|resolver| resolver.truncated)),
        (
            "mismatched and dropped",
            sum(|resolver| resolver.mismatched),
        ),
        ("socket errors", sum(|resolver| resolver.errors)),
    ]
    .into_iter()
    .filter(|&(_, number)| number > 0)
    .map(|(name, number)| format!("{name} {number}"))
    .collect();
    if !oddities.is_empty() {
        writeln!(out, "  of their answers: {}", oddities.join(", "))?;
    }
    let least = resolvers
        .iter()
        .filter_map(|resolver| resolver.queries_per_connection)
        .min();
    if let Some(queries) = least {
        writeln!(
            out,
            "  a resolver closes a connection after {}",
            count(queries.into(), "query", "queries")
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn upstream(number: u32, sent: u64, health: Health) -> UpstreamReport {
        let address = SocketAddr::from((Ipv4Addr::from(0x0a00_0000 + number), 53));
        UpstreamReport {
            health,
            sent,
            answered: sent,
            ..UpstreamReport::new(address)
        }
    }

    fn window(rate_per_second: f64, in_flight_max: u32, p50_ms: u64, p99_ms: u64) -> WindowReport {
        WindowReport {
            rate_per_second,
            delivered_per_second: rate_per_second,
            in_flight_max,
            plateau: false,
            rtt_p50: Duration::from_millis(p50_ms),
            rtt_p99: Duration::from_millis(p99_ms),
        }
    }

    fn shard(upstreams: Vec<UpstreamReport>) -> ShardReport {
        ShardReport {
            upstreams,
            ..ShardReport::default()
        }
    }

    fn rendered(shards: &[ShardReport]) -> String {
        let mut out = String::new();
        write(shards, &mut out).unwrap();
        out
    }

    fn words(line: &str) -> String {
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn shards_are_merged_by_resolver() {
        let mut one = upstream(1, 300, Health::Good);
        one.timeouts = 4;
        one.late = 1;
        one.udp = Some(window(1000.0, 20, 10, 50));
        one.queries_per_connection = Some(100);
        let mut same = upstream(1, 100, Health::Dead);
        same.benched = 3;
        same.refused = 2;
        same.queries_per_connection = Some(40);
        same.udp = Some(WindowReport {
            plateau: true,
            ..window(500.0, 10, 30, 40)
        });
        same.tcp = Some(window(9000.0, 64, 1, 2));
        let text = rendered(&[shard(vec![one]), shard(vec![same])]);
        let lines: Vec<String> = text.lines().map(words).collect();
        assert_eq!(lines[0], "1 resolver");
        assert_eq!(
            lines[2],
            "10.0.0.1:53 400 400 4 1 udp 1500/s reached 30 15.0 ms 50.0 ms \
             benched 3 times: dead in 1 of 2 shards"
        );
        assert_eq!(lines[3], "tcp 9000/s not seen 64 1.00 ms 2.00 ms");
        assert_eq!(lines[4], "of their answers: REFUSED 2");
        assert_eq!(lines[5], "a resolver closes a connection after 40 queries");
        assert_eq!(lines.len(), 6);
    }

    #[test]
    fn every_state_has_its_words() {
        let mut recovered = upstream(4, 1, Health::Good);
        recovered.benched = 1;
        let text = rendered(&[shard(vec![
            upstream(1, 4, Health::Good),
            upstream(2, 3, Health::Lying),
            upstream(3, 2, Health::Dead),
            recovered,
            upstream(5, 0, Health::Unused),
        ])]);
        let ends: Vec<&str> = text
            .lines()
            .skip(2)
            .map(|line| line.rsplit("  ").next().unwrap())
            .collect();
        assert_eq!(
            ends,
            [
                "good",
                "lying",
                "dead",
                "benched 1 time: good again",
                "unused"
            ]
        );
    }

    #[test]
    fn of_many_the_busiest_are_shown_and_the_bad_ones_grouped() {
        let mut upstreams: Vec<UpstreamReport> = (0..2000)
            .map(|number| {
                let health = match number {
                    0..37 => Health::Dead,
                    37..40 => Health::Lying,
                    1990.. => Health::Unused,
                    _ => Health::Good,
                };
                upstream(number, u64::from(number % 100), health)
            })
            .collect();
        upstreams[1500].sent = 1_000_000;
        upstreams[1501].benched = 1;
        let text = rendered(&[shard(upstreams)]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "2000 resolvers, the 10 busiest");
        assert!(lines[2].contains("10.0.5.220:53  1000000 "), "{text}");
        assert_eq!(lines.len(), 2 + 10 + 4, "{text}");
        assert_eq!(
            lines[12],
            "  lying: 3 of 2000: 10.0.0.39:53 10.0.0.38:53 10.0.0.37:53"
        );
        assert!(
            lines[13].starts_with("  dead: 37 of 2000: 10.0.0.36:53 "),
            "{text}"
        );
        assert!(lines[13].ends_with(" 10.0.0.27:53 and 27 more"), "{text}");
        assert_eq!(
            lines[14],
            "  benched and good again: 1 of 2000: 10.0.5.221:53"
        );
        assert_eq!(lines[15], "  unused: 10 of 2000");
    }

    #[test]
    fn a_run_without_resolvers_says_nothing() {
        assert_eq!(rendered(&[shard(Vec::new())]), "");
    }
}
