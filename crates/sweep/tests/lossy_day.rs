//! A day of a sweep with its event loop, over a path that loses packets, in virtual time.

use std::cell::RefCell;
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use canvass_lab::ServiceKind;
use canvass_model::{Host, Job, ModuleId, Outcome, ProbeSpec, Target, Time};
use canvass_proto::{Module, ModuleKind};
use canvass_sim::{Feeder, Peer, Scenario, Site, run_fed, tcp, udp};
use canvass_sweep::{Event, State, Thresholds, Watch, WatchedTarget};

const INTERVAL: Duration = Duration::from_secs(30);
/// How much later than its thresholds say a target is down at most: the time of the last probe.
const DELAY_MAX: Duration = Duration::from_secs(10);
const HOUR_S: u64 = 3_600;
/// Further attempts of a second opinion.
const OPINION_RETRIES: u32 = 2;
/// The number of the modules of rounds. Those of second opinions follow, in the same order.
const MODULES: u16 = 2;
/// The host that is away for an hour, and from when.
const AWAY: u8 = 7;
const AWAY_FROM_S: u64 = 10 * HOUR_S;

/// A sweep, as the other end of the channels of an event loop. What it has found is read after the
/// run.
#[derive(Clone, Debug)]
struct Rounds {
    found: Rc<RefCell<Found>>,
    end: Time,
}

#[derive(Debug)]
struct Found {
    watch: Watch,
    events: Vec<Event>,
    opinions: u64,
}

impl Feeder for Rounds {
    fn jobs(&mut self, now: Time) -> (Vec<Job>, Option<Time>) {
        if now >= self.end {
            return (Vec::new(), None);
        }
        let found = &mut *self.found.borrow_mut();
        let rounds = found.watch.take_jobs(now, usize::MAX).into_iter();
        let rounds = rounds.map(|job| Job {
            seq: job.seq * 2,
            due: None,
            ..job
        });
        let opinions = found.watch.take_opinions(usize::MAX).into_iter();
        let opinions = opinions.map(|job| Job {
            seq: job.seq * 2 + 1,
            spec: patient(job.spec),
            ..job
        });
        let mut jobs: Vec<Job> = rounds.collect();
        let before = jobs.len();
        jobs.extend(opinions);
        found.opinions += (jobs.len() - before) as u64;
        (jobs, found.watch.next_due())
    }

    fn outcome(&mut self, now: Time, outcome: &Outcome) {
        let found = &mut *self.found.borrow_mut();
        let mut outcome = outcome.clone();
        let is_opinion = outcome.job.seq % 2 == 1;
        outcome.job.seq /= 2;
        let events = if is_opinion {
            found.watch.record_opinion(now, &outcome)
        } else {
            found.watch.record(now, &outcome).1
        };
        found.events.extend(events);
    }
}

fn patient(spec: ProbeSpec) -> ProbeSpec {
    let later = |module: ModuleId| ModuleId(module.0 + MODULES);
    match spec {
        ProbeSpec::Tcp { module } => ProbeSpec::Tcp {
            module: later(module),
        },
        ProbeSpec::Udp { module } => ProbeSpec::Udp {
            module: later(module),
        },
        other => other,
    }
}

/// The modules of a sweep, with its limits: a port, and a question by datagrams.
fn modules() -> Vec<Arc<Module>> {
    let second = Duration::from_secs(1);
    let mut rounds = [tcp(None), udp("time", None)];
    for module in &mut rounds {
        let timeouts = &mut module.timeouts;
        timeouts.deadline = 10 * second;
        (timeouts.resolve, timeouts.connect) = (10 * second, 5 * second);
        (timeouts.first_byte, timeouts.transfer) = (10 * second, 10 * second);
        if matches!(module.kind, ModuleKind::Udp { .. }) {
            timeouts.first_byte /= 2;
            module.retries = 1;
        }
    }
    let mut opinions = rounds.clone();
    for module in &mut opinions {
        module.retries = OPINION_RETRIES;
        module.timeouts.deadline *= OPINION_RETRIES + 1;
    }
    rounds.into_iter().chain(opinions).map(Arc::new).collect()
}

fn host(number: u8) -> IpAddr {
    Ipv4Addr::new(10, 0, 0, number).into()
}

/// A port and a question of each host, by its name.
fn targets() -> Vec<WatchedTarget> {
    let kinds = [
        ("tcp", ServiceKind::Http, ModuleId(0)),
        ("udp", ServiceKind::Time, ModuleId(1)),
    ];
    let of_host = |number: u8| {
        kinds.map(|(scheme, service, module)| {
            let name = format!("host-10-0-0-{number}.example.net");
            let port = service.usual_port();
            WatchedTarget {
                key: format!("{scheme}://{name}:{port}").into(),
                group: "all".into(),
                module: None,
                labels: None,
                target: Target::Endpoint {
                    host: Host::Name(name.into()),
                    port,
                    given: None,
                },
                spec: if scheme == "tcp" {
                    ProbeSpec::Tcp { module }
                } else {
                    ProbeSpec::Udp { module }
                },
                resolver: None,
                line: None,
                interval: INTERVAL,
                jitter: Duration::ZERO,
                thresholds: Thresholds::default(),
                assertions: None,
                depends_on: None,
                in_maintenance: false,
            }
        })
    };
    (1..=10).flat_map(of_host).collect()
}

/// A path that loses 5 % of all packets in each direction, and a resolver that is away for 3 s in
/// each minute.
fn scenario(seed: u64, targets: &[WatchedTarget]) -> Scenario {
    let examples = targets.iter().map(|target| target.job(0, None)).collect();
    let resolver = Peer::impaired(0, "outage=3s,outage-every=60s");
    let mut scenario = Scenario::plain(seed, examples, vec![resolver]);
    scenario.path.loss = 0.05;
    scenario.fair = false;
    scenario.probing.modules = modules();
    scenario.channels.drain_interval_ns = 1_000_000;
    for number in 1..=10 {
        scenario
            .sites
            .push(Site::new(host(number), ServiceKind::Http));
        let mut time = Site::new(host(number), ServiceKind::Time);
        if number == AWAY {
            let away = format!("outage-after={AWAY_FROM_S}s,outage={HOUR_S}s");
            time = time.impaired(&away);
        }
        scenario.sites.push(time);
    }
    scenario
}

#[test]
fn in_a_day_of_losses_only_the_host_that_is_away_goes_down() {
    let targets = targets();
    let scenario = scenario(1, &targets);
    let mut watch = Watch::new(1_800_000_000_000_000_000);
    watch.set_targets(Time::ZERO, targets.iter().cloned());
    let rounds = Rounds {
        found: Rc::new(RefCell::new(Found {
            watch,
            events: Vec::new(),
            opinions: 0,
        })),
        end: Time::from_nanos(24 * HOUR_S * 1_000_000_000),
    };
    let result = run_fed(&scenario, Box::new(rounds.clone()));
    assert_eq!(result.violations, [""; 0]);
    let found = rounds.found.borrow();
    let counts = found.watch.rounds();
    let due = targets.len() as u64 * 24 * HOUR_S / INTERVAL.as_secs();
    assert_eq!((counts.begun + counts.skipped, counts.missed), (due, 0));
    let changes = |state| -> Vec<(String, u64)> {
        let changes = found.events.iter().filter_map(|event| match event {
            Event::Changed {
                target, at, change, ..
            } if change.to == state => {
                let key = found.watch.get(*target)?.target.key.to_string();
                Some((key, at.as_nanos() / 1_000_000_000))
            }
            _ => None,
        });
        changes.collect()
    };
    let [(key, down_s)] = &changes(State::Down)[..] else {
        panic!("{:?}", found.events);
    };
    assert!(
        key.starts_with(&format!("udp://host-10-0-0-{AWAY}.")),
        "{key}"
    );
    let last_round = 3 * INTERVAL + DELAY_MAX;
    let expected = AWAY_FROM_S..AWAY_FROM_S + last_round.as_secs() + INTERVAL.as_secs();
    assert!(expected.contains(down_s), "{down_s}");
    assert!(found.opinions > 1, "losses have caused none");
    let states = found.watch.targets().map(|(_, one)| one.tracker.state());
    assert!(states.into_iter().all(|state| state == State::Up));
}
