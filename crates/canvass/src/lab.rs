//! `canvass lab`, and labs inside the process for `--lab`.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::Path;

use canvass_lab::{Impairments, Lab, LabConfig, ServiceConfig, ServiceKind};
use canvass_model::Host;
use canvass_proto::tls::PemFile;
use canvass_proto::{Pin, PinHost};
use crossbeam_channel::bounded;
use serde::{Deserialize, Serialize};

use crate::args::{ImpairmentArgs, LabArgs, ServeArg};
use crate::descriptors;
use crate::exit::{Exit, Failure};
use crate::files::OutputFile;
use crate::message::message;
use crate::same_file::NamedFiles;
use crate::signals::StopSignals;

/// The domain whose names a lab resolves to loopback addresses.
const LAB_DOMAIN: &str = "lab.test";

/// Serves until a signal is received, then prints the report of the lab.
pub(crate) fn serve(args: &LabArgs, signals: &StopSignals) -> Result<Exit, Failure> {
    let mut files = NamedFiles::default();
    files.writes_stdout();
    for (flag, path) in [
        ("--ca-out", &args.ca_out),
        ("--client-out", &args.client_out),
    ] {
        if let Some(path) = path {
            files.writes(flag, path);
        }
    }
    files.check()?;
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
            "--forward {server} is the lab itself (--listen {})",
            args.listen
        )));
    }
    let lab = start(config)?;
    write_pem(args.ca_out.as_deref(), lab.ca_pem())?;
    write_pem(args.client_out.as_deref(), lab.client_pem())?;
    let (sender, signalled) = bounded(1);
    signals.on_each(move |_| {
        let _ = sender.try_send(());
    });
    // A program that starts a lab reads the last line from a pipe. If the pipe is closed, the lab
    // keeps serving.
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

/// Starts a lab with all services, each on a free port of every address of 127/8, and of ::1 if this
/// system has it.
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

/// The peers of a lab, which is in this process or in another one on this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LabPeers {
    /// The DNS server.
    pub resolver: SocketAddr,
    /// The usual port of each service, and where it is.
    services: Vec<(u16, SocketAddr)>,
    /// The authority that signs the certificates of the services.
    authority: Option<String>,
}

impl LabPeers {
    pub(crate) fn of(lab: &Lab) -> Self {
        let services = lab.service_addresses();
        Self {
            resolver: lab.address(),
            services: services
                .map(|(kind, address)| (kind.usual_port(), address))
                .collect(),
            authority: lab.ca_pem().map(str::to_owned),
        }
    }

    /// Pins that map the usual port of each service to the port of the lab's service, and any host to
    /// this machine, so that probes reach the lab only.
    pub(crate) fn pins(&self) -> Vec<Pin> {
        let here = Host::Address(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let under_lab = || PinHost::Under(LAB_DOMAIN.into());
        let mut pins = Vec::new();
        for (usual_port, address) in &self.services {
            for (whose, to_host) in [
                (under_lab(), None),
                (PinHost::Elsewhere, Some(here.clone())),
                (PinHost::Any, None),
            ] {
                pins.push(Pin {
                    whose,
                    port: Some(*usual_port),
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

    /// The authority that signs the certificates of the services.
    pub(crate) fn authority(&self) -> Option<PemFile> {
        self.authority.as_ref().map(|pem| PemFile {
            name: "the lab's authority".into(),
            bytes: pem.clone().into(),
        })
    }
}

fn services(args: &LabArgs) -> Vec<ServiceConfig> {
    let at = |kind, port| ServiceConfig {
        kind,
        listen: SocketAddr::new(args.listen.ip(), port),
    };
    let mut services = Vec::new();
    for served in &args.serve {
        match served {
            ServeArg::All => services.extend(ServiceKind::ALL.iter().map(|kind| at(*kind, 0))),
            ServeArg::One(kind, port) => services.push(at(*kind, *port)),
        }
    }
    services
}

fn write_pem(path: Option<&Path>, pem: Option<&str>) -> Result<(), Failure> {
    match (path, pem) {
        (Some(path), Some(pem)) => OutputFile::open(path)?.replace(pem.as_bytes()),
        (Some(path), None) => Err(Failure::usage(format!(
            "cannot write {}: the lab has no certificates, because no service uses TLS",
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
