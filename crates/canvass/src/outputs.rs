//! The outputs of a run: which there are, and opening them.

use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use canvass_model::Outcome;
use canvass_report::{
    Columns, Format, IntervalLog, LatencyRecorder, LineCount, LineFilter, Measure, NotableTargets,
    Sink, SinkError, Timeline, path_beside, trace, write_percentile_table,
};
use canvass_run::{
    Continuation, Optional, OptionalError, Plan, Recheck, SavedBodies, Shared, Spill, UnsavedBodies,
};

use crate::args::CommonArgs;
use crate::ascii::locale_is_utf8;
use crate::compressed::Compression;
use crate::exit::Failure;
use crate::files::{self, OutputFile};
use crate::journal::{Journal, JournalEnd, journaled_streams};
use crate::lines::{DueLines, LineSinks};
use crate::message::message;
use crate::parked;
use crate::rotated::RotatedLines;
use crate::rotation::Rotation;
use crate::same_file::NamedFiles;
use crate::screen::TerminalLines;
use crate::terminal;

/// The length of an interval of the interval log.
pub(crate) const INTERVAL: Duration = Duration::from_secs(1);
/// Names the table of response times beside that of service times.
pub(crate) const RESPONSE_TABLE: &str = "response";

/// The outputs of a run, as the arguments give them.
pub(crate) struct Outputs {
    /// The file of the lines; `None` for standard output.
    pub lines: Option<PathBuf>,
    /// How the file of the lines is rotated.
    pub rotation: Option<Rotation>,
    /// Standard output is used for something else, so that without a file there are no lines.
    pub uses_stdout: bool,
    pub format: Format,
    /// The columns of CSV.
    pub columns: Columns,
    /// Which outcomes have a line; all of them without it.
    pub filter: Option<Arc<LineFilter>>,
    pub hlog: Option<PathBuf>,
    pub hgrm: Option<PathBuf>,
    pub html: Option<PathBuf>,
    /// The directory of bodies.
    pub save: Option<PathBuf>,
    /// Whether failed outcomes are parked, and their targets asked again.
    pub parks: bool,
    pub trace: bool,
}

/// The outputs of a run, open. Their former content is still there.
pub(crate) struct OpenOutputs {
    lines: Option<OutputFile>,
    hlog: Option<OutputFile>,
    tables: Option<Tables>,
    html: Option<OutputFile>,
}

/// The files of the percentile tables.
pub(crate) struct Tables {
    service: OutputFile,
    response: OutputFile,
}

/// The outputs that are written during a run.
pub(crate) struct RunSinks {
    pub sinks: Vec<Box<dyn Sink>>,
    /// What earlier parts of the run have counted.
    pub before: Continuation,
    pub recheck: Option<Recheck>,
    pub rest: Unfinished,
}

/// The outputs that take lines and latencies as they come.
pub(crate) struct StreamedOutputs {
    pub sinks: Vec<Box<dyn Sink>>,
    pub lines: LineCount,
    pub intervals: Option<OptionalError>,
    pub unsaved: Option<UnsavedBodies>,
    pub before: Continuation,
    pub spill: Option<Spill>,
    pub journal: Option<JournalEnd>,
}

/// The parts of the outputs that are needed after a run.
pub(crate) struct Unfinished {
    /// The number of lines that were written.
    pub lines: LineCount,
    /// The number of lines that were to be written, with a filter. Without one each outcome has a line.
    pub due: Option<LineCount>,
    /// Why the interval log is incomplete, if it is.
    pub intervals: Option<OptionalError>,
    /// Bodies that were not kept.
    pub unsaved: Option<UnsavedBodies>,
    pub tables: Option<Tables>,
    pub page: Option<Page>,
    pub journal: Option<JournalEnd>,
}

/// The HTML page: its file, the course of the run over time, and the targets it names.
pub(crate) struct Page {
    pub file: OutputFile,
    pub timeline: Shared<Timeline>,
    pub notable: Shared<NotableTargets>,
}

impl Outputs {
    pub(crate) fn new(args: &CommonArgs, columns: Columns, save: Option<PathBuf>) -> Self {
        Self {
            lines: files::unless_stdout(args.output.clone()),
            rotation: None,
            uses_stdout: false,
            format: args.format,
            columns,
            filter: None,
            hlog: args.hlog.clone(),
            hgrm: args.hgrm.clone(),
            html: args.html.clone(),
            save,
            parks: false,
            trace: args.trace,
        }
    }

    /// Adds the files that are written. `tables_beside` names those beside `--hgrm`.
    pub(crate) fn name_files(&self, named_files: &mut NamedFiles, tables_beside: &[&str]) {
        let named = [
            ("--output", &self.lines),
            ("--hlog", &self.hlog),
            ("--hgrm", &self.hgrm),
            ("--html", &self.html),
        ];
        let named = named.map(|(flag, path)| Some((flag, path.as_deref()?)));
        // Where the lines go to a file, standard output is free for another output, by its own name.
        let mut named_paths = named.iter().flatten().map(|(_, path)| path);
        if self.lines.is_none() || !named_paths.any(|path| files::is_stdout(path)) {
            named_files.writes_stdout();
        }
        for (flag, path) in named.into_iter().flatten() {
            named_files.writes(flag, path);
        }
        for (path, what) in self.hgrm.iter().flat_map(|path| {
            let beside = tables_beside.iter();
            beside.map(move |what| (path, what))
        }) {
            named_files.writes("--hgrm, second file", path_beside(path, what));
        }
        if let Some(directory) = &self.save {
            named_files.writes_bodies(directory);
        }
    }

    /// Opens all outputs, or creates them. Nothing is truncated yet, since one may not be writable.
    pub(crate) fn open(&self) -> Result<OpenOutputs, Failure> {
        if let Some(directory) = &self.save {
            std::fs::create_dir_all(directory).map_err(|error| {
                let directory = directory.display();
                Failure::usage(format!("cannot save bodies in {directory}: {error}"))
            })?;
        }
        if let (Some(path), Some(_)) = (&self.lines, self.rotation)
            && std::fs::metadata(path).is_ok_and(|found| !found.is_file())
        {
            let path = path.display();
            return Err(Failure::usage(format!(
                "--output-rotate: {path} is not a regular file, so it cannot be renamed"
            )));
        }
        let open = |path: &Option<PathBuf>| OutputFile::open_if_named(path.as_deref());
        Ok(OpenOutputs {
            lines: open(&self.lines)?,
            hlog: open(&self.hlog)?,
            tables: self.hgrm.as_deref().map(Tables::open).transpose()?,
            html: open(&self.html)?,
        })
    }

    /// Checks that the outputs can be cut back, as a run with a journal needs it.
    pub(crate) fn check_for_journal(&self, flag: &str) -> Result<(), Failure> {
        if self.lines.is_none() {
            return Err(Failure::usage(format!(
                "{flag} needs -o FILE: standard output cannot be cut back when the run is resumed"
            )));
        }
        for path in [&self.lines, &self.hlog].into_iter().flatten() {
            if std::fs::metadata(path).is_ok_and(|found| !found.is_file()) {
                let path = path.display();
                return Err(Failure::usage(format!(
                    "{flag}: {path} is not a regular file, so it cannot be cut back when the run is \
                     resumed"
                )));
            }
        }
        Ok(())
    }

    /// Begins the outputs that are written during the run.
    pub(crate) fn begin(
        &self,
        open: OpenOutputs,
        plan: &Plan,
        journal: Option<Journal>,
    ) -> Result<RunSinks, Failure> {
        let StreamedOutputs {
            mut sinks,
            lines,
            intervals,
            unsaved,
            before,
            spill,
            journal,
        } = match journal {
            None => self.begin_streams(open.lines, open.hlog, plan)?,
            Some(journal) => journaled_streams(self, open.lines, open.hlog, plan, journal)?,
        };
        let page = open.html.map(|file| Page {
            file,
            timeline: Shared::new(Timeline::new(plan.now())),
            notable: Shared::new(NotableTargets::default()),
        });
        if let Some(page) = &page {
            sinks.push(Box::new(page.timeline.clone()));
            sinks.push(Box::new(page.notable.clone()));
        }
        if self.trace {
            sinks.push(Box::new(Trace));
        }
        let due = self.filter.as_ref().map(|filter| {
            let due = LineCount::default();
            due.set(lines.get());
            sinks.push(Box::new(DueLines {
                filter: Arc::clone(filter),
                due: due.clone(),
            }));
            due
        });
        let rest = Unfinished {
            lines,
            due,
            intervals,
            unsaved,
            tables: open.tables,
            page,
            journal,
        };
        Ok(RunSinks {
            sinks,
            before,
            recheck: spill.map(Recheck::new),
            rest,
        })
    }

    fn begin_streams(
        &self,
        lines: Option<OutputFile>,
        hlog: Option<OutputFile>,
        plan: &Plan,
    ) -> Result<StreamedOutputs, Failure> {
        let mut begun = StreamedOutputs {
            sinks: Vec::new(),
            lines: LineCount::default(),
            intervals: None,
            unsaved: None,
            before: Continuation::default(),
            spill: None,
            journal: None,
        };
        if lines.is_some() || !self.uses_stdout {
            let (mut lines, count) = self.begin_lines(lines, plan)?;
            begun.lines = count;
            if let Some(directory) = &self.save {
                // Bodies are saved before lines are written, since a line has the error of its body.
                let saved = SavedBodies::new(directory.clone(), lines);
                begun.unsaved = Some(saved.unsaved());
                lines = Box::new(saved);
            }
            begun.sinks.push(lines);
        }
        if let Some(file) = hlog {
            // Latencies can be read from the lines again, so the run goes on without its log.
            let log = Optional::new(begin_intervals(file, plan)?);
            begun.intervals = Some(log.error());
            begun.sinks.push(Box::new(log));
        }
        if self.parks {
            let spill = parked::temporary(self.lines.as_deref())?;
            begun.sinks.push(Box::new(spill.clone()));
            begun.spill = Some(spill);
        }
        Ok(begun)
    }

    /// The file of parked outcomes of a run with a journal.
    pub(crate) fn parked_path(&self) -> Option<PathBuf> {
        let lines = self.lines.as_deref().filter(|_| self.parks)?;
        Some(parked::path_beside(lines))
    }

    pub(crate) fn line_sinks(&self, plan: &Plan) -> LineSinks {
        LineSinks {
            format: self.format,
            columns: self.columns,
            epoch: plan.epoch(),
            compression: self.lines.as_deref().and_then(Compression::of_name),
            filter: self.filter.clone(),
            colour: self.lines.is_none() && terminal::use_colour(&io::stdout()),
        }
    }

    fn begin_lines(
        &self,
        file: Option<OutputFile>,
        plan: &Plan,
    ) -> Result<(Box<dyn Sink>, LineCount), Failure> {
        let sinks = self.line_sinks(plan);
        let (file, name) = match (file, self.rotation) {
            (Some(file), Some(rotation)) => {
                let (file, path) = file.keep();
                let lines = RotatedLines::begin(file, &path, rotation, sinks);
                let lines = lines.map_err(Failure::stopped)?;
                let written = lines.written_lines();
                return Ok((Box::new(lines), written));
            }
            (Some(file), None) => file.begin()?,
            (None, _) => files::begin_stdout()?,
        };
        let as_ascii = self.format == Format::Text && !locale_is_utf8();
        let begun = match TerminalLines::new(file, as_ascii && self.lines.is_none()) {
            Ok(terminal) => sinks.begin(terminal, &name),
            Err(file) => sinks.begin(file, &name),
        };
        let (lines, written) = begun.map_err(|error| cannot_compress(&name, error))?;
        Ok((lines, written))
    }
}

pub(crate) fn cannot_compress(name: &str, error: io::Error) -> Failure {
    Failure::stopped(format!("cannot compress {name}: {error}"))
}

/// Begins an interval log.
pub(crate) fn begin_intervals(file: OutputFile, plan: &Plan) -> Result<IntervalLog, Failure> {
    let (file, name) = file.begin()?;
    let writer = Box::new(BufWriter::new(file));
    IntervalLog::new(writer, name, plan.epoch(), INTERVAL, plan.is_scheduled())
        .map_err(Failure::stopped)
}

impl Tables {
    fn open(path: &Path) -> Result<Self, Failure> {
        Ok(Self {
            service: OutputFile::open(path)?,
            response: OutputFile::open(&path_beside(path, RESPONSE_TABLE))?,
        })
    }

    /// Writes the tables of service and response times.
    pub(crate) fn write(self, latency: &LatencyRecorder) -> Result<(), Failure> {
        for (file, measure) in [
            (self.service, Measure::Service),
            (self.response, Measure::Response),
        ] {
            let mut table = Vec::new();
            write_percentile_table(&latency.distribution(measure), &mut table)
                .expect("a Vec takes every byte");
            file.replace(&table)?;
        }
        Ok(())
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
