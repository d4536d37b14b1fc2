//! The flags of `canvass campaign`.

use std::path::PathBuf;

use canvass_report::Format;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};

use super::{RedisArgs, heading};
use crate::remote::CampaignName;

#[derive(Debug, Args)]
pub(crate) struct CampaignArgs {
    #[command(subcommand)]
    pub command: CampaignCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CampaignCommand {
    /// List the campaigns of a Redis
    ///
    /// Their names, states, chunks that are done, live workers, and the memory that results take.
    List(ListCampaignsArgs),
    /// Go on with a campaign whose command was stopped
    ///
    /// On the machine and in the directory of that command. Runs it again with --resume and the journal
    /// that it has left.
    Attach(AttachArgs),
    /// Cancel a campaign
    ///
    /// Workers give back what they hold. What came back before remains in the output of the command, whose
    /// journal remains too: `canvass campaign attach` goes on with it.
    Cancel(CancelArgs),
    /// Put together the lines that workers have kept
    ///
    /// Checks the files of --keep-parts against the index that the run has written: each file is whole,
    /// and together they have every target once. Then writes the lines in the order of the list.
    Gather(GatherArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ListCampaignsArgs {
    #[command(flatten)]
    pub redis: RedisArgs,
    /// Write text or ndjson
    #[arg(short, long, value_name = "FORMAT", default_value = "text", hide_possible_values = true,
          value_parser = list_format(), help_heading = heading::OUTPUT)]
    pub format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct AttachArgs {
    /// The name of the campaign
    #[arg(value_name = "NAME")]
    pub name: CampaignName,
    #[command(flatten)]
    pub redis: RedisArgs,
}

#[derive(Debug, Args)]
pub(crate) struct CancelArgs {
    /// The name of the campaign
    #[arg(value_name = "NAME")]
    pub name: CampaignName,
    /// Remove what Redis has of it
    ///
    /// For a campaign whose command is gone for good. A command that is still running begins it again.
    #[arg(long, help_heading = heading::WORKERS)]
    pub remove: bool,
    #[command(flatten)]
    pub redis: RedisArgs,
}

#[derive(Debug, Args)]
pub(crate) struct GatherArgs {
    /// The directories in which workers have kept lines
    #[arg(value_name = "DIR", required = true)]
    pub directories: Vec<PathBuf>,
    /// Take what is in this index
    ///
    /// The output (-o) of the run with --keep-parts.
    #[arg(long, value_name = "FILE", required = true, help_heading = heading::TARGETS)]
    pub index: PathBuf,
    /// Write lines to FILE instead of standard output
    ///
    /// A FILE whose name ends in .gz or .zst is written compressed.
    #[arg(short, long, value_name = "FILE", help_heading = heading::OUTPUT)]
    pub output: Option<PathBuf>,
}

fn list_format() -> impl TypedValueParser<Value = Format> {
    PossibleValuesParser::new([Format::Text, Format::Ndjson].map(Format::as_str))
        .try_map(|word| word.parse())
}
