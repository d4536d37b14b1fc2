//! Runs a plan, with progress, signals, summary and exit status.

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime};

use canvass_lab::Lab;
use canvass_model::Verdict;
use canvass_remote::BrokerError;
use canvass_report::{RunReport, SinkError, SummaryInput, run_page, summary, warnings};
use canvass_run::{OptionalError, Report, Run, RunError, RunReader, StopHandle, UnsavedBodies};
use signal_hook::consts::SIGHUP;

use crate::cpu_time::process_cpu_time;
use crate::execution::Execution;
use crate::exit::{Exit, Failure};
use crate::journal::Opened;
use crate::message::{message, message_if_free};
use crate::outputs::{Page, RunSinks, Unfinished};
use crate::plan::{Invocation, LeftOut};
use crate::progress::{INTERVAL, Progress};
use crate::signals::StopSignals;
use crate::{command_line, descriptors, files, remote, screen, terminal};

/// How long to wait for a blocked output after a second signal.
const ABORT_WAIT: Duration = Duration::from_secs(1);

/// Runs a plan until it is complete, is stopped or fails.
pub(crate) fn run(invocation: Invocation, signals: &StopSignals) -> Result<Exit, Failure> {
    if let Some(preview) = invocation.preview {
        files::write_stdout(preview.as_bytes())?;
        return Ok(Exit::Complete);
    }
    let Invocation {
        preview: _,
        probe,
        list,
        plan,
        source,
        left_out,
        journal,
        campaign,
        lab,
        outputs,
        progress,
        quiet,
        verbose,
        fail_below_percent,
        negative_lookups_are_good,
    } = invocation;
    let journal = match journal {
        Some(Opened::Finished(exit)) => return Ok(exit),
        Some(Opened::Open(journal)) => Some(*journal),
        None => None,
    };
    descriptors::raise_limit();
    let campaign = campaign.map(|one| one.connect(quiet)).transpose()?;
    let open = outputs.open()?;
    // From here on there are files to complete, so a signal must not end the process at once.
    signals.keep();
    let RunSinks {
        sinks,
        before,
        recheck,
        mut rest,
    } = outputs.begin(open, &plan, journal)?;
    let (began, deadline) = (plan.epoch().wall, plan.deadline());
    if let (Some(campaign), Some(journal)) = (&campaign, &mut rest.journal) {
        journal.go_on = campaign.how_to_go_on();
    }
    let mut run = match campaign {
        None => {
            let run = Run::go_on(plan, source, sinks, before, recheck);
            Execution::Here(Box::new(run.map_err(Failure::stopped)?))
        }
        Some(campaign) => {
            let submission = campaign.start(plan, source, sinks, before)?;
            Execution::OnWorkers(Box::new(submission))
        }
    };
    let notice = run.reader().map(|run| StopNotice { run, deadline });
    let notice = notice.and_then(|notice| notice.if_wanted(quiet, verbose || progress));
    let interrupts = Interrupts::watch(signals, run.stop_handle(), notice);

    let progress = progress.then(Progress::new);
    let mut blocked = BlockedOutput::default();
    while !run.wait(INTERVAL) {
        if blocked.is_given_up(&interrupts) {
            break;
        }
        if let Some(progress) = &progress {
            progress.show(&run.snapshot(), interrupts.first().is_some());
        }
    }
    if let Some(progress) = &progress {
        progress.clear();
    }
    let signal = interrupts.first();
    if let (false, Some(signal)) = (run.wait(Duration::ZERO), signal) {
        return Ok(Exit::Signal(signal));
    }
    let (report, refused) = run.join();
    FinishedRun {
        probe,
        list,
        began,
        report,
        refused,
        rest,
        signal,
        left_out,
        lab,
        quiet,
        verbose,
        fail_below_percent,
        negative_lookups_are_good,
    }
    .conclude()
}

/// Ends a run early.
pub(crate) trait Stops: Send + 'static {
    /// Begins nothing more.
    fn drain(&self);
    /// Ends what is under way.
    fn abort(&self);
}

impl Stops for StopHandle {
    fn drain(&self) {
        Self::drain(self);
    }

    fn abort(&self) {
        Self::abort(self);
    }
}

/// Counts signals. The first drains the run, the second aborts it. A second SIGHUP does not count: when
/// a terminal is closed, both its shell and the system may send one.
pub(crate) struct Interrupts {
    /// The number of the first signal; 0 before it.
    first: Arc<AtomicI32>,
    count: Arc<AtomicU32>,
}

impl Interrupts {
    pub(crate) fn watch(
        signals: &StopSignals,
        stop: impl Stops,
        notice: Option<StopNotice>,
    ) -> Self {
        Self::watch_but_reload(signals, stop, notice, None)
    }

    /// As [`Self::watch`], but with `reload` a SIGHUP sets that, and nothing else.
    pub(crate) fn watch_but_reload(
        signals: &StopSignals,
        stop: impl Stops,
        notice: Option<StopNotice>,
        reload: Option<Arc<AtomicBool>>,
    ) -> Self {
        let interrupts = Self {
            first: Arc::default(),
            count: Arc::default(),
        };
        let (first, count) = (Arc::clone(&interrupts.first), Arc::clone(&interrupts.count));
        signals.on_each(move |number| {
            if let Some(reload) = reload.as_ref().filter(|_| number == SIGHUP) {
                reload.store(true, Ordering::SeqCst);
                return;
            }
            screen::expect_echo();
            let is_first = count.load(Ordering::SeqCst) == 0;
            if number == SIGHUP && !is_first {
                return;
            }
            if is_first {
                first.store(number, Ordering::SeqCst);
                stop.drain();
                if let Some(notice) = &notice {
                    notice.give();
                }
            } else {
                stop.abort();
            }
            count.fetch_add(1, Ordering::SeqCst);
        });
        interrupts
    }

    pub(crate) fn first(&self) -> Option<i32> {
        Some(self.first.load(Ordering::SeqCst)).filter(|number| *number != 0)
    }

    fn are_several(&self) -> bool {
        self.count.load(Ordering::SeqCst) > 1
    }
}

/// What a person is told when the first signal has arrived.
pub(crate) struct StopNotice {
    pub run: RunReader,
    /// The longest that a target takes.
    pub deadline: Duration,
}

impl StopNotice {
    /// The notice, if somebody wants it: who sees standard error on a terminal, or asks for more than
    /// errors.
    pub(crate) fn if_wanted(self, quiet: bool, asked: bool) -> Option<Self> {
        (!quiet && (asked || io::stderr().is_terminal())).then_some(self)
    }

    fn give(&self) {
        let loops = self.run.snapshot().loops;
        let in_flight: u64 = loops.iter().map(|sample| sample.in_flight).sum();
        message_if_free(format_args!(
            "stopping; {in_flight} in flight, at most {:?}; Ctrl-C again to abandon",
            self.deadline
        ));
    }
}

/// Gives up an output that is blocked, some time after a second signal.
#[derive(Default)]
pub(crate) struct BlockedOutput {
    /// When the second signal was noticed.
    since: Option<Instant>,
}

impl BlockedOutput {
    /// Whether the run, which has not ended, ends without its output. Says so then.
    pub(crate) fn is_given_up(&mut self, interrupts: &Interrupts) -> bool {
        if !interrupts.are_several() {
            return false;
        }
        let is_given_up = self.since.get_or_insert_with(Instant::now).elapsed() > ABORT_WAIT;
        if is_given_up {
            message_if_free(
                "canvass: stopped at once: the output is blocked, so lines are missing",
            );
        }
        is_given_up
    }
}

/// A run that has ended, with its outputs.
pub(crate) struct FinishedRun {
    pub probe: &'static str,
    /// The list, for people.
    pub list: String,
    pub began: SystemTime,
    pub report: Report,
    /// Why Redis does not carry the run any further, if it is on workers.
    pub refused: Option<BrokerError>,
    pub rest: Unfinished,
    pub signal: Option<i32>,
    pub left_out: LeftOut,
    pub lab: Option<Lab>,
    pub quiet: bool,
    pub verbose: bool,
    pub fail_below_percent: f64,
    pub negative_lookups_are_good: bool,
}

impl FinishedRun {
    /// Prints the summary, writes the remaining files, determines the exit status, and ends the journal.
    pub(crate) fn conclude(mut self) -> Result<Exit, Failure> {
        let Some(journal) = self.rest.journal.take() else {
            return self.end(Duration::ZERO);
        };
        let is_complete =
            self.report.error.is_none() && self.refused.is_none() && self.signal.is_none();
        let (quiet, cpu_before) = (self.quiet, journal.cpu_before);
        journal.conclude(self.end(cpu_before), is_complete, quiet)
    }

    fn end(mut self, cpu_before: Duration) -> Result<Exit, Failure> {
        let error = self.report.error.take();
        let closed = match &error {
            Some(RunError::EventLoop(_) | RunError::Panicked { .. }) => {
                return error.map_or(Ok(Exit::Stopped), |error| Err(Failure::stopped(error)));
            }
            // The reader of the lines has closed the pipe. That ends the run without an error, and
            // its other files are written.
            Some(RunError::Sink(error)) if error.is_closed() => true,
            Some(RunError::Sink(error)) => {
                self.say_unwritten(error);
                false
            }
            _ => false,
        };
        self.quiet |= closed;
        let intervals_lost = self.rest.intervals.as_ref().and_then(OptionalError::take);
        if let Some(error) = &intervals_lost {
            message(format_args!("canvass: {error}"));
        }
        let bodies_lost = self.rest.unsaved.as_ref().is_some_and(say_unsaved);
        let latency_written = match self.rest.tables.take() {
            Some(tables) => tables.write(&self.report.latency),
            None => Ok(()),
        };
        let input = SummaryInput {
            tally: &self.report.tally,
            latency: &self.report.latency,
            shards: &self.report.shards,
            wall: self.report.wall,
            cpu: Some(cpu_before + process_cpu_time()),
            remaining: self.report.remaining,
            interrupted: self.signal.is_some(),
            recheck: self.report.recheck,
        };
        if !self.quiet {
            let layout = terminal::layout(&io::stderr(), self.verbose);
            message(summary(&input, layout).trim_end());
            self.left_out.messages().into_iter().for_each(message);
        }
        let page_written = match self.rest.page.take() {
            Some(page) => self.write_page(page, &input),
            None => Ok(()),
        };
        // The counts of a lab are complete only after it has stopped.
        if let Some(report) = self.lab.take().map(Lab::stop) {
            let report =
                report.map_err(|error| Failure::stopped(format!("the lab failed: {error}")))?;
            if !self.quiet {
                let text = report.to_string();
                let few_lines = input.is_brief() && !self.verbose;
                let first = text.lines().next().filter(|_| few_lines);
                message(first.unwrap_or(&text));
            }
        }
        latency_written?;
        page_written?;
        let ended = match (error, self.signal) {
            (Some(RunError::Sink(_)), _) if closed => Ok(Exit::Complete),
            (Some(RunError::Sink(_)), _) => Ok(Exit::Stopped),
            (Some(error @ RunError::Balance(_)), _) => Err(Failure::stopped(error)),
            _ if self.refused.is_some() => self
                .refused
                .take()
                .map_or(Ok(Exit::Stopped), |error| Err(remote::failed(&error))),
            (_, Some(signal)) => Ok(Exit::Signal(signal)),
            (Some(RunError::Source(error)), None) => Err(Failure::usage(error)),
            (Some(error), None) => Err(Failure::stopped(error)),
            (None, None) => {
                if self.report.admitted() == 0 && !self.quiet {
                    message("canvass: warning: the list is empty, so nothing was asked");
                }
                let tally = &self.report.tally;
                let good = if self.negative_lookups_are_good {
                    tally.good()
                } else {
                    tally.verdict(Verdict::Answered)
                };
                Ok(Exit::of(good, tally.total(), self.fail_below_percent))
            }
        };
        match ended {
            Ok(_) if intervals_lost.is_some() || bodies_lost => Ok(Exit::Stopped),
            ended => ended,
        }
    }

    /// Reports that lines could not be written, how many and why.
    fn say_unwritten(&self, error: &SinkError) {
        let (due, of_all) = match &self.rest.due {
            Some(due) => (due.get(), String::new()),
            None => {
                let all = self.report.tally.total();
                (all, format!(" of {all}"))
            }
        };
        let unwritten = due.saturating_sub(self.rest.lines.get());
        if unwritten > 0 {
            message(format_args!(
                "canvass: {error}; {unwritten}{of_all} lines were not written"
            ));
        } else {
            message(format_args!("canvass: {error}"));
        }
    }

    fn write_page(&self, page: Page, input: &SummaryInput<'_>) -> Result<(), Failure> {
        let timeline = page.timeline.get();
        let notable = page.notable.get();
        let text = run_page(&RunReport {
            origin: command_line::origin(self.list.clone(), self.began),
            probes: self.probe.to_owned(),
            tally: Some(input.tally),
            latency: input.latency,
            timeline: &timeline,
            notable: Some(&notable),
            shards: Some(input.shards),
            resolvers: None,
            wall: Some(input.wall),
            cpu: input.cpu,
            remaining: input.remaining,
            interrupted: input.interrupted,
            warnings: &warnings(input),
        });
        page.file.replace(text.as_bytes())
    }
}

/// Reports how many bodies could not be saved, and why. Returns whether there were any.
fn say_unsaved(unsaved: &UnsavedBodies) -> bool {
    let by_reason = unsaved.by_reason();
    for (reason, unsaved) in &by_reason {
        let count = unsaved.bodies;
        let noun = if count == 1 { "body" } else { "bodies" };
        let first = unsaved.first.display();
        message(format_args!(
            "canvass: {count} {noun} could not be kept, the first {first}: {reason}"
        ));
    }
    !by_reason.is_empty()
}
