//! The plan of `canvass check`.

use std::sync::Arc;

use canvass_proto::expect::{CertificateDays, Expectations};
use canvass_proto::http::HttpSettings;
use canvass_run::{EndpointModules, EndpointSettings};

use super::expect::expectations;
use super::hosts::{probes, reach, start_lab};
use super::proxy::through_proxies;
use super::scripts::given_credentials;
use super::tls::{name_tls_files, tls_client};
use super::{Invocation, invocation};
use crate::args::CheckArgs;
use crate::exit::Failure;

/// Why a question to no resolver cannot be asked.
const NO_RESOLVER: &str = "the endpoint names no resolver (dns://ADDR/NAME), and the run has none";

/// The invocation of `canvass check`.
pub(crate) fn check(args: CheckArgs) -> Result<Invocation, Failure> {
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
    let expected = args.expect;
    let certificate = expected.certificate.expect_cert_days;
    let certificate = certificate.map(CertificateDays::where_tls_is_used);
    let expect = Expectations {
        certificate,
        ..expectations(expected)
    };
    let https = tls_client(&args.tls, Some("http/1.1"), lab.as_ref())?;
    let modules = EndpointModules::new(&EndpointSettings {
        http: Arc::new(settings),
        tls: https.without_alpn(),
        https,
        expect: (!expect.is_empty()).then_some(expect),
        certificate,
        credentials,
        loopback_resolvers_only: lab.is_some(),
    });
    let mut reach = reach(&args.host.reach, lab.as_ref())?;
    through_proxies(&mut reach, &args.proxy)?;
    let kind = modules.kind();
    let modules = modules.into_modules();
    let mut parts = probes("check", lab, kind, modules, reach, args.targets, &args.host)?;
    parts.builder = parts.builder.no_resolver(Some(NO_RESOLVER.into()));
    parts.negative_lookups_are_good = false;
    if let Some(path) = &args.credentials {
        parts.files.reads("--credentials", path);
    }
    name_tls_files(&args.tls, &mut parts.files);
    invocation(parts, args.host.common)
}
