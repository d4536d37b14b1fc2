//! Tables of counts: statuses, faults by phase and cause, and losses.

use std::fmt::{self, Write};

use canvass_model::{Rcode, ShardReport, Status};

use super::class::Class;
use super::table::{Column, Table, bar};
use super::text::{counted, escaped, grouped, percent};
use crate::Tally;
use crate::explain::advice;
use crate::losses::{LOSSES, Loss};

/// The maximum number of rows: HTTP servers can return arbitrary codes.
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
        let no_data = match status {
            Status::Rcode(Rcode::NOERROR) => tally.no_data(),
            _ => 0,
        };
        let note = match no_data {
            0 => String::new(),
            _ => format!(" <small>{} with no data</small>", grouped(no_data)),
        };
        let class = Class::of_status(status, tally.of_hosts() == total);
        let share = |part: u64| part as f64 / most as f64;
        let with_data = count.saturating_sub(no_data);
        table.row([
            format!("{}{note}", status_cell(status, class)),
            grouped(count),
            percent(count, total),
            bar(share(with_data), class.css()) + &bar(share(no_data), Class::Negative.css()),
        ]);
    }
    table.write(out)?;
    write_rest(statuses.iter().skip(ROWS_MAX).map(|status| status.1), out)
}

/// A status with the colour of a class.
pub(super) fn status_cell(status: Status, class: Class) -> String {
    format!(
        "<span class=\"dot {}\"></span>{}",
        class.css(),
        escaped(&status.to_string())
    )
}

/// How many things seen are shown for an expectation.
const SEEN_SHOWN_MAX: usize = 8;

/// Appends the expectations that did not hold with their counts.
pub(super) fn write_unmet(tally: &Tally, out: &mut String) -> fmt::Result {
    let unmet = tally.unmet();
    let total = tally.total();
    let most = unmet.first().map_or(1, |first| first.count);
    let mut table = Table::new([
        ("expected", Column::Text),
        ("outcomes", Column::Number),
        ("share", Column::Number),
        ("", Column::Bar),
        ("seen", Column::Prose),
    ]);
    for one in &unmet {
        table.row([
            escaped(one.name()),
            grouped(one.count),
            percent(one.count, total),
            bar(one.count as f64 / most as f64, Class::Negative.css()),
            escaped(&one.seen_text(SEEN_SHOWN_MAX)),
        ]);
    }
    table.write(out)
}

/// Appends the faults with their counts and what to check.
pub(super) fn write_faults(tally: &Tally, out: &mut String) -> fmt::Result {
    let faults = tally.faults();
    let total = tally.total();
    let most = faults.first().map_or(1, |first| first.count);
    let mut table = Table::new([
        ("phase", Column::Text),
        ("cause", Column::Text),
        ("errno", Column::Text),
        ("outcomes", Column::Number),
        ("share", Column::Number),
        ("", Column::Bar),
        ("what to check", Column::Prose),
    ]);
    for fault in faults.iter().take(ROWS_MAX) {
        table.row([
            fault.phase.to_string(),
            fault.cause.to_string(),
            fault
                .errno
                .map_or_else(|| "–".to_owned(), |errno| errno.to_string()),
            grouped(fault.count),
            percent(fault.count, total),
            bar(fault.count as f64 / most as f64, Class::Failed.css()),
            with_code(advice(fault.phase, fault.cause, fault.errno)),
        ]);
    }
    table.write(out)?;
    write_rest(faults.iter().skip(ROWS_MAX).map(|fault| fault.count), out)
}

/// Appends how many queries were lost where, as far as this side can tell, and what to look at. What
/// lost none is folded away.
pub(super) fn write_losses(shards: &[ShardReport], out: &mut String) -> fmt::Result {
    let (lost, none): (Vec<&Loss>, Vec<&Loss>) =
        LOSSES.iter().partition(|loss| loss.sum(shards) > 0);
    if !lost.is_empty() {
        losses(&lost, shards).write(out)?;
    }
    let folded = match lost.is_empty() {
        true => "No query was lost".to_owned(),
        false => counted(
            none.len() as u64,
            "place where none was lost",
            "places where none was lost",
        ),
    };
    if none.is_empty() {
        return Ok(());
    }
    losses(&none, shards).write_folded(&folded, out)
}

fn losses(losses: &[&Loss], shards: &[ShardReport]) -> Table {
    let mut table = Table::new([
        ("loss", Column::Text),
        ("meaning", Column::Prose),
        ("look at", Column::Prose),
        ("queries", Column::Number),
    ]);
    for loss in losses {
        table.row([
            loss.name.to_owned(),
            loss.meaning.to_owned(),
            loss.look_at.to_owned(),
            grouped(loss.sum(shards)),
        ]);
    }
    table
}

/// Renders advice as HTML; text between backticks becomes code.
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
    fn a_shortage_here_reads_as_what_it_is() {
        let mut tally = Tally::default();
        tally.record_all(&[fixture::ptr_timeout(), fixture::local_failure()]);
        let mut out = String::new();
        write_faults(&tally, &mut out).unwrap();
        let cells = |words: [&str; 3]| {
            let [phase, cause, errno] = words;
            format!(
                ">{phase}</td><td data-label=\"cause\">{cause}</td><td data-label=\"errno\">{errno}</td>"
            )
        };
        for words in [["dns", "timeout", "–"], ["wait", "descriptors", "EMFILE"]] {
            assert!(out.contains(&cells(words)), "{words:?}: {out}");
        }
    }

    #[test]
    fn expectations_that_did_not_hold_are_named_with_what_was_seen() {
        let mut tally = Tally::default();
        tally.record_all(&[fixture::tcp_unmatched(), fixture::tcp_unmatched()]);
        let mut out = String::new();
        write_unmet(&tally, &mut out).unwrap();
        for part in ["a line that matches /^\\+OK/", "&quot;220&quot; ×2", "100"] {
            assert!(out.contains(part), "{part}: {out}");
        }
    }

    #[test]
    fn statuses_beyond_the_limit_are_summed_up() {
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
