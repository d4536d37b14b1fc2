//! The plans of `canvass tcp` and `canvass udp`.

use std::path::PathBuf;

use canvass_proto::ModuleKind;
use canvass_proto::talk::OnlyFamily;
use canvass_queue::{Protocol, TargetKind};

use super::expect;
use super::hosts::{MODULE, ports, probes, reach, site_lab};
use super::proxy::through_proxies;
use super::scripts::{Talk, talk_credentials};
use super::site::Site;
use super::tls::{name_tls_files, tls_client};
use super::{CommandParts, Invocation, RunRequest, invocation};
use crate::args::{TcpArgs, TlsVersionArg, UdpArgs};
use crate::exit::Failure;
use crate::journal::GivenFlags;
use crate::same_file::NamedFiles;

/// The invocation of `canvass tcp`.
pub(crate) fn tcp(args: TcpArgs, given: GivenFlags) -> Result<Invocation, Failure> {
    let common = args.host.common.clone();
    let request = RunRequest::new(args.run.clone(), given)?;
    let mut parts = tcp_parts(args, request.site())?;
    parts.request = request;
    invocation(parts, common)
}

/// The parts of an invocation of `canvass tcp`.
pub(super) fn tcp_parts(mut args: TcpArgs, site: Site<'_>) -> Result<CommandParts, Failure> {
    let lab = site_lab(&args.host.common, site)?;
    let read = |name| Talk::read(name, args.quiet_after);
    let talk = args.talk.as_deref().map(read).transpose()?;
    let file = talk.as_ref().and_then(|talk| talk.file.clone());
    if let Some(talk) = &talk {
        talk.check_protocol(Protocol::Tcp)?;
        add_module_settings(talk, &mut args, site);
    }
    let credentials = talk_credentials(talk.as_ref(), args.credentials.as_deref(), site)?;
    let mut reach = reach(&args.host.reach, lab.peers.as_ref())?;
    through_proxies(&mut reach, &args.proxy)?;
    let kind = TargetKind::Tcp {
        module: MODULE,
        ports: ports(&args.ports, Protocol::Tcp)?,
        default_port: talk.as_ref().and_then(Talk::default_port),
    };
    let script_begins_with_tls = talk
        .as_ref()
        .is_some_and(|talk| talk.script.tls_from_start());
    let module = ModuleKind::Tcp {
        script: talk.map(|talk| talk.script),
        credentials,
        tls: tls_client(&args.tls, None, lab.peers.as_ref())?,
        tls_from_start: args.tls_from_start || script_begins_with_tls,
        certificate: expect::tls(&args.expect).if_any(),
    };
    let mut parts = probes(
        "tcp",
        lab,
        kind,
        vec![module],
        reach,
        args.targets,
        &args.host,
    )?;
    name_talk_files(file, &args.credentials, &mut parts.files);
    name_tls_files(&args.tls, &mut parts.files);
    Ok(parts)
}

/// The invocation of `canvass udp`.
pub(crate) fn udp(args: UdpArgs, given: GivenFlags) -> Result<Invocation, Failure> {
    let common = args.host.common.clone();
    let request = RunRequest::new(args.run.clone(), given)?;
    let mut parts = udp_parts(args, request.site())?;
    parts.request = request;
    invocation(parts, common)
}

/// The parts of an invocation of `canvass udp`.
pub(super) fn udp_parts(args: UdpArgs, site: Site<'_>) -> Result<CommandParts, Failure> {
    let lab = site_lab(&args.host.common, site)?;
    let talk = match &args.talk {
        Some(name) => Talk::read(name, None)?,
        None => Talk::any_reply(),
    };
    talk.check_protocol(Protocol::Udp)?;
    let file = talk.file.clone();
    let credentials = talk_credentials(Some(&talk), args.credentials.as_deref(), site)?;
    let reach = reach(&args.host.reach, lab.peers.as_ref())?;
    let kind = TargetKind::Udp {
        module: MODULE,
        ports: ports(&args.ports, Protocol::Udp)?,
        default_port: talk.default_port(),
    };
    let module = ModuleKind::Udp {
        script: talk.script,
        credentials,
        window: args.window,
    };
    let mut parts = probes(
        "udp",
        lab,
        kind,
        vec![module],
        reach,
        args.targets,
        &args.host,
    )?;
    name_talk_files(file, &args.credentials, &mut parts.files);
    Ok(parts)
}

/// Adds what a module of blackbox_exporter says about addresses and certificates to the flags, which
/// count more. As there, files are beside the script.
fn add_module_settings(talk: &Talk, args: &mut TcpArgs, site: Site<'_>) {
    let settings = talk.script.settings();
    let reach = &mut args.host.reach;
    if !reach.ipv4 && !reach.ipv6 {
        reach.ipv4 = settings.only_family == Some(OnlyFamily::V4);
        reach.ipv6 = settings.only_family == Some(OnlyFamily::V6);
    }
    let bind = &mut args.host.sockets.bind;
    *bind = bind.or(settings.source.map(|address| (address, 0).into()));
    let tls = &mut args.tls;
    tls.insecure |= settings.insecure;
    if !matches!(site, Site::Worker(_)) {
        // A worker has been sent the content of these files, or has its own.
        let authority = || talk.beside(&settings.ca_file);
        tls.cacert = tls.cacert.take().or_else(authority);
        if tls.cert.is_none() {
            tls.cert = talk.beside(&settings.cert_file);
            tls.key = talk.beside(&settings.key_file);
        }
    }
    let server_name = || settings.server_name.clone();
    tls.server_name = tls.server_name.take().or_else(server_name);
    if settings.tls_1_3_only {
        tls.tls_min = TlsVersionArg::V13;
    }
    if settings.tls_1_2_only {
        tls.tls_max = TlsVersionArg::V12;
    }
}

fn name_talk_files(script: Option<PathBuf>, credentials: &Option<PathBuf>, files: &mut NamedFiles) {
    let script = script.iter();
    script.for_each(|path| files.reads("--talk", path));
    let credentials = credentials.iter();
    credentials.for_each(|path| files.reads("--credentials", path));
}
