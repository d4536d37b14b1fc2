//! `floor`: the cost of bare sockets, and the verification of outputs.
//!
//! The floors send the same queries as canvass and do not parse the answers, so the difference is
//! the cost of canvass itself. They count lost answers and do not retransmit. `verify` compares the
//! output of a run with the records of the lab.

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

use clap::{Parser, Subcommand, ValueEnum};

use verify::{Checks, Shares, Zone};

/// Measure the cost of bare sockets, and verify the output of canvass. Prints JSON.
#[derive(Debug, Parser)]
#[command(name = "floor", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Send queries over one connected UDP socket, with one send and one recv per query
    Udp {
        /// The server
        #[arg(value_name = "ADDR:PORT")]
        server: SocketAddr,
        /// Number of answers to wait for
        #[arg(value_name = "N")]
        queries: NonZeroU32,
        /// Maximum number of outstanding queries
        #[arg(long, value_name = "N", default_value = "64")]
        window: NonZeroU32,
    },
    /// Send queries over pipelined TCP connections (RFC 7766 §6.2.1.1) and count the answers
    Tcp {
        /// The server
        #[arg(value_name = "ADDR:PORT")]
        server: SocketAddr,
        /// Number of answers to wait for
        #[arg(value_name = "N")]
        queries: NonZeroU32,
        /// Number of connections
        #[arg(long, value_name = "N", default_value = "4")]
        connections: NonZeroUsize,
        /// Queries per write
        #[arg(long, value_name = "N", default_value = "64")]
        batch: NonZeroU32,
    },
    /// Return every datagram, until none arrives for a second
    Echo {
        /// Address to listen on
        #[arg(value_name = "ADDR:PORT")]
        listen: SocketAddr,
    },
    /// Compare the output of `canvass ptr -f ndjson` for 10.0.0.0/8 with the zone
    Verify {
        /// Output of canvass
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Number of targets
        #[arg(long, value_name = "N")]
        targets: NonZeroU32,
        /// Zone of the server
        #[arg(long, value_enum, default_value = "lab")]
        zone: ZoneArg,
        #[command(flatten)]
        shares: Shares,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ZoneArg {
    /// The zone of the lab
    Lab,
    /// Every address has one name, host-A-B-C-D.example.net
    Synth,
    /// Every address has the name host.example.net
    Wildcard,
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
            shares,
        } => {
            let zone = match zone {
                ZoneArg::Lab => Zone::lab(shares),
                ZoneArg::Synth => Zone::Synth,
                ZoneArg::Wildcard => Zone::Wildcard,
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
