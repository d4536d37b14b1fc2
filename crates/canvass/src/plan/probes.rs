//! Plans that probe hosts.

use std::fmt::Display;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use canvass_engine::{Probing, SocketOptions};
use canvass_lab::Lab;
use canvass_model::{Host, ModuleId};
use canvass_proto::http::{HttpSettings, HttpVersion};
use canvass_proto::tls::{PemFile, Roots, TlsClient, TlsIdentity, TlsOptions, TlsVersion};
use canvass_proto::{FamilyPreference, Module, ModuleKind, Pin, Reach, Timeouts};
use canvass_queue::{Ports, Protocol, TargetKind};

use super::talk::{Talk, talk_credentials};
use super::{Kind, Plan, Start, loops, plan};
use crate::args::{
    CommonArgs, HostArgs, HttpArgs, ReachArgs, ResolveArg, RootsArg, SocketArgs, TcpArgs,
    TimeoutArgs, TlsArgs, TlsVersionArg, UdpArgs,
};
use crate::exit::Failure;
use crate::{descriptors, lab, resolvers, system_names};

/// Probes under way at once, where nobody says how many.
const JOBS_USUAL: usize = 512;
/// How long a connection, and a TLS handshake, may take where nobody says: three tries of a
/// first packet (RFC 6298 §2).
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// The one module of a run.
const MODULE: ModuleId = ModuleId(0);

/// The plan of `canvass http`.
pub fn http(args: HttpArgs) -> Result<Plan, Failure> {
    let begun = Begun::new(&args.host.common)?;
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
    let tls = tls_client(&args.tls, Some("http/1.1"), &begun)?;
    let mut reach = reach(&args.host.reach, &begun)?;
    reach.unix_socket = args.unix_socket.map(|path| path.into_boxed_path());
    let kind = TargetKind::Http {
        module: MODULE,
        requests: NonZeroU32::new(args.repeat).unwrap_or(NonZeroU32::MIN),
        ports: ports(&args.host.reach, Protocol::Tcp)?,
    };
    if let Some(dir) = &args.save {
        std::fs::create_dir_all(dir).map_err(|error| {
            Failure::usage(format!("cannot keep bodies in {}: {error}", dir.display()))
        })?;
    }
    let module = ModuleKind::Http {
        settings: Arc::new(settings),
        tls,
    };
    let mut kind = probes(begun, kind, module, reach, args.targets, &args.host)?;
    kind.save = args.save;
    plan(kind, args.host.common)
}

/// The plan of `canvass tcp`.
pub fn tcp(args: TcpArgs) -> Result<Plan, Failure> {
    let begun = Begun::new(&args.host.common)?;
    let talk = args.talk.as_deref().map(Talk::read).transpose()?;
    if let Some(talk) = &talk {
        talk.suits(Protocol::Tcp)?;
    }
    let credentials = talk_credentials(talk.as_ref(), args.credentials.as_deref())?;
    let reach = reach(&args.host.reach, &begun)?;
    let kind = TargetKind::Tcp {
        module: MODULE,
        ports: ports(&args.host.reach, Protocol::Tcp)?,
        default_port: talk.as_ref().and_then(Talk::default_port),
    };
    let script_wants_tls = talk
        .as_ref()
        .is_some_and(|talk| talk.script.tls_from_start());
    let module = ModuleKind::Tcp {
        script: talk.map(|talk| talk.script),
        credentials,
        tls: tls_client(&args.tls, None, &begun)?,
        tls_from_start: args.tls_from_start || script_wants_tls,
    };
    let kind = probes(begun, kind, module, reach, args.targets, &args.host)?;
    plan(kind, args.host.common)
}

/// The plan of `canvass udp`.
pub fn udp(args: UdpArgs) -> Result<Plan, Failure> {
    let begun = Begun::new(&args.host.common)?;
    let talk = match &args.talk {
        Some(name) => Talk::read(name)?,
        None => Talk::any_reply(),
    };
    talk.suits(Protocol::Udp)?;
    let credentials = talk_credentials(Some(&talk), args.credentials.as_deref())?;
    let reach = reach(&args.host.reach, &begun)?;
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
    let kind = probes(begun, kind, module, reach, args.targets, &args.host)?;
    plan(kind, args.host.common)
}

/// What is there before the rest is known.
struct Begun {
    start: Start,
    lab: Option<Lab>,
}

impl Begun {
    fn new(args: &CommonArgs) -> Result<Self, Failure> {
        let lab = match &args.lab {
            Some(impairments) => Some(lab::start_all(impairments.clone().unwrap_or_default())?),
            None => None,
        };
        Ok(Self {
            start: Start::now(),
            lab,
        })
    }
}

fn probes(
    begun: Begun,
    kind: TargetKind,
    module: ModuleKind,
    reach: Reach,
    targets: Vec<String>,
    args: &HostArgs,
) -> Result<Kind, Failure> {
    let common = &args.common;
    let system_resolver = args.reach.resolve == ResolveArg::System;
    let wall = begun.start.epoch.wall;
    let unix = wall
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    let timeouts = timeouts(&args.timeouts, common, script_timeout(&module));
    let module = Module {
        kind: module,
        reach,
        timeouts,
        retries: common.retries.unwrap_or(0),
        trace: common.trace,
        unix_ns_at_zero: i128::try_from(unix.as_nanos()).unwrap_or(0),
    };
    let loops = loops(common);
    let lookups = if system_resolver {
        loops * system_names::THREADS
    } else {
        0
    };
    let sockets_max = descriptors::sockets_max(loops, lookups, begun.lab.is_some());
    let probing = Probing {
        modules: vec![Arc::new(module)],
        sockets_max: 0,
        per_host_max: args.reach.per_host,
        rate_per_host_max_per_second: args.reach.rate_per_host,
        socket_options: socket_options(&args.sockets)?,
    };
    Ok(Kind {
        targets,
        kind,
        upstreams: upstreams(&begun, common, system_resolver)?,
        lab: begun.lab,
        jobs_max: JOBS_USUAL,
        probing,
        sockets_max: Some(sockets_max),
        system_resolver,
        lookup_deadline: timeouts.resolve.min(timeouts.deadline),
        save: None,
        start: begun.start,
    })
}

/// The resolvers for the names of hosts. Where none is named and the system knows none, hosts
/// may still be addresses.
fn upstreams(begun: &Begun, common: &CommonArgs, system: bool) -> Result<Vec<SocketAddr>, Failure> {
    match &begun.lab {
        Some(lab) => Ok(vec![lab.address()]),
        None if system => Ok(Vec::new()),
        None if common.resolver.is_empty() => Ok(resolvers::read(&[]).unwrap_or_default()),
        None => resolvers::read(&common.resolver),
    }
}

/// How long a script gives its conversation, as a module of blackbox_exporter may.
fn script_timeout(module: &ModuleKind) -> Option<Duration> {
    match module {
        ModuleKind::Tcp { script, .. } => script.as_ref()?.timeout(),
        ModuleKind::Udp { script, .. } => script.timeout(),
        ModuleKind::Http { .. } => None,
    }
}

fn timeouts(args: &TimeoutArgs, common: &CommonArgs, talk: Option<Duration>) -> Timeouts {
    let talk = talk.unwrap_or(common.deadline);
    let or = |own: Option<Duration>, usual: Duration| own.or(common.timeout).unwrap_or(usual);
    Timeouts {
        resolve: or(args.resolve_timeout, common.deadline),
        connect: or(args.connect_timeout, HANDSHAKE_TIMEOUT),
        tls: or(args.tls_timeout, HANDSHAKE_TIMEOUT),
        first_byte: or(args.first_byte_timeout, talk),
        transfer: or(args.transfer_timeout, talk),
        deadline: common.deadline,
    }
}

fn reach(args: &ReachArgs, begun: &Begun) -> Result<Reach, Failure> {
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
    if let Some(lab) = &begun.lab {
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

/// Reads `HOST1:PORT1:HOST2:PORT2`; IPv6 addresses are in brackets.
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

fn socket_options(args: &SocketArgs) -> Result<SocketOptions, Failure> {
    if let Some(address) = args.bind {
        std::net::UdpSocket::bind((address, 0))
            .map_err(|error| Failure::usage(format!("--bind {address}: {error}")))?;
    }
    let octets = |size: Option<u64>| size.map(|size| usize::try_from(size).unwrap_or(usize::MAX));
    Ok(SocketOptions {
        bind: args.bind,
        ttl: args.ttl,
        receive_buffer_octets: octets(args.rcvbuf),
        send_buffer_octets: octets(args.sndbuf),
        nodelay: args.nodelay,
        keepalive: args.keepalive,
        linger_zero: args.linger.is_some(),
    })
}

fn tls_client(args: &TlsArgs, alpn: Option<&str>, begun: &Begun) -> Result<TlsClient, Failure> {
    let ca = match (&args.cacert, &begun.lab) {
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

/// The body of a request, as curl's `-d` has it.
fn data(text: &str) -> Result<Box<[u8]>, Failure> {
    match text.strip_prefix('@') {
        Some(path) => std::fs::read(path)
            .map(Into::into)
            .map_err(|error| cannot_read(Path::new(path), error)),
        None => Ok(text.as_bytes().into()),
    }
}

fn cannot_read(path: &Path, error: impl Display) -> Failure {
    Failure::usage(format!("cannot read {}: {error}", path.display()))
}
