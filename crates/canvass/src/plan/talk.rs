//! The plans of `canvass tcp` and `canvass udp`.

use std::path::{Path, PathBuf};

use canvass_proto::ModuleKind;
use canvass_proto::talk::OnlyFamily;
use canvass_queue::{Protocol, TargetKind};

use super::expect;
use super::hosts::{MODULE, ports, probes, reach, start_lab};
use super::proxy::through_proxies;
use super::scripts::{Talk, talk_credentials};
use super::tls::{name_tls_files, tls_client};
use super::{Invocation, RunRequest, invocation};
use crate::args::{TcpArgs, TlsVersionArg, UdpArgs};
use crate::exit::Failure;
use crate::journal::GivenFlags;
use crate::same_file::NamedFiles;

/// The invocation of `canvass tcp`.
pub(crate) fn tcp(mut args: TcpArgs, given: GivenFlags) -> Result<Invocation, Failure> {
    let lab = start_lab(&args.host.common)?;
    let read = |name| Talk::read(name, args.quiet_after);
    let talk = args.talk.as_deref().map(read).transpose()?;
    let file = talk.as_ref().and_then(|talk| talk.file.clone());
    if let Some(talk) = &talk {
        talk.check_protocol(Protocol::Tcp)?;
        add_module_settings(talk, &mut args);
    }
    let credentials = talk_credentials(talk.as_ref(), args.credentials.as_deref())?;
    let mut reach = reach(&args.host.reach, lab.as_ref())?;
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
        tls: tls_client(&args.tls, None, lab.as_ref())?,
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
    parts.request = RunRequest::new(args.run, given);
    invocation(parts, args.host.common)
}

/// The invocation of `canvass udp`.
pub(crate) fn udp(args: UdpArgs, given: GivenFlags) -> Result<Invocation, Failure> {
    let lab = start_lab(&args.host.common)?;
    let talk = match &args.talk {
        Some(name) => Talk::read(name, None)?,
        None => Talk::any_reply(),
    };
    talk.check_protocol(Protocol::Udp)?;
    let file = talk.file.clone();
    let credentials = talk_credentials(Some(&talk), args.credentials.as_deref())?;
    let reach = reach(&args.host.reach, lab.as_ref())?;
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
    parts.request = RunRequest::new(args.run, given);
    invocation(parts, args.host.common)
}

/// Adds what a module of blackbox_exporter says about addresses and certificates to the flags, which
/// count more. As there, files are beside the script.
fn add_module_settings(talk: &Talk, args: &mut TcpArgs) {
    let settings = talk.script.settings();
    let directory = talk.file.as_deref().and_then(Path::parent);
    let beside = |file: &Option<Box<str>>| {
        let file = Path::new(&**file.as_ref()?);
        Some(directory.map_or(file.to_path_buf(), |directory| directory.join(file)))
    };
    let reach = &mut args.host.reach;
    if !reach.ipv4 && !reach.ipv6 {
        reach.ipv4 = settings.only_family == Some(OnlyFamily::V4);
        reach.ipv6 = settings.only_family == Some(OnlyFamily::V6);
    }
    let bind = &mut args.host.sockets.bind;
    *bind = bind.or(settings.source.map(|address| (address, 0).into()));
    let tls = &mut args.tls;
    tls.insecure |= settings.insecure;
    tls.cacert = tls.cacert.take().or_else(|| beside(&settings.ca_file));
    if tls.cert.is_none() {
        tls.cert = beside(&settings.cert_file);
        tls.key = beside(&settings.key_file);
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
