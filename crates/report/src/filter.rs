//! Which outcomes have a line.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use canvass_model::{Outcome, Rcode, Status, Verdict, suggestion};

/// The status codes of HTTP (RFC 9110 §15).
const CODES: RangeInclusive<u16> = 100..=999;

/// Chooses the outcomes that have a line. The default is all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineFilter {
    /// Outcomes with one of these verdicts; with any if this is empty.
    pub verdicts: Vec<Verdict>,
    /// Outcomes with one of these statuses; with any if this is empty.
    pub matched: Vec<StatusPattern>,
    /// No outcomes with one of these statuses, whatever else matches.
    pub hidden: Vec<StatusPattern>,
}

/// One or more statuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatusPattern {
    /// This one.
    One(Status),
    /// These codes of HTTP.
    Codes(RangeInclusive<u16>),
}

/// A text is neither a status nor a class or a range of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusPatternError(Box<str>);

impl LineFilter {
    /// Whether every outcome has a line.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether this outcome has a line.
    pub fn passes(&self, outcome: &Outcome) -> bool {
        let has_status =
            |patterns: &[StatusPattern]| patterns.iter().any(|one| one.has(outcome.status));
        (self.verdicts.is_empty() || self.verdicts.contains(&outcome.verdict))
            && (self.matched.is_empty() || has_status(&self.matched))
            && !has_status(&self.hidden)
    }
}

impl fmt::Display for LineFilter {
    /// As flags of the command.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdicts = self.verdicts.iter().map(|one| one.as_str().to_owned());
        let shown = |patterns: &[StatusPattern]| patterns.iter().map(ToString::to_string).collect();
        let lists: [(&str, Vec<String>); 3] = [
            ("only", verdicts.collect()),
            ("match-status", shown(&self.matched)),
            ("hide-status", shown(&self.hidden)),
        ];
        let given = lists.iter().filter(|(_, words)| !words.is_empty());
        for (at, (flag, words)) in given.enumerate() {
            let blank = if at == 0 { "" } else { " " };
            write!(f, "{blank}--{flag} {}", words.join(","))?;
        }
        Ok(())
    }
}

impl StatusPattern {
    fn has(&self, status: Status) -> bool {
        match (self, status) {
            (Self::One(one), status) => *one == status,
            (Self::Codes(codes), Status::Http(code)) => codes.contains(&code),
            _ => false,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let text = text.to_ascii_uppercase();
        if let Some(class) = text.strip_suffix("XX") {
            let class: u16 = class.parse().ok().filter(|class| (1..=9).contains(class))?;
            return Some(Self::Codes(class * 100..=class * 100 + 99));
        }
        if let Some((first, last)) = text.split_once('-') {
            let codes = first.parse().ok()?..=last.parse().ok()?;
            let are_codes = CODES.contains(codes.start()) && CODES.contains(codes.end());
            return (are_codes && !codes.is_empty()).then_some(Self::Codes(codes));
        }
        match text.parse().ok()? {
            Status::Http(code) if !CODES.contains(&code) => None,
            status => Some(Self::One(status)),
        }
    }
}

impl FromStr for StatusPattern {
    type Err = StatusPatternError;

    /// Parses a status as lines have it, a class (`4xx`) or a range (`200-299`), in any case.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        Self::parse(text).ok_or_else(|| StatusPatternError(text.into()))
    }
}

impl fmt::Display for StatusPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(status) => status.fmt(f),
            Self::Codes(codes) => write!(f, "{}-{}", codes.start(), codes.end()),
        }
    }
}

impl fmt::Display for StatusPatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = Status::WORDS.iter().filter_map(|status| status.word());
        let known: Vec<&str> = Rcode::names().chain(words).collect();
        write!(
            f,
            "unknown status {:?}{}; expected a code of HTTP (404), a class (4xx), a range (200-299), or \
             one of {}",
            self.0,
            suggestion(&self.0, known.iter().copied()),
            known.join(", ")
        )
    }
}

impl std::error::Error for StatusPatternError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    fn patterns(text: &str) -> Vec<StatusPattern> {
        text.split(',').map(|one| one.parse().unwrap()).collect()
    }

    #[test]
    fn statuses_classes_and_ranges_are_read_in_any_case() {
        let cases = [
            ("NXDOMAIN", Status::Rcode(Rcode::NXDOMAIN), true),
            ("nxdomain", Status::Rcode(Rcode::NXDOMAIN), true),
            ("noerror", Status::Rcode(Rcode::NXDOMAIN), false),
            ("rcode42", Status::Rcode(Rcode(42)), true),
            ("Timeout", Status::Timeout, true),
            ("404", Status::Http(404), true),
            ("404", Status::Http(403), false),
            ("2xx", Status::Http(299), true),
            ("2XX", Status::Http(300), false),
            ("200-204", Status::Http(204), true),
            ("200-204", Status::Http(205), false),
            ("2xx", Status::Open, false),
        ];
        for (text, status, expected) in cases {
            assert_eq!(patterns(text)[0].has(status), expected, "{text} {status}");
        }
    }

    #[test]
    fn other_words_are_answered_with_the_nearest_and_the_list() {
        let error = |text: &str| text.parse::<StatusPattern>().unwrap_err().to_string();
        let text = error("nxdomian");
        assert!(
            text.starts_with("unknown status \"nxdomian\"; did you mean NXDOMAIN?"),
            "{text}"
        );
        assert!(
            text.contains("SERVFAIL") && text.contains("UNMATCHED"),
            "{text}"
        );
        for bad in [
            "", "0xx", "20x", "99", "1000", "299-200", "200-", "-200", "200-1000",
        ] {
            assert!(error(bad).contains("(200-299)"), "{bad}");
        }
    }

    #[test]
    fn an_outcome_passes_if_every_part_of_the_filter_agrees() {
        let (answered, failed) = (fixture::ptr_answered(), fixture::ptr_timeout());
        let passing = |filter: &LineFilter| [&answered, &failed].map(|one| filter.passes(one));
        let mut filter = LineFilter::default();
        assert!(filter.is_empty());
        assert_eq!(passing(&filter), [true, true]);
        filter.verdicts = vec![Verdict::Failed, Verdict::Negative];
        assert_eq!(passing(&filter), [false, true]);
        filter.matched = patterns("NOERROR,TIMEOUT");
        assert_eq!(passing(&filter), [false, true]);
        filter.hidden = patterns("timeout");
        assert_eq!(passing(&filter), [false, false]);
        filter.verdicts.clear();
        assert_eq!(passing(&filter), [true, false]);
        let shown = "--match-status NOERROR,TIMEOUT --hide-status TIMEOUT";
        assert_eq!(filter.to_string(), shown);
    }
}
