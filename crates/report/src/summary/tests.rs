use super::*;
use crate::fixture;
use canvass_model::{
    ConnectionReport, Errno, Health, LocalFaults, Losses, Outcome, UpstreamReport, WindowReport,
};

fn recorded(outcomes: &[Outcome]) -> (Tally, LatencyRecorder) {
    let mut tally = Tally::default();
    let mut latency = LatencyRecorder::new();
    tally.record_all(outcomes);
    for outcome in outcomes {
        latency.record(outcome);
    }
    (tally, latency)
}

fn shard(jobs: u64) -> ShardReport {
    ShardReport {
        admitted: jobs,
        finished: jobs,
        in_flight_max: 7,
        ..ShardReport::default()
    }
}

fn rendered(outcomes: &[Outcome], shards: &[ShardReport]) -> String {
    laid_out(outcomes, shards, WHOLE)
}

const WHOLE: Layout = Layout {
    whole: true,
    ..Layout::FILE
};

fn laid_out(outcomes: &[Outcome], shards: &[ShardReport], layout: Layout) -> String {
    let (tally, latency) = recorded(outcomes);
    let input = SummaryInput {
        tally: &tally,
        latency: &latency,
        shards,
        wall: Duration::from_millis(2500),
        cpu: Some(Duration::from_micros(60)),
        remaining: None,
        interrupted: false,
        recheck: None,
    };
    summary(&input, layout)
}

fn mixed() -> Vec<Outcome> {
    let mut no_data = fixture::ptr_negative();
    no_data.status = Status::Rcode(Rcode::NOERROR);
    vec![
        fixture::ptr_answered(),
        fixture::ptr_confirmed(Some(true)),
        fixture::ptr_negative(),
        no_data,
        fixture::local_failure(),
    ]
}

#[test]
fn a_summary_is_complete() {
    let losses = Losses {
        silence: 3,
        late_replies: 1,
        ..Losses::default()
    };
    let first = ShardReport { losses, ..shard(2) };
    let text = rendered(&mixed(), &[first, shard(3)]);
    let expected = "\
in 5 = answered 2 + negative 2 + failed 1
status
  NOERROR   3  60 %  1 with no data
  NXDOMAIN  1  20 %
  LOCAL     1  20 %
cause of failure
  descriptors  1  20 %
forward: confirmed 1, unconfirmed 0, unknown 0
  latency       p50     p90     p95     p99   p99.9     max
  service    412 µs  200 ms  200 ms  200 ms  200 ms  200 ms
  response  5.00 ms  200 ms  200 ms  200 ms  200 ms  200 ms
service time up to
  1.93 ms  2  ████████████████████████████████████████
  9.08 ms  0
  42.6 ms  0
   200 ms  2  ████████████████████████████████████████
rate: 5 outcomes in 2.50 s, 2.0 per second; CPU 60.0 µs, 12.0 µs per target
attempts: 1.20 per target, max 2; 2 answered after a retry; max 14 in flight over 2 shards
losses: silence 3, late reply 1
  silence: no reply to an attempt was ever received; look at --rate-per-resolver
  late reply: the reply arrived after its attempt had timed out; it still counted; look at --timeout
warning: 1 target failed on this side (no descriptor or port left, or a system error): this machine was the limit, not the peers
";
    assert_eq!(text, expected, "{text}");
}

#[test]
fn few_targets_have_a_few_lines() {
    let mut bad = UpstreamReport::new(([192, 0, 2, 53], 53).into());
    bad.sent = 3;
    bad.health = Health::Dead;
    let shards = [ShardReport {
        upstreams: vec![bad],
        ..shard(5)
    }];
    let text = laid_out(&mixed(), &shards, Layout::FILE);
    let expected = "\
in 5 = answered 2 + negative 2 + failed 1
status: NOERROR ×3 (1 with no data), NXDOMAIN ×1, LOCAL ×1
cause of failure: descriptors ×1
forward: confirmed 1, unconfirmed 0, unknown 0
resolver 192.0.2.53:53: dead
service time: p50 412 µs, max 200 ms; 5 outcomes in 2.50 s
warning: 1 target failed on this side (no descriptor or port left, or a system error): this machine was the limit, not the peers
";
    assert_eq!(text, expected, "{text}");
    let outcomes = [fixture::http_answered(), fixture::tcp_refused()];
    let text = laid_out(&outcomes, &[shard(2)], Layout::FILE);
    let expected = "\
in 2 = answered 1 + negative 0 + failed 1
status: 200 ×1, CONNREFUSED ×1
connect refused (ECONNREFUSED) ×1: The host is up; check that the service runs and on which address it listens (`ss -ltnp`, `ss -lunp`)
";
    assert!(text.starts_with(expected), "{text}");
    assert_eq!(text.lines().count(), 4, "{text}");
    let many = vec![fixture::ptr_answered(); 20];
    let text = laid_out(&many, &[shard(20)], Layout::FILE);
    assert!(
        text.contains("\nstatus\n") && text.contains("\nattempts: "),
        "{text}"
    );
}

#[test]
fn no_line_is_wider_than_a_terminal_and_statuses_have_colours_there() {
    let outcomes = [
        mixed(),
        vec![fixture::tcp_refused(), fixture::http_expired()],
    ]
    .concat();
    let mut asked = UpstreamReport::new(([192, 0, 2, 53], 53).into());
    asked.health = Health::Good;
    (asked.sent, asked.answered, asked.timeouts) = (72_832, 65_536, 7_296);
    asked.udp = Some(WindowReport {
        rate_per_second: 144_785.0,
        in_flight_max: 5_697,
        plateau: true,
        rtt_p50: Duration::from_millis(21),
        rtt_p99: Duration::from_millis(33),
        ..WindowReport::default()
    });
    let shards = [ShardReport {
        upstreams: vec![asked],
        ..shard(7)
    }];
    for (columns, heading) in [
        (
            80,
            "answered  timeouts   by      rate    limit  rtt p50  state",
        ),
        (60, "answered  timeouts      rate  state"),
    ] {
        for whole in [false, true] {
            let layout = Layout {
                columns,
                wraps: true,
                colour: false,
                whole,
            };
            let text = laid_out(&outcomes, &shards, layout);
            for line in text.lines() {
                assert!(line.chars().count() <= columns, "{columns}: {line}\n{text}");
            }
            assert_eq!(text.contains(heading), whole, "{text}");
            // What has no room follows.
            assert_eq!(text.contains("  in flight"), whole, "{text}");
        }
    }
    let layout = Layout {
        colour: true,
        ..WHOLE
    };
    let text = laid_out(&outcomes, &shards, layout);
    for part in [
        "in 7 = \x1b[32manswered 2\x1b[0m + \x1b[33mnegative 2\x1b[0m + \x1b[31mfailed 3\x1b[0m\n",
        "\n  \x1b[32mNOERROR\x1b[0m      3",
        "\n  \x1b[33mNXDOMAIN\x1b[0m ",
        "\n  \x1b[31mCONNREFUSED\x1b[0m ",
        "\n\x1b[33mwarning:\x1b[0m ",
    ] {
        assert!(text.contains(part), "{part:?} in {text}");
    }
}

#[test]
fn the_shift_of_the_schedule_is_that_of_the_last_shard_to_begin() {
    let mut outcome = fixture::ptr_answered();
    assert!(!rendered(&[outcome.clone()], &[shard(1)]).contains("schedule"));
    // Jobs may have times of their own without a schedule.
    outcome.job.due = Some(outcome.due);
    assert!(!rendered(&[outcome.clone()], &[shard(1)]).contains("schedule"));
    let awaited = ShardReport {
        schedule_is_awaited: true,
        ..shard(1)
    };
    let text = rendered(&[outcome.clone()], &[awaited]);
    let not_begun = "schedule: not begun, all targets were sent before the rate was allowed\n";
    assert!(text.contains(not_begun), "{text}");
    let shifted = [None, Some(142), Some(97)].map(|millis| ShardReport {
        schedule_shift: millis.map(Duration::from_millis),
        ..shard(u64::from(millis.is_none()))
    });
    let text = rendered(&[outcome], &shifted);
    assert!(
        text.contains("\nschedule: shifted by 142 ms at the start\n"),
        "{text}"
    );
}

#[test]
fn faults_of_hosts_are_shown_by_phase_cause_and_errno() {
    let connections = ConnectionReport {
        opened: 6,
        open_max: 4,
        open_limit: 4,
        waited_for_descriptor: 3,
        names_needed: 3,
        names_looked_up: 1,
    };
    let mut local_faults = LocalFaults::default();
    (0..3).for_each(|_| local_faults.count(Errno(24)));
    let shards = [ShardReport {
        connections,
        local_faults,
        ..shard(5)
    }];
    let outcomes = [
        fixture::http_redirected(2),
        fixture::http_answered(),
        fixture::http_expired(),
        fixture::tcp_refused(),
        fixture::tcp_refused(),
    ];
    let text = rendered(&outcomes, &shards);
    let expected = "\
in 5 = answered 2 + negative 0 + failed 3
status
  200          2  40 %
  CONNREFUSED  2  40 %
  TLS          1  20 %
faults by phase and cause
  connect  refused  ECONNREFUSED  2  40 %
    The host is up; check that the service runs and on which address it listens (`ss -ltnp`, `ss -lunp`)
  tls      expired  –             1  20 %
    Renew the certificate, and check that the server has loaded the new one; `tls.not_after` says when it expired
  latency         p50      p90      p95      p99    p99.9      max
  service      260 µs  15.0 ms  15.0 ms  15.0 ms  15.0 ms  15.0 ms
  response     260 µs  15.0 ms  15.0 ms  15.0 ms  15.0 ms  15.0 ms
  resolve     1.00 ms  1.00 ms  1.00 ms  1.00 ms  1.00 ms  1.00 ms
  connect      120 µs  2.00 ms  2.00 ms  2.00 ms  2.00 ms  2.00 ms
  tls         3.00 ms  3.00 ms  3.00 ms  3.00 ms  3.00 ms  3.00 ms
  first_byte   200 µs  4.00 ms  4.00 ms  4.00 ms  4.00 ms  4.00 ms
  transfer    10.0 µs  5.00 ms  5.00 ms  5.00 ms  5.00 ms  5.00 ms
service time up to
   315 µs  3  ████████████████████████████████████████
   828 µs  0
  2.18 ms  0
  5.71 ms  0
  15.0 ms  2  ██████████████████████████▋
rate: 5 outcomes in 2.50 s, 2.0 per second; CPU 60.0 µs, 12.0 µs per target
attempts: 1.20 per target, max 2; max 7 in flight over 1 shard
connections: opened 6, at most 4 open at once; limit 4, reached; waited 3 times for a descriptor or a port
names: needed 3, looked up 1
warning: the system refused to send or to open a socket 3 times with EMFILE, since this process had no descriptor left; raise `ulimit -n` or lower --concurrency; the peers are not the cause
warning: the certificate of 1 target expires within 14 days; the first is that of http://example.net/, in 2 days
";
    assert_eq!(text, expected, "{text}");
}

#[test]
fn resolvers_are_shown_where_one_was_asked() {
    let address = "192.0.2.53:53".parse().unwrap();
    let asked = |sent| ShardReport {
        upstreams: vec![UpstreamReport {
            sent,
            ..UpstreamReport::new(address)
        }],
        ..shard(1)
    };
    let outcomes = [fixture::http_answered()];
    let unasked = rendered(&outcomes, &[asked(0)]);
    assert!(!unasked.contains("resolver"), "{unasked}");
    let text = rendered(&outcomes, &[asked(1)]);
    assert!(text.contains("\n1 resolver\n"), "{text}");
    // Nothing was lost.
    assert!(!text.contains("losses"), "{text}");
}

#[test]
fn a_lost_outcome_is_loud() {
    let text = rendered(&[fixture::ptr_answered()], &[shard(2)]);
    assert!(
        text.contains("in 2 = answered 1 + negative 0 + failed 0\nBUG: "),
        "{text}"
    );
    assert!(!rendered(&[fixture::ptr_answered()], &[shard(1)]).contains("BUG"));
    let leaky = ShardReport {
        leaked: 2,
        ..shard(1)
    };
    let text = rendered(&[fixture::ptr_answered()], &[leaky]);
    assert!(
        text.contains("\nBUG: 2 jobs, timers, ids or sockets"),
        "{text}"
    );
}

#[test]
fn what_failed_only_under_load_is_counted_and_estimated() {
    let mut answered = fixture::ptr_answered();
    answered.recheck = true;
    let (tally, latency) = recorded(&[answered, fixture::ptr_timeout()]);
    let mut input = SummaryInput {
        tally: &tally,
        latency: &latency,
        shards: &[shard(2)],
        wall: Duration::from_secs(1),
        cpu: None,
        remaining: None,
        interrupted: false,
        recheck: Some(RecheckCounts {
            failed: 10,
            asked: 2,
        }),
    };
    let text = summary(&input, WHOLE);
    for part in [
        "\nfailed only under load: 1 of 2 asked again, of 10 that had failed\n",
        "\nwarning: 1 target had failed only under the load of this run, and so had about 4 that \
         were not asked again; lower --rate",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    input.recheck = None;
    let text = summary(&input, WHOLE);
    assert!(!text.contains("failed only under load:"), "{text}");
    assert!(text.contains("load of this run; lower --rate"), "{text}");
}

#[test]
fn an_interrupt_says_what_remains() {
    let (tally, latency) = recorded(&[]);
    let mut input = SummaryInput {
        tally: &tally,
        latency: &latency,
        shards: &[],
        wall: Duration::ZERO,
        cpu: None,
        remaining: Some(995),
        interrupted: true,
        recheck: None,
    };
    assert!(
        summary(&input, WHOLE)
            .starts_with("in 0 = answered 0 + negative 0 + failed 0\ninterrupted; remaining 995\n")
    );
    input.interrupted = false;
    assert!(summary(&input, WHOLE).contains("\nremaining 995\n"));
    input.remaining = Some(0);
    assert!(!summary(&input, WHOLE).contains("remaining"));
}
