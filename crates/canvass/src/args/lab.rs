//! The flags of `canvass lab`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use canvass_lab::{ImpairmentError, Impairments, KEYS, ServiceKind};
use canvass_model::suggestion;
use clap::{ArgAction, Args};

use super::heading;

#[derive(Debug, Args)]
pub(crate) struct LabArgs {
    /// Listen on this address
    ///
    /// 0.0.0.0 means every address of 127.0.0.0/8, and nothing beyond loopback.
    #[arg(long, value_name = "ADDR:PORT", default_value = "0.0.0.0:5300", help_heading = heading::SERVICES)]
    pub listen: SocketAddr,
    /// Listen on ::1 too
    #[arg(long, help_heading = heading::SERVICES)]
    pub ipv6: bool,
    /// Forward DNS queries to this server
    ///
    /// Queries are forwarded over the transport they came by, and the lab's own zone is not used.
    /// Faults apply to the server's answers too; --delay counts from the arrival of the query.
    #[arg(long, value_name = "ADDR:PORT", value_parser = server, help_heading = heading::SERVICES)]
    pub forward: Option<SocketAddr>,
    /// Serve this kind as well (may repeat)
    #[arg(long, value_name = "KIND[=PORT]", value_delimiter = ',', long_help = serve_help(),
          help_heading = heading::SERVICES)]
    pub serve: Vec<ServeArg>,
    /// Write the authority's certificate to FILE (PEM)
    ///
    /// It signs the certificates of the services; give it to --cacert.
    #[arg(long, value_name = "FILE", help_heading = heading::OUTPUT)]
    pub ca_out: Option<PathBuf>,
    /// Write a client certificate and its key to FILE (PEM)
    ///
    /// The same authority signs it; give the file to --cert and --key.
    #[arg(long, value_name = "FILE", help_heading = heading::OUTPUT)]
    pub client_out: Option<PathBuf>,
    #[command(flatten)]
    pub impairments: ImpairmentArgs,
}

fn serve_help() -> String {
    format!(
        "Serve this kind as well (may repeat)\n\nA kind, kind=PORT, or all. Without a port, a free \
         one is chosen and printed. The kinds are {}.",
        kinds()
    )
}

/// Every kind of service, with commas between them.
fn kinds() -> String {
    let names: Vec<_> = ServiceKind::ALL.iter().map(|kind| kind.name()).collect();
    names.join(", ")
}

/// Reads the value of `--lab`, and lists the keys where one is unknown.
pub(super) fn parse_impairments(text: &str) -> Result<Impairments, String> {
    text.parse().map_err(|error: ImpairmentError| match error {
        ImpairmentError::UnknownKey { ref key } => {
            let keys: Vec<_> = KEYS.iter().map(|(key, ..)| *key).collect();
            let hint = suggestion(key, keys.iter().copied());
            format!("{error}{hint}; expected one of {}", keys.join(", "))
        }
        ImpairmentError::BadValue { .. } => error.to_string(),
    })
}

/// A value of `--serve`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServeArg {
    /// Every kind, each on a free port.
    All,
    /// One kind, on this port; 0 is a free one.
    One(ServiceKind, u16),
}

impl FromStr for ServeArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "all" {
            return Ok(Self::All);
        }
        let (name, port) = match text.split_once('=') {
            Some((name, port)) => (
                name,
                port.parse().map_err(|_| {
                    format!("{port:?} is not a port; expected a number from 0 to 65535")
                })?,
            ),
            None => (text, 0),
        };
        let kind = name.parse::<ServiceKind>().map_err(|error| {
            let names = ServiceKind::ALL.iter().map(|kind| kind.name());
            let hint = suggestion(name, names);
            format!("{error}{hint}; expected all, or one of {}", kinds())
        })?;
        Ok(Self::One(kind, port))
    }
}

fn server(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text
        .parse()
        .map_err(|_| "expected an address and a port, such as 127.0.0.1:53 or [::1]:53")?;
    if address.port() == 0 {
        return Err("port 0 cannot be sent to; expected a number from 1 to 65535".into());
    }
    Ok(address)
}

/// One flag for each impairment the lab knows.
#[derive(Debug, Default)]
pub(crate) struct ImpairmentArgs {
    pub given: Vec<(&'static str, String)>,
}

impl Args for ImpairmentArgs {
    fn augment_args(command: clap::Command) -> clap::Command {
        KEYS.iter()
            .fold(command, |command, (key, value_name, help)| {
                // A detail follows the first line, as in a doc comment.
                let short = help.split("\n\n").next().unwrap_or(help);
                let arg = clap::Arg::new(*key)
                    .long(*key)
                    .help(short)
                    .long_help(*help)
                    .help_heading(heading::IMPAIRMENTS);
                command.arg(if value_name.is_empty() {
                    arg.action(ArgAction::SetTrue)
                } else {
                    arg.value_name(*value_name).action(ArgAction::Append)
                })
            })
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for ImpairmentArgs {
    fn from_arg_matches(matches: &clap::ArgMatches) -> Result<Self, clap::Error> {
        let mut args = Self::default();
        args.update_from_arg_matches(matches)?;
        Ok(args)
    }

    fn update_from_arg_matches(&mut self, matches: &clap::ArgMatches) -> Result<(), clap::Error> {
        for (key, value_name, _) in KEYS {
            if value_name.is_empty() {
                if matches.get_flag(key) {
                    self.given.push((key, String::new()));
                }
            } else if let Some(values) = matches.get_many::<String>(key) {
                self.given.extend(values.map(|value| (*key, value.clone())));
            }
        }
        Ok(())
    }
}
