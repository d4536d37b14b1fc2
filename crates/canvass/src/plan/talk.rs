//! The plans of `canvass tcp` and `canvass udp`.

use std::path::PathBuf;

use canvass_proto::ModuleKind;
use canvass_proto::talk::Script;
use canvass_queue::{Protocol, TargetKind};

use super::expect::certificate;
use super::hosts::{MODULE, ports, probes, reach, start_lab};
use super::proxy::through_proxies;
use super::scripts::{Talk, talk_credentials};
use super::tls::{name_tls_files, tls_client};
use super::{Invocation, invocation};
use crate::args::{TcpArgs, UdpArgs};
use crate::exit::Failure;
use crate::same_file::NamedFiles;

/// The invocation of `canvass tcp`.
pub(crate) fn tcp(args: TcpArgs) -> Result<Invocation, Failure> {
    let lab = start_lab(&args.host.common)?;
    let talk = args.talk.as_deref().map(Talk::read).transpose()?;
    if let Some(talk) = &talk {
        talk.check_protocol(Protocol::Tcp)?;
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
        certificate: certificate(&args.expect),
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
    name_talk_files(&args.talk, &args.credentials, &mut parts.files);
    invocation(parts, args.host.common)
}

fn name_talk_files(talk: &Option<String>, credentials: &Option<PathBuf>, files: &mut NamedFiles) {
    let script = talk.iter().filter(|name| Script::preset(name).is_none());
    script.for_each(|path| files.reads("--talk", path));
    let credentials = credentials.iter();
    credentials.for_each(|path| files.reads("--credentials", path));
}
