//! Maintenance windows, on the wall clock of a time zone.

use std::str::FromStr;
use std::sync::Arc;
use std::time::SystemTime;

use jiff::Timestamp;
use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;

use super::error::{ConfigError, Document};
use super::file::Window as RawWindow;
use crate::WatchedTarget;

/// The windows in which targets are in maintenance: probed and shown, but without alerts.
#[derive(Clone, Debug, Default)]
pub struct Maintenance {
    windows: Vec<Window>,
}

/// The windows that are open, and for which targets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenWindows {
    scopes: Vec<Arc<Scope>>,
}

#[derive(Clone, Debug)]
struct Window {
    scope: Arc<Scope>,
    times: Times,
}

/// The groups and targets of a window. Without any, all.
#[derive(Debug, PartialEq, Eq)]
struct Scope {
    groups: Vec<Box<str>>,
    targets: Vec<Box<str>>,
}

#[derive(Clone, Debug)]
enum Times {
    Once {
        start: Timestamp,
        end: Timestamp,
    },
    /// On each of these days, from one time to another, which is on the next day if it is not later.
    Weekly {
        days: Vec<Weekday>,
        from: Time,
        to: Time,
        zone: TimeZone,
    },
}

impl Maintenance {
    /// The windows that are open at `now` on the wall clock.
    pub fn open(&self, now: SystemTime) -> OpenWindows {
        let now = Timestamp::try_from(now).unwrap_or(Timestamp::UNIX_EPOCH);
        let open = self.windows.iter().filter(|one| one.times.has(now));
        OpenWindows {
            scopes: open.map(|window| Arc::clone(&window.scope)).collect(),
        }
    }

    pub(super) fn of(
        document: &Document,
        raw: &[toml::Spanned<RawWindow>],
    ) -> Result<Self, ConfigError> {
        let windows = raw.iter().map(|window| {
            let times =
                times(window.as_ref()).map_err(|message| document.error(window.span(), message))?;
            let texts = |list: &[toml::Spanned<String>]| {
                let texts = list.iter().map(|one| one.as_ref().as_str().into());
                texts.collect()
            };
            let scope = Arc::new(Scope {
                groups: texts(&window.as_ref().groups),
                targets: texts(&window.as_ref().targets),
            });
            Ok(Window { scope, times })
        });
        let windows = windows.collect::<Result<_, _>>()?;
        Ok(Self { windows })
    }
}

impl OpenWindows {
    /// Whether a target is in maintenance.
    pub fn cover(&self, target: &WatchedTarget) -> bool {
        self.scopes.iter().any(|scope| {
            let is_all = scope.groups.is_empty() && scope.targets.is_empty();
            is_all
                || scope.groups.iter().any(|group| **group == *target.group)
                || scope.targets.iter().any(|key| **key == *target.key)
        })
    }
}

impl Times {
    fn has(&self, now: Timestamp) -> bool {
        match self {
            Self::Once { start, end } => (*start..*end).contains(&now),
            Self::Weekly {
                days,
                from,
                to,
                zone,
            } => {
                let today = now.to_zoned(zone.clone()).date();
                [today.yesterday(), Ok(today)]
                    .into_iter()
                    .flatten()
                    .filter(|day| days.contains(&day.weekday()))
                    .any(|day| {
                        let last = if from < to { Ok(day) } else { day.tomorrow() };
                        let at = |day: jiff::civil::Date, time| {
                            zone.to_ambiguous_timestamp(day.to_datetime(time))
                                .compatible()
                        };
                        let (start, end) = (at(day, *from), last.and_then(|day| at(day, *to)));
                        matches!((start, end), (Ok(start), Ok(end)) if (start..end).contains(&now))
                    })
            }
        }
    }
}

fn times(raw: &RawWindow) -> Result<Times, &'static str> {
    let weekly = (&raw.timezone, &raw.from, &raw.to);
    let has_weekly = raw.days.is_some() || !matches!(weekly, (None, None, None));
    match (&raw.start, &raw.end) {
        (Some(_), _) | (_, Some(_)) if has_weekly => {
            Err("a window has either start and end, or timezone, from and to")
        }
        (Some(start), Some(end)) if start.0.0 >= end.0.0 => Err("the window ends before it starts"),
        (Some(start), Some(end)) => Ok(Times::Once {
            start: start.0.0,
            end: end.0.0,
        }),
        (None, None) => match weekly {
            (Some(zone), Some(from), Some(to)) => Ok(Times::Weekly {
                days: match &raw.days {
                    Some(days) => days.0.iter().map(|day| day.0).collect(),
                    None => DAYS.map(|(_, day)| day).into(),
                },
                from: from.0.0,
                to: to.0.0,
                zone: zone.0.0.clone(),
            }),
            _ => Err("a window needs start and end, or timezone, from and to"),
        },
        _ => Err("a window needs both start and end"),
    }
}

/// A named time zone.
#[derive(Clone, Debug)]
pub(super) struct Zone(TimeZone);

impl FromStr for Zone {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        TimeZone::get(name)
            .map(Self)
            .map_err(|_| format!("{name:?} is not a time zone such as UTC or Europe/Berlin"))
    }
}

const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

/// A day of the week.
#[derive(Clone, Copy, Debug)]
pub(super) struct Day(Weekday);

impl FromStr for Day {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let day = DAYS.iter().find(|(name, _)| *name == text);
        day.map(|(_, day)| Self(*day))
            .ok_or_else(|| format!("{text:?} is not a day: mon, tue, wed, thu, fri, sat or sun"))
    }
}

/// A time of the day, `HH:MM`, where `24:00` is the end of the day.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClockTime(Time);

impl FromStr for ClockTime {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "24:00" {
            return Ok(Self(Time::midnight()));
        }
        text.parse()
            .map(Self)
            .map_err(|_| format!("{text:?} is not a time of the day such as 02:00"))
    }
}

/// A point in time (RFC 3339, or RFC 9557 with the name of a time zone).
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment(Timestamp);

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let moment = if text.contains('[') {
            text.parse().map(|zoned: jiff::Zoned| zoned.timestamp())
        } else {
            text.parse()
        };
        moment.map(Self).map_err(|_| {
            format!("{text:?} is not a point in time such as 2026-12-01T02:00:00+01:00")
        })
    }
}
