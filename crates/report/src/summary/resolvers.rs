//! The part of a summary about resolvers, over all shards.

use std::fmt::Write;

use canvass_model::{ShardReport, UpstreamReport};

use crate::Layout;
use crate::human::{count, rate};
use crate::resolvers::{HEADING, Resolver, ResolverState, Style, busiest_first};
use crate::table::{Column, NOTHING, Table};

/// How many resolvers have a line of their own, and how many addresses of a group are listed.
const SHOWN_MAX: usize = 10;
const STYLE: Style = Style {
    number: |number| number.to_string(),
    rate,
    none: NOTHING,
};
/// When each column is left out: the highest first, those with 0 never.
const RANKS: [u8; HEADING.len()] = [0, 8, 1, 3, 10, 5, 2, 6, 9, 4, 7, 0];

/// Appends a table of the busiest resolvers. If it does not hold all, the bad ones are listed by
/// group.
pub(super) fn write(shards: &[ShardReport], layout: Layout, out: &mut String) -> std::fmt::Result {
    let resolvers = busiest_first(shards);
    if resolvers.is_empty() {
        return Ok(());
    }
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
    // The line above already says what the first column is.
    let mut heading = HEADING.map(str::to_owned);
    heading[0].clear();
    let mut columns = RANKS.map(|rank| Column::RIGHT.dispensable(rank));
    columns[0] = Column::LEFT;
    let mut table = Table::new(columns);
    table.heading(heading);
    let asked = |one: &&Resolver<'_>| one.sum(|report| report.sent) > 0;
    for resolver in resolvers.iter().take(SHOWN_MAX).filter(asked) {
        resolver
            .rows(&STYLE)
            .into_iter()
            .for_each(|row| table.row(row));
    }
    table.write(out, layout);
    if !all_shown {
        write_groups(&resolvers, out)?;
    }
    write_unused(&resolvers, out)?;
    write_choices(&resolvers, out)?;
    write_errors(shards, out)
}

fn write_groups(resolvers: &[Resolver<'_>], out: &mut String) -> std::fmt::Result {
    for (state, name) in [
        (ResolverState::Lying, "lying"),
        (ResolverState::Dead, "dead"),
        (ResolverState::Lame, "do not recurse"),
        (ResolverState::Unproven, "no usable answer"),
        (ResolverState::Recovered, "benched and good again"),
    ] {
        let group: Vec<String> = resolvers
            .iter()
            .filter(|resolver| resolver.state() == state)
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
    Ok(())
}

fn write_unused(resolvers: &[Resolver<'_>], out: &mut String) -> std::fmt::Result {
    let unused = resolvers
        .iter()
        .filter(|resolver| resolver.state() == ResolverState::Unused)
        .count();
    if unused > 0 {
        writeln!(out, "  unused: {unused} of {}", resolvers.len())?;
    }
    Ok(())
}

/// Appends which transport was chosen for each resolver whose streams were tried, and why.
fn write_choices(resolvers: &[Resolver<'_>], out: &mut String) -> std::fmt::Result {
    let shown = resolvers.iter().take(SHOWN_MAX);
    for text in shown.flat_map(Resolver::choice_texts) {
        writeln!(out, "  {text}")?;
    }
    let hidden = resolvers.get(SHOWN_MAX..).unwrap_or_default();
    for name in ["by tcp", "by udp and tcp", "by udp"] {
        let has = |one: &&Resolver<'_>| one.choices().iter().any(|choice| choice.name() == name);
        let others = hidden.iter().filter(has).count();
        if others > 0 {
            let others = count(others as u64, "other", "others");
            writeln!(out, "  {others} {name}, after a trial of tcp")?;
        }
    }
    Ok(())
}

/// Appends counts of erroneous answers over all resolvers, if there are any.
fn write_errors(shards: &[ShardReport], out: &mut String) -> std::fmt::Result {
    let reports = || shards.iter().flat_map(|shard| &shard.upstreams);
    let sum = |count: fn(&UpstreamReport) -> u64| reports().map(count).sum::<u64>();
    let errors: Vec<String> = [
        ("REFUSED", sum(|one| one.refused)),
        ("SERVFAIL", sum(|one| one.servfail)),
        ("not recursed", sum(|one| one.lame)),
        ("truncated", sum(|one| one.truncated)),
        ("mismatched and dropped", sum(|one| one.mismatched)),
        ("socket errors", sum(|one| one.errors)),
    ]
    .into_iter()
    .filter(|&(_, number)| number > 0)
    .map(|(name, number)| format!("{name} {number}"))
    .collect();
    if !errors.is_empty() {
        writeln!(out, "  of their answers: {}", errors.join(", "))?;
    }
    let least = reports()
        .filter_map(|report| report.queries_per_connection)
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
    use canvass_model::{Health, LaneVerdict, StreamFlaw, WindowReport};
    use std::net::{Ipv4Addr, SocketAddr};
    use std::time::Duration;

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
            in_flight_limit: None,
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
        write(shards, Layout::WIDE, &mut out).unwrap();
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
        same.lanes = Some(LaneVerdict::Datagrams(StreamFlaw::Late));
        let text = rendered(&[shard(vec![one]), shard(vec![same])]);
        let lines: Vec<String> = text.lines().map(words).collect();
        assert_eq!(lines[0], "1 resolver");
        assert_eq!(
            lines[2],
            "10.0.0.1:53 400 400 4 1 udp 1500/s reached 30 15.0 ms 50.0 ms \
             benched 3 times: dead in 1 of 2 shards"
        );
        assert_eq!(lines[3], "tcp 9000/s not seen 64 1.00 ms 2.00 ms");
        assert_eq!(
            lines[4],
            "10.0.0.1:53 by udp in 1 of 2 shards: answers by tcp came late, as if each query waited \
             for the one before"
        );
        assert_eq!(lines[5], "of their answers: REFUSED 2");
        assert_eq!(lines[6], "a resolver closes a connection after 40 queries");
        assert_eq!(lines.len(), 7);
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
        upstreams[1600].lanes = Some(LaneVerdict::Datagrams(StreamFlaw::Refused));
        let text = rendered(&[shard(upstreams)]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "2000 resolvers, the 10 busiest");
        assert!(lines[2].contains("10.0.5.220:53  1000000 "), "{text}");
        assert_eq!(lines.len(), 2 + 10 + 4 + 1, "{text}");
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
        assert_eq!(lines[16], "  1 other by udp, after a trial of tcp");
    }

    #[test]
    fn a_run_without_resolvers_says_nothing() {
        assert_eq!(rendered(&[shard(Vec::new())]), "");
    }
}
