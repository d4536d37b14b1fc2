//! Which targets of a run there are, and in what order.

use std::fs::File;
use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::Arc;

use canvass_queue::{
    Dedup, Exclusions, FieldSelection, OutputPart, OutputSelection, Partition, Selection, Source,
    TargetOptions,
};
use canvass_run::{Plan, Resumed};

use crate::args::CommonArgs;
use crate::command_line::without_credentials;
use crate::exit::Failure;
use crate::journal::{Journal, ListIdentity, ListOrder, tracked};

/// Where a list is, besides the arguments.
enum List<'a> {
    /// There is none.
    None,
    Stdin,
    File(&'a str),
}

/// What is left out of the list of a run. It counts that, so all sources of the run share it.
#[derive(Clone)]
pub(crate) struct LeftOut {
    /// Repeated targets, with `--dedup`.
    dedup: Option<Arc<Dedup>>,
    /// Lines without a target, with `--from`.
    output: Option<OutputSelection>,
}

impl LeftOut {
    pub(super) fn new(args: &CommonArgs) -> Self {
        Self {
            dedup: args.dedup.map(|octets| Arc::new(Dedup::new(octets))),
            output: args.from.map(OutputSelection::new),
        }
    }

    /// What was left out so far, for the summary.
    pub(crate) fn messages(&self) -> Vec<String> {
        let repeated = self.dedup.as_ref().map(|dedup| {
            let text = format!("repeated targets left out: {}", dedup.repeated());
            match dedup.is_full() {
                true => format!(
                    "{text}; the memory of --dedup was full, and further repetitions were asked again"
                ),
                false => text,
            }
        });
        let skipped = self.output.as_ref().map(|output| {
            let what = match output.part() {
                OutputPart::Names => "a name",
                OutputPart::Addresses => "an address",
                OutputPart::Targets => "a target",
            };
            format!("lines without {what}: {}", output.skipped())
        });
        repeated.into_iter().chain(skipped).collect()
    }
}

/// The name of the list of a run, for people: the targets of the command line without secrets, a file, or
/// both.
pub(super) fn name(args: &CommonArgs, targets: &[String]) -> String {
    let first = targets.first().map(|first| without_credentials(first));
    let targets = first.map(|first| match targets.len() - 1 {
        0 => first,
        more => format!("{first} and {more} more"),
    });
    let file = match args.input.as_deref() {
        Some("-") => Some("standard input".to_owned()),
        Some(path) => Some(path.to_owned()),
        None if targets.is_none() => Some("standard input".to_owned()),
        None => None,
    };
    let parts: Vec<String> = [targets, file].into_iter().flatten().collect();
    parts.join(", ")
}

/// Which targets of a list are taken.
pub(super) fn target_options(
    plan: &Plan,
    args: &CommonArgs,
    left_out: &LeftOut,
) -> Result<TargetOptions, Failure> {
    let field = args.field.map(|number| {
        Selection::Field(FieldSelection {
            number,
            delimiter: args.delimiter.unwrap_or_default(),
        })
    });
    let output = left_out.output.clone().map(Selection::Output);
    Ok(TargetOptions {
        exclude: Arc::new(Exclusions::read(&args.exclude).map_err(Failure::usage)?),
        shuffle: args.shuffle.map(|seed| seed.unwrap_or_else(rand::random)),
        partition: args.shard.unwrap_or(Partition::WHOLE),
        limit: args.limit,
        strict: args.strict,
        selection: field.or(output),
        lines_skipped: args.skip_lines,
        dedup: left_out.dedup.clone(),
        ..plan.target_options()
    })
}

/// The targets of a run.
pub(super) fn source(
    plan: &Plan,
    targets: Vec<String>,
    args: &CommonArgs,
    left_out: &LeftOut,
) -> Result<Box<dyn Source>, Failure> {
    let options = target_options(plan, args, left_out)?;
    let path = match list(args, !targets.is_empty())? {
        List::None => None,
        List::Stdin => Some("-"),
        List::File(path) => Some(path),
    };
    let arguments = canvass_queue::arguments(targets, &options).map_err(Failure::usage)?;
    Ok(match path {
        Some(path) => {
            let listed = canvass_queue::open(path, &options).map_err(Failure::usage)?;
            Box::new(arguments.then(listed))
        }
        None => Box::new(arguments),
    })
}

/// Whether the list can be read only once.
pub(super) fn is_read_once(args: &CommonArgs, has_arguments: bool) -> Result<bool, Failure> {
    Ok(match list(args, has_arguments)? {
        List::None => false,
        List::File(path) => !Path::new(path).is_file(),
        List::Stdin => true,
    })
}

/// What a journal has to know of the list and its order.
pub(super) fn order(args: &CommonArgs, has_arguments: bool) -> Result<ListOrder, Failure> {
    let list = match list(args, has_arguments)? {
        List::None => ListIdentity::None,
        List::File(path) => match std::fs::metadata(path) {
            Ok(found) if found.is_file() => ListIdentity::File(path.into()),
            Ok(_) => ListIdentity::Stream,
            Err(error) => return Err(cannot_read(path, error)),
        },
        List::Stdin => ListIdentity::Stream,
    };
    Ok(ListOrder {
        list,
        shard: args.shard.unwrap_or(Partition::WHOLE),
        shuffle: args.shuffle,
    })
}

/// The targets of a run with a journal: those that earlier parts of the run have not completed. A list
/// that can be read only once is tracked, and compared with that of the earlier parts.
pub(super) fn journaled_source(
    plan: &Plan,
    targets: Vec<String>,
    args: &CommonArgs,
    left_out: &LeftOut,
    journal: &mut Journal,
) -> Result<Box<dyn Source>, Failure> {
    let options = TargetOptions {
        shuffle: journal.seed(),
        ..target_options(plan, args, left_out)?
    };
    let list = list(args, !targets.is_empty())?;
    let arguments = canvass_queue::arguments(targets, &options).map_err(Failure::usage)?;
    let expected = journal.progress().list.clone();
    let source = match list {
        List::None => arguments,
        List::File(path) if Path::new(path).is_file() => {
            arguments.then(canvass_queue::open(path, &options).map_err(Failure::usage)?)
        }
        List::File(path) => {
            let file = File::open(path).map_err(|error| cannot_read(path, error))?;
            let (reader, tracker) = tracked(file, expected);
            journal.tracker = Some(tracker);
            arguments.then(canvass_queue::stream(reader, path, &options))
        }
        List::Stdin => {
            let (reader, tracker) = tracked(io::stdin(), expected);
            journal.tracker = Some(tracker);
            arguments.then(canvass_queue::stream(reader, "standard input", &options))
        }
    };
    let Some(completed) = journal.completed() else {
        return Ok(Box::new(source));
    };
    let resumed = Resumed::new(source, completed).map_err(Failure::usage)?;
    if let Some(tracker) = &journal.tracker {
        tracker
            .verify()
            .map_err(|error| Failure::usage(format!("cannot go on with the list: {error}")))?;
    }
    Ok(Box::new(resumed))
}

fn cannot_read(path: &str, error: io::Error) -> Failure {
    Failure::usage(format!("cannot read {path}: {error}"))
}

fn list(args: &CommonArgs, has_arguments: bool) -> Result<List<'_>, Failure> {
    match args.input.as_deref() {
        Some("-") => Ok(List::Stdin),
        Some(path) => Ok(List::File(path)),
        None if has_arguments => Ok(List::None),
        None if io::stdin().is_terminal() => Err(Failure::usage(
            "no targets: give some, or a list with --input FILE (- is standard input)",
        )),
        None => Ok(List::Stdin),
    }
}
