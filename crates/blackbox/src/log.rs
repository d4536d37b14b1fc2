//! What happened in a probe, as it is shown.

use std::borrow::Cow;
use std::fmt;
use std::time::{Duration, Instant};

use canvass_model::Outcome;

use crate::file::MASK;

/// What happened, if somebody asks.
#[derive(Debug)]
pub(crate) struct Log {
    began: Instant,
    lines: Option<Vec<String>>,
}

impl Log {
    /// A log of a probe that begins now, which is empty for ever unless it is `wanted`.
    pub(crate) fn begin(wanted: bool) -> Self {
        Self {
            began: Instant::now(),
            lines: wanted.then(Vec::new),
        }
    }

    /// Its lines, if it is wanted.
    pub(crate) fn lines(&self) -> Option<&[String]> {
        self.lines.as_deref()
    }

    /// Whether it is wanted.
    pub(crate) fn is_wanted(&self) -> bool {
        self.lines.is_some()
    }

    pub(crate) fn add(&mut self, line: fmt::Arguments<'_>) {
        let at = self.began.elapsed();
        self.add_at(at, line);
    }

    fn add_at(&mut self, at: Duration, line: fmt::Arguments<'_>) {
        if let Some(lines) = &mut self.lines {
            lines.push(format!("{:>10.6} {line}", at.as_secs_f64()));
        }
    }

    /// Adds the trace of a probe that began at `began`, and its fault.
    pub(crate) fn add_outcome(&mut self, began: Instant, outcome: &Outcome) {
        let offset = began - self.began;
        for event in outcome.trace.iter().flatten() {
            let at = offset + event.at.since(canvass_model::Time::ZERO);
            self.add_at(at, format_args!("{} {}", event.event, event.detail));
        }
        if let Some(fault) = &outcome.fault {
            self.add(format_args!(
                "failed: {} in phase {}: {}",
                fault.cause.as_str(),
                fault.phase,
                fault.message
            ));
        }
        if let Some(unmet) = outcome.answer.unmet() {
            self.add(format_args!(
                "expected {}, seen {}",
                unmet.expected, unmet.seen
            ));
        }
    }
}

/// A target as it is shown: a password in a URL is not.
pub fn shown_target(target: &str) -> Cow<'_, str> {
    let authority = target
        .split_once("://")
        .map_or(0, |(scheme, _)| scheme.len() + 3);
    let end = target[authority..]
        .find(['/', '?', '#'])
        .map_or(target.len(), |end| authority + end);
    let userinfo = target[authority..end].rfind('@');
    let password = userinfo.and_then(|at| {
        let colon = target[authority..authority + at].find(':')?;
        Some((authority + colon + 1, authority + at))
    });
    match password {
        Some((from, to)) => format!("{}{MASK}{}", &target[..from], &target[to..]).into(),
        None => target.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_of_a_target_is_not_shown() {
        for (target, shown) in [
            ("http://me:hunter2@a.test/b", "http://me:<secret>@a.test/b"),
            ("me:hunter2@a.test:80", "me:<secret>@a.test:80"),
            ("http://me:p@ss@a.test?q", "http://me:<secret>@a.test?q"),
            ("http://me@a.test/", "http://me@a.test/"),
            ("http://a.test/x:y@z", "http://a.test/x:y@z"),
            ("[::1]:25", "[::1]:25"),
        ] {
            assert_eq!(shown_target(target), shown);
        }
    }
}
