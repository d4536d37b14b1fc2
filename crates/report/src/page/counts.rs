//! What came of the targets, counted: statuses, faults by phase and cause, and where queries were
//! lost.

use std::fmt::{self, Write};

use canvass_model::{Cause, Losses, Phase, Rcode, ShardReport, Status};

use super::table::{Column, Table, bar};
use super::words::{counted, escaped, grouped};
use crate::Tally;
use crate::explain::advice;
use crate::human::percent;

/// Rows of a table of counts, at most: HTTP servers can make up codes.
const ROWS_MAX: usize = 40;

/// Appends the statuses with their counts.
pub(super) fn write_statuses(tally: &Tally, out: &mut String) -> fmt::Result {
    let statuses = tally.statuses();
    let total = tally.total();
    let most = statuses.first().map_or(1, |first| first.1);
    let mut table = Table::new([
        ("status", Column::Text),
        ("outcomes", Column::Number),
        ("share", Column::Number),
        ("", Column::Bar),
    ]);
    for &(status, count) in statuses.iter().take(ROWS_MAX) {
        let no_data = tally.no_data();
        let note = if status == Status::Rcode(Rcode::NOERROR) && no_data > 0 {
            format!("<small>{} with no data</small>", grouped(no_data))
        } else {
            String::new()
        };
        table.row([
            format!("{} {note}", escaped(&status.to_string())),
            grouped(count),
            percent(count, total),
            bar(count as f64 / most as f64, "s0"),
        ]);
    }
    table.write(out)?;
    write_rest(statuses.iter().skip(ROWS_MAX).map(|status| status.1), out)
}

/// Appends the ways in which targets failed, with where to look.
pub(super) fn write_faults(tally: &Tally, out: &mut String) -> fmt::Result {
    let faults = faults(tally);
    let total = tally.total();
    let most = faults.first().map_or(1, |first| first.count);
    let mut table = Table::new([
        ("phase", Column::Text),
        ("cause", Column::Text),
        ("errno", Column::Text),
        ("outcomes", Column::Number),
        ("share", Column::Number),
        ("", Column::Bar),
        ("where to look", Column::Prose),
    ]);
    for fault in faults.iter().take(ROWS_MAX) {
        table.row([
            fault.phase.to_string(),
            fault.cause.to_string(),
            fault.errno.clone().unwrap_or_else(|| "–".to_owned()),
            grouped(fault.count),
            percent(fault.count, total),
            bar(fault.count as f64 / most as f64, "failed"),
            with_code(fault.look),
        ]);
    }
    table.write(out)?;
    write_rest(faults.iter().skip(ROWS_MAX).map(|fault| fault.count), out)
}

/// Appends where queries were lost, as far as this side can tell.
pub(super) fn write_losses(shards: &[ShardReport], out: &mut String) -> fmt::Result {
    let sum = |pick: fn(&Losses) -> u64| shards.iter().map(|shard| pick(&shard.losses)).sum();
    let rows: [(&str, &str, u64); 5] = [
        (
            "local send error",
            "the system would not send",
            sum(|losses| losses.local_send_errors),
        ),
        (
            "kernel drop",
            "the kernel had no room for what arrived",
            sum(|losses| losses.kernel_drops),
        ),
        (
            "refused",
            "a resolver refused",
            sum(|losses| losses.refused),
        ),
        (
            "silence",
            "nothing came back, ever",
            sum(|losses| losses.silence),
        ),
        (
            "late reply",
            "the answer came after its attempt had run out of time",
            sum(|losses| losses.late_replies),
        ),
    ];
    let mut table = Table::new([
        ("lost to", Column::Text),
        ("what that means", Column::Prose),
        ("queries", Column::Number),
    ]);
    for (name, meaning, count) in rows {
        table.row([name.to_owned(), meaning.to_owned(), grouped(count)]);
    }
    table.write(out)
}

/// One way to fail, from whatever the tally has of it.
struct FaultRow {
    phase: &'static str,
    cause: Cause,
    errno: Option<String>,
    count: u64,
    look: &'static str,
}

/// Probes of hosts are counted by phase; of queries to resolvers the cause is known, and the phase
/// follows from it.
fn faults(tally: &Tally) -> Vec<FaultRow> {
    let of_hosts = tally.faults();
    let mut rows: Vec<FaultRow> = of_hosts
        .iter()
        .map(|fault| FaultRow {
            phase: fault.phase.as_str(),
            cause: fault.cause,
            errno: fault.errno.map(|errno| escaped(&errno.to_string())),
            count: fault.count,
            look: advice(fault.phase, fault.cause, fault.errno),
        })
        .collect();
    for (cause, count) in tally.causes() {
        let counted = of_hosts.iter().filter(|fault| fault.cause == cause);
        let of_queries = count.saturating_sub(counted.map(|fault| fault.count).sum());
        if of_queries > 0 {
            let phase = match cause {
                Cause::Invalid => Phase::Target,
                _ => Phase::Dns,
            };
            rows.push(FaultRow {
                phase: phase.as_str(),
                cause,
                errno: None,
                count: of_queries,
                look: advice(phase, cause, None),
            });
        }
    }
    rows.sort_by_key(|row| std::cmp::Reverse(row.count));
    rows
}

/// Advice with what stands between backticks as code.
fn with_code(advice: &str) -> String {
    let mut out = String::new();
    for (place, part) in advice.split('`').enumerate() {
        let part = escaped(part);
        match place % 2 {
            0 => out.push_str(&part),
            _ => out.push_str(&format!("<code>{part}</code>")),
        }
    }
    out
}

fn write_rest(counts: impl Iterator<Item = u64> + Clone, out: &mut String) -> fmt::Result {
    let kinds = counts.clone().count() as u64;
    if kinds > 0 {
        let outcomes = counted(counts.sum(), "outcome", "outcomes");
        let kinds = counted(kinds, "other kind", "other kinds");
        writeln!(out, "<p class=\"note\">And {outcomes} of {kinds}.</p>")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn faults_of_hosts_and_of_queries_are_counted_once() {
        let mut tally = Tally::default();
        tally.record_all(&[
            fixture::tcp_refused(),
            fixture::ptr_timeout(),
            fixture::ptr_timeout(),
            fixture::http_expired(),
        ]);
        let rows = faults(&tally);
        let told: Vec<_> = rows
            .iter()
            .map(|row| (row.phase, row.cause, row.errno.as_deref(), row.count))
            .collect();
        assert_eq!(
            told,
            [
                ("dns", Cause::Timeout, None, 2),
                ("connect", Cause::Refused, Some("ECONNREFUSED"), 1),
                ("tls", Cause::Expired, None, 1),
            ]
        );
    }

    #[test]
    fn many_statuses_are_told_together_at_the_end() {
        let mut tally = Tally::default();
        let mut outcome = fixture::http_answered();
        for code in 100..150 {
            outcome.status = Status::Http(code);
            tally.record(&outcome);
        }
        let mut out = String::new();
        write_statuses(&tally, &mut out).unwrap();
        assert!(out.contains("And 10 outcomes of 10 other kinds."));
    }
}
