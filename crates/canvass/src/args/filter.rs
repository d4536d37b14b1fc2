//! The flags that choose which targets have a line.

use canvass_model::Verdict;
use canvass_report::{LineFilter, StatusPattern};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::heading;

#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = heading::OUTPUT)]
pub(crate) struct FilterArgs {
    /// Write lines of answered, negative or failed
    ///
    /// Only targets with one of these outcomes then have a line. All are asked and counted all the same:
    /// the summary, the page, --hlog, --fail-below and the exit status are of the whole run, and a journal
    /// has the others as done.
    #[arg(long, value_name = "KIND,...", value_delimiter = ',', ignore_case = true,
          hide_possible_values = true, value_parser = verdict_parser())]
    pub only: Vec<Verdict>,
    /// Write lines with one of these statuses
    ///
    /// Statuses as the lines have them, such as NXDOMAIN,TIMEOUT or 404, and for http classes and ranges,
    /// such as 5xx or 200-299; in any case. All targets are counted, as with --only.
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub match_status: Vec<StatusPattern>,
    /// Write no lines with one of these statuses
    ///
    /// Takes precedence over --only and --match-status. Statuses are written as there.
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub hide_status: Vec<StatusPattern>,
}

impl FilterArgs {
    /// `None` if there are no such flags.
    pub(crate) fn filter(self) -> Option<LineFilter> {
        let filter = LineFilter {
            verdicts: self.only,
            matched: self.match_status,
            hidden: self.hide_status,
        };
        (!filter.is_empty()).then_some(filter)
    }
}

/// Reads an outcome in any case, and lists all of them where a word is none.
fn verdict_parser() -> impl TypedValueParser<Value = Verdict> {
    PossibleValuesParser::new(Verdict::ALL.map(Verdict::as_str))
        .try_map(|word| word.to_ascii_lowercase().parse())
}
