//! The outputs of a run with a journal.

use std::io::BufWriter;
use std::sync::atomic::Ordering;

use canvass_report::{Epoch, IntervalLog, LineCount};
use canvass_run::{Plan, SavedBodies};

use super::open::Journal;
use super::sink::JournaledOutput;
use crate::exit::Failure;
use crate::files::{CountedFile, OutputFile};
use crate::lines::Checkpoint;
use crate::outputs::{INTERVAL, Outputs, StreamedOutputs, cannot_compress};

/// The flags of outputs that are written during a run.
const LINES: &str = "--output";
const INTERVALS: &str = "--hlog";

/// Begins or continues the outputs of a run with a journal. Its first record is written before any of
/// them is changed.
pub(crate) fn journaled_streams(
    named: &Outputs,
    lines: Option<OutputFile>,
    hlog: Option<OutputFile>,
    plan: &Plan,
    mut journal: Journal,
) -> Result<StreamedOutputs, Failure> {
    let before = journal.continuation()?;
    let mut files = Vec::new();
    for (flag, file) in [(LINES, lines), (INTERVALS, hlog)] {
        if let Some((file, path)) = file.map(OutputFile::keep) {
            journal.add_output(flag, &file, &path)?;
            files.push((flag, file, path));
        }
    }
    if let Some(directory) = &named.save {
        journal.add_directory(directory)?;
    }
    journal.commit(plan.epoch().wall)?;
    let mut outputs = Vec::new();
    let mut written = LineCount::default();
    let mut unsaved = None;
    for (flag, mut file, path) in files {
        let octets = journal.cut(flag, &mut file, &path)?;
        let name = path.display().to_string();
        let file = CountedFile::new(file, octets);
        let counted = file.octets();
        let sink: Box<dyn Checkpoint> = if flag == INTERVALS {
            Box::new(journaled_intervals(file, name, plan, &journal)?)
        } else {
            let sinks = named.line_sinks(plan);
            let (mut lines, count) = match octets {
                0 => sinks
                    .begin(file, &name)
                    .map_err(|error| cannot_compress(&name, error))?,
                _ => sinks.go_on(file, &name, before.tally.get().total()),
            };
            written = count;
            if let Some(directory) = &named.save {
                let saved = SavedBodies::new(directory.clone(), lines);
                unsaved = Some(saved.unsaved());
                lines = Box::new(saved);
            }
            lines
        };
        outputs.push(JournaledOutput::new(flag, &path, counted, sink));
    }
    let (sink, end) = journal.into_sink(outputs, &before, plan.began())?;
    Ok(StreamedOutputs {
        sinks: vec![Box::new(sink)],
        lines: written,
        intervals: None,
        unsaved,
        before,
        journal: Some(end),
    })
}

/// Begins or continues the interval log of a run with a journal.
fn journaled_intervals(
    file: CountedFile,
    name: String,
    plan: &Plan,
    journal: &Journal,
) -> Result<IntervalLog, Failure> {
    let is_new = file.octets().load(Ordering::Relaxed) == 0;
    let writer = Box::new(BufWriter::new(file));
    let epoch = Epoch {
        wall: journal.began(),
    };
    let log = match is_new {
        true => IntervalLog::new(writer, name, epoch, INTERVAL).map_err(Failure::stopped)?,
        false => IntervalLog::continued(writer, name, INTERVAL),
    };
    Ok(log.with_clock_offset(journal.since_began(plan.epoch().wall)))
}
