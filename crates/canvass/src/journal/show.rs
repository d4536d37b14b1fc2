//! The commands that read journals: `canvass journal` and `canvass verify-shards`.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use canvass_journal::{FileDisk, FormatError, Record, Store, verify_shards as verify};
use jiff::Timestamp;

use crate::args::{ShowJournalArgs, VerifyShardsArgs};
use crate::exit::{Exit, Failure};
use crate::files;
use crate::message::message;

/// Shows a journal.
pub(crate) fn journal(args: &ShowJournalArgs) -> Result<Exit, Failure> {
    let (record, damage) = read(&args.file)?;
    if let Some(damage) = damage {
        message(format_args!(
            "canvass: {}: {damage}; this is the record before it",
            args.file.display()
        ));
    }
    let text = shown(&record, FileDisk::is_locked(&args.file));
    files::write_stdout(text.as_bytes())?;
    Ok(Exit::Complete)
}

/// Proves that the journals of several shards cover a list.
pub(crate) fn verify_shards(args: &VerifyShardsArgs) -> Result<Exit, Failure> {
    let mut records = Vec::new();
    for path in &args.files {
        let (record, _) = read(path)?;
        records.push((path.display().to_string(), record));
    }
    let journals: Vec<_> = records
        .iter()
        .map(|(name, record)| (name.as_str(), record))
        .collect();
    let coverage = verify(&journals);
    if coverage.problems.is_empty() {
        let shards = match coverage.shards {
            1 => "1 shard covers".to_owned(),
            count => format!("{count} shards cover"),
        };
        let text = format!(
            "{shards} the list exactly once: {} targets\n",
            coverage.targets
        );
        files::write_stdout(text.as_bytes())?;
        return Ok(Exit::Complete);
    }
    let mut text = String::from("the journals do not cover a list exactly once:\n");
    for problem in &coverage.problems {
        text.push_str(problem);
        text.push('\n');
    }
    files::write_stdout(text.as_bytes())?;
    Ok(Exit::TooManyFailed)
}

/// What tells the journal at `path` from all others.
pub(crate) fn salt_of(path: &Path) -> Result<String, Failure> {
    let (record, _) = read(path)?;
    Ok(record.binding.salt().to_owned())
}

fn read(path: &Path) -> Result<(Record, Option<FormatError>), Failure> {
    let shown = path.display();
    let loaded = Store::load(FileDisk::unlocked(path));
    let (_, loaded) = loaded.map_err(|error| Failure::usage(format!("{shown}: {error}")))?;
    let record = loaded
        .record
        .ok_or_else(|| Failure::usage(format!("{shown}: there is no such journal")))?;
    Ok((record, loaded.damage))
}

fn shown(record: &Record, is_locked: bool) -> String {
    let progress = &record.progress;
    let done = &progress.done;
    let mut text = String::new();
    let mut row = |name: &str, value: String| {
        let _ = writeln!(text, "{name:<12} {value}");
    };
    row(
        "state",
        match record.finished {
            Some(status) => format!("finished with exit status {status}"),
            None if is_locked => "running".into(),
            None => "not finished; go on with --resume".into(),
        },
    );
    row("record", record.generation.to_string());
    let began = UNIX_EPOCH + Duration::from_nanos(record.began_ns);
    let began = Timestamp::try_from(began).unwrap_or(Timestamp::UNIX_EPOCH);
    row("began", format!("{began:.0}, canvass {}", record.version));
    let seconds = |ns: u64| format!("{:.1} s", Duration::from_nanos(ns).as_secs_f64());
    row(
        "took",
        format!(
            "{}, {} of CPU time",
            seconds(progress.elapsed_ns),
            seconds(progress.cpu_ns)
        ),
    );
    row("done", format!("{} targets", done.count()));
    row(
        "watermark",
        match done.above.last() {
            Some(last) => format!(
                "{}, and {} above it up to {}",
                done.watermark,
                done.count() - done.watermark,
                last.end - 1
            ),
            None => done.watermark.to_string(),
        },
    );
    if !done.partial.is_empty() {
        row("in part", format!("{} targets", done.partial.len()));
    }
    if let Some(list) = &progress.list {
        let end = if list.ended { ", its end" } else { "" };
        row(
            "read",
            format!(
                "{} octets of the list{end}, sha256 {}",
                list.octets, list.sha256
            ),
        );
    }
    for output in &progress.outputs {
        row(
            "output",
            format!("{} {}: {} octets", output.flag, output.path, output.octets),
        );
    }
    for (name, value) in record.binding.shown() {
        if value != "not given" {
            row("bound", format!("{name}: {value}"));
        }
    }
    text
}
