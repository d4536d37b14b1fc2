//! Runs seeds of the simulator, and replays a single one.

use std::fmt::Display;
use std::io::Write;
use std::ops::Range;
use std::process::ExitCode;

use canvass_model::Verdict;
use canvass_sim::{RunResult, Scenario, Telling, run_scenario};

const USAGE: &str = "usage: canvass-sim --seed N [--trace] | --seeds A..B [--hashes]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let sound = match words[..] {
        ["--seed", seed] => seed.parse().ok().map(|seed| replay(seed, Telling::Nothing)),
        ["--seed", seed, "--trace"] => seed
            .parse()
            .ok()
            .map(|seed| replay(seed, Telling::Everything)),
        ["--seeds", seeds] => range(seeds).map(run_many),
        ["--seeds", seeds, "--hashes"] => range(seeds).map(hash_many),
        _ => None,
    };
    match sound {
        Some(true) => ExitCode::SUCCESS,
        Some(false) => ExitCode::FAILURE,
        None => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn range(text: &str) -> Option<Range<u64>> {
    let (first, end) = text.split_once("..")?;
    Some(first.parse().ok()?..end.parse().ok()?)
}

/// Runs a seed twice and prints the result. Returns whether it is correct.
fn replay(seed: u64, telling: Telling) -> bool {
    let scenario = Scenario::from_seed(seed);
    say(format_args!("{scenario}"));
    let result = run_scenario(&scenario, telling);
    tell(&result);
    let again = run_scenario(&scenario, Telling::Nothing);
    let same = again.trace_hash == result.trace_hash;
    if !same {
        say(format_args!("violation: the same seed gives another trace"));
    }
    same && result.violations.is_empty()
}

fn tell(result: &RunResult) {
    say(format_args!(
        "trace {:016x}: {:?}, {} turns, {} queries by datagram, {} by stream",
        result.trace_hash, result.elapsed, result.turns, result.queries_udp, result.queries_tcp
    ));
    say(format_args!(
        "{} answered, {} negative, {} failed, {:.3} attempts a job",
        result.count(Verdict::Answered),
        result.count(Verdict::Negative),
        result.count(Verdict::Failed),
        result.attempts_per_job()
    ));
    say(format_args!("{:#?}", result.report));
    for violation in &result.violations {
        say(format_args!("violation: {violation}"));
    }
}

fn run_many(seeds: Range<u64>) -> bool {
    let mut failed = 0;
    let count = seeds.end.saturating_sub(seeds.start);
    for seed in seeds {
        let result = canvass_sim::run(seed);
        if let Some(first) = result.violations.first() {
            failed += 1;
            say(format_args!("seed {seed}: {first}"));
        }
    }
    say(format_args!("{count} seeds, {failed} with violations"));
    failed == 0
}

/// Prints the hashes of each seed, which a refactoring must not change.
fn hash_many(seeds: Range<u64>) -> bool {
    let mut sound = true;
    for seed in seeds {
        let scenario = Scenario::from_seed(seed);
        let result = run_scenario(&scenario, Telling::Nothing);
        let world = if scenario.fair { "fair" } else { "unfair" };
        let queries = result.queries_udp + result.queries_tcp;
        let violations = result.violations.len();
        sound &= violations == 0;
        say(format_args!(
            "seed {seed} {world} trace {:016x} ends {:016x} queries {queries} violations {violations}",
            result.trace_hash, result.ends_hash
        ));
    }
    sound
}

/// Ignores errors such as a closed pipe.
fn say(line: impl Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
