//! The plan of `canvass check`, and of what probes mixed endpoints as it does.

use std::sync::Arc;

use canvass_proto::expect::{Expectations, TlsExpectations};
use canvass_proto::http::HttpSettings;
use canvass_run::{Assertions, EndpointModules, EndpointSettings};
use canvass_sweep::config::ModuleDefaults;

use super::expect::{expectations, records};
use super::hosts::{probes, reach, start_lab};
use super::proxy::through_proxies;
use super::scripts::given_credentials;
use super::tls::{name_tls_files, tls_client, tls_options};
use super::{CommandParts, Invocation, RunRequest, invocation};
use crate::args::{CheckArgs, CommonArgs, EndpointArgs};
use crate::exit::Failure;
use crate::journal::GivenFlags;
use crate::same_file::NamedFiles;

/// Why a question to no resolver cannot be asked.
const NO_RESOLVER: &str = "the endpoint names no resolver (dns://ADDR/NAME), and the run has none";

/// The invocation of `canvass check`.
pub(crate) fn check(args: CheckArgs, given: GivenFlags) -> Result<Invocation, Failure> {
    let files = NamedFiles::default();
    let no_more = |_: &_, _: &mut _| Ok(());
    let (mut parts, common, ()) = endpoints("check", args.targets, args.probing, files, no_more)?;
    parts.request = RunRequest::new(args.run, given);
    invocation(parts, common)
}

/// The parts of an invocation that probes mixed endpoints. `files` are others that it uses, and
/// `more` adds modules with other settings.
pub(super) fn endpoints<T>(
    command: &'static str,
    targets: Vec<String>,
    args: EndpointArgs,
    files: NamedFiles,
    more: impl FnOnce(&ModuleDefaults, &mut EndpointModules) -> Result<T, Failure>,
) -> Result<(CommandParts, CommonArgs, T), Failure> {
    let lab = start_lab(&args.host.common)?;
    let settings = HttpSettings {
        headers: args.header,
        follow_max: args.follow,
        ..HttpSettings::default()
    };
    // Those of the environment are not given to every server of a list.
    let credentials = match args.credentials.as_deref() {
        Some(file) => given_credentials(Some(file))?,
        None => None,
    };
    let expected = expectations(args.expect);
    let expect_tls = TlsExpectations {
        only_where_used: true,
        ..expected.tls
    };
    let expect = Expectations {
        tls: expect_tls,
        ..expected
    };
    let assertions = Assertions {
        latency_max: args.host.latency.max_latency.clone(),
        records: records(args.records, Some(&args.serial)),
    };
    let https = tls_client(&args.tls, Some("http/1.1"), lab.as_ref())?;
    let endpoints = EndpointSettings {
        http: Arc::new(settings),
        tls: https.without_alpn(),
        https,
        expect: (!expect.is_empty()).then_some(expect),
        expect_tls,
        talk: None,
        credentials,
        loopback_resolvers_only: lab.is_some(),
    };
    let mut modules = EndpointModules::new(&endpoints);
    let defaults = ModuleDefaults {
        endpoints,
        tls: tls_options(&args.tls, lab.as_ref())?,
        assertions,
    };
    let added = more(&defaults, &mut modules)?;
    let mut reach = reach(&args.host.reach, lab.as_ref())?;
    through_proxies(&mut reach, &args.proxy)?;
    let kind = modules.kind();
    let modules = modules.into_modules();
    let mut parts = probes(command, lab, kind, modules, reach, targets, &args.host)?;
    parts.files = files;
    parts.assertions = defaults.assertions;
    parts.builder = parts.builder.no_resolver(Some(NO_RESOLVER.into()));
    parts.negative_lookups_are_good = false;
    if let Some(path) = &args.credentials {
        parts.files.reads("--credentials", path);
    }
    name_tls_files(&args.tls, &mut parts.files);
    Ok((parts, args.host.common, added))
}
