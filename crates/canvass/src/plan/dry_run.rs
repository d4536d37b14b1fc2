//! What a run would do: `--dry-run`.

use std::fmt::Write as _;

use canvass_model::{Job, ProbeSpec, Target};
use canvass_queue::{Position, Source, SourceError};
use canvass_report::target_name;
use canvass_run::Plan;

use super::list::{LeftOut, is_read_once, source};
use crate::args::{CommonArgs, TransportArg};
use crate::exit::Failure;
use crate::outputs::Outputs;
use crate::same_file::NamedFiles;

/// The number of targets that are shown.
const SHOWN_MAX: usize = 5;
/// The number of resolvers that are shown.
const RESOLVERS_SHOWN_MAX: usize = 3;

/// A run that is shown, and not done.
pub(super) struct Preview<'a> {
    /// The name of the command.
    pub command: &'a str,
    pub plan: &'a Plan,
    pub args: &'a CommonArgs,
    pub files: &'a NamedFiles,
    pub outputs: &'a Outputs,
}

/// The targets of a run.
struct Counted {
    first: Vec<Job>,
    /// How many there are; `u64::MAX` also for more.
    count: u64,
}

impl Preview<'_> {
    /// The plan, the number of targets and the first of them. Reads the list.
    pub(super) fn text(&self, targets: &[String]) -> Result<String, Failure> {
        let Counted { first, count } = self.count(targets)?;
        let mut rows = vec![
            ("command", self.command.to_owned()),
            (
                "targets",
                match count {
                    u64::MAX => "2^64 or more".into(),
                    count => count.to_string(),
                },
            ),
        ];
        rows.extend(first.iter().map(|job| ("", shown(job))));
        rows.push(("resolvers", self.resolvers()));
        rows.push(("limits", self.limits()));
        rows.extend(self.files.inputs().map(|file| ("reads", file.to_owned())));
        rows.extend(self.files.outputs().map(|file| ("writes", file.to_owned())));
        rows.push(("lines", self.lines()));
        let mut text = String::from("dry run: nothing is asked, and nothing is written\n");
        for (name, value) in rows {
            let _ = writeln!(text, "{name:<10} {value}");
        }
        Ok(text)
    }

    fn count(&self, targets: &[String]) -> Result<Counted, Failure> {
        let counted = |args: &CommonArgs, shown_max| {
            let source = source(self.plan, targets.to_vec(), args, &LeftOut::new(args))?;
            count(source, shown_max).map_err(Failure::usage)
        };
        let has_arguments = !targets.is_empty();
        if self.args.shuffle.is_none() || is_read_once(self.args, has_arguments)? {
            return counted(self.args, SHOWN_MAX);
        }
        // A network cannot be skipped while it is shuffled, and the order does not change the number.
        let in_order = CommonArgs {
            shuffle: None,
            ..self.args.clone()
        };
        let few = CommonArgs {
            limit: Some(self.args.limit.unwrap_or(u64::MAX).min(SHOWN_MAX as u64)),
            ..self.args.clone()
        };
        let Counted { first, .. } = counted(&few, SHOWN_MAX)?;
        let Counted { count, .. } = counted(&in_order, 0)?;
        Ok(Counted { first, count })
    }

    fn resolvers(&self) -> String {
        let resolvers = self.plan.resolvers();
        if resolvers.is_empty() {
            return "none".into();
        }
        let shown: Vec<_> = resolvers
            .iter()
            .take(RESOLVERS_SHOWN_MAX)
            .map(ToString::to_string)
            .collect();
        let transport = match self.args.transport {
            TransportArg::Udp => "udp",
            TransportArg::Tcp => "tcp",
            TransportArg::Auto => "udp, and tcp where it is needed",
        };
        let more = match resolvers.len().saturating_sub(RESOLVERS_SHOWN_MAX) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!("{}{more}, over {transport}", shown.join(", "))
    }

    fn limits(&self) -> String {
        let args = self.args;
        let mut limits = vec![
            format!("{} targets at once", self.plan.concurrency()),
            format!("{:?} for each", args.deadline),
        ];
        limits.extend(args.retries.map(|retries| format!("{retries} retries")));
        limits.extend(
            args.timeout
                .map(|timeout| format!("{timeout:?} for each attempt")),
        );
        limits.extend(args.rate.map(|rate| format!("{rate} per second")));
        let per_resolver = args.rate_per_resolver;
        limits.extend(per_resolver.map(|rate| format!("{rate} per second and resolver")));
        let loops = self.plan.event_loops();
        limits.push(super::counted(loops, "event loop"));
        limits.join(", ")
    }

    fn lines(&self) -> String {
        let place = match &self.outputs.lines {
            Some(path) => format!("to {}", path.display()),
            None => "to standard output".into(),
        };
        let filter = match &self.outputs.filter {
            Some(filter) => format!(", {filter}"),
            None => String::new(),
        };
        format!("{} {place}{filter}", self.outputs.format.as_str())
    }
}

/// Counts the jobs of a source. Those of networks are not made for it.
fn count(mut source: Box<dyn Source>, shown_max: usize) -> Result<Counted, SourceError> {
    let mut first = Vec::new();
    let mut has_more = true;
    while has_more && first.len() < shown_max {
        has_more = source.next(shown_max - first.len(), &mut first)?;
    }
    let count = match source.remaining() {
        Some(remaining) => source.position().seq().saturating_add(remaining),
        None => match source.skip_to(Position::before(u64::MAX)) {
            Err(SourceError::TooShort { given, .. }) => given,
            skipped => skipped.map(|()| u64::MAX)?,
        },
    };
    Ok(Counted { first, count })
}

/// A job in a line: its number, its target, the line of the list.
fn shown(job: &Job) -> String {
    let mut text = format!("{:>4}  {}", job.seq, target_name(&job.target));
    if let ProbeSpec::Dns { record_type } = job.spec {
        let _ = write!(text, " {record_type}");
    }
    if let Target::Invalid { reason, .. } = &job.target {
        let _ = write!(text, " ({reason})");
    }
    if let Some(line) = job.line {
        let _ = write!(text, "  line {line}");
    }
    text
}
