//! The plan of `canvass http`.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;

use canvass_proto::ModuleKind;
use canvass_proto::http::{HttpSettings, HttpVersion};
use canvass_queue::{Protocol, TargetKind};

use super::hosts::{MODULE, cannot_read, ports, probes, reach, start_lab};
use super::tls::{name_tls_files, tls_client};
use super::{CommandParts, Invocation, invocation};
use crate::args::HttpArgs;
use crate::exit::Failure;

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
        head_lines_max: args.head_lines_max as usize,
        interim_max: args.interim_max,
        codings_max: args.codings_max as usize,
        body_bytes_max: args.body_max,
        keep_body: args.save.is_some(),
        keep_alive: args.repeat > 1,
        strict: args.strict_http,
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
