//! Hundreds of scenarios from seeds. The checks are in `watch.rs` and
//! `outcomes/`.

use std::thread;

use canvass_lab::{Impairments, Percent};
use canvass_sim::{Scenario, Telling, run, run_scenario};

/// One in three has probes of hosts.
const SEEDS: u64 = 450;
const THREADS: u64 = 2;

#[test]
fn nothing_that_should_never_be_is_in_450_worlds() {
    let runners: Vec<_> = (0..THREADS)
        .map(|first| {
            thread::spawn(move || {
                (first..SEEDS)
                    .step_by(THREADS as usize)
                    .filter_map(failure_of)
                    .collect::<Vec<_>>()
            })
        })
        .collect();
    let failures: Vec<String> = runners
        .into_iter()
        .flat_map(|runner| runner.join().expect("a run does not panic"))
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Answers arrived between the time of a stall and the end of the wait in which it was.
#[test]
fn a_stall_begins_when_it_is_drawn_also_in_the_middle_of_a_wait() {
    assert_eq!(failure_of(471), None);
}

#[test]
fn the_same_seed_is_the_same_run() {
    for seed in 0..12 {
        let scenario = Scenario::from_seed(seed);
        let once = run_scenario(&scenario, Telling::Nothing);
        let again = run_scenario(&scenario, Telling::Nothing);
        assert_eq!(once.trace_hash, again.trace_hash, "{}", replay(seed));
        assert_eq!(once.outcomes, again.outcomes, "{}", replay(seed));
    }
    assert_ne!(run(0).trace_hash, run(1).trace_hash);
}

#[test]
fn worlds_are_not_all_alike() {
    let scenarios: Vec<_> = (0..SEEDS).map(Scenario::from_seed).collect();
    let share = |holds: &dyn Fn(&Scenario) -> bool| {
        let count = scenarios.iter().filter(|scenario| holds(scenario)).count();
        assert!(count >= 3, "only {count} of {SEEDS}");
    };
    share(&|one| one.fair);
    share(&|one| !one.fair);
    share(&|one| one.interrupt.is_some());
    share(&|one| !one.host.stalls.is_empty());
    share(&|one| one.host.descriptors_gone.is_some());
    share(&|one| one.peers.iter().any(|peer| peer.reset_after.is_some()));
    share(&|one| has(one, |set| set.inflight_cap.is_some()));
    share(&|one| has(one, |set| set.freeze.is_some()));
    share(&|one| has(one, |set| set.service_time.is_some()));
    share(&|one| has(one, |set| set.lame != Percent::ZERO));
    share(&|one| one.peers.len() == 20);
    share(&|one| one.jobs_max == 1);
    share(&|one| one.has_probes() && one.fair);
    share(&|one| one.has_probes() && one.interrupt.is_some());
    share(&|one| one.has_probes() && one.host.ports_gone.is_some());
    share(&|one| one.sites.iter().any(|site| site.cut.is_some()));
    share(&|one| one.has_probes() && one.probing.sockets_max == 5);
    share(&|one| one.has_probes() && one.probing.rate_per_host_max_per_second.is_some());
    share(&|one| one.jobs.iter().any(|job| job.spec.outcomes() > 1));
}

fn has(scenario: &Scenario, what: fn(&Impairments) -> bool) -> bool {
    scenario.peers.iter().any(|peer| what(&peer.impairments))
}

fn failure_of(seed: u64) -> Option<String> {
    let result = run(seed);
    (!result.violations.is_empty())
        .then(|| format!("{}\n{}", result.violations.join("\n"), replay(seed)))
}

fn replay(seed: u64) -> String {
    format!("replay: cargo run -p canvass-sim -- --seed {seed}")
}
