//! Counts over a whole run.

mod merge;
mod saved;
#[cfg(test)]
mod tests;
mod unmet;

use std::collections::BTreeMap;
use std::time::Duration;

use canvass_model::{Answer, Cause, Errno, Outcome, Phase, ProbeSpec, Rcode, Status, Verdict};
use serde::{Deserialize, Serialize};

use crate::http_class::{HTTP_CLASSES, http_class};
use crate::write::{push_visible, target_text};

pub use unmet::{SeenCount, UnmetCount};

use unmet::UnmetCounts;

/// Counts of outcomes. Its size does not grow with the run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tally {
    verdicts: [u64; 3],
    of_hosts: u64,
    /// Negative outcomes that are not good: those of hosts, and of lookups that an expectation did not
    /// hold for.
    unexpected: u64,
    unmet: UnmetCounts,
    no_data: u64,
    rcodes: [u64; COMMON_RCODES],
    other_rcodes: BTreeMap<u16, u64>,
    http_codes: BTreeMap<u16, u64>,
    // Counts that an older version has saved do not have it.
    #[serde(default)]
    http_classes: [[u64; HTTP_CLASSES]; 2],
    other_statuses: [u64; OTHER_STATUSES.len()],
    #[serde(with = "saved::faults")]
    faults: BTreeMap<(Phase, Cause, Option<Errno>), u64>,
    attempts: u64,
    attempts_max: u32,
    answered_after_retry: u64,
    stalled: u64,
    rechecked: u64,
    late_starts: u64,
    late_start_max: Duration,
    confirmations: Confirmations,
    ending: EndingCertificates,
}

/// A kind of fault and how often it occurred.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultCount {
    /// The phase.
    pub phase: Phase,
    /// The cause.
    pub cause: Cause,
    /// The errno, if there was one.
    pub errno: Option<Errno>,
    /// The number of outcomes.
    pub count: u64,
}

/// Certificates that expire soon.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndingCertificates {
    /// The number of targets with such a certificate. Repeated requests are not counted again.
    pub targets: u64,
    /// The target whose certificate expires first, and in how many days.
    pub first: Option<(Box<str>, i64)>,
}

/// A certificate with at most this many days left expires soon.
pub const CERTIFICATE_DAYS_FEW: i64 = 14;
/// A target that starts at least this long after its scheduled time started late.
pub const LATE_START_MIN: Duration = Duration::from_millis(100);

/// The results of forward confirmation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmations {
    /// At least one name has the address.
    pub confirmed: u64,
    /// No name has the address.
    pub unconfirmed: u64,
    /// It could not be determined, or there was no name.
    pub unknown: u64,
}

/// Response codes below this are counted in an array; it includes all common codes.
const COMMON_RCODES: usize = 24;
const OTHER_STATUSES: [Status; 13] = [
    Status::Open,
    Status::Matched,
    Status::Unmatched,
    Status::Timeout,
    Status::ConnRefused,
    Status::Reset,
    Status::Unreachable,
    Status::Truncated,
    Status::Malformed,
    Status::Lame,
    Status::Tls,
    Status::Invalid,
    Status::Local,
];

impl Tally {
    /// Counts an outcome.
    pub fn record(&mut self, outcome: &Outcome) {
        self.verdicts[verdict_index(outcome.verdict)] += 1;
        match outcome.status {
            Status::Rcode(Rcode(code)) => match self.rcodes.get_mut(usize::from(code)) {
                Some(count) => *count += 1,
                None => *self.other_rcodes.entry(code).or_default() += 1,
            },
            Status::Http(code) => {
                *self.http_codes.entry(code).or_default() += 1;
                let classes = self.http_classes.get_mut(verdict_index(outcome.verdict));
                if let (Some(classes), Some(class)) = (classes, http_class(code)) {
                    classes[class] += 1;
                }
            }
            other => self.other_statuses[status_index(other)] += 1,
        }
        if let Some(fault) = &outcome.fault {
            let kind = (fault.phase, fault.cause, fault.errno);
            *self.faults.entry(kind).or_default() += 1;
        }
        self.attempts += u64::from(outcome.attempts);
        self.attempts_max = self.attempts_max.max(outcome.attempts);
        self.stalled += u64::from(outcome.stalled);
        self.rechecked += u64::from(outcome.recheck);
        self.record_start(outcome);
        match outcome.job.spec {
            ProbeSpec::Ptr {
                forward_confirm: true,
            } => {
                self.confirmations.record(&outcome.answer);
                self.record_negative_lookup(outcome);
            }
            ProbeSpec::Ptr { .. } | ProbeSpec::Dns { .. } => {
                let answered = outcome.verdict != Verdict::Failed;
                self.answered_after_retry += u64::from(outcome.attempts > 1 && answered);
                self.record_negative_lookup(outcome);
            }
            ProbeSpec::Http { .. } | ProbeSpec::Tcp { .. } | ProbeSpec::Udp { .. } => {
                self.record_host(outcome);
            }
        }
    }

    /// Counts many outcomes.
    pub fn record_all(&mut self, outcomes: &[Outcome]) {
        for outcome in outcomes {
            self.record(outcome);
        }
    }

    /// All outcomes.
    pub fn total(&self) -> u64 {
        self.verdicts.iter().sum()
    }

    /// Outcomes with this verdict.
    pub fn verdict(&self, verdict: Verdict) -> u64 {
        self.verdicts[verdict_index(verdict)]
    }

    /// Outcomes that count as good for an exit status: answered, and for lookups also negative. An
    /// expectation that does not hold is not good.
    pub fn good(&self) -> u64 {
        self.total() - self.verdict(Verdict::Failed) - self.unexpected
    }

    /// The expectations that did not hold with their counts, the most common first.
    pub fn unmet(&self) -> Vec<UnmetCount> {
        self.unmet.by_expectation()
    }

    /// Negative outcomes with status NOERROR and without an unmet expectation: the name exists, but has
    /// no records of the type.
    pub fn no_data(&self) -> u64 {
        self.no_data
    }

    /// The statuses with their counts, the most common first.
    pub fn statuses(&self) -> Vec<(Status, u64)> {
        let common = (0..)
            .map(|code| Status::Rcode(Rcode(code)))
            .zip(self.rcodes);
        let rare = self
            .other_rcodes
            .iter()
            .map(|(&code, &count)| (Status::Rcode(Rcode(code)), count));
        let codes = self
            .http_codes
            .iter()
            .map(|(&code, &count)| (Status::Http(code), count));
        let others = OTHER_STATUSES.into_iter().zip(self.other_statuses);
        most_common_first(common.chain(rare).chain(codes).chain(others))
    }

    /// Outcomes with this verdict and an HTTP status code of each class: 1xx, 2xx, 3xx, 4xx, 5xx. None
    /// for outcomes that failed.
    pub fn by_http_class(&self, verdict: Verdict) -> [u64; 5] {
        let classes = self.http_classes.get(verdict_index(verdict));
        classes.copied().unwrap_or_default()
    }

    /// The causes of failures with their counts, the most common first.
    pub fn causes(&self) -> Vec<(Cause, u64)> {
        most_common_first(
            Cause::ALL
                .map(|cause| (cause, self.cause(cause)))
                .into_iter(),
        )
    }

    /// The faults by phase, cause and errno, the most common first.
    pub fn faults(&self) -> Vec<FaultCount> {
        let counts = self.faults.iter().map(|(&kind, &count)| (kind, count));
        most_common_first(counts)
            .into_iter()
            .map(|((phase, cause, errno), count)| FaultCount {
                phase,
                cause,
                errno,
                count,
            })
            .collect()
    }

    /// Outcomes of `http`, `tcp` and `udp`.
    pub fn of_hosts(&self) -> u64 {
        self.of_hosts
    }

    /// Failures with this cause.
    pub fn cause(&self, cause: Cause) -> u64 {
        let of_cause = self.faults.iter().filter(|((_, of, _), _)| *of == cause);
        of_cause.map(|(_, count)| count).sum()
    }

    /// The attempts of all outcomes.
    pub fn attempts(&self) -> u64 {
        self.attempts
    }

    /// The maximum number of attempts for one outcome.
    pub fn attempts_max(&self) -> u32 {
        self.attempts_max
    }

    /// Outcomes of `ptr` and `dns` that did not fail and took more than one query, including a query
    /// over TCP after a truncated answer. Outcomes with forward confirmation are not included: they
    /// always take several queries.
    pub fn answered_after_retry(&self) -> u64 {
        self.answered_after_retry
    }

    /// Outcomes with `stalled`.
    pub fn stalled(&self) -> u64 {
        self.stalled
    }

    /// Outcomes with `recheck`: the targets failed at first, and answered when they were asked again at
    /// the end of the run.
    pub fn rechecked(&self) -> u64 {
        self.rechecked
    }

    /// Outcomes that started [`LATE_START_MIN`] or more after their scheduled time.
    pub fn late_starts(&self) -> u64 {
        self.late_starts
    }

    /// The largest such delay.
    pub fn late_start_max(&self) -> Duration {
        self.late_start_max
    }

    /// The results of forward confirmation; all zero without it.
    pub fn confirmations(&self) -> Confirmations {
        self.confirmations
    }

    /// Certificates that expire within [`CERTIFICATE_DAYS_FEW`] days. Expired ones are included,
    /// unless that is why the target failed.
    pub fn ending_certificates(&self) -> &EndingCertificates {
        &self.ending
    }

    fn record_negative_lookup(&mut self, outcome: &Outcome) {
        if outcome.verdict != Verdict::Negative {
            return;
        }
        if let Some(unmet) = outcome.answer.unmet() {
            self.unexpected += 1;
            self.unmet.record(unmet);
        } else if outcome.status == Status::Rcode(Rcode::NOERROR) {
            self.no_data += 1;
        }
    }

    fn record_start(&mut self, outcome: &Outcome) {
        if let (Some(due), Some(sent)) = (outcome.job.due, outcome.first_send) {
            let late = sent - due;
            if late >= LATE_START_MIN {
                self.late_starts += 1;
                self.late_start_max = self.late_start_max.max(late);
            }
        }
    }

    fn record_host(&mut self, outcome: &Outcome) {
        self.of_hosts += 1;
        if outcome.verdict == Verdict::Negative {
            self.unexpected += 1;
            if let Some(unmet) = outcome.answer.unmet() {
                self.unmet.record(unmet);
            }
        }
        let expired = matches!(&outcome.fault, Some(fault) if fault.cause == Cause::Expired);
        let repeated = matches!(&outcome.answer, Answer::Http(answer) if answer.repeat > Some(1));
        let certificate = outcome
            .answer
            .tls()
            .and_then(|tls| tls.certificate.as_ref());
        if let Some(certificate) = certificate
            && !repeated
            && certificate.days_left <= CERTIFICATE_DAYS_FEW
            && !expired
        {
            self.ending.record(outcome, certificate.days_left);
        }
    }
}

impl EndingCertificates {
    fn record(&mut self, outcome: &Outcome, days_left: i64) {
        self.targets += 1;
        if self
            .first
            .as_ref()
            .is_none_or(|(_, least)| days_left < *least)
        {
            let mut target = Vec::new();
            target_text(&outcome.job.target).push(&mut target, push_visible);
            let target = String::from_utf8_lossy(&target).into();
            self.first = Some((target, days_left));
        }
    }
}

impl Confirmations {
    fn record(&mut self, answer: &Answer) {
        let confirmed = match answer {
            Answer::Ptr(answer) => answer.confirmation().and_then(|one| one.confirmed),
            _ => None,
        };
        match confirmed {
            Some(true) => self.confirmed += 1,
            Some(false) => self.unconfirmed += 1,
            None => self.unknown += 1,
        }
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        self.confirmed + self.unconfirmed + self.unknown
    }
}

fn most_common_first<T>(counts: impl Iterator<Item = (T, u64)>) -> Vec<(T, u64)> {
    let mut counts: Vec<_> = counts.filter(|&(_, count)| count > 0).collect();
    counts.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    counts
}

fn verdict_index(verdict: Verdict) -> usize {
    match verdict {
        Verdict::Answered => 0,
        Verdict::Negative => 1,
        Verdict::Failed => 2,
    }
}

/// The place of a status that is no code; a match, so that a new status is noticed.
fn status_index(status: Status) -> usize {
    match status {
        Status::Open => 0,
        Status::Matched => 1,
        Status::Unmatched => 2,
        Status::Timeout => 3,
        Status::ConnRefused => 4,
        Status::Reset => 5,
        Status::Unreachable => 6,
        Status::Truncated => 7,
        Status::Malformed => 8,
        Status::Lame => 9,
        Status::Tls => 10,
        Status::Invalid => 11,
        Status::Local => 12,
        Status::Rcode(_) | Status::Http(_) => unreachable!("codes are counted by number"),
    }
}
