//! The outputs of a run: which there are, and opening them.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use canvass_model::Outcome;
use canvass_report::{Columns, Format, IntervalLog, LineSink, Sink, SinkError, Timeline, trace};
use canvass_run::{Plan, SavedBodies, Shared};

use crate::args::CommonArgs;
use crate::exit::Failure;
use crate::files;
use crate::message::message;

/// The length of an interval of the interval log.
const INTERVAL: Duration = Duration::from_secs(1);

/// The outputs of a run, as the arguments give them.
pub(crate) struct Outputs {
    /// The file of the lines; `None` for standard output.
    pub lines: Option<PathBuf>,
    pub format: Format,
    /// The columns of CSV.
    pub columns: Columns,
    pub hlog: Option<PathBuf>,
    pub hgrm: Option<PathBuf>,
    pub html: Option<PathBuf>,
    /// The directory of bodies.
    pub save: Option<PathBuf>,
    pub trace: bool,
}

/// The open outputs of a run.
pub(crate) struct OpenOutputs {
    pub sinks: Vec<Box<dyn Sink>>,
    /// The course of the run over time, for the HTML page.
    pub timeline: Option<Shared<Timeline>>,
}

impl Outputs {
    pub(crate) fn new(args: &CommonArgs, columns: Columns, save: Option<PathBuf>) -> Self {
        Self {
            lines: files::unless_stdout(args.output.clone()),
            format: args.format,
            columns,
            hlog: args.hlog.clone(),
            hgrm: args.hgrm.clone(),
            html: args.html.clone(),
            save,
            trace: args.trace,
        }
    }

    /// Creates the outputs that are written during the run, and checks that the others can be written.
    pub(crate) fn open(&self, plan: &Plan) -> Result<OpenOutputs, Failure> {
        let lines = self.open_lines(plan)?;
        for path in [&self.hgrm, &self.html] {
            files::check_writable(path.as_deref())?;
        }
        let intervals = self.open_intervals(plan)?;
        let timeline = self
            .html
            .is_some()
            .then(|| Shared::new(Timeline::new(plan.now())));

        // Bodies come before lines, which report them as saved.
        let mut sinks: Vec<Box<dyn Sink>> = Vec::new();
        if let Some(directory) = &self.save {
            sinks.push(Box::new(SavedBodies::new(directory.clone())));
        }
        sinks.push(lines);
        if let Some(intervals) = intervals {
            sinks.push(Box::new(intervals));
        }
        if let Some(timeline) = &timeline {
            sinks.push(Box::new(timeline.clone()));
        }
        if self.trace {
            sinks.push(Box::new(Trace));
        }
        Ok(OpenOutputs { sinks, timeline })
    }

    fn open_lines(&self, plan: &Plan) -> Result<Box<dyn Sink>, Failure> {
        let (output, name): (Box<dyn Write + Send>, String) = match &self.lines {
            Some(path) => {
                let name = path.display().to_string();
                let file = File::create(path)
                    .map_err(|error| Failure::stopped(format!("cannot write {name}: {error}")))?;
                (Box::new(file), name)
            }
            None => (Box::new(io::stdout()), "standard output".into()),
        };
        let (format, columns) = (self.format, self.columns);
        Ok(Box::new(LineSink::new(
            output,
            name,
            format,
            columns,
            plan.epoch(),
        )))
    }

    /// Creates the interval log, if one was requested.
    pub(crate) fn open_intervals(&self, plan: &Plan) -> Result<Option<IntervalLog>, Failure> {
        let create = |path: &PathBuf| IntervalLog::create(path, plan.epoch(), INTERVAL);
        self.hlog
            .as_ref()
            .map(create)
            .transpose()
            .map_err(Failure::stopped)
    }
}

/// Prints the trace of each target to standard error.
struct Trace;

impl Sink for Trace {
    fn record(&mut self, outcomes: &[Outcome]) -> Result<(), SinkError> {
        outcomes.iter().for_each(|outcome| message(trace(outcome)));
        Ok(())
    }
}
