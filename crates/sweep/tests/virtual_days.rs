//! Days of a sweep, in virtual time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use canvass_model::{
    Cause, Fault, Host, Job, ModuleId, Outcome, Phase, ProbeSpec, Status, Target, Time, Verdict,
};
use canvass_sweep::config::Config;
use canvass_sweep::{CutOffChange, Event, State, Thresholds, Watch, WatchedTarget};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

const INTERVAL: Duration = Duration::from_secs(10);
const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MS;
/// How much later than its thresholds say a change is seen at most.
const DELAY_MAX: Duration = Duration::from_secs(5);

/// What a probe of a target finds at a time, by its number, and whether it is a second opinion.
type Find = Box<dyn FnMut(&mut StdRng, u32, Time, bool) -> Found>;

/// A world of hosts.
struct World {
    watch: Watch,
    rng: StdRng,
    find: Find,
    /// Outcomes that are still to come.
    ahead: BTreeMap<(Time, u64, bool), Outcome>,
    now: Time,
    events: Vec<Event>,
}

#[derive(Clone, Copy)]
enum Found {
    Answer,
    Silence,
    ResolverFailed,
}

fn target(number: u32) -> WatchedTarget {
    WatchedTarget {
        key: format!("tcp://host-{number}.example.net:25").into(),
        group: "all".into(),
        target: Target::Endpoint {
            host: Host::Name(format!("host-{number}.example.net").into()),
            port: 25,
            given: None,
        },
        spec: ProbeSpec::Tcp {
            module: ModuleId(0),
        },
        resolver: None,
        line: None,
        interval: INTERVAL,
        jitter: Duration::ZERO,
        thresholds: Thresholds::default(),
        depends_on: None,
        in_maintenance: false,
        module: None,
        labels: None,
        assertions: None,
    }
}

impl World {
    fn new(
        targets: impl IntoIterator<Item = WatchedTarget>,
        find: impl FnMut(&mut StdRng, u32, Time, bool) -> Found + 'static,
    ) -> Self {
        let mut watch = Watch::new(1_800_000_000 * SECOND);
        watch.set_targets(Time::ZERO, targets);
        Self {
            watch,
            rng: StdRng::seed_from_u64(7),
            find: Box::new(find),
            ahead: BTreeMap::new(),
            now: Time::ZERO,
            events: Vec::new(),
        }
    }

    fn run_until(&mut self, end: Time) {
        while self.now < end {
            for job in self.watch.take_jobs(self.now, usize::MAX) {
                self.start(job, false);
            }
            for job in self.watch.take_opinions(usize::MAX) {
                self.start(job, true);
            }
            let next_end = self.ahead.keys().next().map(|(at, ..)| *at);
            let next_due = self.watch.next_due();
            self.now = next_end
                .into_iter()
                .chain(next_due)
                .min()
                .unwrap_or(end)
                .max(self.now);
            while let Some(entry) = self.ahead.first_entry()
                && entry.key().0 <= self.now
            {
                let is_opinion = entry.key().2;
                let outcome = entry.remove();
                let events = if is_opinion {
                    self.watch.record_opinion(self.now, &outcome)
                } else {
                    self.watch.record(self.now, &outcome).1
                };
                self.events.extend(events);
            }
        }
    }

    fn start(&mut self, job: Job, is_opinion: bool) {
        let Target::Endpoint { host, .. } = &job.target else {
            panic!("all targets are endpoints");
        };
        let name = host.to_string();
        let number = name.split(['-', '.']).nth(1).unwrap().parse().unwrap();
        let found = (self.find)(&mut self.rng, number, self.now, is_opinion);
        let (phase, cause, span) = match found {
            Found::Answer => (Phase::Connect, None, Duration::from_millis(20)),
            Found::Silence => (Phase::Connect, Some(Cause::Timeout), Duration::from_secs(4)),
            Found::ResolverFailed => (Phase::Resolve, Some(Cause::Timeout), Duration::from_secs(4)),
        };
        let seq = job.seq;
        let fault = Fault {
            phase,
            cause: cause.unwrap_or(Cause::Timeout),
            message: "silence".into(),
            errno: None,
        };
        let mut outcome = Outcome::unbegun(job, self.now, Status::Timeout, fault);
        if cause.is_none() {
            outcome.verdict = Verdict::Answered;
            outcome.status = Status::Open;
            outcome.fault = None;
        }
        self.ahead
            .insert((self.now + span, seq, is_opinion), outcome);
    }

    /// The changes to a state, as targets with times.
    fn changes_to(&self, state: State) -> Vec<(u32, Time, bool)> {
        let changes = self.events.iter().filter_map(|event| match event {
            Event::Changed {
                target,
                at,
                change,
                alerts,
                ..
            } if change.to == state => Some((target.0, *at, *alerts)),
            _ => None,
        });
        changes.collect()
    }
}

fn at_s(seconds: u64) -> Time {
    Time::from_nanos(seconds * SECOND)
}

#[test]
fn a_day_of_losses_and_hiccups_of_the_resolver_makes_nobody_down() {
    // A probe sends its packets again, so that 5 % of loss fail few; this is worse by far. A second
    // opinion is patient.
    let find = |rng: &mut StdRng, _, now: Time, is_opinion: bool| {
        let in_minute = now.as_nanos() % (60 * SECOND);
        if in_minute < 3 * SECOND {
            return Found::ResolverFailed;
        }
        let attempts = if is_opinion { 3 } else { 1 };
        let is_lost = (0..attempts).all(|_| rng.random_bool(0.05));
        if is_lost {
            Found::Silence
        } else {
            Found::Answer
        }
    };
    let mut world = World::new((0..100).map(target), find);
    world.run_until(at_s(24 * 3600));
    assert_eq!(world.changes_to(State::Down), []);
    let states = world.watch.targets().map(|(_, one)| one.tracker.state());
    assert!(states.into_iter().all(|state| state == State::Up));
    let begun: u64 = world.watch.targets().map(|(_, one)| one.rounds.begun).sum();
    assert_eq!(begun, 100 * 8640);
}

#[test]
fn a_target_that_is_down_is_seen_in_time_and_alone() {
    let find = |_: &mut StdRng, number, now: Time, _| {
        let is_down = number == 7 && (at_s(100)..at_s(400)).contains(&now);
        if is_down {
            Found::Silence
        } else {
            Found::Answer
        }
    };
    let mut world = World::new((0..50).map(target), find);
    world.run_until(at_s(600));
    let [(7, down_at, true)] = world.changes_to(State::Down)[..] else {
        panic!("{:?}", world.events);
    };
    let bound = at_s(100) + 3 * INTERVAL + DELAY_MAX;
    assert!(down_at <= bound, "{down_at:?}");
    let ups = world.changes_to(State::Up);
    let back: Vec<_> = ups.iter().filter(|(_, _, alerts)| *alerts).collect();
    let [(7, up_at, true)] = back[..] else {
        panic!("{ups:?}");
    };
    assert!(*up_at <= at_s(400) + 2 * INTERVAL + DELAY_MAX, "{up_at:?}");
}

#[test]
fn when_this_machine_is_cut_off_there_is_one_event_and_nobody_is_down() {
    let find = |_: &mut StdRng, _, now: Time, _| {
        if (at_s(100)..at_s(1000)).contains(&now) {
            Found::Silence
        } else {
            Found::Answer
        }
    };
    let mut world = World::new((0..2_000).map(target), find);
    world.run_until(at_s(1100));
    assert_eq!(world.changes_to(State::Down), []);
    let cut_off: Vec<_> = world
        .events
        .iter()
        .filter_map(|event| match event {
            Event::CutOff { change, .. } => Some(*change),
            _ => None,
        })
        .collect();
    assert_eq!(cut_off, [CutOffChange::Began, CutOffChange::Ended]);
}

#[test]
fn what_is_behind_a_gateway_that_is_down_is_silent() {
    let gateway = target(0);
    let key = Arc::clone(&gateway.key);
    let behind = (1..4).map(move |number| WatchedTarget {
        depends_on: Some(Arc::clone(&key)),
        ..target(number)
    });
    let find = |_: &mut StdRng, number, now: Time, _| {
        if number < 4 && (at_s(100)..at_s(400)).contains(&now) {
            Found::Silence
        } else {
            Found::Answer
        }
    };
    let all = std::iter::once(gateway)
        .chain(behind)
        .chain((4..20).map(target));
    let mut world = World::new(all, find);
    world.run_until(at_s(600));
    let alerts = |state| -> Vec<u32> {
        let changes = world.changes_to(state).into_iter();
        let loud = changes.filter(|(_, _, alerts)| *alerts);
        loud.map(|(target, ..)| target).collect()
    };
    assert_eq!(alerts(State::Down), [0]);
    assert_eq!(alerts(State::Up), [0]);
    assert_eq!(world.changes_to(State::Down).len(), 4);
}

#[test]
fn a_wall_clock_that_is_set_moves_no_round_and_makes_nobody_down() {
    let find = |_: &mut StdRng, number, now: Time, _| {
        if number == 7 && now >= at_s(300) {
            Found::Silence
        } else {
            Found::Answer
        }
    };
    let mut world = World::new((0..20).map(target), find);
    let epoch_ns = 1_800_000_000 * SECOND;
    let hour_ns = 3_600 * SECOND;
    for (until_s, set_ns) in [(100, epoch_ns - hour_ns), (200, epoch_ns + hour_ns)] {
        world.run_until(at_s(until_s));
        let now = world.now;
        world.watch.set_wall_clock(now, set_ns + now.as_nanos());
    }
    world.run_until(at_s(400));
    let rounds = world.watch.rounds();
    assert_eq!((rounds.begun, rounds.missed), (20 * 40, 0));
    let [(7, down_at, true)] = world.changes_to(State::Down)[..] else {
        panic!("{:?}", world.events);
    };
    let since = world.watch.get(canvass_sweep::TargetId(7)).unwrap();
    let since_ns = since.tracker.since_unix_ns().unwrap();
    assert_eq!(since_ns, epoch_ns + hour_ns + down_at.as_nanos());
}

#[test]
fn a_changed_list_keeps_the_states_of_the_others() {
    let find = |_: &mut StdRng, number, _: Time, _| {
        if number == 1 {
            Found::Silence
        } else {
            Found::Answer
        }
    };
    let mut world = World::new((0..20).map(target), find);
    world.run_until(at_s(100));
    let before: Vec<_> = world.watch.targets().map(|(id, _)| id).collect();
    world.watch.set_targets(world.now, (1..21).map(target));
    let states: BTreeMap<String, State> = world
        .watch
        .targets()
        .map(|(_, one)| (one.target.key.to_string(), one.tracker.state()))
        .collect();
    assert_eq!(states.len(), 20);
    assert_eq!(before.len(), 20);
    let state = |number: u32| states[&*target(number).key];
    assert_eq!(
        (state(1), state(2), state(20)),
        (State::Down, State::Up, State::Unknown)
    );
    world.events.clear();
    world.run_until(at_s(200));
    assert_eq!(world.changes_to(State::Up).len(), 1);
}

#[test]
fn another_module_moves_no_round_and_loses_no_probe() {
    let mut world = World::new([target(0)], |_, _, _, _| Found::Answer);
    let due = world.watch.next_due().unwrap();
    let jobs = world.watch.take_jobs(due, usize::MAX);
    let changed = WatchedTarget {
        spec: ProbeSpec::Tcp {
            module: ModuleId(7),
        },
        ..target(0)
    };
    let spec = changed.spec;
    // The probe with the old module is still under way.
    world.watch.set_targets(due, [changed]);
    world.now = due;
    for job in jobs {
        assert_ne!(job.spec, spec);
        world.start(job, false);
    }
    world.run_until(due + Duration::from_secs(1));
    assert_eq!(world.watch.next_due(), Some(due + INTERVAL));
    let (_, watched) = world.watch.targets().next().unwrap();
    assert!(watched.last.is_some_and(|last| last.is_success));
    let jobs = world.watch.take_jobs(due + INTERVAL, usize::MAX);
    assert_eq!((jobs.len(), jobs[0].spec), (1, spec));
}

#[test]
fn maintenance_follows_the_clocks_over_a_change_to_summer_time() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sweep.toml");
    // Ten minutes on the night on which the clocks go from 02:00 to 03:00.
    let text = "[[groups]]\nname = \"all\"\ntargets = [\"tcp://a.example.net:1\"]\n\
                [[maintenance]]\ntimezone = \"Europe/Berlin\"\nfrom = \"01:55\"\nto = \"03:05\"\n";
    std::fs::write(&path, text).unwrap();
    let config = Config::read(&path).unwrap();
    // 2027-03-28, 01:50 in Berlin.
    let epoch_s = 1_806_195_000;
    let find = |_: &mut StdRng, number, now: Time, _| {
        if number == 0 && now >= at_s(8 * 60) {
            Found::Silence
        } else {
            Found::Answer
        }
    };
    let mut world = World::new([], find);
    world.watch = Watch::new(epoch_s * SECOND);
    world.watch.set_targets(Time::ZERO, (0..10).map(target));
    for second in 0..30 * 60 {
        let wall = UNIX_EPOCH + Duration::from_secs(epoch_s + second);
        let open = config.maintenance().open(wall);
        world.watch.set_maintenance(|target| open.cover(target));
        world.run_until(at_s(second));
    }
    let downs = world.changes_to(State::Down);
    assert_eq!(downs.len(), 1);
    assert!(!downs[0].2, "there is an alert in maintenance");
    let still: Vec<Time> = world
        .events
        .iter()
        .filter_map(|event| match event {
            Event::StillDown { at, .. } => Some(*at),
            _ => None,
        })
        .collect();
    let [at] = still[..] else {
        panic!("one alert after it: {still:?}");
    };
    // Not an hour later.
    assert!((at_s(15 * 60)..at_s(15 * 60 + 20)).contains(&at), "{at:?}");
}
