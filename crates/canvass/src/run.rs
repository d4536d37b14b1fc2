//! Running a plan: threads, signals, the end.

use std::fs::File;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use canvass_engine::Inbox;
use canvass_lab::Lab;
use canvass_model::{Job, ShardReport};
use canvass_queue::{Ended, Feeder, FeederEnd, Ledger};
use canvass_report::{
    LatencyRecorder, LineSink, RunReport, SummaryInput, Timeline, balance, run_page, summary,
    warnings, write_percentile_tables,
};
use crossbeam_channel::{RecvTimeoutError, Sender, unbounded};

use crate::bodies::Bodies;
use crate::clocks::{process_time, run_time};
use crate::collector::{Collected, Collector, Counters};
use crate::exit::{Exit, Failure};
use crate::plan::{Plan, Start};
use crate::progress::{self, Progress};
use crate::say::say;
use crate::shards::{self, Shards, spawn};
use crate::{command_line, descriptors, files, latency, signals, terminal};

/// Jobs in one batch.
const JOB_BATCH_MAX: usize = 512;
/// How much of a schedule (`--rate`) is in one batch at most, in seconds.
const BATCH_SPAN_S: f64 = 0.001;
/// How long after a second signal an output that takes nothing any more is waited for.
const ABORT_WAIT: Duration = Duration::from_secs(1);

/// What happens while a run goes on.
enum Event {
    Signal(i32),
    FeederEnded(FeederEnd),
    ShardEnded(Box<io::Result<ShardReport>>),
    CollectorEnded(Box<Collected>),
}

/// What came of a run.
#[derive(Default)]
struct End {
    feeder: Option<FeederEnd>,
    reports: Vec<ShardReport>,
    collected: Option<Box<Collected>>,
    signal: Option<i32>,
    loop_error: Option<io::Error>,
}

/// The levers that stop a run.
struct Levers {
    shards: shards::Levers,
    stop_feeding: Arc<AtomicBool>,
}

impl Levers {
    fn drain(&self) {
        self.stop_feeding.store(true, Ordering::SeqCst);
        self.shards.drain();
    }

    fn abort(&self) {
        self.stop_feeding.store(true, Ordering::SeqCst);
        self.shards.abort();
    }
}

/// Runs a plan to its end, whatever that is.
pub fn run(mut plan: Plan) -> Result<Exit, Failure> {
    descriptors::raise_limit();
    let (sender, events) = unbounded();
    let on_signal = sender.clone();
    signals::watch(move |number| drop(on_signal.send(Event::Signal(number))))
        .map_err(|error| Failure::stopped(format!("cannot watch for signals: {error}")))?;

    let Start { began, epoch } = plan.start;
    let (output, output_name): (Box<dyn Write + Send>, String) = match &plan.output {
        Some(path) => {
            let name = path.display().to_string();
            let file = File::create(path)
                .map_err(|error| Failure::stopped(format!("cannot write {name}: {error}")))?;
            (Box::new(file), name)
        }
        None => (Box::new(io::stdout()), "standard output".into()),
    };
    for path in [&plan.hgrm, &plan.html] {
        files::check_writable(path.as_deref())?;
    }
    let intervals = latency::intervals(plan.hlog.as_deref(), epoch)?;

    let ledger = Arc::new(Ledger::default());
    let counters = Arc::new(Counters::default());
    let done = sender.clone();
    let shards = Shards::start(
        &plan.config,
        plan.threads,
        plan.system_resolver,
        began,
        move |report| drop(done.send(Event::ShardEnded(Box::new(report)))),
    )?;
    let levers = Levers {
        shards: shards.levers.clone(),
        stop_feeding: Arc::default(),
    };

    let feeding = run_time(began);
    let collector = Collector {
        outcomes: shards.outcomes,
        levers: shards.levers,
        lines: LineSink::new(output, output_name, plan.format, plan.columns, epoch),
        latency: LatencyRecorder::new(),
        intervals,
        timeline: plan.html.is_some().then(|| Timeline::new(feeding)),
        bodies: plan.save.take().map(Bodies::new),
        trace: plan.trace,
        ledger: Arc::clone(&ledger),
        counters: Arc::clone(&counters),
    };
    let done = sender.clone();
    spawn("collector".into(), move || {
        drop(done.send(Event::CollectorEnded(Box::new(collector.run()))))
    })?;

    let source = std::mem::replace(&mut plan.source, Box::new(Nothing));
    let feeder = Feeder {
        source,
        rate_per_second: plan.rate_per_second,
        start: feeding,
        // A batch goes to one shard, which must not be given a second's work at once.
        batch_jobs_max: plan.rate_per_second.map_or(JOB_BATCH_MAX, |rate| {
            ((rate * BATCH_SPAN_S) as usize).clamp(1, JOB_BATCH_MAX)
        }),
        shards: NonZeroUsize::new(plan.threads).unwrap_or(NonZeroUsize::MIN),
        ledger: Arc::clone(&ledger),
    };
    feed(
        feeder,
        shards.inboxes,
        Arc::clone(&levers.stop_feeding),
        sender,
    )?;

    let progress = plan
        .progress
        .then(|| Progress::new(plan.total, counters, Arc::clone(&ledger)));
    let end = wait(&events, &levers, plan.threads, progress);
    conclude(plan, end, began.elapsed(), &ledger)
}

/// Starts the feeder. It is never joined: it may be waiting for a line of standard input that
/// will not come.
fn feed(
    feeder: Feeder<Box<dyn canvass_queue::Source>>,
    inboxes: Vec<Inbox>,
    stop: Arc<AtomicBool>,
    done: Sender<Event>,
) -> Result<(), Failure> {
    spawn("feeder".into(), move || {
        let mut deliver = |shard: usize, jobs: Vec<Job>| inboxes[shard].put(jobs);
        let end = feeder.run(&mut deliver, &stop);
        // Before the shards can end for want of jobs, so that the end finds it said.
        drop(done.send(Event::FeederEnded(end)));
        drop(inboxes);
    })
}

/// Waits until every shard and the collector have ended.
fn wait(
    events: &crossbeam_channel::Receiver<Event>,
    levers: &Levers,
    shards: usize,
    mut progress: Option<Progress>,
) -> End {
    let mut end = End::default();
    let mut shards_left = shards;
    let mut aborted: Option<Instant> = None;
    while shards_left > 0 || end.collected.is_none() {
        if aborted.is_some_and(|since| since.elapsed() > ABORT_WAIT) {
            break;
        }
        match events.recv_timeout(progress::INTERVAL) {
            Ok(Event::Signal(number)) => {
                if end.signal.is_none() {
                    end.signal = Some(number);
                    levers.drain();
                } else {
                    aborted.get_or_insert_with(Instant::now);
                    levers.abort();
                }
            }
            Ok(Event::FeederEnded(fed)) => end.feeder = Some(fed),
            Ok(Event::ShardEnded(ended)) => {
                shards_left -= 1;
                match *ended {
                    Ok(report) => {
                        if report.gave_up {
                            levers.drain();
                        }
                        end.reports.push(report);
                    }
                    Err(error) => {
                        end.loop_error = Some(error);
                        levers.abort();
                    }
                }
            }
            Ok(Event::CollectorEnded(collected)) => {
                if collected.error.is_some() {
                    levers.abort();
                }
                end.collected = Some(collected);
            }
            Err(RecvTimeoutError::Timeout) => {
                if let Some(progress) = &mut progress {
                    progress.draw();
                }
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    // The feeder ended before the shards could, unless a list still keeps it waiting.
    while let Ok(event) = events.try_recv() {
        if let Event::FeederEnded(fed) = event {
            end.feeder = Some(fed);
        }
    }
    if let Some(progress) = progress {
        progress.clear();
    }
    end
}

/// Says how it went, and decides the exit status.
fn conclude(mut plan: Plan, end: End, wall: Duration, ledger: &Ledger) -> Result<Exit, Failure> {
    if let Some(error) = end.loop_error {
        return Err(Failure::stopped(format!("an event loop failed: {error}")));
    }
    let Some(collected) = end.collected else {
        let Some(signal) = end.signal else {
            return Err(Failure::stopped("the collector is gone"));
        };
        say("canvass: stopped at once: the output takes no more lines, so lines are missing");
        return Ok(Exit::Signal(signal));
    };
    // The reader of the lines is gone. That ends the run quietly, and its other files are written.
    let closed = collected
        .error
        .as_ref()
        .is_some_and(|error| error.is_closed());
    if let (Some(error), false) = (&collected.error, closed) {
        say(format_args!("canvass: {error}"));
    }
    plan.quiet |= closed;
    let latency_written = plan.hgrm.as_ref().map_or(Ok(()), |path| {
        write_percentile_tables(path, &collected.latency)
    });
    let admitted: u64 = end.reports.iter().map(|report| report.admitted).sum();
    let gave_up = end.reports.iter().any(|report| report.gave_up);
    let cut_short = gave_up || end.signal.is_some() || collected.error.is_some();
    let input = SummaryInput {
        tally: &collected.tally,
        latency: &collected.latency,
        shards: &end.reports,
        wall,
        cpu: Some(process_time()),
        remaining: if cut_short {
            plan.total.map(|total| total.saturating_sub(admitted))
        } else {
            None
        },
        interrupted: end.signal.is_some(),
        colour: terminal::wants_colour(&io::stderr()),
    };
    if !plan.quiet {
        say(summary(&input).trim_end());
    }
    let page_written = match (&plan.html, &collected.timeline) {
        (Some(path), Some(timeline)) => write_page(path, &plan, &input, timeline),
        _ => Ok(()),
    };
    // Only a lab that has ended has counted all it did.
    if let Some(report) = plan.lab.take().map(Lab::stop) {
        let report =
            report.map_err(|error| Failure::stopped(format!("the lab failed: {error}")))?;
        if !plan.quiet {
            say(report);
        }
    }
    latency_written.map_err(Failure::stopped)?;
    page_written?;
    if closed {
        return Ok(Exit::Complete);
    }
    if collected.error.is_some() {
        return Ok(Exit::Stopped);
    }
    balance(&collected.tally, &end.reports).map_err(Failure::stopped)?;
    if let Some(signal) = end.signal {
        return Ok(Exit::Signal(signal));
    }
    if gave_up {
        return Err(Failure::stopped(
            "no resolver answers any more; the rest of the list was not asked",
        ));
    }
    if let Some(FeederEnd {
        ended: Ended::Failed(error),
        ..
    }) = end.feeder
    {
        return Err(Failure::usage(error));
    }
    if ledger.in_flight() != 0 {
        let lost = ledger.in_flight();
        return Err(Failure::stopped(format!(
            "{lost} targets were read and never asked; please report this"
        )));
    }
    if admitted == 0 && !plan.quiet {
        say("canvass: warning: the list is empty, so nothing was asked");
    }
    Ok(Exit::of(&collected.tally, 0, plan.fail_below_percent))
}

fn write_page(
    path: &Path,
    plan: &Plan,
    input: &SummaryInput<'_>,
    timeline: &Timeline,
) -> Result<(), Failure> {
    let page = run_page(&RunReport {
        origin: command_line::origin(plan.start.epoch.wall),
        probes: plan.probe.to_owned(),
        tally: Some(input.tally),
        latency: input.latency,
        timeline,
        shards: Some(input.shards),
        resolvers: None,
        wall: Some(input.wall),
        cpu: input.cpu,
        remaining: input.remaining,
        interrupted: input.interrupted,
        warnings: &warnings(input),
    });
    files::write(path, page.as_bytes())
}

/// A source that has given all it had.
struct Nothing;

impl canvass_queue::Source for Nothing {
    fn position(&self) -> canvass_queue::Position {
        canvass_queue::Position::default()
    }

    fn next(&mut self, _: usize, _: &mut Vec<Job>) -> Result<bool, canvass_queue::SourceError> {
        Ok(false)
    }

    fn remaining(&self) -> Option<u64> {
        Some(0)
    }
}
