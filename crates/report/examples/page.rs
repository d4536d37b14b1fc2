//! Writes example pages to the folder given, to be looked at in a browser.
//!
//! Run it with `cargo run -p canvass-report --example page -- FOLDER`. The figures are made up from a
//! fixed seed, so that two versions of a page can be laid side by side.

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use canvass_model::{
    Answer, Cause, ConnectionReport, Errno, Fault, Health, Host, Job, LoopSample, Losses, ModuleId,
    Outcome, Phase, Phases, ProbeSpec, PtrAnswer, Rcode, ShardReport, Status, Target, Time,
    Transport, UpstreamReport, Verdict, WindowReport,
};
use canvass_report::{
    Against, Answers, Bin, Block, Comparison, Difference, LATENCY_MAX_NS, LatencyRecorder, Origin,
    ResolverCounts, RunReport, Side, Tally, Timeline, comparison_page, run_page,
};
use hdrhistogram::Histogram;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

const SEED: u64 = 20_260_102;
const RESOLVERS: [&str; 4] = [
    "192.0.2.53:53",
    "198.51.100.53:53",
    "[2001:db8::53]:53",
    "203.0.113.7:53",
];

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("no folder was given")?;
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder)?;

    let ptr = Run::of(120_000, Duration::from_secs(6), ptr_outcome);
    let shards = [ptr_shard(0), ptr_shard(1)];
    let warnings = [
        "the kernel dropped 12 replies for want of room in socket buffers; raise \
         net.core.rmem_max or lower --concurrency"
            .to_owned(),
    ];
    let mut report = ptr.report(
        "ptr",
        "canvass ptr -i addresses.txt -r resolvers.txt --html p.html",
    );
    report.shards = Some(&shards);
    report.warnings = &warnings;
    std::fs::write(folder.join("ptr.html"), run_page(&report))?;

    let mut later = ptr.report("ptr", "");
    later.origin.command = None;
    later.origin.file = Some("out.ndjson".to_owned());
    later.cpu = None;
    later.resolvers = Some(&ptr.resolvers);
    std::fs::write(folder.join("ndjson.html"), run_page(&later))?;
    let unjudged = without_verdicts(&ptr.timeline);
    later.timeline = &unjudged;
    later.tally = None;
    later.resolvers = None;
    later.wall = None;
    std::fs::write(folder.join("hlog.html"), run_page(&later))?;

    let http = Run::of(20_000, Duration::from_secs(45), http_outcome);
    let shards = [http_shard()];
    let mut report = http.report(
        "http",
        "canvass http -i urls.txt --rate 500 --html http.html",
    );
    report.shards = Some(&shards);
    std::fs::write(folder.join("http.html"), run_page(&report))?;

    let one = Run::of(1, Duration::from_millis(3), ptr_outcome);
    std::fs::write(
        folder.join("one.html"),
        run_page(&one.report("ptr", "canvass ptr 192.0.2.1")),
    )?;
    let none = Run::of(0, Duration::from_millis(1), ptr_outcome);
    let absurd = "canvass ptr '<script>alert(1)</script>' \u{202e}אבג ".repeat(400);
    std::fs::write(
        folder.join("none.html"),
        run_page(&none.report("ptr", &absurd)),
    )?;

    let origin = Origin {
        command: Some(
            "canvass compare -i addresses.txt --system-threads 32 --budget 30s".to_owned(),
        ),
        version: Some("0.1.0".to_owned()),
        file: None,
        began: Some(began()),
    };
    std::fs::write(
        folder.join("compare.html"),
        comparison_page(&comparison(), &origin),
    )?;
    Ok(())
}

/// What an interval log knows of a timeline.
fn without_verdicts(timeline: &Timeline) -> Timeline {
    let mut unjudged = Timeline::new(timeline.origin());
    for (place, bin) in (0..).zip(timeline.bins()) {
        let bin = Bin {
            ended: bin.ended,
            phases_ns: bin.phases_ns,
            ..Bin::default()
        };
        unjudged.add(timeline.origin() + timeline.width() * place, &bin);
    }
    unjudged
}

fn began() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_767_323_045)
}

/// What a run leaves behind.
struct Run {
    tally: Tally,
    latency: LatencyRecorder,
    timeline: Timeline,
    resolvers: ResolverCounts,
    wall: Duration,
}

impl Run {
    fn of(outcomes: u64, span: Duration, made: fn(u64, Time, &mut StdRng) -> Outcome) -> Self {
        let mut run = Self {
            tally: Tally::default(),
            latency: LatencyRecorder::new(),
            timeline: Timeline::new(Time::ZERO),
            resolvers: ResolverCounts::default(),
            wall: Duration::ZERO,
        };
        let mut rng = StdRng::seed_from_u64(SEED);
        for seq in 0..outcomes {
            // The rate rises for a tenth of the run, as a window does that looks for its limit.
            let part = seq as f64 / outcomes as f64;
            let at = if part < 0.05 {
                (part / 0.05).sqrt() * 0.1
            } else {
                part * 0.947 + 0.053
            };
            let due = Time::ZERO + span.mul_f64(at);
            let outcome = made(seq, due, &mut rng);
            run.tally.record(&outcome);
            run.latency
                .record(&outcome)
                .expect("there is no log to fail");
            run.timeline.record(&outcome);
            run.resolvers.record(&outcome);
            run.wall = run.wall.max(outcome.finished.since(Time::ZERO));
        }
        run
    }

    fn report(&self, probes: &str, command: &str) -> RunReport<'_> {
        RunReport {
            origin: Origin {
                command: Some(command.to_owned()),
                version: Some("0.1.0".to_owned()),
                file: None,
                began: Some(began()),
            },
            probes: probes.to_owned(),
            tally: Some(&self.tally),
            latency: &self.latency,
            timeline: &self.timeline,
            shards: None,
            resolvers: None,
            wall: Some(self.wall),
            cpu: Some(Duration::from_millis(412)),
            remaining: None,
            warnings: &[],
        }
    }
}

/// A span whose logarithm is spread about that of `median_us`, like a sum of dice.
fn spread(rng: &mut StdRng, median_us: f64, decades: f64) -> Duration {
    let dice: f64 = (0..6).map(|_| rng.random_range(-1.0..1.0_f64)).sum();
    Duration::from_secs_f64(median_us / 1e6 * 10_f64.powf(dice / 3.0 * decades))
}

fn outcome(seq: u64, due: Time, target: Target, spec: ProbeSpec) -> Outcome {
    Outcome {
        job: Job {
            seq,
            line: None,
            target,
            spec,
            due: None,
        },
        verdict: Verdict::Answered,
        status: Status::Rcode(Rcode::NOERROR),
        attempts: 1,
        due,
        first_send: Some(due),
        finished: due,
        phases: Phases::default(),
        stalled: false,
        resolver: None,
        transport: None,
        answer: Answer::Ptr(PtrAnswer::default()),
        fault: None,
        trace: None,
    }
}

/// Hits in a millisecond, misses in some tens of them, and names that never answer.
fn ptr_outcome(seq: u64, due: Time, rng: &mut StdRng) -> Outcome {
    let target = Target::Address {
        address: Ipv4Addr::from(0x0a00_0000 + seq as u32).into(),
        given: None,
    };
    let spec = ProbeSpec::Ptr {
        forward_confirm: false,
    };
    let mut outcome = outcome(seq, due, target, spec);
    outcome.first_send = Some(due + spread(rng, 40.0, 0.9));
    let resolver = RESOLVERS[rng.random_range(0..RESOLVERS.len())];
    outcome.resolver = Some(resolver.parse().expect("a constant address"));
    outcome.transport = Some(Transport::Udp);
    let mut wait = Duration::ZERO;
    let chance: f64 = rng.random();
    let out = if chance < 0.62 {
        spread(rng, 900.0, 0.45)
    } else if chance < 0.985 {
        spread(rng, 38_000.0, 0.55)
    } else if chance < 0.994 {
        outcome.attempts = 2;
        wait = Duration::from_millis(180);
        spread(rng, 240_000.0, 0.2)
    } else {
        outcome.verdict = Verdict::Failed;
        outcome.status = Status::Timeout;
        outcome.attempts = 8;
        outcome.fault = fault(Phase::Dns, Cause::Timeout, None);
        wait = Duration::from_millis(700);
        Duration::from_millis(2_300)
    };
    if outcome.verdict == Verdict::Answered {
        match rng.random_range(0..100) {
            0..24 => {
                outcome.verdict = Verdict::Negative;
                outcome.status = Status::Rcode(Rcode::NXDOMAIN);
            }
            24 => {
                outcome.verdict = Verdict::Failed;
                outcome.status = Status::Rcode(Rcode::SERVFAIL);
                outcome.fault = fault(Phase::Dns, Cause::Rcode, None);
            }
            _ => {}
        }
    }
    outcome.phases = Phases::default()
        .with(Phase::Wait, wait)
        .with(Phase::Dns, out);
    outcome.finished = outcome.first_send.unwrap_or(due) + wait + out;
    outcome
}

/// Pages over TLS, some hosts that are down, and certificates that are not what they should be.
fn http_outcome(seq: u64, due: Time, rng: &mut StdRng) -> Outcome {
    let target = Target::Endpoint {
        host: Host::parse("www.example.net").expect("a constant name"),
        port: 443,
        given: None,
    };
    let spec = ProbeSpec::Http {
        module: ModuleId(0),
        requests: NonZeroU32::MIN,
    };
    let mut outcome = outcome(seq, due, target, spec);
    outcome.status = Status::Http(200);
    outcome.first_send = Some(due + spread(rng, 120.0, 1.2));
    outcome.answer = Answer::Http(Box::default());
    let mut spent = vec![(Phase::Wait, Duration::ZERO)];
    if seq.is_multiple_of(3) {
        spent.push((Phase::Resolve, spread(rng, 2_500.0, 0.8)));
    }
    spent.push((Phase::Connect, spread(rng, 11_000.0, 0.5)));
    let failed = match rng.random_range(0..200) {
        0..5 => Some((
            Status::ConnRefused,
            Phase::Connect,
            Cause::Refused,
            Some(Errno(111)),
        )),
        5..8 => Some((
            Status::Unreachable,
            Phase::Connect,
            Cause::Unreachable,
            Some(Errno(113)),
        )),
        8..10 => Some((Status::Tls, Phase::Tls, Cause::Expired, None)),
        10..12 => Some((Status::Timeout, Phase::FirstByte, Cause::Timeout, None)),
        12 => Some((
            Status::Reset,
            Phase::FirstByte,
            Cause::Reset,
            Some(Errno(104)),
        )),
        _ => None,
    };
    if let Some((status, phase, cause, errno)) = failed {
        outcome.verdict = Verdict::Failed;
        outcome.status = status;
        outcome.fault = fault(phase, cause, errno);
    }
    if failed.is_none_or(|(_, phase, ..)| phase != Phase::Connect) {
        spent.push((Phase::Tls, spread(rng, 24_000.0, 0.3)));
    }
    let past_tls = failed.is_none_or(|(_, phase, ..)| phase == Phase::FirstByte);
    if past_tls {
        let slow = matches!(failed, Some((Status::Timeout, ..)));
        let median_us = if slow { 2_000_000.0 } else { 60_000.0 };
        spent.push((Phase::FirstByte, spread(rng, median_us, 0.6)));
    }
    if failed.is_none() {
        // Most answers come whole in one read.
        let whole = rng.random_range(0..10) < 7;
        let transfer = if whole {
            Duration::ZERO
        } else {
            spread(rng, 1_800.0, 1.0)
        };
        spent.push((Phase::Transfer, transfer));
        match rng.random_range(0..50) {
            0..3 => outcome.status = Status::Http(301),
            3 => outcome.status = Status::Http(404),
            4 => {
                outcome.status = Status::Http(503);
                outcome.verdict = Verdict::Negative;
            }
            _ => {}
        }
    }
    for (phase, span) in spent {
        outcome.phases.add(phase, span);
    }
    let all = outcome.phases.total().unwrap_or_default();
    outcome.finished = outcome.first_send.unwrap_or(due) + all;
    outcome
}

fn fault(phase: Phase, cause: Cause, errno: Option<Errno>) -> Option<Box<Fault>> {
    Some(Box::new(Fault {
        phase,
        cause,
        message: "made up".into(),
        errno,
    }))
}

fn upstream(address: &str, share: u64) -> UpstreamReport {
    let address: SocketAddr = address.parse().expect("a constant address");
    UpstreamReport {
        health: Health::Good,
        sent: 16_000 * share,
        answered: 15_700 * share,
        timeouts: 300 * share,
        late: 41 * share,
        udp: Some(WindowReport {
            rate_per_second: 2_900.0 * share as f64,
            delivered_per_second: 2_700.0 * share as f64,
            in_flight_max: 96 * share as u32,
            plateau: share == 1,
            rtt_p50: Duration::from_micros(910 * share),
            rtt_p99: Duration::from_millis(71 * share),
        }),
        ..UpstreamReport::new(address)
    }
}

/// A window that doubles, finds a plateau, and looks again now and then.
fn ptr_shard(shard: u64) -> ShardReport {
    let mut rng = StdRng::seed_from_u64(SEED + shard);
    let samples = (0..200).map(|place: u64| {
        let rising = 500.0 * 2_f64.powi((place / 3).min(40) as i32);
        let look = if place % 40 < 3 { 1.2 } else { 1.0 };
        let rate_per_second = rising.min(10_200.0 * look);
        LoopSample {
            at: Time::from_nanos((place * 30 + shard * 7) * 1_000_000),
            rate_per_second,
            window: (rate_per_second / 18.0) as u64 + 8,
            in_flight: (rate_per_second / 30.0) as u64 + rng.random_range(0..40),
        }
    });
    let mut dead = upstream(RESOLVERS[3], 1);
    dead.health = Health::Dead;
    dead.benched = 3;
    let mut report = ShardReport {
        admitted: 60_000,
        finished: 60_000,
        in_flight_max: 612,
        losses: Losses {
            kernel_drops: 6,
            silence: 360,
            late_replies: 164,
            ..Losses::default()
        },
        samples: samples.collect(),
        upstreams: vec![
            upstream(RESOLVERS[0], 2),
            upstream(RESOLVERS[1], 1),
            upstream(RESOLVERS[2], 1),
            dead,
        ],
        ..ShardReport::default()
    };
    record_lag(&mut report, &mut rng);
    report
}

fn http_shard() -> ShardReport {
    let mut rng = StdRng::seed_from_u64(SEED);
    let samples = (0..150).map(|place: u64| LoopSample {
        at: Time::from_nanos(place * 300_000_000),
        in_flight: 40 + rng.random_range(0..25),
        ..LoopSample::default()
    });
    let mut report = ShardReport {
        admitted: 20_000,
        finished: 20_000,
        in_flight_max: 71,
        samples: samples.collect(),
        connections: ConnectionReport {
            opened: 20_000,
            open_max: 71,
            open_limit: 4_096,
            waited_for_descriptor: 0,
            names_needed: 20_000,
            names_looked_up: 6_667,
        },
        ..ShardReport::default()
    };
    record_lag(&mut report, &mut StdRng::seed_from_u64(SEED));
    report
}

fn record_lag(report: &mut ShardReport, rng: &mut StdRng) {
    for _ in 0..4_000 {
        report.late_wakes.record(spread(rng, 60.0, 1.0));
        report.turns.record(spread(rng, 130.0, 1.0));
    }
}

/// canvass against `getnameinfo`, one at a time and with 32 threads, with a peer 20 ms away.
fn comparison() -> Comparison {
    let mut rng = StdRng::seed_from_u64(SEED);
    let mut at = Time::ZERO;
    let mut a = side("canvass (udp, window 2841)");
    let mut one = side("getnameinfo, one at a time");
    let mut many = side("getnameinfo, 32 threads");
    for place in 0..8 {
        // A B B A, so that both meet the same weather.
        let turned = place % 2 == 1;
        for part in 0..3 {
            let asked_first = (part == 0) != turned;
            match if turned { 2 - part } else { part } {
                0 => block(
                    &mut a,
                    &mut at,
                    &mut rng,
                    12_500,
                    52_000.0,
                    22_000.0,
                    asked_first,
                ),
                1 => block(&mut one, &mut at, &mut rng, 90, 47.0, 21_000.0, asked_first),
                _ => block(
                    &mut many,
                    &mut at,
                    &mut rng,
                    1_500,
                    1_400.0,
                    21_800.0,
                    asked_first,
                ),
            }
        }
    }
    let answers = |different| Answers {
        same: 700,
        different,
        only_a: 3,
        only_b: 1,
        explained: vec![("/etc/hosts has the address".to_owned(), 1)],
        examples: vec![
            Difference {
                target: "127.0.0.1".to_owned(),
                a: "no answer: NXDOMAIN".to_owned(),
                b: "localhost".to_owned(),
                reason: Some("/etc/hosts has the address".to_owned()),
            },
            Difference {
                target: "2001:db8:85a3::8a2e:370:7334".to_owned(),
                a: "a-very-long-host-name.of-a-data-centre.somewhere.example.net., b.example.net."
                    .to_owned(),
                b: "אבג.<script>alert(1)</script>.example.net".to_owned(),
                reason: None,
            },
        ],
    };
    Comparison {
        a,
        others: vec![
            Against {
                side: one,
                answers: answers(2),
            },
            Against {
                side: many,
                answers: answers(0),
            },
        ],
        listed: 100_000,
        seed: SEED,
        processors: NonZeroUsize::new(4),
        warnings: vec!["nscd is running, and may have answered from its cache".to_owned()],
    }
}

fn side(name: &str) -> Side {
    Side {
        name: name.to_owned(),
        latency: histogram(),
        latency_asked_second: histogram(),
        blocks: Vec::new(),
    }
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LATENCY_MAX_NS, 3).expect("the bounds are constant and valid")
}

/// Runs a block of a side whose targets take about `median_us`, `per_second` of them.
fn block(
    side: &mut Side,
    at: &mut Time,
    rng: &mut StdRng,
    targets: u64,
    per_second: f64,
    median_us: f64,
    asked_first: bool,
) {
    for _ in 0..targets {
        let took_ns = spread(rng, median_us, 0.12).as_nanos() as u64;
        side.latency.saturating_record(took_ns);
        if !asked_first {
            side.latency_asked_second.saturating_record(took_ns);
        }
    }
    let weather = rng.random_range(0.93..1.07);
    let wall = Duration::from_secs_f64(targets as f64 / (per_second * weather));
    side.blocks.push(Block {
        began: *at,
        wall,
        cpu: Duration::from_nanos(targets * (4_000 + median_us as u64 / 3)),
        targets,
        asked_first,
    });
    *at = *at + wall + Duration::from_millis(20);
}
