//! Pages as a whole: that they are well formed, hold only what is known, and fetch nothing.

use std::time::{Duration, UNIX_EPOCH};

use canvass_model::{
    Health, LoopSample, Outcome, Phase, Phases, ShardReport, Time, UpstreamReport, Verdict,
    WindowReport,
};
use proptest::prelude::*;

use super::{comparison_page, run_page};
use crate::latency::histogram;
use crate::{
    Answers, Bin, Block, Comparison, Difference, LatencyRecorder, Origin, OtherSide,
    ResolverCounts, RunReport, Side, Tally, Timeline, fixture,
};

mod form;

use form::check_form;

/// What a run leaves behind.
struct Run {
    tally: Tally,
    latency: LatencyRecorder,
    timeline: Timeline,
    resolvers: ResolverCounts,
}

impl Run {
    fn of(outcomes: &[Outcome]) -> Self {
        let mut run = Self {
            tally: Tally::default(),
            latency: LatencyRecorder::new(),
            timeline: Timeline::new(Time::ZERO),
            resolvers: ResolverCounts::default(),
        };
        for outcome in outcomes {
            run.tally.record(outcome);
            run.latency.record(outcome);
            run.timeline.record(outcome);
            run.resolvers.record(outcome);
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
                began: Some(UNIX_EPOCH + Duration::from_secs(1_767_323_045)),
            },
            probes: "ptr".to_owned(),
            tally: Some(&self.tally),
            latency: &self.latency,
            timeline: &self.timeline,
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

fn side(name: &str, spans_ns: &[u64], targets: u64) -> Side {
    let mut latency = histogram();
    for &span_ns in spans_ns {
        latency.saturating_record(span_ns);
    }
    let block = |place: u64| Block {
        began: Time::from_nanos(place * 1_000_000_000),
        wall: Duration::from_millis(500 + place),
        cpu: Duration::from_millis(10),
        targets,
        asked_first: place.is_multiple_of(2),
    };
    Side {
        name: name.to_owned(),
        latency_asked_second: latency.clone(),
        latency,
        blocks: (0..4).map(block).collect(),
        ..Side::default()
    }
}

fn comparison(others: &[(&str, u64)]) -> Comparison {
    let spans_ns = [1_000_000, 2_000_000, 900_000];
    Comparison {
        a: side("canvass (udp, window 412)", &spans_ns, 50_000),
        others: others
            .iter()
            .map(|&(name, targets)| OtherSide {
                side: side(name, &spans_ns, targets),
                answers: Answers {
                    same: 7,
                    different: 1,
                    explained: vec![("/etc/hosts".to_owned(), 1)],
                    examples: vec![Difference {
                        target: "<script>alert(1)</script>".to_owned(),
                        a: "a\u{202e}\u{0}b".to_owned(),
                        b: "אבג".to_owned(),
                        reason: Some("/etc/hosts".to_owned()),
                    }],
                    ..Answers::default()
                },
            })
            .collect(),
        listed: 100_000,
        seed: 7,
        processors: None,
        warnings: vec!["the <system> has a cache".to_owned()],
    }
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
        "latency",
        "percentiles",
        "over-time",
        "phases",
        "statuses",
        "faults",
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

#[test]
fn a_comparison_shows_every_pair() {
    let comparison = comparison(&[("getnameinfo, one at a time", 50), ("32 <threads>", 1_500)]);
    let page = comparison_page(&comparison, &Origin::default());
    check_form(&page);
    let all = [
        "sides",
        "ratio",
        "latency",
        "percentiles",
        "blocks",
        "answers",
        "origin",
    ];
    assert_eq!(sections(&page), all);
    assert_eq!(page.matches("<circle").count(), 2);
    assert_eq!(page.matches("<rect class=\"block ").count(), 12);
    for text in [
        "canvass (udp, window 412) ran 1000",
        "1,000×",
        "32 &lt;threads&gt;",
        "the &lt;system&gt; has a cache",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "a\\u{202e}\\u{0}b",
        "100,000 targets",
    ] {
        assert!(page.contains(text), "{text}");
    }
}

#[test]
fn a_comparison_of_little_has_a_page() {
    let nothing = Comparison {
        a: Side {
            name: String::new(),
            latency: histogram(),
            latency_asked_second: histogram(),
            blocks: Vec::new(),
            ..Side::default()
        },
        others: Vec::new(),
        listed: 0,
        seed: 0,
        processors: None,
        warnings: Vec::new(),
    };
    let page = comparison_page(&nothing, &Origin::default());
    check_form(&page);
    assert!(page.contains("There is no other side to compare with."));

    let mut unequal = comparison(&[("b", 0)]);
    unequal.others[0].side.latency = histogram();
    let page = comparison_page(&unequal, &Origin::default());
    check_form(&page);
    assert!(page.contains("no ratio available"));
    assert!(!page.contains("<circle"));

    let many: Vec<(&str, u64)> = (0..20).map(|_| ("one of many", 10)).collect();
    let page = comparison_page(&comparison(&many), &Origin::default());
    check_form(&page);
    assert!(page.contains("13 further sides"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

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

    #[test]
    fn every_comparison_has_a_page(
        spans_ns in prop::collection::vec(0..10_000_000_000_000_u64, 0..30),
        targets in (0..1_000_000_000_u64, 0..1_000_u64),
        name in ".{0,80}",
    ) {
        let mut made = comparison(&[(&name, targets.1)]);
        made.a = side(&name, &spans_ns, targets.0);
        check_form(&comparison_page(&made, &Origin::default()));
    }
}

#[test]
fn the_balance_is_drawn_in_proportion() {
    let run = Run::of(&[
        fixture::ptr_answered(),
        fixture::ptr_answered(),
        fixture::ptr_answered(),
        fixture::ptr_timeout(),
    ]);
    let page = run_page(&run.report());
    assert_eq!(run.tally.verdict(Verdict::Negative), 0);
    assert!(page.contains("<span class=\"bar answered\" style=\"width:75.00%\">"));
    assert!(page.contains("<span class=\"bar failed\" style=\"width:25.00%\">"));
    assert!(!page.contains("<span class=\"bar negative\""));
}
