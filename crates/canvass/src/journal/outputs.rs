//! The outputs of a run with a journal.

use std::io::BufWriter;
use std::sync::atomic::Ordering;

use canvass_report::{IntervalLog, LineCount};
use canvass_run::{Plan, SavedBodies};

use super::open::Journal;
use super::sink::JournaledOutput;
use crate::exit::Failure;
use crate::files::{CountedFile, OutputFile};
use crate::lines::Checkpoint;
use crate::outputs::{INTERVAL, Outputs, StreamedOutputs, cannot_compress};
use crate::parked::{self, ParkedFile};

/// The flags of outputs that are written during a run.
const LINES: &str = "--output";
const INTERVALS: &str = "--hlog";
const PARKED: &str = "--recheck";

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
    if let Some(path) = named.parked_path() {
        let file = parked::open(&path)?;
        journal.add_output(PARKED, &file, &path)?;
        files.push((PARKED, file, path));
    }
    if let Some(directory) = &named.save {
        journal.add_directory(directory)?;
    }
    journal.commit(plan.epoch().wall)?;
    let mut outputs = Vec::new();
    let mut written = LineCount::default();
    let mut unsaved = None;
    let mut parked = None;
    for (flag, mut file, path) in files {
        let octets = journal.cut(flag, &mut file, &path)?;
        let name = path.display().to_string();
        if flag == PARKED {
            let spill = journal.spill(file, name, octets)?;
            let sink = Box::new(spill.clone());
            outputs.push(JournaledOutput::new(flag, &path, spill.octets(), sink));
            parked = Some(ParkedFile { spill, path });
            continue;
        }
        let file = CountedFile::new(file, octets);
        let counted = file.octets();
        let sink: Box<dyn Checkpoint> = if flag == INTERVALS {
            Box::new(journaled_intervals(file, name, plan)?)
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
    let spill = parked
        .as_ref()
        .map(|parked: &ParkedFile| parked.spill.clone());
    let (sink, end) = journal.into_sink(outputs, parked, &before, plan.began())?;
    Ok(StreamedOutputs {
        sinks: vec![Box::new(sink)],
        lines: written,
        intervals: None,
        unsaved,
        before,
        spill,
        journal: Some(end),
    })
}

/// Begins or continues the interval log of a run with a journal.
fn journaled_intervals(
    file: CountedFile,
    name: String,
    plan: &Plan,
) -> Result<IntervalLog, Failure> {
    let is_new = file.octets().load(Ordering::Relaxed) == 0;
    let writer = Box::new(BufWriter::new(file));
    match is_new {
        true => IntervalLog::new(writer, name, plan.epoch(), INTERVAL, plan.is_scheduled())
            .map_err(Failure::stopped),
        false => Ok(IntervalLog::continued(writer, name, INTERVAL)),
    }
}
