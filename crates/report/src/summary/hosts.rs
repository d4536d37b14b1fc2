//! The part of a summary about `http`, `tcp` and `udp`: faults, connections and name lookups.

use std::fmt::Write;

use canvass_model::{ConnectionReport, ShardReport};

use super::counts_table;
use crate::explain::advice;
use crate::human::{count, percent};
use crate::table::{Column, NOTHING, Table};
use crate::{FaultCount, Layout, Tally};

/// How many kinds of faults have a line of their own.
const SHOWN_MAX: usize = 20;

/// Appends the faults: phase, cause, errno, count, share and what to check.
pub(super) fn write_faults(tally: &Tally, layout: Layout, out: &mut String) -> std::fmt::Result {
    let faults = tally.faults();
    if faults.is_empty() {
        return Ok(());
    }
    writeln!(out, "faults by phase and cause")?;
    let mut table = Table::new([
        Column::LEFT,
        Column::LEFT,
        Column::LEFT.dispensable(2),
        Column::RIGHT,
        Column::RIGHT.dispensable(1),
    ]);
    for fault in faults.iter().take(SHOWN_MAX) {
        let errno = fault.errno.map(|errno| errno.to_string());
        let cells = [
            fault.phase.to_string(),
            fault.cause.to_string(),
            errno.unwrap_or_else(|| NOTHING.to_owned()),
            fault.count.to_string(),
            percent(fault.count, tally.total()),
        ];
        table.row_with_note(cells, advice(fault.phase, fault.cause, fault.errno));
    }
    table.write(out, layout);
    write_hidden_faults(&faults, SHOWN_MAX, out)
}

/// Appends a line for each of the first kinds of faults.
pub(super) fn write_faults_briefly(
    tally: &Tally,
    shown_max: usize,
    out: &mut String,
) -> std::fmt::Result {
    let faults = tally.faults();
    for fault in faults.iter().take(shown_max) {
        let FaultCount {
            phase,
            cause,
            errno,
            count,
        } = *fault;
        let named = errno.map_or_else(String::new, |errno| format!(" ({errno})"));
        let advice = advice(phase, cause, errno);
        writeln!(out, "{phase} {cause}{named} ×{count}: {advice}")?;
    }
    write_hidden_faults(&faults, shown_max, out)
}

fn write_hidden_faults(
    faults: &[FaultCount],
    shown_max: usize,
    out: &mut String,
) -> std::fmt::Result {
    let hidden = faults.get(shown_max..).unwrap_or_default();
    if hidden.is_empty() {
        return Ok(());
    }
    let failed: u64 = hidden.iter().map(|fault| fault.count).sum();
    let kinds = count(hidden.len() as u64, "other kind", "other kinds");
    writeln!(out, "  and {failed} of {kinds}")
}

/// How many things seen are shown for an expectation.
const SEEN_SHOWN_MAX: usize = 3;

/// Appends the expectations that did not hold: count, share, and what was seen instead.
pub(super) fn write_unmet(tally: &Tally, layout: Layout, out: &mut String) -> std::fmt::Result {
    let unmet = tally.unmet();
    if unmet.is_empty() {
        return Ok(());
    }
    writeln!(out, "expectations not met")?;
    let mut table = counts_table();
    for one in unmet {
        let figures = [one.count.to_string(), percent(one.count, tally.total())];
        let cells = [one.name().to_owned()].into_iter().chain(figures);
        table.row_with_note(cells, format!("seen {}", one.seen_text(SEEN_SHOWN_MAX)));
    }
    table.write(out, layout);
    Ok(())
}

/// Appends how many connections and name lookups there were.
pub(super) fn write_connections(shards: &[ShardReport], out: &mut String) -> std::fmt::Result {
    let all = summed(shards);
    if all.opened > 0 || all.waited_for_descriptor > 0 {
        let (opened, open_max) = (all.opened, all.open_max);
        write!(
            out,
            "connections: opened {opened}, at most {open_max} open at once"
        )?;
        if open_max >= all.open_limit {
            write!(out, "; limit {}, reached", all.open_limit)?;
        }
        if all.waited_for_descriptor > 0 {
            let times = count(all.waited_for_descriptor, "time", "times");
            write!(out, "; waited {times} for a descriptor or a port")?;
        }
        writeln!(out)?;
    }
    if all.names_needed > 0 {
        writeln!(
            out,
            "names: needed {}, looked up {}",
            all.names_needed, all.names_looked_up
        )?;
    }
    Ok(())
}

/// The sum over all shards.
pub(super) fn summed(shards: &[ShardReport]) -> ConnectionReport {
    let mut sum = ConnectionReport::default();
    for shard in shards {
        sum.add(&shard.connections);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn expectations_that_did_not_hold_are_named_with_what_was_seen() {
        let mut tally = Tally::default();
        let mut out = String::new();
        write_unmet(&tally, Layout::FILE, &mut out).unwrap();
        assert_eq!(out, "");
        tally.record_all(&[fixture::http_unexpected(), fixture::http_answered()]);
        write_unmet(&tally, Layout::FILE, &mut out).unwrap();
        let rows: Vec<&str> = out.lines().collect();
        assert_eq!(rows[0], "expectations not met");
        let words: Vec<&str> = rows[1].split_whitespace().collect();
        assert_eq!(words.join(" "), "status 200-399,401 1 50 % seen 503 ×1");
    }
}
