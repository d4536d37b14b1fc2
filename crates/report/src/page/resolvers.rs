//! The table of resolvers, from the reports of the shards or from the lines of a run.

use std::fmt::{self, Write};
use std::net::SocketAddr;

use canvass_model::ShardReport;

use super::table::{Column, Table};
use super::text::{counted, grouped, per_second, span};
use crate::resolvers::{HEADING, ResolverState, Style, busiest_first};
use crate::write::nanos;
use crate::{ResolverCount, ResolverCounts};

/// How many resolvers have a row of their own.
const ROWS_MAX: usize = 50;
const STYLE: Style = Style {
    number: grouped,
    rate: per_second,
    none: "–",
};

/// Appends the table from the reports of the shards, busiest resolvers first.
pub(super) fn write_upstreams(shards: &[ShardReport], out: &mut String) -> fmt::Result {
    let resolvers = busiest_first(shards);
    let mut table = Table::new(HEADING.map(|name| (name, column(name))));
    for resolver in resolvers.iter().take(ROWS_MAX) {
        resolver
            .rows(&STYLE)
            .into_iter()
            .for_each(|row| table.row(row));
    }
    table.write(out)?;
    let hidden = &resolvers[ROWS_MAX.min(resolvers.len())..];
    if !hidden.is_empty() {
        let states = hidden.iter().map(|resolver| resolver.state());
        let is_good = |state: &ResolverState| match state {
            ResolverState::Good | ResolverState::Recovered | ResolverState::Unused => true,
            ResolverState::Lying
            | ResolverState::Dead
            | ResolverState::Lame
            | ResolverState::Unproven => false,
        };
        let good = states.filter(is_good).count();
        writeln!(
            out,
            "<p class=\"note\">And {} with fewer queries: {} good at the end, {} not.</p>",
            counted(hidden.len() as u64, "resolver", "resolvers"),
            grouped(good as u64),
            grouped((hidden.len() - good) as u64)
        )?;
    }
    out.push_str(
        "<p class=\"note\">Rate and in flight are what the window allowed at the end. Limit \
         \"reached\" means that the window had to step down. The figures of several shards are \
         added up; their median is weighted by answers, and the worst of their 99th percentiles is \
         shown.</p>\n",
    );
    Ok(())
}

/// Appends the resolvers whose replies decided the outcomes, if nothing else is known.
pub(super) fn write_last_replies(counts: &ResolverCounts, out: &mut String) -> fmt::Result {
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
            "<p class=\"note\">And {} from other resolvers.</p>",
            counted(outcomes, "outcome", "outcomes")
        )?;
    }
    Ok(())
}

fn column(name: &str) -> Column {
    match name {
        "resolver" | "state" => Column::Prose,
        "by" | "limit" => Column::Text,
        _ => Column::Number,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use canvass_model::{Health, UpstreamReport};

    fn upstream(port: u16) -> UpstreamReport {
        UpstreamReport {
            health: Health::Good,
            sent: port.into(),
            ..UpstreamReport::new(([192, 0, 2, 1], port).into())
        }
    }

    #[test]
    fn only_the_busiest_have_rows() {
        let mut upstreams: Vec<UpstreamReport> = (1..=60).map(upstream).collect();
        upstreams[4].health = Health::Dead;
        upstreams[5].health = Health::Lying;
        upstreams[6].health = Health::Unused;
        let shard = ShardReport {
            upstreams,
            ..ShardReport::default()
        };
        let mut out = String::new();
        write_upstreams(&[shard], &mut out).unwrap();
        assert_eq!(out.matches("192.0.2.1:").count(), ROWS_MAX);
        assert!(out.contains("192.0.2.1:60<") && !out.contains("192.0.2.1:10<"));
        assert!(out.contains("And 10 resolvers with fewer queries: 8 good at the end, 2 not."));
    }
}
