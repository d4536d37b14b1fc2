//! Pages as a whole: that they are well formed, hold only what is known, and fetch nothing.

use std::time::{Duration, UNIX_EPOCH};

use canvass_model::{
    Health, LoopSample, Outcome, Phase, Phases, ShardReport, Time, UpstreamReport, WindowReport,
};
use proptest::prelude::*;

use super::run_page;
use crate::{
    Bin, LatencyRecorder, NotableTargets, Origin, ResolverCounts, RunReport, Tally, Timeline,
    fixture,
};

mod comparison;
mod form;
mod parts;

use form::check_form;

/// What a run leaves behind.
struct Run {
    tally: Tally,
    latency: LatencyRecorder,
    timeline: Timeline,
    resolvers: ResolverCounts,
    notable: NotableTargets,
}

impl Run {
    fn of(outcomes: &[Outcome]) -> Self {
        let mut run = Self {
            tally: Tally::default(),
            latency: LatencyRecorder::new(),
            timeline: Timeline::new(Time::ZERO),
            resolvers: ResolverCounts::default(),
            notable: NotableTargets::default(),
        };
        for outcome in outcomes {
            run.tally.record(outcome);
            run.latency.record(outcome);
            run.timeline.record(outcome);
            run.resolvers.record(outcome);
            run.notable.record(outcome);
        }
        run
    }

    /// All that is known when a run has just ended, but for the shards.
    fn report(&self) -> RunReport<'_> {
        RunReport {
            origin: Origin {
                command: Some("canvass ptr -i list.txt".to_owned()),
                version: Some("0.1.0".to_owned()),
                file: None,
                list: Some("list.txt".to_owned()),
                began: Some(UNIX_EPOCH + Duration::from_secs(1_767_323_045)),
            },
            probes: "ptr".to_owned(),
            tally: Some(&self.tally),
            latency: &self.latency,
            timeline: &self.timeline,
            notable: Some(&self.notable),
            shards: None,
            resolvers: None,
            wall: Some(Duration::from_millis(2_500)),
            cpu: Some(Duration::from_millis(3)),
            remaining: None,
            interrupted: false,
            warnings: &[],
        }
    }

    /// All that an interval log holds.
    fn logged(&self) -> RunReport<'_> {
        RunReport {
            origin: Origin {
                file: Some("run.hlog".to_owned()),
                ..Origin::default()
            },
            tally: None,
            notable: None,
            wall: None,
            cpu: None,
            ..self.report()
        }
    }
}

fn mixed() -> Vec<Outcome> {
    vec![
        fixture::ptr_answered(),
        fixture::ptr_negative(),
        fixture::ptr_timeout(),
        fixture::local_failure(),
    ]
}

fn hosts() -> Vec<Outcome> {
    // Its answer came whole in one read.
    let mut whole = fixture::http_answered();
    whole.phases = Phases::default()
        .with(Phase::Connect, Duration::from_micros(50))
        .with(Phase::FirstByte, Duration::from_micros(210))
        .with(Phase::Transfer, Duration::ZERO);
    vec![
        whole,
        fixture::http_answered(),
        fixture::http_redirected(90),
        fixture::http_expired(),
        fixture::tcp_matched(),
        fixture::tcp_refused(),
        fixture::udp_replies(),
    ]
}

fn shard(jobs: u64) -> ShardReport {
    let mut shard = ShardReport {
        admitted: jobs,
        finished: jobs,
        in_flight_max: 7,
        samples: vec![LoopSample {
            at: Time::from_nanos(5_000_000),
            rate_per_second: 1_000.0,
            window: 40,
            in_flight: 12,
        }],
        upstreams: vec![UpstreamReport {
            health: Health::Good,
            sent: 9,
            answered: 7,
            udp: Some(WindowReport::default()),
            ..UpstreamReport::new("192.0.2.53:53".parse().unwrap())
        }],
        ..ShardReport::default()
    };
    shard.late_wakes.record(Duration::from_micros(70));
    shard
}

fn sections(page: &str) -> Vec<&str> {
    let rest = page.split("<section id=\"").skip(1);
    rest.map(|section| section.split('"').next().unwrap())
        .collect()
}

#[test]
fn a_page_has_a_section_for_all_that_is_known() {
    let run = Run::of(&mixed());
    let shards = [shard(2), shard(2)];
    let mut report = run.report();
    report.shards = Some(&shards);
    let page = run_page(&report);
    check_form(&page);
    let all = [
        "statuses",
        "failed",
        "negative",
        "slowest",
        "latency",
        "percentiles",
        "over-time",
        "phases",
        "resolvers",
        "origin",
    ];
    assert_eq!(sections(&page), all);
    for text in [
        "in 4 =",
        "1 of 4 targets answered (25 %) in 2.50 s, 1.6 per second.",
        "2026-01-02 03:04:05 UTC",
        "allowed by the windows",
        "192.0.2.53:53",
        "NXDOMAIN",
        "<code>canvass ptr -i list.txt</code>",
        "2 shards",
    ] {
        let text = text.replace(
            "<code>canvass ptr -i list.txt",
            "<code><bdi>canvass ptr -i list.txt</bdi>",
        );
        assert!(page.contains(&text), "{text}");
    }
    assert!(!page.contains("<b>Warnings</b>") && !page.contains("left-out"));
}

#[test]
fn what_a_file_lacks_is_left_out_and_said() {
    let run = Run::of(&mixed());
    let mut unjudged = Timeline::new(Time::ZERO);
    for (place, bin) in (0..).zip(run.timeline.bins()) {
        let bin = Bin {
            ended: bin.ended,
            phases_ns: bin.phases_ns,
            ..Bin::default()
        };
        unjudged.add(Time::ZERO + run.timeline.width() * place, &bin);
    }
    let mut report = run.logged();
    report.timeline = &unjudged;
    let page = run_page(&report);
    check_form(&page);
    let all = [
        "latency",
        "percentiles",
        "over-time",
        "phases",
        "origin",
        "left-out",
    ];
    assert_eq!(sections(&page), all);
    for text in [
        "4 outcomes measured.",
        "Not in this file",
        "the balance, statuses, faults and attempts",
        "throughput by verdict",
        "how long the run took",
        "the command",
    ] {
        assert!(page.contains(text), "{text}");
    }
    assert!(!page.contains("in 4 ="));

    let mut lines = run.report();
    lines.origin.file = Some("out.ndjson".to_owned());
    lines.resolvers = Some(&run.resolvers);
    let page = run_page(&lines);
    check_form(&page);
    assert!(page.contains("by the last reply"));
    assert!(page.contains("what the windows measured and allowed"));
    assert!(!page.contains("throughput by verdict"));
}

#[test]
fn probes_of_hosts_have_their_phases() {
    let run = Run::of(&hosts());
    let mut report = run.report();
    report.probes = "http tcp udp".to_owned();
    let page = run_page(&report);
    check_form(&page);
    for text in [
        "<h3>By phase</h3>",
        "<b>first_byte</b>",
        "href=\"#percentiles\"",
        "ECONNREFUSED",
        "<code>ss -ltnp</code>",
        "took no measurable time",
    ] {
        assert!(page.contains(text), "{text}");
    }
}

#[test]
fn a_run_without_outcomes_has_a_page() {
    let run = Run::of(&[]);
    let mut report = run.report();
    report.wall = Some(Duration::ZERO);
    let page = run_page(&report);
    check_form(&page);
    assert_eq!(sections(&page), ["origin", "left-out"]);
    assert!(page.contains("No target has an outcome"));
    assert!(page.contains("latency, percentiles, throughput and phases"));
}

#[test]
fn text_from_outside_is_escaped_and_cut() {
    let hostile = "<script>alert('x')</script>\" onload=\"y\u{202e}\u{0}\u{2028}אבג";
    let run = Run::of(&mixed());
    let warnings = [hostile.to_owned()];
    let mut report = run.report();
    report.origin = Origin {
        command: Some(hostile.repeat(1_000)),
        version: Some(hostile.to_owned()),
        file: Some(hostile.to_owned()),
        list: Some(hostile.to_owned()),
        began: None,
    };
    report.probes = hostile.to_owned();
    report.warnings = &warnings;
    let page = run_page(&report);
    check_form(&page);
    assert!(page.contains("<b>Warnings</b>"));
    assert!(page.contains("more characters"));
    assert!(page.len() < 200_000, "{}", page.len());
}

#[test]
fn a_target_that_was_not_admitted_is_told() {
    let run = Run::of(&mixed());
    let shards = [shard(5)];
    let mut report = run.report();
    report.remaining = Some(1_200);
    report.shards = Some(&shards);
    let page = run_page(&report);
    check_form(&page);
    assert!(page.contains("The run ended early: 1,200 targets were not admitted."));
    assert!(page.contains("the balance does not hold: 5 targets admitted"));
    report.interrupted = true;
    assert!(run_page(&report).contains("The run was interrupted: 1,200 targets were not"));
    report.remaining = None;
    assert!(run_page(&report).contains("The run was interrupted."));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_targets_and_peers_say_is_text(
        outcomes in prop::collection::vec(fixture::any_outcome(), 1..12),
    ) {
        check_form(&run_page(&Run::of(&outcomes).report()));
    }

    /// From 0 ns to hours, one outcome or a billion in a place.
    #[test]
    fn every_run_has_a_page(
        spans_ns in prop::collection::vec((0..60_u32, 0..40_u32), 0..40),
        count in 1..1_000_000_000_u64,
        wall_ns in 0..100_000_000_000_000_u64,
    ) {
        let mut latency = LatencyRecorder::new();
        let mut timeline = Timeline::new(Time::ZERO);
        for &(finished, span) in &spans_ns {
            let mut outcome = fixture::http_redirected(90);
            // An hour is between 2 to the power of 41 and of 42.
            outcome.due = Time::from_nanos((1 << finished.min(46)) - 1);
            outcome.first_send = Some(outcome.due);
            outcome.finished = outcome.due + Duration::from_nanos((1 << span) - 1);
            latency.record(&outcome);
            timeline.add(outcome.finished, &Bin { ended: count, answered: count, ..Bin::default() });
        }
        let run = Run::of(&[]);
        let mut report = run.report();
        report.tally = None;
        report.latency = &latency;
        report.timeline = &timeline;
        report.wall = Some(Duration::from_nanos(wall_ns));
        check_form(&run_page(&report));
    }
}
