//! Prints the cost of a line in each format and of counting, in nanoseconds per outcome.
//!
//! Run it with `cargo run --release -p canvass-report --example line_cost`. Two arguments, as in
//! `line_cost ndjson-http 4`, select what is measured and how many rounds are run once: that is
//! short enough for `valgrind --tool=callgrind`, which counts instructions.

#![expect(
    clippy::disallowed_methods,
    reason = "this measures, so it reads the clock"
)]

use std::hint::black_box;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::time::{Duration, Instant, SystemTime};

use canvass_model::{
    Answer, Class, Host, HttpAnswer, Job, ModuleId, Outcome, Phase, Phases, ProbeSpec, PtrAnswer,
    Rcode, Remote, Status, Target, Time, Transport, UrlTarget, Verdict,
};
use canvass_report::{
    Columns, Epoch, Format, IntervalLog, LatencyRecorder, LineSink, NotableTargets, Sink, Tally,
};

const OUTCOMES: usize = 4096;
const ROUNDS: usize = 500;
const TRIALS: usize = 5;

/// What the arguments select.
struct Selection {
    name: Option<String>,
    trials: usize,
    rounds: usize,
}

impl Selection {
    fn from_arguments() -> Self {
        let mut arguments = std::env::args().skip(1);
        let name = arguments.next();
        let rounds = arguments.next().and_then(|text| text.parse().ok());
        Self {
            name,
            trials: rounds.map_or(TRIALS, |_| 1),
            rounds: rounds.unwrap_or(ROUNDS),
        }
    }

    /// Prints the best of several trials of `work` in nanoseconds per outcome, if `name` is
    /// selected.
    fn measure(&self, name: &str, mut work: impl FnMut()) {
        if self.name.as_ref().is_some_and(|selected| selected != name) {
            return;
        }
        let best_ns = (0..self.trials)
            .map(|_| {
                let began = Instant::now();
                for _ in 0..self.rounds {
                    work();
                }
                began.elapsed().as_nanos() as f64 / (self.rounds * OUTCOMES) as f64
            })
            .fold(f64::INFINITY, f64::min);
        println!("{name:<14}{best_ns:6.1} ns per outcome");
    }
}

fn outcome(seq: u64, address: IpAddr) -> Outcome {
    let sent = Time::from_nanos(1_000_000_000 + seq * 7_001);
    let took = Duration::from_nanos(400_000 + seq * 1_237 % 5_000_000);
    Outcome {
        job: Job {
            seq,
            line: None,
            target: Target::Address {
                address,
                given: None,
            },
            spec: ProbeSpec::Ptr {
                forward_confirm: false,
            },
            due: None,
            resolver: None,
        },
        verdict: Verdict::Answered,
        status: Status::Rcode(Rcode::NOERROR),
        attempts: 1,
        due: sent,
        first_send: Some(sent),
        finished: sent + took,
        phases: Phases::default()
            .with(Phase::Wait, Duration::ZERO)
            .with(Phase::Dns, took),
        stalled: false,
        recheck: false,
        resolver: Some("127.0.0.1:53".parse().expect("a constant address")),
        transport: Some(Transport::Udp),
        class: Class::IN,
        answer: Answer::Ptr(PtrAnswer {
            names: [format!("host-{seq}-1-2-3.example.net.").into_boxed_str()]
                .into_iter()
                .collect(),
            ttl_s: Some(400),
            extra: None,
        }),
        details: None,
        fault: None,
        trace: None,
    }
}

/// A page of the host at `address`, asked for over a connection of its own.
fn page(seq: u64, address: IpAddr) -> Outcome {
    let url = format!("http://{}:8080/", Host::Address(address));
    let mut outcome = outcome(seq, address);
    outcome.job.target = Target::Url(Box::new(UrlTarget {
        scoped: None,
        url: url.parse().expect("a constant form"),
        raw_path: None,
        fallback: None,
        given: Some(url.as_str().into()),
    }));
    outcome.job.spec = ProbeSpec::Http {
        module: ModuleId(0),
        requests: NonZeroU32::MIN,
    };
    outcome.status = Status::Http(200);
    outcome.resolver = None;
    outcome.transport = None;
    let third = outcome.latency().expect("it was sent") / 3;
    outcome.phases = Phases::default()
        .with(Phase::Wait, Duration::ZERO)
        .with(Phase::Connect, third)
        .with(Phase::FirstByte, third)
        .with(Phase::Transfer, third);
    outcome.answer = Answer::Http(Box::new(HttpAnswer {
        url: url.into(),
        remote: Some(Remote::Inet(SocketAddr::new(address, 8080))),
        version: Some("1.1"),
        code: Some(200),
        content_length: Some(612),
        content_type: Some("text/html".into()),
        server: Some("nginx/1.22.1".into()),
        body_bytes: Some(612),
        decoded_bytes: Some(612),
        ..HttpAnswer::default()
    }));
    outcome
}

fn main() {
    let epoch = Epoch {
        wall: SystemTime::now(),
    };
    let v4: Vec<Outcome> = (0..OUTCOMES as u64)
        .map(|seq| outcome(seq, Ipv4Addr::from(0x0a01_0000 + seq as u32).into()))
        .collect();
    let v6: Vec<Outcome> = (0..OUTCOMES as u64)
        .map(|seq| {
            let bits = 0x2001_0db8_0000_0000_0000_0000_0000_0000 + u128::from(seq);
            outcome(seq, Ipv6Addr::from(bits).into())
        })
        .collect();
    let pages: Vec<Outcome> = (0..OUTCOMES as u64)
        .map(|seq| page(seq, Ipv4Addr::from(0x7f01_0000 + seq as u32).into()))
        .collect();
    let selection = Selection::from_arguments();
    for format in [Format::Ndjson, Format::Text, Format::Csv] {
        for (kind, outcomes) in [("ipv4", &v4), ("ipv6", &v6), ("http", &pages)] {
            let columns = Columns::of(&outcomes[0].job.spec);
            let mut sink = LineSink::new(io::sink(), "nothing", format, columns, epoch);
            selection.measure(&format!("{}-{kind}", format.as_str()), || {
                sink.record(black_box(outcomes))
                    .expect("io::sink accepts everything");
            });
        }
    }
    let mut tally = Tally::default();
    selection.measure("tally", || tally.record_all(black_box(&v4)));
    let mut notable = NotableTargets::default();
    for (kind, outcomes) in [("ipv4", &v4), ("http", &pages)] {
        selection.measure(&format!("notable-{kind}"), || {
            black_box(outcomes)
                .iter()
                .for_each(|outcome| notable.record(outcome));
        });
    }
    let mut latency = LatencyRecorder::new();
    selection.measure("latency", || {
        black_box(&v4)
            .iter()
            .for_each(|outcome| latency.record(outcome));
    });
    let log = IntervalLog::new(
        Box::new(io::sink()),
        "nothing",
        epoch,
        Duration::from_secs(1),
        false,
    );
    let mut log = log.expect("io::sink accepts everything");
    selection.measure("latency-log", || {
        log.record(black_box(&v4))
            .expect("io::sink accepts everything");
    });
}
