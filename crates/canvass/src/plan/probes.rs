//! Plans of probes of hosts.

use std::fmt::Display;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use canvass_engine::SocketOptions;
use canvass_lab::Lab;
use canvass_model::{Host, ModuleId};
use canvass_proto::http::{HttpSettings, HttpVersion};
use canvass_proto::talk::Script;
use canvass_proto::tls::{PemFile, Roots, TlsClient, TlsIdentity, TlsOptions, TlsVersion};
use canvass_proto::{FamilyPreference, ModuleKind, Pin, Reach, Timeouts};
use canvass_queue::{Ports, Protocol, TargetKind};
use canvass_report::Columns;
use canvass_run::{DEFAULT_TIMEOUTS, Plan, SYSTEM_NAME_THREADS};

use super::talk::{Talk, talk_credentials};
use super::{CommandParts, Invocation, event_loops, invocation};
use crate::args::{
    CommonArgs, HostArgs, HttpArgs, ReachArgs, ResolveArg, RootsArg, SocketArgs, TcpArgs,
    TimeoutArgs, TlsArgs, TlsVersionArg, UdpArgs,
};
use crate::exit::Failure;
use crate::outputs::RESPONSE_TABLE;
use crate::same_file::NamedFiles;
use crate::{descriptors, granted, lab, resolvers};

/// The only module of a run.
const MODULE: ModuleId = ModuleId(0);

/// The invocation of `canvass http`.
pub(crate) fn http(args: HttpArgs) -> Result<Invocation, Failure> {
    let lab = start_lab(&args.host.common)?;
    let body = args.data.as_deref().map(data).transpose()?;
    let method = match (&args.request, &body) {
        (Some(method), _) => method.clone(),
        (None, Some(_)) => "POST".into(),
        (None, None) => "GET".into(),
    };
    let settings = HttpSettings {
        method,
        headers: args.header,
        body,
        version: if args.http_1_0 {
            HttpVersion::V10
        } else {
            HttpVersion::V11
        },
        follow_max: args.follow,
        head_bytes_max: usize::try_from(args.head_max).unwrap_or(usize::MAX),
        body_bytes_max: args.body_max,
        keep_body: args.save.is_some(),
        keep_alive: args.repeat > 1,
    };
    let tls = tls_client(&args.tls, Some("http/1.1"), lab.as_ref())?;
    let mut reach = reach(&args.host.reach, lab.as_ref())?;
    reach.unix_socket = args.unix_socket.map(|path| path.into_boxed_path());
    let kind = TargetKind::Http {
        module: MODULE,
        requests: NonZeroU32::new(args.repeat).unwrap_or(NonZeroU32::MIN),
        ports: ports(&args.host.reach, Protocol::Tcp)?,
    };
    let module = ModuleKind::Http {
        settings: Arc::new(settings),
        tls,
    };
    let mut parts = CommandParts {
        save: args.save,
        ..probes("http", lab, kind, module, reach, args.targets, &args.host)?
    };
    if let Some(path) = args.data.as_deref().and_then(data_file) {
        parts.files.reads("--data", path);
    }
    name_tls_files(&args.tls, &mut parts.files);
    invocation(parts, args.host.common)
}

/// The invocation of `canvass tcp`.
pub(crate) fn tcp(args: TcpArgs) -> Result<Invocation, Failure> {
    let lab = start_lab(&args.host.common)?;
    let talk = args.talk.as_deref().map(Talk::read).transpose()?;
    if let Some(talk) = &talk {
        talk.check_protocol(Protocol::Tcp)?;
    }
    let credentials = talk_credentials(talk.as_ref(), args.credentials.as_deref())?;
    let reach = reach(&args.host.reach, lab.as_ref())?;
    let kind = TargetKind::Tcp {
        module: MODULE,
        ports: ports(&args.host.reach, Protocol::Tcp)?,
        default_port: talk.as_ref().and_then(Talk::default_port),
    };
    let script_begins_with_tls = talk
        .as_ref()
        .is_some_and(|talk| talk.script.tls_from_start());
    let module = ModuleKind::Tcp {
        script: talk.map(|talk| talk.script),
        credentials,
        tls: tls_client(&args.tls, None, lab.as_ref())?,
        tls_from_start: args.tls_from_start || script_begins_with_tls,
    };
    let mut parts = probes("tcp", lab, kind, module, reach, args.targets, &args.host)?;
    name_talk_files(&args.talk, &args.credentials, &mut parts.files);
    name_tls_files(&args.tls, &mut parts.files);
    invocation(parts, args.host.common)
}

/// The invocation of `canvass udp`.
pub(crate) fn udp(args: UdpArgs) -> Result<Invocation, Failure> {
    let lab = start_lab(&args.host.common)?;
    let talk = match &args.talk {
        Some(name) => Talk::read(name)?,
        None => Talk::any_reply(),
    };
    talk.check_protocol(Protocol::Udp)?;
    let credentials = talk_credentials(Some(&talk), args.credentials.as_deref())?;
    let reach = reach(&args.host.reach, lab.as_ref())?;
    let kind = TargetKind::Udp {
        module: MODULE,
        ports: ports(&args.host.reach, Protocol::Udp)?,
        default_port: talk.default_port(),
    };
    let module = ModuleKind::Udp {
        script: talk.script,
        credentials,
        window: args.window,
    };
    let mut parts = probes("udp", lab, kind, module, reach, args.targets, &args.host)?;
    name_talk_files(&args.talk, &args.credentials, &mut parts.files);
    invocation(parts, args.host.common)
}

fn start_lab(args: &CommonArgs) -> Result<Option<Lab>, Failure> {
    let impairments = args.lab.clone();
    impairments
        .map(|impairments| lab::start_all(impairments.unwrap_or_default()))
        .transpose()
}

fn probes(
    probe: &'static str,
    lab: Option<Lab>,
    kind: TargetKind,
    module: ModuleKind,
    reach: Reach,
    targets: Vec<String>,
    args: &HostArgs,
) -> Result<CommandParts, Failure> {
    let common = &args.common;
    let columns = match kind {
        TargetKind::Http { .. } => Columns::Http,
        _ => Columns::Talk,
    };
    let system_names = args.reach.resolve == ResolveArg::System;
    let timeouts = timeouts(&args.timeouts, common, script_timeout(&module));
    let loops = event_loops(common);
    let lookups = if system_names {
        loops * SYSTEM_NAME_THREADS
    } else {
        0
    };
    let sockets_max = descriptors::sockets_max(loops, lookups, lab.is_some());
    let builder = Plan::builder(kind)
        .resolvers(name_servers(lab.as_ref(), common, system_names)?)
        .deadline(timeouts.resolve.min(timeouts.deadline))
        .module(module, reach, timeouts)
        .sockets(sockets_max)
        .socket_options(socket_options(&args.sockets, common.quiet)?)
        .probes_per_host(args.reach.per_host)
        .rate_per_host(args.reach.rate_per_host)
        .system_names(system_names);
    Ok(CommandParts {
        probe,
        columns,
        builder,
        targets,
        lab,
        save: None,
        files: NamedFiles::default(),
        tables_beside: &[RESPONSE_TABLE],
        sockets_max: Some(sockets_max),
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

fn timeouts(args: &TimeoutArgs, common: &CommonArgs, talk: Option<Duration>) -> Timeouts {
    let talk = talk.unwrap_or(common.deadline);
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

fn reach(args: &ReachArgs, lab: Option<&Lab>) -> Result<Reach, Failure> {
    let mut pins = args
        .connect_to
        .iter()
        .map(|text| {
            pin(text).ok_or_else(|| {
            Failure::usage(format!(
                "--connect-to {text:?} is not HOST1:PORT1:HOST2:PORT2, each of which may be empty"
            ))
        })
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
    })
}

/// Parses `HOST1:PORT1:HOST2:PORT2`; IPv6 addresses are in brackets.
fn pin(text: &str) -> Option<Pin> {
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
    let [host, port, to_host, to_port] = fields[..] else {
        return None;
    };
    let read_host = |text: &str| match text {
        "" => Some(None),
        text => Host::parse(text).map(Some),
    };
    let read_port = |text: &str| match text {
        "" => Some(None),
        text => text.parse().ok().filter(|port| *port != 0).map(Some),
    };
    Some(Pin {
        whose: read_host(host)?.into(),
        port: read_port(port)?,
        to_host: read_host(to_host)?,
        to_port: read_port(to_port)?,
    })
}

fn ports(args: &ReachArgs, protocol: Protocol) -> Result<Option<Ports>, Failure> {
    let read = |text: &String| {
        Ports::parse(text, protocol)
            .map_err(|error| Failure::usage(format!("--ports {text:?}: {error}")))
    };
    args.ports.as_ref().map(read).transpose()
}

fn socket_options(args: &SocketArgs, quiet: bool) -> Result<SocketOptions, Failure> {
    if let Some(address) = args.bind {
        std::net::UdpSocket::bind((address, 0))
            .map_err(|error| Failure::usage(format!("--bind {address}: {error}")))?;
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

fn tls_client(args: &TlsArgs, alpn: Option<&str>, lab: Option<&Lab>) -> Result<TlsClient, Failure> {
    let ca = match (&args.cacert, lab) {
        (Some(path), _) => Some(pem(path)?),
        (None, Some(lab)) => lab::authority(lab),
        (None, None) => None,
    };
    let identity = match (&args.cert, &args.key) {
        (Some(chain), Some(key)) => Some(TlsIdentity {
            chain: pem(chain)?,
            key: pem(key)?,
        }),
        _ => None,
    };
    TlsClient::new(&TlsOptions {
        insecure: args.insecure,
        roots: match args.roots {
            RootsArg::Webpki => Roots::WebPki,
            RootsArg::System => Roots::System,
        },
        ca,
        identity,
        alpn: alpn.map(Into::into).into_iter().collect(),
        server_name: args.server_name.clone(),
        version_min: Some(version(args.tls_min)),
        version_max: Some(version(args.tls_max)),
    })
    .map_err(Failure::usage)
}

fn version(version: TlsVersionArg) -> TlsVersion {
    match version {
        TlsVersionArg::V12 => TlsVersion::Tls12,
        TlsVersionArg::V13 => TlsVersion::Tls13,
    }
}

fn pem(path: &Path) -> Result<PemFile, Failure> {
    Ok(PemFile {
        name: path.display().to_string().into(),
        bytes: std::fs::read(path).map_err(|error| cannot_read(path, error))?,
    })
}

/// The body of a request, with `@FILE` as in curl's `-d`.
fn data(text: &str) -> Result<Box<[u8]>, Failure> {
    match data_file(text) {
        Some(path) => std::fs::read(path)
            .map(Into::into)
            .map_err(|error| cannot_read(path, error)),
        None => Ok(text.as_bytes().into()),
    }
}

/// The file that holds the body of a request.
fn data_file(text: &str) -> Option<&Path> {
    text.strip_prefix('@').map(Path::new)
}

fn name_tls_files(args: &TlsArgs, files: &mut NamedFiles) {
    for (flag, path) in [
        ("--cacert", &args.cacert),
        ("--cert", &args.cert),
        ("--key", &args.key),
    ] {
        if let Some(path) = path {
            files.reads(flag, path);
        }
    }
}

fn name_talk_files(talk: &Option<String>, credentials: &Option<PathBuf>, files: &mut NamedFiles) {
    let script = talk.iter().filter(|name| Script::preset(name).is_none());
    script.for_each(|path| files.reads("--talk", path));
    let credentials = credentials.iter();
    credentials.for_each(|path| files.reads("--credentials", path));
}

fn cannot_read(path: &Path, error: impl Display) -> Failure {
    Failure::usage(format!("cannot read {}: {error}", path.display()))
}
