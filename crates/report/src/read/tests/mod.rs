//! What is written, read back.

mod interval_log;

use std::time::{Duration, UNIX_EPOCH};

use canvass_model::{Errno, Outcome, Phases, ProbeSpec, Time, Verdict};
use proptest::prelude::*;

use super::*;
use crate::{
    Epoch, IntervalLog, LineFormat, Measure, Ndjson, SummaryInput, Timeline, fixture, warnings,
};

/// A day.
const DAY_NS: u64 = 86_400_000_000_000;

fn lines_of(outcomes: &[Outcome]) -> Vec<u8> {
    let mut format = Ndjson::new(fixture::epoch());
    let mut text = Vec::new();
    for outcome in outcomes {
        format.line(outcome, &mut text);
    }
    text
}

fn log_of(outcomes: &[Outcome]) -> Vec<u8> {
    log_with(outcomes, false)
}

fn log_with(outcomes: &[Outcome], scheduled: bool) -> Vec<u8> {
    let epoch = fixture::epoch();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.hlog");
    let mut log = IntervalLog::create(&path, epoch, Duration::from_secs(1), scheduled).unwrap();
    crate::Sink::record(&mut log, outcomes).unwrap();
    crate::Sink::finish(&mut log).unwrap();
    std::fs::read(path).unwrap()
}

fn read(text: &[u8]) -> ReadRun {
    read_run(text, "run.out").unwrap()
}

#[track_caller]
fn refused(text: &[u8]) -> String {
    read_run(text, "run.out").err().unwrap().to_string()
}

fn one_of_each() -> Vec<Outcome> {
    vec![
        fixture::ptr_answered(),
        fixture::ptr_negative(),
        fixture::ptr_timeout(),
        fixture::ptr_confirmed(Some(true)),
        fixture::local_failure(),
        fixture::dns_answered(),
        fixture::http_answered(),
        fixture::http_redirected(3),
        fixture::http_expired(),
        fixture::tcp_matched(),
        fixture::tcp_refused(),
        fixture::tcp_unmatched(),
        fixture::udp_replies(),
        fixture::invalid(ProbeSpec::Ptr {
            forward_confirm: false,
        }),
    ]
}

/// What a run that goes on counts of `outcomes`.
struct Live {
    tally: Tally,
    latency: LatencyRecorder,
    timeline: Timeline,
    resolvers: ResolverCounts,
    notable: NotableTargets,
}

fn live(outcomes: &[Outcome]) -> Live {
    let mut live = Live {
        tally: Tally::default(),
        latency: LatencyRecorder::new(),
        timeline: Timeline::new(outcomes[0].due),
        resolvers: ResolverCounts::default(),
        notable: NotableTargets::default(),
    };
    for outcome in outcomes {
        live.tally.record(outcome);
        live.latency.record(outcome);
        live.timeline.record(outcome);
        live.resolvers.record(outcome);
        live.notable.record(outcome);
    }
    live
}

/// Checks that what was read is what a run that goes on counts.
fn agrees(run: &ReadRun, outcomes: &[Outcome]) {
    let (report, live) = (run.report(), live(outcomes));
    assert_eq!(report.tally, Some(&live.tally));
    same_latency(report.latency, &live.latency);
    assert_eq!(report.timeline.width(), live.timeline.width());
    assert_eq!(report.timeline.bins(), live.timeline.bins());
    match report.resolvers {
        Some(resolvers) => assert_eq!(*resolvers, live.resolvers),
        None => assert_eq!(live.resolvers.kept().len(), 0),
    }
}

fn same_latency(read: &LatencyRecorder, live: &LatencyRecorder) {
    for measure in [Measure::Service, Measure::Response, Measure::Dns]
        .into_iter()
        .chain(Measure::HOST_PHASES)
    {
        assert!(
            read.distribution(measure) == live.distribution(measure),
            "{measure:?}"
        );
    }
}

#[test]
fn a_schedule_is_read_from_either_file() {
    let mut outcomes = one_of_each();
    for scheduled in [false, true] {
        for outcome in &mut outcomes {
            outcome.job.due = scheduled.then_some(outcome.due);
        }
        let lines = read(&lines_of(&outcomes));
        assert_eq!(lines.report().latency.is_scheduled(), scheduled);
        let late = lines.report().tally.map(|tally| tally.late_starts());
        assert_eq!(late, Some(live(&outcomes).tally.late_starts()));
        let log = read(&log_with(&outcomes, scheduled));
        assert_eq!(log.report().latency.is_scheduled(), scheduled);
    }
}

#[test]
fn lines_are_counted_as_the_run_counted_them() {
    let outcomes = one_of_each();
    let run = read(&lines_of(&outcomes));
    agrees(&run, &outcomes);
    assert_eq!(run.bad_lines(), None);
    let report = run.report();
    assert_eq!(report.notable, Some(&live(&outcomes).notable));
    assert_eq!(report.probes, "dns http ptr tcp udp");
    assert_eq!(report.origin.file.as_deref(), Some("run.out"));
    assert_eq!(report.origin.began, Some(fixture::epoch().wall));
    // From the beginning to the end of the one that took longest.
    assert_eq!(report.wall, Some(Duration::from_secs(10)));
    let actual = warnings(&SummaryInput {
        tally: report.tally.unwrap(),
        latency: report.latency,
        shards: &[],
        wall: Duration::ZERO,
        cpu: None,
        remaining: None,
        interrupted: false,
        recheck: None,
    });
    assert_eq!(report.warnings, actual);
    assert!(
        actual.iter().any(|warning| warning.contains("certificate")),
        "{actual:?}"
    );
}

#[test]
fn a_job_that_began_long_before_the_first_line_is_read_as_well() {
    let mut early = fixture::ptr_timeout();
    early.due = Time::from_nanos(1_000_000);
    early.first_send = Some(Time::from_nanos(2_000_000));
    let mut first = fixture::ptr_answered();
    first.due = Time::from_nanos(9_000_000_000);
    first.first_send = Some(first.due);
    first.finished = first.due.plus_nanos(412_000);
    early.finished = Time::from_nanos(10_002_000_000);
    let outcomes = [first, early];
    let run = read(&lines_of(&outcomes));
    agrees(&run, &outcomes);
    let report = run.report();
    let began = fixture::epoch().wall + Duration::from_millis(1);
    assert_eq!(report.origin.began, Some(began));
    assert_eq!(report.wall, Some(Duration::from_millis(10_001)));
}

#[test]
fn what_cannot_be_read_is_told_and_the_rest_is_used() {
    let outcomes = [fixture::ptr_answered(), fixture::ptr_negative()];
    let mut text = b"garbage\n\n".to_vec();
    text.extend(lines_of(&outcomes[..1]));
    text.extend(b"{\"seq\":1}\n");
    text.extend(lines_of(&outcomes));
    text.truncate(text.len() - 30);
    let run = read(&text);
    agrees(&run, &[outcomes[0].clone(), outcomes[0].clone()]);
    let bad = run.bad_lines().unwrap();
    assert_eq!((bad.count, bad.first_line), (3, 1));
    assert_eq!(
        run.report().warnings,
        [
            "3 lines of the file could not be read and are left out; the first is line 1: it is \
             not a line of the output of a run"
        ]
    );
}

#[test]
fn the_reason_against_a_line_is_told() {
    let line = String::from_utf8(lines_of(&[fixture::ptr_timeout()])).unwrap();
    let reason = |bad: &str| {
        let text = format!("{line}{bad}\n");
        let run = read(text.as_bytes());
        let bad = run.bad_lines().unwrap();
        assert_eq!((bad.count, bad.first_line), (1, 2));
        bad.first_reason.to_string()
    };
    let line = line.trim_end();
    assert_eq!(reason(&line[..line.len() / 2]), "the line is incomplete");
    for (from, to, part) in [
        (
            "\"outcome\":\"failed\"",
            "\"outcome\":\"lost\"",
            "unknown verdict \"lost\"",
        ),
        (
            "\"status\":\"TIMEOUT\"",
            "\"status\":\"?\"",
            "unknown status \"?\"",
        ),
        (
            "\"probe\":\"ptr\"",
            "\"probe\":\"icmp\"",
            "not ptr, dns, http, tcp or udp",
        ),
        (
            "\"cause\":\"timeout\"",
            "\"cause\":\"late\"",
            "unknown cause \"late\"",
        ),
        (
            "\"latency_ms\":",
            "\"latency\":",
            "missing field `latency_ms`",
        ),
        (
            "\"response_ms\":10000",
            "\"response_ms\":-1",
            "a span of -1 ms is negative",
        ),
        (
            "\"started\":\"2026",
            "\"started\":\"at noon 2026",
            "at column",
        ),
    ] {
        assert!(line.contains(from), "{from} in {line}");
        let actual = reason(&line.replacen(from, to, 1));
        assert!(actual.contains(part), "{part} in {actual}");
        assert!(!actual.contains("at line"), "{actual}");
    }
    let more = line.replacen("{", "{\"later\":[{}],", 1);
    assert_eq!(read(more.as_bytes()).bad_lines(), None);
}

#[test]
fn what_is_no_output_of_a_run_is_refused_by_what_it_is() {
    for (text, expected) in [
        (&b""[..], "run.out is empty"),
        (b"\n \n", "run.out is empty"),
        (
            b"seq,line,target,probe\n0,1,10.0.0.1,ptr\n",
            "run.out holds CSV; only ndjson (-f ndjson) and HdrHistogram interval logs (--hlog) \
             can be read",
        ),
        (
            b"{\"a\":{\"name\":\"canvass\"},\"b\":{},\"ratio\":2.5,\"answers\":{}}\n",
            "run.out holds a comparison; `canvass compare --html` writes the page about one",
        ),
        (
            b"{\"seq\":0}\n{\n",
            "no line of run.out can be read; line 1: missing field `target` at column 9",
        ),
        (
            b"Tag=db,0.000,1.000,2.0,HISTFAAA\n",
            "no line of run.out can be read; line 1: its tag \"db\" is none of canvass's \
             (ptr.service, http.connect, ...)",
        ),
        (
            b"0.000,1.000,2.0,HISTFAAA\n",
            "no line of run.out can be read; line 1: it has no tag; canvass's have one \
             (ptr.service, http.connect, ...)",
        ),
    ] {
        assert_eq!(refused(text), expected);
    }
    for text in [
        &b"what\n"[..],
        &b"what\n".repeat(100),
        b"10.0.0.1\tNOERROR\ta.\n",
    ] {
        assert!(refused(text).starts_with("run.out holds "));
    }
    // A log in which nothing ended.
    assert_eq!(refused(&log_of(&[])), "run.out is empty");
}

#[test]
fn an_error_of_the_reader_names_the_file() {
    struct Broken;

    impl io::Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }

    let error = read_run(io::BufReader::new(Broken), "run.out")
        .err()
        .unwrap();
    assert_eq!(error.to_string(), "cannot read run.out: the disk is gone");
}

/// Any outcome, as a run gives it: its times are whole microseconds, as lines have them, and
/// spans are no longer than a few days.
fn any_outcome_of_a_run() -> impl Strategy<Value = Outcome> {
    let spans_ns = prop::collection::vec(0..DAY_NS, 7);
    (fixture::any_outcome(), 0..DAY_NS / 1000, spans_ns).prop_map(
        |(mut outcome, due_us, spans_ns)| {
            outcome.due = Time::from_nanos(due_us * 1000);
            let waited_ns = spans_ns[6] / 1000 * 1000;
            outcome.first_send = outcome
                .first_send
                .map(|_| outcome.due.plus_nanos(waited_ns));
            match outcome.first_send {
                Some(sent) => {
                    let reached = outcome.phases;
                    outcome.phases = Phases::default();
                    for (phase, span_ns) in canvass_model::Phase::TIMED.into_iter().zip(spans_ns) {
                        if reached.span(phase).is_some() {
                            outcome.phases.add(phase, Duration::from_nanos(span_ns));
                        }
                    }
                    outcome.finished = sent + outcome.phases.total().unwrap_or_default();
                }
                None => outcome.finished = outcome.due.plus_nanos(spans_ns[0]),
            }
            if let Some(fault) = &mut outcome.fault {
                fault.errno = fault.errno.map(|errno| Errno(errno.0.rem_euclid(4095) + 1));
            }
            if !matches!(
                outcome.job.spec,
                ProbeSpec::Ptr { .. } | ProbeSpec::Dns { .. }
            ) {
                outcome.resolver = None;
            }
            outcome
        },
    )
}

proptest! {
    #[test]
    fn any_outcomes_are_counted_as_the_run_counted_them(
        outcomes in prop::collection::vec(any_outcome_of_a_run(), 1..20),
    ) {
        let run = read(&lines_of(&outcomes));
        prop_assert_eq!(run.bad_lines(), None);
        agrees(&run, &outcomes);
    }

    #[test]
    fn any_file_is_read_or_refused(
        mut text in prop_oneof![
            Just(lines_of(&one_of_each())),
            Just(log_of(&one_of_each())),
            prop::collection::vec(any::<u8>(), 0..200),
        ],
        harm in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        kept in any::<prop::sample::Index>(),
    ) {
        for (place, octet) in harm {
            if !text.is_empty() {
                let place = place.index(text.len());
                text[place] = octet;
            }
        }
        text.truncate(kept.index(text.len() + 1));
        match read_run(&text[..], "run.out") {
            Ok(run) => {
                let ended: u64 = run.report().timeline.bins().iter().map(|bin| bin.ended).sum();
                if let Some(tally) = run.report().tally {
                    prop_assert_eq!(ended, tally.total());
                    let of_verdicts: u64 = Verdict::ALL.map(|verdict| tally.verdict(verdict)).iter().sum();
                    prop_assert_eq!(of_verdicts, ended);
                }
            }
            Err(error) => prop_assert!(error.to_string().contains("run.out")),
        }
    }
}

#[test]
fn years_before_1970_have_no_calendar_trouble() {
    let mut format = Ndjson::new(Epoch {
        wall: UNIX_EPOCH - Duration::from_secs(86_400 * 3650),
    });
    let mut text = Vec::new();
    format.line(&fixture::ptr_answered(), &mut text);
    let began = read(&text).report().origin.began;
    assert_eq!(began, Some(UNIX_EPOCH - Duration::from_secs(86_400 * 3650)));
}
