//! `floor`: what bare sockets cost, and whether what was written is true.
//!
//! The floors send the very questions canvass sends and look at nothing that comes back, so
//! what canvass uses beyond them is its own doing. `verify` holds a run's output against the
//! lab's own knowledge. This is no prober: a lost answer is counted, and never asked for again.

mod echo;
mod question;
mod tcp;
mod udp;
mod usage;
mod verify;

use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::process::ExitCode;

use canvass_lab::Percent;
use clap::{Parser, Subcommand, ValueEnum};

use verify::{Checks, Zone};

/// What bare sockets cost, and whether what canvass wrote is true. Prints JSON.
#[derive(Debug, Parser)]
#[command(name = "floor", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Ask over one connected UDP socket: one send and one recv for each query, nothing parsed
    Udp {
        /// The server
        #[arg(value_name = "ADDR:PORT")]
        server: SocketAddr,
        /// How many answers to wait for
        #[arg(value_name = "N")]
        queries: NonZeroU32,
        /// Queries outstanding at once
        #[arg(long, value_name = "N", default_value = "64")]
        window: NonZeroU32,
    },
    /// Ask over pipelined TCP connections (RFC 7766 §6.2.1.1), answers only counted
    Tcp {
        /// The server
        #[arg(value_name = "ADDR:PORT")]
        server: SocketAddr,
        /// How many answers to wait for
        #[arg(value_name = "N")]
        queries: NonZeroU32,
        /// Connections
        #[arg(long, value_name = "N", default_value = "4")]
        connections: NonZeroUsize,
        /// Queries in one write
        #[arg(long, value_name = "N", default_value = "64")]
        batch: NonZeroU32,
    },
    /// Send every datagram back as it came, until none has come for a second
    Echo {
        /// Where to listen
        #[arg(value_name = "ADDR:PORT")]
        listen: SocketAddr,
    },
    /// Hold `canvass ptr -f ndjson` of 10.0.0.0/8 against what the zone holds
    Verify {
        /// What canvass wrote
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// How many targets were asked
        #[arg(long, value_name = "N")]
        targets: NonZeroU32,
        /// Whose names they are
        #[arg(long, value_enum, default_value = "lab")]
        zone: ZoneArg,
        /// The share of the names that the lab never answered
        #[arg(long, value_name = "PCT", default_value = "0")]
        never: Percent,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ZoneArg {
    /// The lab's
    Lab,
    /// Every address has the one name host-A-B-C-D.example.net
    Synth,
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Udp {
            server,
            queries,
            window,
        } => udp::run(server, queries.get(), window.get()).map_err(|error| error.to_string()),
        Command::Tcp {
            server,
            queries,
            connections,
            batch,
        } => tcp::run(server, queries.get(), connections.get(), batch.get())
            .map_err(|error| error.to_string()),
        Command::Echo { listen } => echo::run(listen).map_err(|error| error.to_string()),
        Command::Verify {
            file,
            targets,
            zone,
            never,
        } => {
            let zone = match zone {
                ZoneArg::Lab => Zone::lab(never),
                ZoneArg::Synth => Zone::Synth,
            };
            Checks::read(&file, targets.get(), zone)
                .map(|checks| checks.to_json())
                .map_err(|error| error.to_string())
        }
    };
    match result {
        Ok(json) => {
            println!("{json}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("floor: {error}");
            ExitCode::FAILURE
        }
    }
}
