//! Modules: what is asked of a target, and what is expected of its answer.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use canvass_model::{ProbeSpec, RecordType, suggestion};
use canvass_proto::expect::{Expectations, StatusSet};
use canvass_proto::talk::{ModuleSettings, Script};
use canvass_proto::tls::{PemFile, TlsClient, TlsOptions};
use canvass_queue::TargetKind;
use canvass_run::{
    Assertions, EndpointModules, EndpointSettings, LatencyMax, RecordAssertions, Span,
};
use toml::Spanned;

use super::error::{ConfigError, Document};
use super::file::Module as RawModule;
use super::values::{Text, Texts, Time};
use crate::{Primary, TargetAssertions};

/// What modules have where they say nothing else.
#[derive(Clone)]
pub struct ModuleDefaults {
    /// How endpoints are probed.
    pub endpoints: EndpointSettings,
    /// The options of its TLS clients, without application protocols.
    pub tls: TlsOptions,
    /// What is expected of outcomes.
    pub assertions: Assertions,
}

/// What one module became in a plan.
pub(super) struct PlannedModule {
    pub(super) kind: TargetKind,
    /// Its modules in the plan, and the time for one target of them.
    pub(super) deadline: Option<(Range<usize>, Duration)>,
}

/// Starts of authority (RFC 1035 §3.3.13).
const SOA: RecordType = RecordType(6);

/// A module, validated.
pub(super) struct Module {
    raw: RawModule,
    subject: Option<Subject>,
    talk: Option<Arc<Script>>,
    cacert: Option<PemFile>,
}

/// Which endpoints a module is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subject {
    Pages,
    Questions,
    Talks,
}

impl Subject {
    fn schemes(self) -> &'static str {
        match self {
            Self::Pages => "http and https",
            Self::Questions => "dns",
            Self::Talks => "tcp, tls, udp and unix",
        }
    }
}

/// Files that modules read, with what was in them.
pub(super) type ModuleFiles = BTreeMap<PathBuf, Vec<u8>>;

impl Module {
    pub(super) fn read(
        document: &Document,
        raw: RawModule,
        files: &mut ModuleFiles,
    ) -> Result<Self, ConfigError> {
        let subject = subject(document, &raw)?;
        let talk = match &raw.talk {
            Some(name) => Some(Arc::new(script(document, name, files)?)),
            None => None,
        };
        let cacert = match &raw.cacert {
            Some(path) => {
                let (path, bytes) = read(document, path.as_ref(), path.span(), files)?;
                Some(PemFile {
                    name: path.display().to_string().into(),
                    bytes,
                })
            }
            None => None,
        };
        if let (Some(lag), None) = (&raw.serial_lag_max, &raw.serial_not_behind) {
            let message = "serial_lag_max is for serial_not_behind, which is not there";
            return Err(document.error(lag.span(), message));
        }
        Ok(Self {
            subject,
            talk,
            cacert,
            raw,
        })
    }

    /// What is expected of targets with this module. What it does not say is as in `defaults`.
    pub(super) fn assertions(&self, defaults: &Assertions) -> TargetAssertions {
        let raw = &self.raw;
        let texts = |value: &Option<Spanned<Texts<String>>>| -> Option<Vec<Box<str>>> {
            let texts = value.as_ref()?.as_ref().0.iter();
            Some(texts.map(|text| text.as_str().into()).collect())
        };
        let latency_max = match raw.max_latency.is_empty() {
            true => defaults.latency_max.clone(),
            false => {
                let limits = raw.max_latency.iter();
                let limit = |(span, max): (&Text<Span>, &Text<Time>)| LatencyMax {
                    span: span.0,
                    max: max.0.0,
                };
                limits.map(limit).collect()
            }
        };
        let usual = &defaults.records;
        TargetAssertions {
            outcome: Assertions {
                latency_max,
                records: RecordAssertions {
                    contain: texts(&raw.answers_contain).unwrap_or_else(|| usual.contain.clone()),
                    equal: texts(&raw.answers_equal).or_else(|| usual.equal.clone()),
                    count_min: raw
                        .answers_min
                        .as_ref()
                        .map(|min| *min.as_ref())
                        .or(usual.count_min),
                    serial_min: raw
                        .serial_min
                        .as_ref()
                        .map(|min| *min.as_ref())
                        .or(usual.serial_min),
                },
            },
            primary: self.primary().map(|key| Primary {
                key: key.as_ref().as_str().into(),
                lag_max: raw.serial_lag_max.as_ref().map(|lag| lag.as_ref().0.0),
            }),
        }
    }

    /// The key of the target whose serial others must not be behind.
    pub(super) fn primary(&self) -> Option<&Spanned<String>> {
        self.raw.serial_not_behind.as_ref()
    }

    /// Adds what probes targets of this module to a plan's modules.
    pub(super) fn plan(
        &self,
        document: &Document,
        name: &Spanned<String>,
        defaults: &ModuleDefaults,
        modules: &mut EndpointModules,
    ) -> Result<PlannedModule, ConfigError> {
        let settings = self
            .settings(defaults)
            .map_err(|message| document.error(name.span(), message))?;
        if let (Some(script), Some(talk)) = (&self.talk, &self.raw.talk)
            && script.needs_credentials()
            && settings.credentials.is_none()
        {
            let message = format!("{} needs credentials: --credentials FILE", script.name());
            return Err(document.error(talk.span(), message));
        }
        let first = modules.count();
        let kind = modules.add_settings(&settings);
        let deadline = self.raw.timeout.as_ref();
        Ok(PlannedModule {
            kind,
            deadline: deadline.map(|timeout| (first..modules.count(), timeout.0.0)),
        })
    }

    /// Why targets with this key and probe cannot have this module.
    pub(super) fn refuses(&self, key: &str, spec: ProbeSpec) -> Option<String> {
        let subject = self.subject?;
        let is_of_it = match (subject, spec) {
            (Subject::Pages, ProbeSpec::Http { .. })
            | (Subject::Questions, ProbeSpec::Dns { .. }) => true,
            (Subject::Talks, _) => {
                let scheme = key.split(':').next().unwrap_or_default();
                let schemes = ["tcp", "tls", "udp", "unix"];
                schemes.iter().any(|one| scheme.eq_ignore_ascii_case(one))
            }
            _ => false,
        };
        if !is_of_it {
            return Some(format!("is for endpoints of {} only", subject.schemes()));
        }
        let needs_serial = self.raw.serial_min.is_some() || self.raw.serial_not_behind.is_some();
        if needs_serial && !asks_for_soa(spec) {
            let form = "dns://ADDR/ZONE?type=SOA";
            return Some(format!(
                "expects a serial, so it is for questions of SOA ({form}) only"
            ));
        }
        let is_udp = matches!(spec, ProbeSpec::Udp { .. });
        let script = self
            .talk
            .as_ref()
            .filter(|script| !script.udp_ok() && is_udp);
        script.map(|script| format!("speaks {}, which does not work over UDP", script.name()))
    }

    fn settings(&self, defaults: &ModuleDefaults) -> Result<EndpointSettings, String> {
        let mut settings = defaults.endpoints.clone();
        let raw = &self.raw;
        let has_tls = self.cacert.is_some() || raw.server_name.is_some();
        if has_tls || raw.insecure.is_some() || raw.tls_min.is_some() {
            let mut tls = defaults.tls.clone();
            tls.insecure = raw.insecure.unwrap_or(tls.insecure);
            tls.ca = self.cacert.clone().or(tls.ca);
            tls.server_name = raw.server_name.clone().or(tls.server_name);
            tls.version_min = raw.tls_min.map(|version| version.0.0).or(tls.version_min);
            let client = |tls: &TlsOptions| TlsClient::new(tls).map_err(|error| error.to_string());
            settings.tls = client(&tls)?;
            tls.alpn = vec!["http/1.1".into()];
            settings.https = client(&tls)?;
        }
        let http = Arc::make_mut(&mut settings.http);
        if let Some(body) = &raw.body {
            http.body = Some(body.as_ref().as_bytes().into());
            http.method = "POST".into();
        }
        if let Some(method) = &raw.method {
            http.method = method.as_ref().0.0.clone();
        }
        if let Some(headers) = &raw.headers {
            http.headers = headers.as_ref().0.clone();
        }
        if let Some(follow) = &raw.follow {
            http.follow_max = *follow.as_ref();
        }
        if raw.expect_cert_days.is_some() || raw.expect_tls.is_some() {
            let tls = &mut settings.expect_tls;
            tls.only_where_used = false;
            tls.certificate_days_min = raw.expect_cert_days.or(tls.certificate_days_min);
            tls.version_min = raw
                .expect_tls
                .map(|version| version.0.0)
                .or(tls.version_min);
        }
        let mut expect = settings.expect.take().unwrap_or_default();
        expect.tls = settings.expect_tls;
        self.expect(&mut expect);
        settings.expect = (!expect.is_empty()).then_some(expect);
        settings.talk = self.talk.clone().or(settings.talk);
        Ok(settings)
    }

    fn expect(&self, expect: &mut Expectations) {
        let raw = &self.raw;
        if let Some(status) = &raw.expect_status {
            expect.status = StatusSet::union(&status.as_ref().0);
        }
        if let Some(headers) = &raw.expect_header {
            expect.headers = headers.as_ref().0.clone();
        }
        if let Some(bodies) = &raw.expect_body {
            expect.bodies = bodies.as_ref().0.clone();
        }
        if let Some(bodies) = &raw.expect_not_body {
            expect.not_bodies = bodies.as_ref().0.clone();
        }
        if let Some(json) = &raw.expect_json {
            expect.json = json.as_ref().0.clone();
        }
    }
}

/// Whether a question is for a start of authority.
pub(super) fn asks_for_soa(spec: ProbeSpec) -> bool {
    matches!(spec, ProbeSpec::Dns { record_type } if record_type == SOA)
}

/// The endpoints that the keys of a module are about. No two may be about others.
fn subject(document: &Document, raw: &RawModule) -> Result<Option<Subject>, ConfigError> {
    fn key<T>(
        subject: Subject,
        name: &'static str,
        value: &Option<Spanned<T>>,
    ) -> Option<(Range<usize>, Subject, &'static str)> {
        value.as_ref().map(|value| (value.span(), subject, name))
    }
    use Subject::{Pages, Questions, Talks};
    let keys = [
        key(Pages, "method", &raw.method),
        key(Pages, "headers", &raw.headers),
        key(Pages, "body", &raw.body),
        key(Pages, "follow", &raw.follow),
        key(Pages, "expect_status", &raw.expect_status),
        key(Pages, "expect_header", &raw.expect_header),
        key(Pages, "expect_body", &raw.expect_body),
        key(Pages, "expect_not_body", &raw.expect_not_body),
        key(Pages, "expect_json", &raw.expect_json),
        key(Talks, "talk", &raw.talk),
        key(Questions, "answers_contain", &raw.answers_contain),
        key(Questions, "answers_equal", &raw.answers_equal),
        key(Questions, "answers_min", &raw.answers_min),
        key(Questions, "serial_min", &raw.serial_min),
        key(Questions, "serial_not_behind", &raw.serial_not_behind),
        key(Questions, "serial_lag_max", &raw.serial_lag_max),
    ];
    let mut keys: Vec<_> = keys.into_iter().flatten().collect();
    keys.sort_by_key(|(span, ..)| span.start);
    let Some((_, subject, first)) = keys.first().cloned() else {
        return Ok(None);
    };
    match keys.into_iter().find(|(_, other, _)| *other != subject) {
        None => Ok(Some(subject)),
        Some((span, other, name)) => Err(document.error(
            span,
            format!(
                "{name} is for endpoints of {}, and {first} of the same module for those of {}",
                other.schemes(),
                subject.schemes()
            ),
        )),
    }
}

/// The preset of this name, or the script in this file.
fn script(
    document: &Document,
    name: &Spanned<String>,
    files: &mut ModuleFiles,
) -> Result<Script, ConfigError> {
    if let Some(preset) = Script::preset(name.as_ref()) {
        return Ok(preset.script());
    }
    let path = Path::new(name.as_ref());
    let presets = canvass_proto::talk::Preset::ALL;
    let (path, bytes) = read(document, path, name.span(), files).map_err(|error| {
        let hint = suggestion(name.as_ref(), presets.iter().map(|preset| preset.name));
        ConfigError {
            message: format!("neither a preset nor a script: {}{hint}", error.message),
            ..error
        }
    })?;
    let bad = |message: String| document.error(name.span(), message);
    let text = String::from_utf8(bytes).map_err(|error| bad(error.to_string()))?;
    let script = Script::parse(&text, &path.display().to_string())
        .map_err(|error| bad(error.to_string()))?;
    if *script.settings() != ModuleSettings::default() {
        let path = path.display();
        return Err(bad(format!(
            "{path} has settings besides its steps; the module must have them"
        )));
    }
    Ok(script)
}

/// Reads a file beside the configuration.
fn read(
    document: &Document,
    path: &Path,
    span: Range<usize>,
    files: &mut ModuleFiles,
) -> Result<(PathBuf, Vec<u8>), ConfigError> {
    let path = document.beside(path);
    let bytes = std::fs::read(&path).map_err(|error| {
        document.error(span, format!("cannot read {}: {error}", path.display()))
    })?;
    files.insert(path.clone(), bytes.clone());
    Ok((path, bytes))
}
