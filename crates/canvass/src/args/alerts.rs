//! The flags that say where the alerts of a sweep go, and the command that silences them.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::heading;
use crate::units;

#[derive(Debug, Args)]
pub(crate) struct AlertArgs {
    /// Send alerts by POST to URL, as JSON
    ///
    /// An object for each alert, or for many at once: docs/SWEEP.md has its keys. Any status from 200
    /// to 299 means that it has been delivered; otherwise it is sent again, after 1 s to 5 min, until
    /// it is. May repeat, as the other receivers may.
    #[arg(long, value_name = "URL", conflicts_with = "once", help_heading = heading::ALERTS)]
    pub alert_webhook: Vec<String>,
    /// Send webhooks what FILE makes
    ///
    /// JSON with ${target}, ${group}, ${state}, ${from}, ${reason}, ${at}, ${dedup_key}, ${event},
    /// ${since} or ${summary} inside its strings.
    #[arg(long, value_name = "FILE", requires = "alert_webhook", help_heading = heading::ALERTS)]
    pub alert_template: Option<PathBuf>,
    /// Run COMMAND with JSON on its input
    ///
    /// Once for each alert, with the object that a webhook is sent. COMMAND is split into words as by
    /// a shell, but none runs it. Exit status 0 means that the alert has been delivered.
    #[arg(long, value_name = "COMMAND", conflicts_with = "once", help_heading = heading::ALERTS)]
    pub alert_exec: Vec<String>,
    /// Send alerts to the Alertmanager at URL
    ///
    /// As CanvassTargetDown with the labels target and group, again every minute while it lasts.
    #[arg(long, value_name = "URL", conflicts_with = "once", help_heading = heading::ALERTS)]
    pub alert_alertmanager: Vec<String>,
    /// Limit one delivery to D
    #[arg(long, value_name = "D", default_value = "10s", value_parser = units::duration, help_heading = heading::ALERTS)]
    pub alert_timeout: Duration,
    /// Send a reminder every D while down
    ///
    /// Without it there is none. Alertmanager repeats by its own configuration, and gets none.
    #[arg(long, value_name = "D", value_parser = units::duration, help_heading = heading::ALERTS)]
    pub alert_reminder: Option<Duration>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SweepCommand {
    /// Silence the alerts of an endpoint or a group until a time
    ///
    /// Writes to FILE.silences, beside the file of --state, which a running sweep reads again when it
    /// has changed. An endpoint that goes down meanwhile, and is down at the end, causes an alert
    /// then.
    Silence(SilenceArgs),
}

#[derive(Debug, Args)]
pub(crate) struct SilenceArgs {
    /// An endpoint as the lines of the sweep have it, or group:NAME
    #[arg(value_name = "ENDPOINT", required_unless_present = "list", conflicts_with = "list", help_heading = heading::TARGETS)]
    pub scope: Option<String>,
    /// Use the silences of the sweep with this --state
    #[arg(long, value_name = "FILE", help_heading = heading::TARGETS)]
    pub state: PathBuf,
    /// Keep silent until TIME
    ///
    /// In RFC 3339, such as 2027-01-15T08:00:00Z.
    #[arg(long, value_name = "TIME", group = "what", help_heading = heading::QUESTION)]
    pub until: Option<String>,
    /// Keep silent for D
    #[arg(long = "for", value_name = "D", value_parser = units::duration, group = "what", help_heading = heading::QUESTION)]
    pub for_: Option<Duration>,
    /// Stop a silence before its end
    #[arg(long, group = "what", help_heading = heading::QUESTION)]
    pub remove: bool,
    /// Print the silences, a line each
    #[arg(long, group = "what", help_heading = heading::QUESTION)]
    pub list: bool,
}
