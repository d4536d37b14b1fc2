//! Each resolver of a run, all shards together.

use std::collections::HashMap;
use std::fmt::{self, Write};
use std::net::SocketAddr;
use std::time::Duration;

use canvass_model::{Health, ShardReport, Transport, UpstreamReport, WindowReport};

use super::table::{Column, Table};
use super::words::{counted, grouped, per_second, span};
use crate::human::{count, seconds};
use crate::write::nanos;
use crate::{ResolverCount, ResolverCounts};

/// Resolvers with a row of their own.
const ROWS_MAX: usize = 50;

/// Appends what the shards have to say about each resolver, those that were sent most first.
pub(super) fn write_upstreams(shards: &[ShardReport], out: &mut String) -> fmt::Result {
    let mut resolvers = merged(shards);
    // Stable, so that equally busy ones stay in the order they were given.
    resolvers.sort_by_key(|resolver| std::cmp::Reverse(resolver.sent));
    let mut table = Table::new([
        ("resolver", Column::Prose),
        ("sent", Column::Number),
        ("answered", Column::Number),
        ("timeouts", Column::Number),
        ("late", Column::Number),
        ("by", Column::Text),
        ("rate", Column::Number),
        ("limit", Column::Text),
        ("in flight", Column::Number),
        ("rtt p50", Column::Number),
        ("rtt p99", Column::Number),
        ("state", Column::Prose),
    ]);
    for resolver in resolvers.iter().take(ROWS_MAX) {
        resolver.push_rows(&mut table);
    }
    table.write(out)?;
    let hidden = &resolvers[ROWS_MAX.min(resolvers.len())..];
    if !hidden.is_empty() {
        let good = hidden.iter().filter(|resolver| resolver.is_good()).count();
        writeln!(
            out,
            "<p class=\"note\">And {} that were sent less: {} good at the end, {} not.</p>",
            counted(hidden.len() as u64, "resolver", "resolvers"),
            grouped(good as u64),
            grouped((hidden.len() - good) as u64)
        )?;
    }
    out.push_str(
        "<p class=\"note\">Rate and in flight are what the window settled on; limit reached means \
         that the resolver showed one. Several shards are added up; their median is weighted by \
         answers, and of their 99th percentiles the worst is shown.</p>\n",
    );
    Ok(())
}

/// Appends which resolvers had the last word, where that is all that is known.
pub(super) fn write_last_words(counts: &ResolverCounts, out: &mut String) -> fmt::Result {
    let mut kept: Vec<(SocketAddr, ResolverCount)> = counts.kept().collect();
    kept.sort_by_key(|(_, count)| std::cmp::Reverse(count.total()));
    let mut table = Table::new([
        ("resolver", Column::Prose),
        ("outcomes", Column::Number),
        ("answered", Column::Number),
        ("negative", Column::Number),
        ("failed", Column::Number),
        ("mean", Column::Number),
        ("max", Column::Number),
    ]);
    for (address, count) in kept.iter().take(ROWS_MAX) {
        let mean_ns = nanos(count.latency_sum) / count.total().max(1);
        table.row([
            address.to_string(),
            grouped(count.total()),
            grouped(count.answered),
            grouped(count.negative),
            grouped(count.failed),
            span(mean_ns),
            span(nanos(count.latency_max)),
        ]);
    }
    table.write(out)?;
    let hidden = kept.iter().skip(ROWS_MAX).map(|(_, count)| count.total());
    let outcomes = hidden.sum::<u64>() + counts.others();
    if outcomes > 0 {
        writeln!(
            out,
            "<p class=\"note\">And {} of other resolvers.</p>",
            counted(outcomes, "outcome", "outcomes")
        )?;
    }
    Ok(())
}

/// One resolver, all shards together.
#[derive(Default)]
struct Resolver {
    address: Option<SocketAddr>,
    shards: u64,
    by_health: [u64; 4],
    benched: u64,
    sent: u64,
    answered: u64,
    timeouts: u64,
    late: u64,
    windows: [Option<Window>; 2],
}

/// The windows of all shards for one transport.
#[derive(Default)]
struct Window {
    rate_per_second: f64,
    in_flight_max: u64,
    plateau: bool,
    weighted_p50_s: f64,
    weight: f64,
    rtt_p99: Duration,
}

fn merged(shards: &[ShardReport]) -> Vec<Resolver> {
    let mut places = HashMap::new();
    let mut resolvers: Vec<Resolver> = Vec::new();
    for report in shards.iter().flat_map(|shard| &shard.upstreams) {
        let place = *places.entry(report.address).or_insert(resolvers.len());
        if place == resolvers.len() {
            resolvers.push(Resolver {
                address: Some(report.address),
                ..Resolver::default()
            });
        }
        resolvers[place].add(report);
    }
    resolvers
}

impl Resolver {
    fn add(&mut self, report: &UpstreamReport) {
        self.shards += 1;
        self.by_health[report.health as usize] += 1;
        self.benched += report.benched;
        self.sent += report.sent;
        self.answered += report.answered;
        self.timeouts += report.timeouts;
        self.late += report.late;
        for (sum, window) in self.windows.iter_mut().zip([&report.udp, &report.tcp]) {
            if let Some(window) = window {
                sum.get_or_insert_default().add(window, report.answered);
            }
        }
    }

    fn shards_that_found_it(&self, health: Health) -> u64 {
        self.by_health[health as usize]
    }

    fn is_good(&self) -> bool {
        self.shards_that_found_it(Health::Lying) + self.shards_that_found_it(Health::Dead) == 0
    }

    fn state(&self) -> String {
        let bad = [(Health::Lying, "lying"), (Health::Dead, "dead")]
            .map(|(health, word)| (self.shards_that_found_it(health), word))
            .into_iter()
            .find(|&(shards, _)| shards > 0);
        let state = match bad {
            Some((shards, word)) if shards == self.shards => word.to_owned(),
            Some((shards, word)) => format!("{word} in {shards} of {} shards", self.shards),
            None if self.shards_that_found_it(Health::Unused) == self.shards => "unused".to_owned(),
            None if self.benched > 0 => "good again".to_owned(),
            None => "good".to_owned(),
        };
        match self.benched {
            0 => state,
            benched => format!("{state}; benched {}", count(benched, "time", "times")),
        }
    }

    /// A row for each transport that was used.
    fn push_rows(&self, table: &mut Table) {
        let address = self.address.map(|address| address.to_string());
        let mut first = vec![
            address.unwrap_or_default(),
            grouped(self.sent),
            grouped(self.answered),
            grouped(self.timeouts),
            grouped(self.late),
        ];
        let mut state = self.state();
        let mut used = [Transport::Udp, Transport::Tcp]
            .into_iter()
            .zip(&self.windows)
            .filter_map(|(transport, window)| Some((transport, window.as_ref()?)))
            .peekable();
        if used.peek().is_none() {
            first.extend(["–"; 6].map(str::to_owned));
            first.push(std::mem::take(&mut state));
            table.row(first);
            return;
        }
        for (transport, window) in used {
            let mut row = std::mem::replace(&mut first, vec![String::new(); 5]);
            row.extend(window.cells(transport));
            row.push(std::mem::take(&mut state));
            table.row(row);
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
            per_second(self.rate_per_second),
            if self.plateau { "reached" } else { "not seen" }.to_owned(),
            grouped(self.in_flight_max),
            seconds(rtt_p50),
            seconds(self.rtt_p99),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(port: u16, sent: u64) -> UpstreamReport {
        UpstreamReport {
            health: Health::Good,
            sent,
            answered: sent,
            udp: Some(WindowReport {
                rate_per_second: 100.0,
                in_flight_max: 7,
                rtt_p50: Duration::from_millis(2),
                rtt_p99: Duration::from_millis(9),
                ..WindowReport::default()
            }),
            ..UpstreamReport::new(([192, 0, 2, 1], port).into())
        }
    }

    fn shard(upstreams: Vec<UpstreamReport>) -> ShardReport {
        ShardReport {
            upstreams,
            ..ShardReport::default()
        }
    }

    #[test]
    fn shards_are_added_up_by_address() {
        let mut dead = report(53, 4);
        dead.health = Health::Dead;
        dead.benched = 2;
        dead.tcp = dead.udp;
        let resolvers = merged(&[shard(vec![report(53, 5), report(54, 1)]), shard(vec![dead])]);
        assert_eq!(resolvers.len(), 2);
        assert_eq!(resolvers[0].sent, 9);
        assert_eq!(
            resolvers[0].state(),
            "dead in 1 of 2 shards; benched 2 times"
        );
        let cells = resolvers[0].windows[0]
            .as_ref()
            .unwrap()
            .cells(Transport::Udp);
        assert_eq!(
            cells,
            ["udp", "200/s", "not seen", "14", "2.00 ms", "9.00 ms"]
        );
    }

    #[test]
    fn only_the_busiest_have_rows() {
        let upstreams = (1..=60).map(|port| report(port, port.into())).collect();
        let mut out = String::new();
        write_upstreams(&[shard(upstreams)], &mut out).unwrap();
        assert_eq!(out.matches("192.0.2.1:").count(), ROWS_MAX);
        assert!(out.contains("192.0.2.1:60<") && !out.contains("192.0.2.1:10<"));
        assert!(out.contains("And 10 resolvers that were sent less: 10 good at the end, 0 not."));
    }
}
