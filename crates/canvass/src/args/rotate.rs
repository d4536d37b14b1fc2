//! The flags for an output that goes on without end.

use std::num::NonZeroUsize;

use clap::Args;

use super::heading;
use crate::exit::Failure;
use crate::rotation::{Rotation, Schedule};

/// When the file of the lines is finished, and how many finished files are kept.
#[derive(Clone, Debug, Args)]
pub(crate) struct RotateArgs {
    /// Begin a new -o FILE at a size, or daily
    ///
    /// WHEN is a size on the disk in octets, such as 64M, or daily, which is at midnight UTC. FILE
    /// always has the latest lines. A finished one is renamed for the time of its last line in UTC,
    /// so probes.ndjson.zst becomes probes-20261128T030000Z.ndjson.zst, and each is whole: it has
    /// its own header and the end of its compression. A FILE of an earlier run is kept in the same
    /// way.
    #[arg(long, value_name = "WHEN", requires = "output", help_heading = heading::OUTPUT)]
    pub output_rotate: Option<Schedule>,
    /// Keep the N latest finished files
    ///
    /// Older ones are removed. Without this flag all are kept.
    #[arg(long, value_name = "N", requires = "output_rotate", help_heading = heading::OUTPUT)]
    pub output_keep: Option<NonZeroUsize>,
}

impl RotateArgs {
    /// What they say of the output, which is standard output if it has no file.
    pub(crate) fn rotation(&self, has_file: bool) -> Result<Option<Rotation>, Failure> {
        let Some(schedule) = self.output_rotate else {
            return Ok(None);
        };
        if !has_file {
            return Err(Failure::usage(
                "--output-rotate: standard output cannot be renamed",
            ));
        }
        Ok(Some(Rotation {
            schedule,
            keep: self.output_keep,
        }))
    }
}
