//! Runs a sweep: writes what changes, until a signal ends it.

use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;

use canvass_report::Format;
use canvass_sweep::{KeptStates, Notice, SavedStates, State, Sweep, SweepPlans, Watch};
use crossbeam_channel::{Receiver, Sender, bounded};

use crate::descriptors;
use crate::exit::{Exit, Failure};
use crate::files::{self, Written};
use crate::listen;
use crate::message::message;
use crate::outputs::RunSinks;
use crate::plan::{Invocation, SweepInvocation, SweepPlan};
use crate::progress::INTERVAL;
use crate::run::{self, FinishedRun, Interrupts};
use crate::signals::StopSignals;

/// Changes that wait to be written; then the sweep waits too.
const NOTICES_MAX: usize = 4_096;
/// Errors of the file of states that wait to be reported.
const ERRORS_MAX: usize = 16;

/// Runs a sweep until a signal ends it, or one round of it.
pub(crate) fn run(sweep: SweepInvocation, signals: &StopSignals) -> Result<Exit, Failure> {
    match sweep {
        SweepInvocation::Once(invocation) => run::run(*invocation, signals),
        SweepInvocation::Forever(plan) => watch(*plan, signals),
    }
}

fn watch(plan: SweepPlan, signals: &StopSignals) -> Result<Exit, Failure> {
    let SweepPlan {
        invocation,
        targets,
        state,
        listen,
    } = plan;
    let Invocation {
        plan, mut outputs, ..
    } = invocation;
    outputs.uses_stdout = true;
    descriptors::raise_limit();
    let (errors, write_errors) = bounded(ERRORS_MAX);
    let listener = listen::bind(listen)?;
    let kept = state.map(|path| kept_states(path, errors)).transpose()?;
    let open = outputs.open()?;
    // From here on there are files to complete, so a signal must not end the process at once.
    signals.keep();
    let RunSinks { sinks, rest } = outputs.begin(open, &plan)?;
    let began = plan.epoch().wall;
    let (sender, notices) = bounded(NOTICES_MAX);
    let plans = SweepPlans::new(plan);
    let mut sweep = Sweep::start(plans, targets, kept, sinks, sender).map_err(Failure::stopped)?;
    let server = listener
        .map(|listener| listen::serve(listener, sweep.reader()))
        .transpose()?;
    let stop = sweep.stop_handle();
    let interrupts = Interrupts::watch(signals, stop.clone());
    let lines = ChangeLines {
        notices,
        format: outputs.format,
    };
    let mut written = Ok(Written::All);
    while !sweep.rounds().wait(INTERVAL) {
        if matches!(written, Ok(Written::All)) {
            written = lines.write_waiting();
            if !matches!(written, Ok(Written::All)) {
                stop.drain();
            }
        }
        for error in write_errors.try_iter() {
            message(format_args!("canvass: cannot keep the states: {error}"));
        }
    }
    if let Some(server) = server {
        server.stop();
    }
    let states = sweep.look(summary);
    let report = sweep.join();
    if matches!(written, Ok(Written::All)) {
        written = lines.write_waiting();
    }
    let is_closed = matches!(written, Ok(Written::ToNobody));
    let quiet = invocation.quiet || is_closed;
    if !quiet {
        message(states);
    }
    let ended = FinishedRun {
        probe: invocation.probe,
        began,
        report,
        rest,
        signal: interrupts.first(),
        dedup: invocation.dedup,
        lab: invocation.lab,
        quiet,
        fail_below_percent: 0.0,
        negative_lookups_are_good: invocation.negative_lookups_are_good,
    }
    .conclude();
    written?;
    ended
}

fn kept_states(path: PathBuf, errors: Sender<io::Error>) -> Result<KeptStates, Failure> {
    let states = SavedStates::read(&path).map_err(Failure::usage)?;
    // A file that cannot be written is better noticed now than when something has changed.
    states.write(&path).map_err(|error| {
        Failure::stopped(format!(
            "cannot keep the states in {}: {error}",
            path.display()
        ))
    })?;
    Ok(KeptStates {
        path,
        states,
        errors,
    })
}

/// Writes a line for each change.
struct ChangeLines {
    notices: Receiver<Notice>,
    format: Format,
}

impl ChangeLines {
    fn write_waiting(&self) -> Result<Written, Failure> {
        let mut lines = String::new();
        for notice in self.notices.try_iter() {
            lines.push_str(&match self.format {
                Format::Text => notice.text(),
                Format::Ndjson | Format::Csv => notice.ndjson(),
            });
            lines.push('\n');
        }
        files::write_stdout(lines.as_bytes())
    }
}

/// How many targets are in which state, and how many rounds there were.
fn summary(watch: &Watch) -> String {
    let mut text = String::from("targets");
    for state in State::ALL {
        let of_state = watch
            .targets()
            .filter(|(_, one)| one.tracker.state() == state);
        let _ = write!(text, "  {} {}", state.as_str(), of_state.count());
    }
    let (mut begun, mut skipped, mut missed) = (0, 0, 0);
    for (_, watched) in watch.targets() {
        begun += watched.rounds.begun;
        skipped += watched.rounds.skipped;
        missed += watched.rounds.missed;
    }
    let _ = write!(
        text,
        "\nrounds  begun {begun}  skipped {skipped}  missed {missed}"
    );
    text
}
