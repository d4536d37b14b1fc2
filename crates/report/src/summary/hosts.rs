//! The part of a summary about `http`, `tcp` and `udp`: faults, connections and name lookups.

use std::fmt::Write;

use canvass_model::{ConnectionReport, ShardReport};

use crate::Tally;
use crate::explain::advice;
use crate::human::{aligned, count, percent, table};

/// How many kinds of faults have a line of their own.
const SHOWN_MAX: usize = 20;
/// The numeric columns of the table of faults.
const NUMBERS: [usize; 2] = [3, 4];

/// Appends the faults: phase, cause, errno, count, share and what to check.
pub(super) fn write_faults(tally: &Tally, out: &mut String) -> std::fmt::Result {
    let faults = tally.faults();
    if faults.is_empty() {
        return Ok(());
    }
    writeln!(out, "faults by phase and cause")?;
    let rows = faults.iter().take(SHOWN_MAX).map(|fault| {
        vec![
            fault.phase.to_string(),
            fault.cause.to_string(),
            fault
                .errno
                .map_or_else(|| "-".to_owned(), |errno| errno.to_string()),
            fault.count.to_string(),
            percent(fault.count, tally.total()),
            advice(fault.phase, fault.cause, fault.errno).to_owned(),
        ]
    });
    aligned(out, &rows.collect::<Vec<_>>(), |column| {
        NUMBERS.contains(&column)
    });
    if let Some((first_hidden, hidden)) = faults[SHOWN_MAX.min(faults.len())..].split_first() {
        let failed = first_hidden.count + hidden.iter().map(|fault| fault.count).sum::<u64>();
        let kinds = count(1 + hidden.len() as u64, "other kind", "other kinds");
        writeln!(out, "  and {failed} of {kinds}")?;
    }
    Ok(())
}

/// How many things seen are shown for an expectation.
const SEEN_SHOWN_MAX: usize = 3;

/// Appends the expectations that did not hold: count, share, and what was seen instead.
pub(super) fn write_unmet(tally: &Tally, out: &mut String) -> std::fmt::Result {
    let unmet = tally.unmet();
    if unmet.is_empty() {
        return Ok(());
    }
    writeln!(out, "expectations not met")?;
    let rows = unmet.iter().map(|one| {
        vec![
            one.name().to_owned(),
            one.count.to_string(),
            percent(one.count, tally.total()),
            format!("seen {}", one.seen_text(SEEN_SHOWN_MAX)),
        ]
    });
    table(out, &rows.collect::<Vec<_>>());
    Ok(())
}

/// Appends how many connections and name lookups there were.
pub(super) fn write_connections(shards: &[ShardReport], out: &mut String) -> std::fmt::Result {
    let all = summed(shards);
    if all.opened > 0 || all.waited_for_descriptor > 0 {
        let reached = if all.open_max >= all.open_limit {
            "reached"
        } else {
            "not reached"
        };
        writeln!(
            out,
            "connections: opened {}, at most {} open at once; limit {}, {reached}; waited {} for a \
             descriptor or a port",
            all.opened,
            all.open_max,
            all.open_limit,
            count(all.waited_for_descriptor, "time", "times"),
        )?;
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
        write_unmet(&tally, &mut out).unwrap();
        assert_eq!(out, "");
        tally.record_all(&[fixture::http_unexpected(), fixture::http_answered()]);
        write_unmet(&tally, &mut out).unwrap();
        let rows: Vec<&str> = out.lines().collect();
        assert_eq!(rows[0], "expectations not met");
        let words: Vec<&str> = rows[1].split_whitespace().collect();
        assert_eq!(words.join(" "), "status 200-399,401 1 50 % seen 503 ×1");
    }
}
