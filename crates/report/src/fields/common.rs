//! The fields that lines of every probe have.

use std::num::NonZeroU64;
use std::time::Duration;

use canvass_model::{Cause, Errno, Fault, Outcome, Phase, Status, Target, Time, Verdict};
use jiff::Timestamp;

use super::read::{ErrorReader, Read};
use super::value::{KeyIf, KeyIfSome, Object, Word};
use crate::read::{FaultDraft, FromText, LineDraft, Millis, Probe};

fields! {
    Start: Outcome, |outcome| "{" .. "", into LineDraft;

    seq: u64 = outcome.job.seq, csv,
        read(required, |line, seq| line.outcome.job.seq = seq),
        "position in the order of the targets, from 0";
    line: Option<u64> = outcome.job.line.map(NonZeroU64::get), csv,
        read(optional, |line, number| line.outcome.job.line = number),
        "line of the list, from 1; null for an argument";
    target: &Target = &outcome.job.target, csv,
        read(required, |line, target: Box<str>| line.target = target),
        "the target as given, or in canonical form where it comes from a CIDR, a range or `--ports`; a password in it is replaced by `***`; a bad line is cut after 100 characters and ends in `...`";
    probe: Word = Word(outcome.job.spec.probe()), csv,
        read(required, |line, probe: FromText<Probe>| line.probe = probe.0),
        "`ptr`, `dns`, `http`, `tcp` or `udp`";
}

fields! {
    Ending: Outcome, |outcome| "," .. "", into LineDraft;

    outcome: Word = Word(outcome.verdict.as_str()), csv,
        read(required, |line, verdict: FromText<Verdict>| line.outcome.verdict = verdict.0),
        "`answered`, `negative` or `failed`";
    status: Status = outcome.status, csv,
        read(required, |line, status: FromText<Status>| line.outcome.status = status.0),
        "one word, see [statuses](#statuses)";
}

fields! {
    Times: Outcome, |outcome| "," .. "", into LineDraft;

    attempts: u32 = outcome.attempts, csv,
        read(required, |line, attempts| line.outcome.attempts = attempts),
        "see [attempts](#attempts)";
    started: Time = outcome.first_send.unwrap_or(outcome.due), csv,
        read(required, |line, started: FromText<Timestamp>| line.started = started.0),
        "when the first query was sent or the first connection was begun, in RFC 3339 form, UTC, with microseconds; when the target was due if nothing was sent";
    latency_ms: Option<Duration> = outcome.latency(), csv,
        read(required, |line, latency: Option<Millis>| line.latency = latency.map(|span| span.0)),
        "service time: from `started` to the end; null if nothing was sent";
    response_ms: Duration = outcome.response(), csv,
        read(required, |line, response: Millis| line.response = response.0),
        "response time: from when the target was due to the end";
}

fields! {
    End: Outcome, |outcome| "," .. "", into LineDraft;

    error: Option<Object<'_, Error>> = outcome.fault.as_deref().map(Object), csv,
        read(required, |line, error: Option<Read<ErrorReader>>| {
            line.outcome.fault = error.map(|error| Box::new(error.0.0));
        }),
        "see [error](#error); null unless the outcome is `failed`";
    stalled: KeyIf<bool> = KeyIf(outcome.stalled, outcome.stalled), csv,
        read(optional, |line, stalled| line.outcome.stalled = stalled),
        "true if this process was held up while the target was in progress, so that its times say more about this machine than about the peer; otherwise there is no key";
}

fields! {
    /// Stands last in every line, since its columns are the newest.
    Recheck: Outcome, |outcome| "," .. "", into LineDraft;

    recheck: KeyIf<bool> = KeyIf(outcome.recheck, outcome.recheck), csv,
        read(optional, |line, recheck| line.outcome.recheck = recheck),
        "with `--recheck`: true if the target failed at first and this is what it answered when it was asked again at the end of the run; otherwise there is no key";
    due: KeyIfSome<Time> = KeyIfSome(outcome.job.due), json,
        read(optional, |line, _due: FromText<Timestamp>| line.is_scheduled = true),
        "with `--rate`: when the target was due on the schedule, as `started`; otherwise there is no key";
}

fields! {
    /// Stands last but for what only `http` has, since its columns are newer than the others.
    Expectation: Outcome, |outcome| "," .. "", into LineDraft;

    expected: KeyIfSome<&str> = KeyIfSome(outcome.answer.unmet().map(|unmet| &*unmet.expected)), csv,
        read(optional, |line, expected: Box<str>| line.unmet.get_or_insert_default().expected = expected),
        "what was expected and did not hold, such as `status 200-399`: the first of status, headers, body, JSON, certificate, TLS version, records and latency, or what a script waited for; otherwise there is no key";
    seen: KeyIfSome<&str> = KeyIfSome(outcome.answer.unmet().map(|unmet| &*unmet.seen)), csv,
        read(optional, |line, seen: Box<str>| line.unmet.get_or_insert_default().seen = seen),
        "what was there instead, such as `503`; text of the peer is in quotes, with escapes, and cut after 200 characters";
}

fields! {
    Error: Fault, |fault| "{" .. "}", columns "error_*", into FaultDraft;

    phase: Word = Word(fault.phase.as_str()), csv,
        read(required, |draft, phase: FromText<Phase>| draft.0.phase = phase.0),
        "where it failed: `target` (the input could not be parsed), `wait` (nothing was sent before the end) or a [phase](#phases)";
    cause: Word = Word(fault.cause.as_str()), csv,
        read(required, |draft, cause: FromText<Cause>| draft.0.cause = cause.0),
        "one word for scripts, see [causes](#causes)";
    message: &str = &fault.message, csv,
        read(required, |draft, message| draft.0.message = message),
        "for people; its wording may change";
    errno: Option<Errno> = fault.errno, csv,
        read(optional, |draft, errno: Option<FromText<Errno>>| {
            draft.0.errno = errno.map(|errno| errno.0);
        }),
        "the system's error, such as `ECONNREFUSED`; null if the system reported none";
}

whole_outcome!(Start, Ending, Times, End, Expectation, Recheck);
