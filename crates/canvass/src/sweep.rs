//! Runs a sweep: writes what changes, until a signal ends it.

use std::any::Any;
use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use canvass_serve::reloads;
use canvass_sweep::{KeptStates, SavedStates, ShownState, Sweep, SweepPlans, Watch};
use crossbeam_channel::{Receiver, Sender, bounded};

use crate::changes::ChangeLines;
use crate::descriptors;
use crate::exit::{Exit, Failure};
use crate::files::Written;
use crate::message::{message, print};
use crate::outputs::RunSinks;
use crate::plan::{Invocation, SweepInvocation, SweepPlan};
use crate::progress::INTERVAL;
use crate::run::{self, BlockedOutput, FinishedRun, Interrupts, StopNotice};
use crate::service;
use crate::signals::StopSignals;
use crate::upkeep::Upkeep;

/// Changes that wait to be written; then the sweep waits too.
const NOTICES_MAX: usize = 4_096;
/// How often the threads of a sweep that ends are looked after.
const END_LOOK: Duration = Duration::from_millis(5);
/// Errors of the file of states that wait to be reported.
const ERRORS_MAX: usize = 16;

/// Runs a sweep until a signal ends it, or one round of it.
pub(crate) fn run(sweep: SweepInvocation, signals: &StopSignals) -> Result<Exit, Failure> {
    match sweep {
        SweepInvocation::Checked(text) => {
            print(&format!("{text}\n"))?;
            Ok(Exit::Complete)
        }
        SweepInvocation::Once(invocation) => run::run(*invocation, signals),
        SweepInvocation::Forever(plan) => watch(*plan, signals),
    }
}

fn watch(plan: SweepPlan, signals: &StopSignals) -> Result<Exit, Failure> {
    let SweepPlan {
        invocation,
        mut targets,
        list,
        state,
        listen,
        exporter,
        alerts,
    } = plan;
    let Invocation {
        plan, mut outputs, ..
    } = invocation;
    outputs.uses_stdout = true;
    descriptors::raise_limit();
    let (errors, write_errors) = bounded(ERRORS_MAX);
    let messages = alerts.plan.messages.clone();
    let listener = listen
        .map(|listen| listen.bind(exporter.as_ref(), messages))
        .transpose()?;
    let (reloader, reloads) = reloads();
    let kept = state.map(|path| kept_states(path, errors)).transpose()?;
    let open = outputs.open()?;
    // From here on there are files to complete, so a signal must not end the process at once.
    signals.keep();
    let RunSinks { sinks, rest, .. } = outputs.begin(open, &plan, None)?;
    let (began, deadline) = (plan.epoch().wall, plan.deadline());
    let (sender, notices) = bounded(NOTICES_MAX);
    let plans = SweepPlans::new(plan, alerts.plan);
    let (modules, exporter) = exporter.map(|it| (it.file, it.exporter)).unzip();
    let modules = modules.zip(exporter.clone());
    let mut upkeep = Upkeep::new(list, modules, reloads, &mut targets);
    let mut sweep = Sweep::start(plans, targets, kept, sinks, sender).map_err(Failure::stopped)?;
    let server = listener
        .map(|listener| listener.serve(sweep.reader(), exporter, reloader))
        .transpose()?;
    let stop = sweep.stop_handle();
    let notice = StopNotice {
        run: sweep.rounds().reader(),
        deadline,
    };
    let notice = notice.if_wanted(invocation.quiet, invocation.verbose);
    let interrupts = Interrupts::watch_but_reload(signals, stop.clone(), notice, upkeep.reload());
    let lines = ChangeLines {
        notices,
        format: outputs.format,
        stop,
    };
    let writer = lines.start().map_err(Failure::stopped)?;
    service::ready();
    let report_errors = || {
        for error in write_errors.try_iter() {
            message(format_args!("canvass: cannot keep the states: {error}"));
        }
        write_messages(&alerts.messages);
    };
    let mut blocked = BlockedOutput::default();
    let mut is_stopping = false;
    while !sweep.rounds().wait(INTERVAL) {
        if let Some(signal) = interrupts.first() {
            if !std::mem::replace(&mut is_stopping, true) {
                service::stopping();
            }
            if blocked.is_given_up(&interrupts) {
                return Ok(Exit::Signal(signal));
            }
        }
        upkeep.tick(&sweep);
        report_errors();
    }
    if !is_stopping {
        service::stopping();
    }
    if let Some(server) = server {
        server.stop();
    }
    let states = sweep.look(summary);
    let end = thread::spawn(move || (sweep.join(), writer.join()));
    while !end.is_finished() {
        thread::sleep(END_LOOK);
        if let Some(signal) = interrupts.first()
            && blocked.is_given_up(&interrupts)
        {
            return Ok(Exit::Signal(signal));
        }
    }
    report_errors();
    let (report, written) = end.join().map_err(panicked)?;
    let written = written.map_err(panicked)?;
    let is_closed = matches!(written, Ok(Written::ToNobody));
    let quiet = invocation.quiet || is_closed;
    if !quiet {
        message(states);
    }
    let ended = FinishedRun {
        refused: None,
        probe: invocation.probe,
        list: invocation.list,
        began,
        report,
        rest,
        signal: interrupts.first(),
        left_out: invocation.left_out,
        lab: invocation.lab,
        quiet,
        verbose: invocation.verbose,
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

fn write_messages(messages: &Receiver<String>) {
    for text in messages.try_iter() {
        message(format_args!("canvass: {text}"));
    }
}

fn panicked(_: Box<dyn Any + Send>) -> Failure {
    Failure::stopped("a thread of the sweep panicked")
}

/// How many targets are in which state, and how many rounds there were.
fn summary(watch: &Watch) -> String {
    let mut text = String::from("targets");
    for state in ShownState::ALL {
        let of_state = watch
            .targets()
            .filter(|(_, one)| one.shown_state() == state);
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
