//! The flags of `canvass tcp` and `canvass udp`.

use std::path::PathBuf;
use std::time::Duration;

use canvass_proto::talk::Preset;
use clap::Args;

use super::{ExpectTlsArgs, HostArgs, PortsArgs, ProxyArgs, RunArgs, TlsArgs, heading};
use crate::units;

#[derive(Debug, Args)]
pub(crate) struct TcpArgs {
    /// HOST:PORT, unix:PATH, and hosts with --ports
    ///
    /// A host is a name, an address, a CIDR or a range. A port is a number or the name of a
    /// service. Without any, and without -i, targets are read from standard input.
    #[arg(value_name = "HOST:PORT", display_order = 0, help_heading = heading::TARGETS)]
    pub targets: Vec<String>,
    /// Run this preset or script file
    #[arg(long, value_name = "NAME|FILE", long_help = talk_help(|preset| preset.tcp), help_heading = heading::QUESTION)]
    pub talk: Option<String>,
    /// Read user and password from FILE, a line each
    ///
    /// The default is the environment's CANVASS_USER and CANVASS_PASSWORD. Passwords are never
    /// printed.
    #[arg(long, value_name = "FILE", help_heading = heading::QUESTION)]
    pub credentials: Option<PathBuf>,
    /// Take a line without an end after D of silence
    ///
    /// It is for what never ends, such as a prompt: the presets banner and telnet, and steps of a
    /// script with `partial: true`. The default is that of the script, or 500ms.
    #[arg(long, value_name = "D", value_parser = units::duration, requires = "talk", help_heading = heading::QUESTION)]
    pub quiet_after: Option<Duration>,
    /// Use TLS from the start
    #[arg(long = "tls", help_heading = heading::QUESTION)]
    pub tls_from_start: bool,
    #[command(flatten)]
    pub ports: PortsArgs,
    #[command(flatten)]
    pub expect: ExpectTlsArgs,
    #[command(flatten)]
    pub host: HostArgs,
    #[command(flatten)]
    pub tls: TlsArgs,
    #[command(flatten)]
    pub proxy: ProxyArgs,
    #[command(flatten)]
    pub run: RunArgs,
}

#[derive(Debug, Args)]
pub(crate) struct UdpArgs {
    /// HOST:PORT, and hosts with --ports
    ///
    /// A host is a name, an address, a CIDR or a range. A port is a number or the name of a
    /// service. Without any, and without -i, targets are read from standard input.
    #[arg(value_name = "HOST:PORT", display_order = 0, help_heading = heading::TARGETS)]
    pub targets: Vec<String>,
    /// Run this preset or script file
    #[arg(long, value_name = "NAME|FILE", long_help = talk_help(|preset| preset.udp), help_heading = heading::QUESTION)]
    pub talk: Option<String>,
    /// Read user and password from FILE, a line each
    ///
    /// The default is the environment's CANVASS_USER and CANVASS_PASSWORD. Passwords are never
    /// printed.
    #[arg(long, value_name = "FILE", help_heading = heading::QUESTION)]
    pub credentials: Option<PathBuf>,
    /// Collect every reply within D, from any host
    ///
    /// Without it the first reply that matches ends the probe, except for a broadcast or a
    /// multicast address, where replies are collected until a timeout or the deadline.
    #[arg(long, value_name = "D", value_parser = units::duration, help_heading = heading::QUESTION)]
    pub window: Option<Duration>,
    #[command(flatten)]
    pub ports: PortsArgs,
    #[command(flatten)]
    pub host: HostArgs,
    #[command(flatten)]
    pub run: RunArgs,
}

/// The long help of `--talk`, with every preset that the protocol has.
fn talk_help(suits: fn(&Preset) -> bool) -> String {
    let mut help = String::from(
        "Run this preset or script file\n\nA script is a list of steps to send and to expect; \
         docs/GUIDE.md describes it. FILE#NAME is a module of a file of blackbox_exporter. The \
         presets are:",
    );
    for preset in Preset::ALL.iter().filter(|preset| suits(preset)) {
        help.push_str(&format!("\n  {:<10} {}", preset.name, preset.about));
    }
    help
}
