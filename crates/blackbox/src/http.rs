//! Probes with `prober: http`.

use std::num::NonZeroU32;
use std::sync::Arc;

use canvass_model::{Answer, Host, Job, ModuleId, ProbeSpec, Target, Url, UrlTarget};
use canvass_proto::http::{Authorization, Extras, HttpSettings, RequestHeader, parse_method};
use canvass_proto::tunnel::{Bypass, Proxies, Proxy};
use canvass_proto::{ModuleKind, Pin, PinHost, Reach};
use canvass_run::TargetKind;

use crate::address::AddressChoice;
use crate::file::HttpModule;
use crate::http_judgement::{Judgement, judge};
use crate::http_metrics;
use crate::probe::Attempt;
use crate::tls::TlsUse;

const MODULE: ModuleId = ModuleId(0);
/// The most redirects that are followed, as in blackbox_exporter.
const FOLLOW_MAX: u32 = 10;
/// The most octets of a body that is judged. blackbox_exporter has no limit of its own.
const JUDGED_BYTES_MAX: u64 = 64 << 20;

/// Requests the target, writes its metrics, and returns whether the response is as expected.
pub(crate) fn probe(module: &HttpModule, attempt: &mut Attempt<'_>) -> bool {
    http_metrics::begin(&mut attempt.metrics);
    match request(module, attempt) {
        Ok(judgement) => judgement.success,
        Err(error) => {
            attempt.log.add(format_args!("{error}"));
            false
        }
    }
}

fn request(module: &HttpModule, attempt: &mut Attempt<'_>) -> Result<Judgement, String> {
    let url = target_url(attempt.target)?;
    let host = Host::of_url(&url).ok_or("the URL has no host")?;
    let mut reach = Reach {
        proxies: proxies(module)?.map(Arc::new),
        ..Reach::default()
    };
    if reach.proxies.is_none() || !module.skip_resolve_phase_with_proxy {
        let choice = AddressChoice {
            preferred: module.preferred_ip_protocol,
            fallback: module.ip_protocol_fallback,
        };
        let found = choice.look_up(&host, attempt);
        http_metrics::resolved(found.took, &mut attempt.metrics);
        let address = found.address?;
        if reach.proxies.is_none() {
            reach.pins.push(Pin {
                whose: PinHost::Is(host),
                port: None,
                to_host: Some(Host::Address(address)),
                to_port: None,
            });
        }
    }
    let settings = settings(module)?;
    let tls = attempt.tls_clients.client(tls_use(module))?;
    http_metrics::requested(&mut attempt.metrics);
    let spec = ProbeSpec::Http {
        module: MODULE,
        requests: NonZeroU32::MIN,
    };
    let plan = attempt
        .plan(TargetKind::Http {
            module: MODULE,
            requests: NonZeroU32::MIN,
            ports: None,
            path_as_is: false,
        })
        // For redirects to other hosts.
        .system_names(module.follows())
        .module(
            ModuleKind::Http {
                settings: Arc::new(settings),
                tls,
                expect: None,
            },
            reach,
            attempt.timeouts(),
        );
    let job = Job {
        seq: 0,
        line: None,
        target: Target::Url(Box::new(UrlTarget {
            url,
            scoped: None,
            fallback: None,
            raw_path: None,
            given: None,
        })),
        spec,
        due: None,
        resolver: None,
    };
    let outcome = attempt.run(plan, job).ok_or("the request was not sent")?;
    let Answer::Http(answer) = &outcome.answer else {
        return Err("the request has no response".to_owned());
    };
    let judgement = judge(&outcome, answer, module, &mut attempt.log);
    http_metrics::write(&outcome, answer, module, &judgement, &mut attempt.metrics);
    Ok(judgement)
}

/// The URL of a target, which may lack its scheme.
pub(crate) fn target_url(target: &str) -> Result<Url, String> {
    let has_scheme = target.starts_with("http://") || target.starts_with("https://");
    let parsed = if has_scheme {
        Url::parse(target)
    } else {
        Url::parse(&format!("http://{target}"))
    };
    parsed.map_err(|error| format!("the target is not a URL: {error}"))
}

/// A name in the header `Host` is also that of the certificate.
fn tls_use(module: &HttpModule) -> TlsUse {
    let host = module.header("Host");
    TlsUse {
        settings: module.tls_config.clone(),
        server_name: host
            .filter(|name| Host::parse(name).is_some())
            .map(str::to_owned),
        alpn: &["http/1.1"],
    }
}

fn settings(module: &HttpModule) -> Result<HttpSettings, String> {
    let method = if module.method.is_empty() {
        "GET"
    } else {
        &module.method
    };
    let judges_body = !module.fail_if_body_matches_regexp.is_empty()
        || !module.fail_if_body_not_matches_regexp.is_empty();
    let body_bytes_max = match module.body_size_limit.0 {
        0 if judges_body => JUDGED_BYTES_MAX,
        0 => u64::MAX,
        limit => limit,
    };
    Ok(HttpSettings {
        method: parse_method(method).map_err(|error| error.to_string())?,
        headers: headers(module)?,
        authorization: basic(module)?,
        body: body(module)?,
        follow_max: if module.follows() { FOLLOW_MAX } else { 0 },
        cookies: true,
        body_bytes_max,
        keep_body: judges_body,
        extras: Extras {
            headers: true,
            ..Extras::default()
        },
        ..HttpSettings::default()
    })
}

fn headers(module: &HttpModule) -> Result<Vec<RequestHeader>, String> {
    let header = |name: &str, value: &str| {
        RequestHeader::new(name, value).map_err(|error| error.to_string())
    };
    let mut headers = Vec::new();
    for (name, value) in &module.headers {
        headers.push(header(name, &value.0)?);
    }
    for (name, values) in &module.http_headers {
        for value in values.values.iter().chain(&values.secrets) {
            headers.push(header(name, &value.0)?);
        }
        for file in &values.files {
            headers.push(header(name, read(file)?.trim())?);
        }
    }
    if let Some(value) = bearer(module)? {
        headers.push(header("Authorization", &value)?);
    }
    let accepts = |one: &RequestHeader| one.name().eq_ignore_ascii_case("Accept-Encoding");
    if !headers.iter().any(accepts) {
        // blackbox_exporter asks for no coding by itself.
        let removed = RequestHeader::removed("Accept-Encoding");
        headers.push(removed.map_err(|error| error.to_string())?);
    }
    Ok(headers)
}

fn body(module: &HttpModule) -> Result<Option<Box<[u8]>>, String> {
    match (module.body.0.as_str(), module.body_file.as_str()) {
        ("", "") => Ok(None),
        (text, "") => Ok(Some(text.as_bytes().into())),
        (_, file) => match std::fs::read(file) {
            Ok(content) => Ok(Some(content.into())),
            Err(error) => Err(format!("cannot read {file}: {error}")),
        },
    }
}

fn basic(module: &HttpModule) -> Result<Option<Authorization>, String> {
    let Some(auth) = &module.basic_auth else {
        return Ok(None);
    };
    let user = text_or_file(&auth.username, &auth.username_file)?;
    let password = text_or_file(&auth.password.0, &auth.password_file)?;
    Ok(Some(Authorization::basic(
        user.as_bytes(),
        password.as_bytes(),
    )))
}

/// The value of `Authorization`, for anything but a user and a password.
fn bearer(module: &HttpModule) -> Result<Option<String>, String> {
    if let Some(settings) = &module.authorization {
        let scheme = match settings.scheme.as_str() {
            "" => "Bearer",
            scheme => scheme,
        };
        let credentials = text_or_file(&settings.credentials.0, &settings.credentials_file)?;
        return Ok(Some(format!("{scheme} {credentials}")));
    }
    let token = text_or_file(&module.bearer_token.0, &module.bearer_token_file)?;
    Ok((!token.is_empty()).then(|| format!("Bearer {token}")))
}

fn text_or_file(text: &str, file: &str) -> Result<String, String> {
    if file.is_empty() {
        return Ok(text.to_owned());
    }
    Ok(read(file)?.trim().to_owned())
}

fn read(file: &str) -> Result<String, String> {
    std::fs::read_to_string(file).map_err(|error| format!("cannot read {file}: {error}"))
}

/// The proxy of all requests, with the ports that Go takes by default.
fn proxies(module: &HttpModule) -> Result<Option<Proxies>, String> {
    let text = module.proxy_url.0.as_str();
    if text.is_empty() {
        return Ok(None);
    }
    let url = Url::parse(text).map_err(|error| format!("`proxy_url` is not a URL: {error}"))?;
    // canvass takes port 1080 by default, as curl does.
    let port = url.port_or_known_default();
    let userinfo = match (url.username(), url.password()) {
        ("", None) => String::new(),
        (user, None) => format!("{user}@"),
        (user, Some(password)) => format!("{user}:{password}@"),
    };
    let shown = match (url.host_str(), port) {
        (Some(host), Some(port)) => format!("{}://{userinfo}{host}:{port}", url.scheme()),
        _ => text.to_owned(),
    };
    let proxy = Proxy::parse(&shown).map_err(|error| error.to_string())?;
    let bypass = Bypass::parse(&module.no_proxy).map_err(|error| error.to_string())?;
    Ok(Some(Proxies {
        bypass,
        ..Proxies::all(proxy)
    }))
}
