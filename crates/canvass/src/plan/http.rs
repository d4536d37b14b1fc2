//! The plan of `canvass http`.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;

use canvass_proto::ModuleKind;
use canvass_proto::http::{Authorization, Extras, HttpSettings, HttpVersion};
use canvass_queue::{Protocol, TargetKind};

use super::expect::expectations;
use super::hosts::{MODULE, cannot_read, ports, probes, reach, start_lab};
use super::proxy::through_proxies;
use super::tls::{name_tls_files, tls_client};
use super::{CommandParts, Invocation, RunRequest, invocation};
use crate::args::{BasicArgs, ExtrasArgs, HttpArgs};
use crate::credentials::{self, PASSWORD};
use crate::exit::Failure;
use crate::journal::GivenFlags;

/// The most redirects that `--location` follows, as in curl.
const LOCATION_FOLLOW_MAX: u32 = 50;

/// The invocation of `canvass http`.
pub(crate) fn http(args: HttpArgs, given: GivenFlags) -> Result<Invocation, Failure> {
    let lab = start_lab(&args.host.common)?;
    let body = args.data.as_deref().map(data).transpose()?;
    let method = match (&args.request, &body) {
        (Some(method), _) => method.clone(),
        (None, Some(_)) => "POST".into(),
        (None, None) if args.head => "HEAD".into(),
        (None, None) => "GET".into(),
    };
    let follow_usual = if args.location {
        LOCATION_FOLLOW_MAX
    } else {
        0
    };
    let expect = expectations(args.expect);
    let extras = extras(&args.extras);
    let settings = HttpSettings {
        method,
        headers: args.header,
        body,
        version: if args.http_1_0 {
            HttpVersion::V10
        } else {
            HttpVersion::V11
        },
        authorization: authorization(&args.credentials)?,
        follow_max: args.follow.unwrap_or(follow_usual),
        cookies: args.cookies,
        head_bytes_max: usize::try_from(args.head_max).unwrap_or(usize::MAX),
        head_lines_max: args.head_lines_max as usize,
        interim_max: args.interim_max,
        codings_max: args.codings_max as usize,
        body_bytes_max: args.body_max,
        keep_body: args.save.is_some(),
        // The request for the icon can go over the same connection.
        keep_alive: args.repeat > 1 || extras.favicon,
        extras,
        strict: args.strict_http,
    };
    let tls = tls_client(&args.tls, Some("http/1.1"), lab.as_ref())?;
    let mut reach = reach(&args.host.reach, lab.as_ref())?;
    through_proxies(&mut reach, &args.proxy)?;
    reach.unix_socket = args.unix_socket.map(|path| path.into_boxed_path());
    let kind = TargetKind::Http {
        module: MODULE,
        requests: NonZeroU32::new(args.repeat).unwrap_or(NonZeroU32::MIN),
        ports: ports(&args.ports, Protocol::Tcp)?,
        path_as_is: args.path_as_is,
    };
    let module = ModuleKind::Http {
        settings: Arc::new(settings),
        tls,
        expect: (!expect.is_empty()).then(|| Box::new(expect)),
    };
    let mut parts = CommandParts {
        save: args.save,
        request: RunRequest::new(args.run, given),
        ..probes(
            "http",
            lab,
            kind,
            vec![module],
            reach,
            args.targets,
            &args.host,
        )?
    };
    if let Some(path) = args.data.as_deref().and_then(data_file) {
        parts.files.reads("--data", path);
    }
    if let Some(path) = &args.credentials.credentials {
        parts.files.reads("--credentials", path);
    }
    name_tls_files(&args.tls, &mut parts.files);
    invocation(parts, args.host.common)
}

/// The credentials for the targets, if they are to get any.
fn authorization(args: &BasicArgs) -> Result<Option<Authorization>, Failure> {
    if let Some((user, _)) = args.user.as_deref().and_then(|user| user.split_once(':')) {
        return Err(Failure::usage(format!(
            "--user takes a name without a password, since every user of this machine can read the \
             command line: use --user {user} with the password in {PASSWORD}, or --credentials FILE"
        )));
    }
    if !args.basic && args.user.is_none() && args.credentials.is_none() {
        return Ok(None);
    }
    let file = args.credentials.as_deref();
    let (user, password) = match (&args.user, file) {
        (Some(user), None) => (user.clone(), credentials::password_of_environment()?),
        _ => {
            let found = credentials::read(file)?;
            let Some(found) = found else {
                return Err(credentials::missing("--basic"));
            };
            (args.user.clone().unwrap_or(found.user), found.password)
        }
    };
    if user.contains(':') {
        return Err(Failure::usage(
            "the user for Basic authentication has a colon, which ends a user there (RFC 7617)",
        ));
    }
    Ok(Some(Authorization::basic(
        user.as_bytes(),
        password.as_bytes(),
    )))
}

fn extras(args: &ExtrasArgs) -> Extras {
    Extras {
        headers: args.headers,
        title: args.title,
        body_sha256: args.body_sha256,
        favicon: args.favicon,
        chain: args.chain,
    }
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
