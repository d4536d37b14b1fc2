//! What the plans of all probes of hosts have in common.

use std::fmt::Display;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use canvass_engine::SocketOptions;
use canvass_lab::Lab;
use canvass_model::{Host, ModuleId};
use canvass_proto::{FamilyPreference, ModuleKind, Pin, Reach, Timeouts};
use canvass_queue::{Ports, Protocol, ScopeError, TargetKind, parse_scoped};
use canvass_report::Columns;
use canvass_run::{Assertions, DEFAULT_TIMEOUTS, Plan, SYSTEM_NAME_THREADS};

use super::{CommandParts, RunRequest, event_loops};
use crate::args::{
    CommonArgs, HostArgs, PortsArgs, ReachArgs, ResolveArg, SocketArgs, TimeoutArgs,
};
use crate::exit::Failure;
use crate::outputs::RESPONSE_TABLE;
use crate::same_file::NamedFiles;
use crate::{descriptors, granted, lab, resolvers};

/// The module of a run whose targets are all of one kind.
pub(super) const MODULE: ModuleId = ModuleId(0);

pub(super) fn start_lab(args: &CommonArgs) -> Result<Option<Lab>, Failure> {
    let impairments = args.lab.clone();
    impairments
        .map(|impairments| lab::start_all(impairments.unwrap_or_default()))
        .transpose()
}

pub(super) fn probes(
    probe: &'static str,
    lab: Option<Lab>,
    kind: TargetKind,
    modules: Vec<ModuleKind>,
    reach: Reach,
    targets: Vec<String>,
    args: &HostArgs,
) -> Result<CommandParts, Failure> {
    let common = &args.common;
    let columns = match kind {
        TargetKind::Http { .. } => Columns::Http,
        TargetKind::Endpoints { .. } => Columns::Endpoints,
        _ => Columns::Talk,
    };
    let system_names = args.reach.resolve == ResolveArg::System;
    let loops = event_loops(common);
    let lookups = if system_names {
        loops * SYSTEM_NAME_THREADS
    } else {
        0
    };
    let sockets_max = descriptors::sockets_max(loops, lookups, lab.is_some());
    let names_only = !matches!(kind, TargetKind::Endpoints { .. });
    let resolvers = name_servers(lab.as_ref(), common, system_names && names_only)?;
    let mut builder = Plan::builder(kind)
        .resolvers(resolvers)
        .deadline(common.deadline)
        .sockets(sockets_max)
        .socket_options(socket_options(&args.sockets, common.quiet)?)
        .probes_per_host(args.reach.per_host)
        .rate_per_host(args.reach.rate_per_host)
        .system_names(system_names);
    for module in modules {
        let timeouts = module_timeouts(&args.timeouts, common, &module);
        if names_only {
            builder = builder.deadline(timeouts.resolve.min(timeouts.deadline));
        }
        builder = builder.module(module, reach.clone(), timeouts);
    }
    Ok(CommandParts {
        probe,
        columns,
        builder,
        assertions: Assertions {
            latency_max: args.latency.max_latency.clone(),
            ..Assertions::default()
        },
        targets,
        source: None,
        lab,
        save: None,
        request: RunRequest::default(),
        files: NamedFiles::default(),
        tables_beside: &[RESPONSE_TABLE],
        sockets_max: Some(sockets_max),
        negative_lookups_are_good: true,
    })
}

/// The resolvers for host names. None is not an error without `--resolver`: all hosts may be
/// addresses.
fn name_servers(
    lab: Option<&Lab>,
    common: &CommonArgs,
    system: bool,
) -> Result<Vec<SocketAddr>, Failure> {
    match lab {
        Some(lab) => Ok(vec![lab.address()]),
        None if system => Ok(Vec::new()),
        None if common.resolver.is_empty() => {
            Ok(resolvers::read(&[], common.quiet).unwrap_or_default())
        }
        None => resolvers::read(&common.resolver, common.quiet),
    }
}

/// The time limit in a script, as in a module of blackbox_exporter.
fn script_timeout(module: &ModuleKind) -> Option<Duration> {
    match module {
        ModuleKind::Tcp { script, .. } => script.as_ref()?.timeout(),
        ModuleKind::Udp { script, .. } => script.timeout(),
        ModuleKind::Http { .. } => None,
    }
}

/// The time limits of a module.
pub(super) fn module_timeouts(
    args: &TimeoutArgs,
    common: &CommonArgs,
    module: &ModuleKind,
) -> Timeouts {
    let talk = script_timeout(module).unwrap_or(common.deadline);
    let handshake = DEFAULT_TIMEOUTS.connect;
    let or = |own: Option<Duration>, usual: Duration| own.or(common.timeout).unwrap_or(usual);
    Timeouts {
        resolve: or(args.resolve_timeout, common.deadline),
        connect: or(args.connect_timeout, handshake),
        tls: or(args.tls_timeout, handshake),
        first_byte: or(args.first_byte_timeout, talk),
        transfer: or(args.transfer_timeout, talk),
        deadline: common.deadline,
    }
}

pub(super) fn reach(args: &ReachArgs, lab: Option<&Lab>) -> Result<Reach, Failure> {
    let mut pins = args
        .connect_to
        .iter()
        .map(|text| {
            let misspelled = || {
                format!(
                    "--connect-to {text:?} is not HOST1:PORT1:HOST2:PORT2, each of which may be \
                     empty"
                )
            };
            match pin(text) {
                Ok(pin) => pin.ok_or_else(misspelled),
                Err(error) => Err(format!("--connect-to {text:?}: {error}")),
            }
            .map_err(Failure::usage)
        })
        .collect::<Result<Vec<_>, _>>()?;
    if let Some(lab) = lab {
        pins.extend(lab::pins(lab));
    }
    Ok(Reach {
        family: match (args.ipv4, args.ipv6) {
            (true, _) => FamilyPreference::V4,
            (_, true) => FamilyPreference::V6,
            _ => FamilyPreference::Any,
        },
        pins,
        unix_socket: None,
        all_addresses: args.all_addresses,
        proxies: None,
        proxy_protocol: None,
    })
}

/// Parses `HOST1:PORT1:HOST2:PORT2`; IPv6 addresses are in brackets. `None` if it is not of this form.
fn pin(text: &str) -> Result<Option<Pin>, ScopeError> {
    let Some([host, port, to_host, to_port]) = pin_fields(text) else {
        return Ok(None);
    };
    let (Some(host), Some(to_host)) = (pin_host(host)?, pin_host(to_host)?) else {
        return Ok(None);
    };
    let read_port = |text: &str| match text {
        "" => Some(None),
        text => text.parse().ok().filter(|port| *port != 0).map(Some),
    };
    let (Some(port), Some(to_port)) = (read_port(port), read_port(to_port)) else {
        return Ok(None);
    };
    Ok(Some(Pin {
        whose: host.into(),
        port,
        to_host,
        to_port,
    }))
}

/// A host of a pin, or none. `None` if the text is no host.
fn pin_host(text: &str) -> Result<Option<Option<Host>>, ScopeError> {
    if text.is_empty() {
        return Ok(Some(None));
    }
    match parse_scoped(text) {
        Some(scoped) => scoped.map(Some).map(Some),
        None => Ok(Host::parse(text).map(Some)),
    }
}

fn pin_fields(text: &str) -> Option<[&str; 4]> {
    let mut fields = Vec::new();
    let mut rest = text;
    loop {
        let end = if rest.starts_with('[') {
            rest.find(']')? + 1
        } else {
            rest.find(':').unwrap_or(rest.len())
        };
        let (field, after) = rest.split_at(end);
        fields.push(field);
        match after.strip_prefix(':') {
            Some(more) => rest = more,
            None if after.is_empty() => break,
            None => return None,
        }
    }
    fields.try_into().ok()
}

pub(super) fn ports(args: &PortsArgs, protocol: Protocol) -> Result<Option<Ports>, Failure> {
    let read = |text: &String| {
        Ports::parse(text, protocol)
            .map_err(|error| Failure::usage(format!("--ports {text:?}: {error}")))
    };
    args.ports.as_ref().map(read).transpose()
}

fn socket_options(args: &SocketArgs, quiet: bool) -> Result<SocketOptions, Failure> {
    if let Some(address) = args.bind {
        std::net::UdpSocket::bind(address)
            .map_err(|error| Failure::usage(format!("--bind {}: {error}", address.ip())))?;
    }
    let (receive_buffer_octets, send_buffer_octets) = granted::socket_buffers(args, quiet);
    Ok(SocketOptions {
        bind: args.bind,
        ttl: args.ttl,
        receive_buffer_octets,
        send_buffer_octets,
        nodelay: args.nodelay,
        keepalive: args.keepalive,
        linger_zero: args.linger.is_some(),
    })
}

pub(super) fn cannot_read(path: &Path, error: impl Display) -> Failure {
    Failure::usage(format!("cannot read {}: {error}", path.display()))
}
