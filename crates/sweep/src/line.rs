//! The lines that a sweep writes: one for each change.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use serde::Serialize;

use crate::cut_off::CutOffChange;
use crate::notice::{Notice, What};
use crate::state::State;

/// A line in ndjson.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Line<'a> {
    State {
        at: String,
        target: &'a str,
        group: &'a str,
        from: &'static str,
        to: &'static str,
        lasted_s: Option<f64>,
        reason: Option<&'a str>,
        alert: bool,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        silenced: bool,
    },
    CutOff {
        at: String,
        began: bool,
        failing: u64,
        in_use: u64,
    },
}

impl Notice {
    /// As an object of ndjson, without the line end.
    pub fn ndjson(&self) -> String {
        let at = timestamp(self.at);
        let line = match &self.what {
            What::State {
                target,
                group,
                change,
                lasted,
                alerts,
                silenced,
            } => Line::State {
                at,
                target,
                group,
                from: change.from.as_str(),
                to: change.to.as_str(),
                lasted_s: lasted.map(|lasted| lasted.as_secs_f64()),
                reason: change.reason.as_deref(),
                alert: *alerts,
                silenced: *silenced,
            },
            What::CutOff {
                change,
                failing,
                in_use,
            } => Line::CutOff {
                at,
                began: *change == CutOffChange::Began,
                failing: *failing,
                in_use: *in_use,
            },
        };
        serde_json::to_string(&line).expect("strings and numbers are JSON")
    }

    /// As a line for a person, without the line end.
    pub fn text(&self) -> String {
        let at = timestamp(self.at);
        match &self.what {
            What::State {
                target,
                change,
                lasted,
                silenced,
                ..
            } => {
                let mut line = format!("{at} {:<8} {target}", change.to.as_str());
                let is_still = change.from == change.to;
                if is_still {
                    line.push_str(" still");
                }
                if let Some(lasted) = lasted.filter(|_| is_still || change.from != State::Unknown) {
                    let _ = write!(line, " after {} {}", span(lasted), change.from.as_str());
                }
                if let Some(reason) = &change.reason {
                    let _ = write!(line, ": {}", reason.escape_debug());
                }
                if *silenced {
                    line.push_str(" (silenced)");
                }
                line
            }
            What::CutOff {
                change: CutOffChange::Began,
                failing,
                in_use,
            } => format!(
                "{at} cut off  {failing} of {in_use} targets fail at once: no target goes down until \
                 most answer again"
            ),
            What::CutOff {
                failing, in_use, ..
            } => format!("{at} back     {failing} of {in_use} targets fail"),
        }
    }
}

/// RFC 3339 in UTC, with milliseconds.
pub(crate) fn timestamp(at: SystemTime) -> String {
    let at = Timestamp::try_from(at).unwrap_or(Timestamp::UNIX_EPOCH);
    format!("{at:.3}")
}

/// The two largest units of a span.
pub(crate) fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m {}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h {}m", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{}d {}h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Change;

    fn notice(what: What) -> Notice {
        Notice {
            at: SystemTime::UNIX_EPOCH + Duration::from_millis(1_800_000_000_250),
            what,
        }
    }

    fn state(from: State, to: State, lasted_s: Option<u64>, reason: Option<&str>) -> Notice {
        notice(What::State {
            target: "tcp://a.example.net:25".into(),
            group: "mail".into(),
            change: Change {
                from,
                to,
                reason: reason.map(Into::into),
            },
            lasted: lasted_s.map(Duration::from_secs),
            alerts: true,
            silenced: false,
        })
    }

    #[test]
    fn a_change_is_an_object() {
        let down = state(State::Up, State::Down, Some(90), Some("refused \"x\""));
        assert_eq!(
            down.ndjson(),
            r#"{"event":"state","at":"2027-01-15T08:00:00.250Z","target":"tcp://a.example.net:25","group":"mail","from":"up","to":"down","lasted_s":90.0,"reason":"refused \"x\"","alert":true}"#
        );
        let cut_off = notice(What::CutOff {
            change: CutOffChange::Began,
            failing: 60,
            in_use: 100,
        });
        assert_eq!(
            cut_off.ndjson(),
            r#"{"event":"cut_off","at":"2027-01-15T08:00:00.250Z","began":true,"failing":60,"in_use":100}"#
        );
    }

    #[test]
    fn a_person_reads_what_changed_and_why() {
        for (notice, expected) in [
            (
                state(State::Up, State::Down, Some(93_784), Some("refused\n")),
                "down     tcp://a.example.net:25 after 1d 2h up: refused\\n",
            ),
            (
                state(State::Down, State::Up, Some(59), None),
                "up       tcp://a.example.net:25 after 59s down",
            ),
            (
                state(State::Unknown, State::Up, None, None),
                "up       tcp://a.example.net:25",
            ),
            (
                state(State::Down, State::Down, Some(3_900), Some("refused")),
                "down     tcp://a.example.net:25 still after 1h 5m down: refused",
            ),
        ] {
            assert_eq!(
                notice.text(),
                format!("2027-01-15T08:00:00.250Z {expected}")
            );
        }
    }
}
