//! The flags of `canvass lab`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use canvass_lab::{KEYS, ServiceKind};
use clap::{ArgAction, Args};

#[derive(Debug, Args)]
pub struct LabArgs {
    /// Where to listen; 0.0.0.0 is every address of 127/8
    #[arg(long, value_name = "ADDR:PORT", default_value = "0.0.0.0:5300")]
    pub listen: SocketAddr,
    /// Listen on ::1 too
    #[arg(long)]
    pub ipv6: bool,
    /// Answer DNS with what the server at this address answers, asked over the same transport, and
    /// not from the lab's own zone. What goes wrong holds for its answers too; --delay counts from
    /// the query's arrival
    #[arg(long, value_name = "ADDR:PORT", value_parser = server)]
    pub forward: Option<SocketAddr>,
    /// Serve this as well: a kind, kind=PORT, or all (may repeat). Without a port, a free one is
    /// found and said. Kinds: http, https, line, fortune, checker, pop3, pop3s, imap, imaps, smtp,
    /// smtps, ssh, ftp, time, daytime, echo
    #[arg(long, value_name = "KIND[=PORT]", value_delimiter = ',')]
    pub serve: Vec<Served>,
    /// Write the certificate of the authority that signs for the services to FILE (PEM)
    #[arg(long, value_name = "FILE")]
    pub ca_out: Option<PathBuf>,
    /// Write a client certificate of that authority and its key to FILE (PEM)
    #[arg(long, value_name = "FILE")]
    pub client_out: Option<PathBuf>,
    #[command(flatten)]
    pub impairments: ImpairmentArgs,
}

/// What `--serve` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Served {
    /// Every kind, each on a free port.
    All,
    /// One kind, on this port; 0 is a free one.
    One(ServiceKind, u16),
}

impl FromStr for Served {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "all" {
            return Ok(Self::All);
        }
        let (name, port) = match text.split_once('=') {
            Some((name, port)) => (
                name,
                port.parse().map_err(|_| format!("{port:?} is no port"))?,
            ),
            None => (text, 0),
        };
        let kind = name
            .parse::<ServiceKind>()
            .map_err(|error| error.to_string())?;
        Ok(Self::One(kind, port))
    }
}

fn server(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text
        .parse()
        .map_err(|_| "an address and a port are wanted, as 127.0.0.1:53 or [::1]:53")?;
    if address.port() == 0 {
        return Err("nothing can be sent to port 0".into());
    }
    Ok(address)
}

/// One flag for each impairment the lab knows.
#[derive(Debug, Default)]
pub struct ImpairmentArgs {
    pub given: Vec<(&'static str, String)>,
}

impl Args for ImpairmentArgs {
    fn augment_args(command: clap::Command) -> clap::Command {
        KEYS.iter()
            .fold(command, |command, (key, value_name, help)| {
                let arg = clap::Arg::new(*key)
                    .long(*key)
                    .help(*help)
                    .help_heading("What goes wrong");
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
