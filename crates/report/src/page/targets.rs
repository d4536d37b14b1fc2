//! The targets that failed or were negative, by reason.

use std::fmt::{self, Write};

use canvass_model::{Rcode, Status};

use super::class::Class;
use super::counts::status_cell;
use super::table::{Column, Table};
use super::text::{TEXT_CHARS_MAX, counted, escaped, foreign, grouped, span};
use crate::notable::{Group, Groups, NamedTarget, Reason};
use crate::write::nanos;

/// How many targets are shown without a click, shared by all groups.
const OPEN_MAX: usize = 50;
/// How many are shown of each group at least, if it has as many.
const OPEN_MIN: usize = 5;

/// Appends the groups, the largest first. `id` is the beginning of their anchors.
pub(super) fn write(groups: &Groups, id: &str, out: &mut String) -> fmt::Result {
    let groups = groups.largest_first();
    let open = (OPEN_MAX / groups.len().max(1)).max(OPEN_MIN);
    for (number, group) in (1..).zip(&groups) {
        let reason = reason(&group.reason);
        let is_repeated = group.targets.iter().any(|named| named.requests > 1);
        let noun = match is_repeated {
            true => counted(group.outcomes, "request", "requests"),
            false => counted(group.outcomes, "target", "targets"),
        };
        // Names that do not exist are what many lists are asked for, and no fault.
        if let Reason::Status(_) = group.reason {
            writeln!(
                out,
                "<details id=\"{id}-{number}\"><summary>{reason}: {noun}</summary>"
            )?;
            table(group, &group.targets).write(out)?;
            write_rest(group, out)?;
            out.push_str("</details>\n");
            continue;
        }
        writeln!(
            out,
            "<h3 id=\"{id}-{number}\">{reason} <small>{noun}</small></h3>"
        )?;
        let (shown, folded) = group.targets.split_at(open.min(group.targets.len()));
        table(group, shown).write(out)?;
        if !folded.is_empty() {
            let more = counted(folded.len() as u64, "more target", "more targets");
            table(group, folded).write_folded(&more, out)?;
        }
        write_rest(group, out)?;
    }
    Ok(())
}

/// The text of a target, with what tells it from others, as HTML.
pub(super) fn name(named: &NamedTarget) -> String {
    let mut name = foreign(&named.target, TEXT_CHARS_MAX);
    if let Some(record_type) = named.record_type {
        name.push_str(&format!(" {record_type}"));
    }
    let line = named.line.map(|line| format!("line {line}"));
    let requests = (named.requests > 1).then(|| format!("{} requests", grouped(named.requests)));
    let stalled = named.stalled.then(|| "this machine was held up".to_owned());
    let notes: Vec<String> = [line, requests, stalled].into_iter().flatten().collect();
    if !notes.is_empty() {
        name.push_str(&format!(" <small>{}</small>", notes.join(", ")));
    }
    name
}

fn table(group: &Group, targets: &[NamedTarget]) -> Table {
    let detail = match group.reason {
        Reason::Unmet(_) => "seen",
        _ => "what happened",
    };
    let mut table = Table::new([
        ("target", Column::Prose),
        (detail, Column::Prose),
        ("status", Column::Text),
        ("attempts", Column::Number),
        ("took", Column::Number),
    ])
    .aligned_as("targets");
    for named in targets {
        table.row([
            name(named),
            match &*named.detail {
                "" => String::new(),
                detail => foreign(detail, TEXT_CHARS_MAX),
            },
            status_cell(named.status, class(group, named.status)),
            grouped(named.attempts.into()),
            named
                .took
                .map_or_else(|| "–".to_owned(), |took| span(nanos(took))),
        ]);
    }
    table
}

/// The class of a target of a group, whose reason says whether it failed.
fn class(group: &Group, status: Status) -> Class {
    match (&group.reason, Class::of_status(status, false)) {
        (Reason::Fault(..), _) => Class::Failed,
        (Reason::Unmet(_) | Reason::Status(_), Class::Http(class)) => Class::NegativeHttp(class),
        (Reason::Unmet(_) | Reason::Status(_), _) => Class::Negative,
        (Reason::Other, class) => class,
    }
}

/// Appends how many outcomes are not named.
fn write_rest(group: &Group, out: &mut String) -> fmt::Result {
    match group.unnamed() {
        0 => Ok(()),
        more => writeln!(
            out,
            "<p class=\"note\">The first {} are named, and {} more are not.</p>",
            group.targets.len(),
            grouped(more)
        ),
    }
}

/// What the targets of a group have in common, as HTML.
fn reason(reason: &Reason) -> String {
    match reason {
        Reason::Fault(phase, cause, None) => format!("{phase}: {cause}"),
        Reason::Fault(phase, cause, Some(errno)) => format!("{phase}: {cause}, {errno}"),
        Reason::Unmet(expected) => format!("expected {}", foreign(expected, TEXT_CHARS_MAX)),
        Reason::Status(status @ Status::Rcode(Rcode::NOERROR)) => format!("{status}, no data"),
        Reason::Status(status) => escaped(&status.to_string()),
        Reason::Other => "other reasons".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{NotableTargets, fixture};

    fn written(outcomes: &[canvass_model::Outcome]) -> String {
        let mut notable = NotableTargets::default();
        outcomes.iter().for_each(|outcome| notable.record(outcome));
        let mut out = String::new();
        write(notable.failed(), "failed", &mut out).unwrap();
        write(notable.negative(), "negative", &mut out).unwrap();
        out
    }

    #[test]
    fn a_failed_target_is_named_with_what_happened() {
        let out = written(&[fixture::tcp_refused()]);
        for part in [
            "<h3 id=\"failed-1\">connect: refused, ECONNREFUSED <small>1 target</small></h3>",
            "<bdi>[2001:db8::1]:25</bdi> <small>line 5</small>",
            "[2001:db8::1]:25 refused the connection",
            "CONNREFUSED",
            "120 µs",
        ] {
            assert!(out.contains(part), "{part}: {out}");
        }
        assert!(!out.contains("<details"));
    }

    #[test]
    fn the_first_fifty_are_named_and_how_many_more_there_are() {
        let mut outcomes = vec![fixture::tcp_refused(); 90];
        let out = written(&outcomes);
        assert_eq!(out.matches("<tr><td").count(), 50);
        assert!(out.contains("The first 50 are named, and 40 more are not."));
        assert!(!out.contains("<details"));
        // They share the room with others.
        outcomes.push(fixture::http_expired());
        let out = written(&outcomes);
        assert!(out.contains("<summary>25 more targets</summary>"), "{out}");
    }

    #[test]
    fn expectations_have_a_heading_and_missing_names_are_folded_away() {
        let out = written(&[fixture::http_unexpected(), fixture::ptr_negative()]);
        assert!(out.contains("expected <bdi>status 200-399,401</bdi> <small>1 target</small>"));
        assert!(
            out.contains("<summary>NXDOMAIN: 1 target</summary>"),
            "{out}"
        );
    }
}
