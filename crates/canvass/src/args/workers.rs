//! The flags of a run on the workers of a Redis.

use std::path::PathBuf;

use clap::Args;

use super::heading;
use crate::remote::{CampaignName, RedisUrl};
use crate::units;

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = heading::WORKERS)]
pub(crate) struct WorkersArgs {
    /// Run on the workers of this Redis
    ///
    /// redis://HOST/0, or rediss://HOST/0 for TLS, with USER:PASSWORD@ before HOST where it needs
    /// that. The targets are read here and probed by every `canvass worker` of that Redis; lines and
    /// figures are those of one run. The environment's CANVASS_WORKERS is taken where this flag is
    /// missing, so that a password is not on the command line, which every user of the machine can
    /// read. -o must be a regular file, and without --journal there is one in OUTPUT.journal, which
    /// is removed when the run is complete. docs/SCALE.md has the rest.
    #[arg(long, value_name = "URL")]
    pub workers: Option<RedisUrl>,
    /// Trust only these certificates of Redis
    ///
    /// A FILE in PEM, for rediss://. The default is the list of this system.
    #[arg(long, value_name = "FILE")]
    pub workers_ca: Option<PathBuf>,
    /// Set the name of the campaign
    ///
    /// The name of this run for `canvass campaign`: letters, digits, `.`, `_` and `-`, 64 at most. The
    /// default is made of the name of the output and of the journal.
    #[arg(long, value_name = "NAME")]
    pub campaign: Option<CampaignName>,
    /// Limit what waits in Redis
    ///
    /// Workers pause while results take as much, and go on when some of them have been written. SIZE is
    /// a number of octets, with k, M or G for powers of 1024.
    #[arg(long, value_name = "SIZE", default_value = "256M", value_parser = units::size)]
    pub workers_memory: u64,
    /// Keep the lines at the workers, in DIR
    ///
    /// For results that are too large to come back. DIR is below the directory that each worker was
    /// started with (its own --keep-parts); a worker without one takes no part. -o is then an index of
    /// the files, with which `canvass campaign gather` checks them and puts them together.
    #[arg(long, value_name = "DIR")]
    pub keep_parts: Option<PathBuf>,
}

/// Which Redis a command talks to.
#[derive(Clone, Debug, Args)]
pub(crate) struct RedisArgs {
    /// redis://HOST/0, or rediss://HOST/0 for TLS
    ///
    /// With USER:PASSWORD@ before HOST where it needs that. The default is the environment's
    /// CANVASS_WORKERS, so that a password is not on the command line, which every user of the machine
    /// can read.
    #[arg(value_name = "URL")]
    pub url: Option<RedisUrl>,
    /// Trust only these certificates of Redis
    ///
    /// A FILE in PEM, for rediss://. The default is the list of this system.
    #[arg(long, value_name = "FILE", help_heading = heading::WORKERS)]
    pub workers_ca: Option<PathBuf>,
}
