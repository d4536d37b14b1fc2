//! The timeline of a probe, similar to `strace -r`.

use std::fmt;

use canvass_model::{Outcome, Time, TraceEvent};

use crate::write::{push_status, push_visible, target_text};

/// The timeline of `outcome`: a line with the target and its status, then one for each event:
/// seconds since the first event, microseconds since the one before, the event, the octets it
/// moved, and what it was about. Each line has a line end.
pub fn trace(outcome: &Outcome) -> impl fmt::Display + '_ {
    Timeline { outcome }
}

struct Timeline<'a> {
    outcome: &'a Outcome,
}

impl fmt::Display for Timeline<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = Vec::new();
        target_text(&self.outcome.job.target).push(&mut line, push_visible);
        line.push(b' ');
        push_status(&mut line, self.outcome.status);
        writeln!(f, "{}", String::from_utf8_lossy(&line))?;
        let events = self.outcome.trace.as_deref().unwrap_or_default();
        let Some(first) = events.first() else {
            return Ok(());
        };
        let mut rows = vec![];
        let mut before = first.at;
        for event in events {
            rows.push(Row::new(event, first.at, before));
            before = event.at;
        }
        let widest = |cell: fn(&Row) -> &str| {
            rows.iter()
                .map(|row| cell(row).chars().count())
                .max()
                .unwrap_or(0)
        };
        let since_before = widest(|row| &row.since_before);
        let name = widest(|row| row.event);
        let octets = widest(|row| &row.octets);
        for row in &rows {
            let text = format!(
                "{}  {:>since_before$}  {:<name$}  {:>octets$}  {}",
                row.since_first, row.since_before, row.event, row.octets, row.detail,
            );
            writeln!(f, "{}", text.trim_end())?;
        }
        Ok(())
    }
}

/// One event as it is shown.
struct Row {
    since_first: String,
    since_before: String,
    event: &'static str,
    octets: String,
    detail: String,
}

impl Row {
    fn new(event: &TraceEvent, first: Time, before: Time) -> Self {
        let since_first_ns = event.at.nanos_since(first);
        let since_before_ns = event.at.nanos_since(before);
        let mut detail = Vec::new();
        push_visible(&mut detail, &event.detail);
        Self {
            since_first: format!(
                "+{}.{:06} s",
                since_first_ns / 1_000_000_000,
                since_first_ns % 1_000_000_000 / 1000,
            ),
            since_before: format!(
                "+{}.{} µs",
                since_before_ns / 1000,
                since_before_ns % 1000 / 100
            ),
            event: event.event,
            octets: event
                .octets
                .map(|octets| format!("{octets} B"))
                .unwrap_or_default(),
            detail: String::from_utf8_lossy(&detail).into_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    fn event(at_ns: u64, event: &'static str, octets: Option<u64>, detail: &str) -> TraceEvent {
        TraceEvent {
            at: Time::from_nanos(5_000_000_000 + at_ns),
            event,
            detail: detail.into(),
            octets,
        }
    }

    #[test]
    fn events_are_a_table_from_the_first_of_them_on() {
        let mut outcome = fixture::http_answered();
        outcome.trace = Some(
            [
                event(0, "socket", None, ""),
                event(412_345, "connect", None, "127.0.0.1:80"),
                event(1_500_000, "write", Some(120), "GET / HTTP/1.1"),
                event(2_000_000_000, "read", Some(16384), "bell\u{7} 200"),
            ]
            .into(),
        );
        assert_eq!(
            trace(&outcome).to_string(),
            "\
http://127.0.0.1:8080/ 200
+0.000000 s        +0.0 µs  socket
+0.000412 s      +412.3 µs  connect           127.0.0.1:80
+0.001500 s     +1087.6 µs  write      120 B  GET / HTTP/1.1
+2.000000 s  +1998500.0 µs  read     16384 B  bell\\u{7} 200
"
        );
    }

    #[test]
    fn without_events_there_is_the_header_alone() {
        assert_eq!(
            trace(&fixture::ptr_answered()).to_string(),
            "10.1.2.3 NOERROR\n"
        );
    }
}
