//! Runs named scenarios.

use canvass_sim::{RunResult, Scenario, Telling, run_scenario};

/// Runs a scenario, and prints the hashes that a refactoring must not change.
/// `cargo test -p canvass-sim -- --show-output` shows them for every test.
pub(crate) fn run_named(scenario: &Scenario) -> RunResult {
    let result = run_scenario(scenario, Telling::Nothing);
    let thread = std::thread::current();
    println!(
        "{} trace {:016x} ends {:016x}",
        thread.name().unwrap_or("?"),
        result.trace_hash,
        result.ends_hash
    );
    result
}
