//! `canvass lab`: the loopback peers on their own.

use std::io::Write;
use std::net::Ipv6Addr;

use canvass_lab::{Impairments, Lab, LabConfig};
use crossbeam_channel::bounded;

use crate::args::{ImpairmentArgs, LabArgs};
use crate::descriptors;
use crate::exit::{Exit, Failure};
use crate::say::say;
use crate::signals;

/// Serves until a signal comes, then says what it did.
pub fn serve(args: &LabArgs) -> Result<Exit, Failure> {
    let (sender, signalled) = bounded(1);
    signals::watch(move |_| {
        let _ = sender.try_send(());
    })
    .map_err(|error| Failure::stopped(format!("cannot watch for signals: {error}")))?;
    let config = LabConfig {
        listen: args.listen,
        also_ipv6: args.ipv6.then_some(Ipv6Addr::LOCALHOST),
        impairments: impairments(&args.impairments)?,
    };
    let lab = start(config)?;
    // Whoever waits for this line reads it from a pipe; when nobody does, the lab serves on.
    let mut out = std::io::stdout();
    let _ =
        writeln!(out, "listening on {} (udp and tcp)", lab.address()).and_then(|()| out.flush());
    let _ = signalled.recv();
    let report = lab
        .stop()
        .map_err(|error| Failure::stopped(format!("the lab failed: {error}")))?;
    say(report);
    Ok(Exit::Complete)
}

/// Starts a lab, with an error that names the address.
pub fn start(config: LabConfig) -> Result<Lab, Failure> {
    descriptors::raise_limit();
    let listen = config.listen;
    Lab::start(config)
        .map_err(|error| Failure::stopped(format!("the lab cannot listen on {listen}: {error}")))
}

fn impairments(args: &ImpairmentArgs) -> Result<Impairments, Failure> {
    let mut impairments = Impairments::default();
    for (key, value) in &args.given {
        impairments.set(key, value).map_err(Failure::usage)?;
    }
    Ok(impairments)
}
