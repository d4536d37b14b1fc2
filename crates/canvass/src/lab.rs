//! `canvass lab`: the loopback peers on their own.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::Path;

use canvass_lab::{Impairments, Lab, LabConfig, ServiceConfig, ServiceKind};
use canvass_model::Host;
use canvass_proto::tls::PemFile;
use canvass_proto::{Pin, PinHost};
use crossbeam_channel::bounded;

use crate::args::{ImpairmentArgs, LabArgs, Served};
use crate::descriptors;
use crate::exit::{Exit, Failure};
use crate::message::message;
use crate::signals::StopSignals;

/// The names that a lab's DNS leads to this machine.
const LAB_DOMAIN: &str = "lab.test";

/// Serves until a signal comes, then says what it did.
pub(crate) fn serve(args: &LabArgs) -> Result<Exit, Failure> {
    let (sender, signalled) = bounded(1);
    StopSignals::catch()?.on_each(move |_| {
        let _ = sender.try_send(());
    })?;
    let config = LabConfig {
        listen: args.listen,
        also_ipv6: args.ipv6.then_some(Ipv6Addr::LOCALHOST),
        forward: args.forward,
        services: services(args),
        impairments: impairments(&args.impairments)?,
    };
    if let Some(server) = args.forward
        && config.forwards_to_itself()
    {
        return Err(Failure::usage(format!(
            "--forward {server} leads back to --listen {}",
            args.listen
        )));
    }
    let lab = start(config)?;
    write_pem(args.ca_out.as_deref(), lab.ca_pem())?;
    write_pem(args.client_out.as_deref(), lab.client_pem())?;
    // Whoever waits for the last line reads it from a pipe; when nobody does, the lab serves on.
    let mut out = std::io::stdout();
    let mut lines = String::new();
    for (kind, address) in lab.service_addresses() {
        let _ = writeln!(lines, "{kind} on {address}");
    }
    let _ = writeln!(lines, "listening on {} (udp and tcp)", lab.address());
    let _ = out.write_all(lines.as_bytes()).and_then(|()| out.flush());
    let _ = signalled.recv();
    let report = lab
        .stop()
        .map_err(|error| Failure::stopped(format!("the lab failed: {error}")))?;
    message(report);
    Ok(Exit::Complete)
}

/// Starts a lab with every service there is, each on a free port of every address of 127/8, and
/// of ::1 where this system has it.
pub(crate) fn start_all(impairments: Impairments) -> Result<Lab, Failure> {
    let services = ServiceKind::ALL
        .iter()
        .map(|kind| ServiceConfig::on_port(*kind, 0));
    let has_ipv6 = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok();
    start(LabConfig {
        also_ipv6: has_ipv6.then_some(Ipv6Addr::LOCALHOST),
        services: services.collect(),
        impairments,
        ..LabConfig::default()
    })
}

/// What leads to a lab's services from the ports that such services usually have, and from any
/// host to this machine: the lab is all that is probed.
pub(crate) fn pins(lab: &Lab) -> Vec<Pin> {
    let here = Host::Address(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let under_lab = || PinHost::Under(LAB_DOMAIN.into());
    let mut pins = Vec::new();
    for (kind, address) in lab.service_addresses() {
        for (whose, to_host) in [
            (under_lab(), None),
            (PinHost::Elsewhere, Some(here.clone())),
            (PinHost::Any, None),
        ] {
            pins.push(Pin {
                whose,
                port: Some(kind.usual_port()),
                to_host,
                to_port: Some(address.port()),
            });
        }
    }
    for (whose, to_host) in [(under_lab(), None), (PinHost::Elsewhere, Some(here))] {
        pins.push(Pin {
            whose,
            port: None,
            to_host,
            to_port: None,
        });
    }
    pins
}

/// The authority that signs for a lab's services.
pub(crate) fn authority(lab: &Lab) -> Option<PemFile> {
    lab.ca_pem().map(|pem| PemFile {
        name: "the lab's authority".into(),
        bytes: pem.into(),
    })
}

fn services(args: &LabArgs) -> Vec<ServiceConfig> {
    let at = |kind, port| ServiceConfig {
        kind,
        listen: SocketAddr::new(args.listen.ip(), port),
    };
    let mut services = Vec::new();
    for served in &args.serve {
        match served {
            Served::All => services.extend(ServiceKind::ALL.iter().map(|kind| at(*kind, 0))),
            Served::One(kind, port) => services.push(at(*kind, *port)),
        }
    }
    services
}

fn write_pem(path: Option<&Path>, pem: Option<&str>) -> Result<(), Failure> {
    match (path, pem) {
        (Some(path), Some(pem)) => std::fs::write(path, pem)
            .map_err(|error| Failure::stopped(format!("cannot write {}: {error}", path.display()))),
        (Some(path), None) => Err(Failure::usage(format!(
            "there is nothing to write to {}: no service here speaks TLS",
            path.display()
        ))),
        (None, _) => Ok(()),
    }
}

/// Starts a lab, with an error that names the address.
pub(crate) fn start(config: LabConfig) -> Result<Lab, Failure> {
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
