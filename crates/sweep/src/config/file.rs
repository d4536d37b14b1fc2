//! The keys of a configuration.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::str::FromStr;

use canvass_proto::expect::{BodyPattern, HeaderPattern, JsonExpectation, StatusSet};
use canvass_proto::http::RequestHeader;
use canvass_proto::tls::TlsVersion;
use canvass_run::Span;
use serde::Deserialize;
use toml::Spanned;

use super::maintenance::{ClockTime, Day, Moment, Zone};
use super::values::{Text, Texts, Time};

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) interval: Option<Text<Time>>,
    pub(super) jitter: Option<Spanned<Text<Time>>>,
    pub(super) down_after: Option<NonZeroU32>,
    pub(super) up_after: Option<NonZeroU32>,
    #[serde(default)]
    pub(super) modules: BTreeMap<Spanned<String>, Module>,
    #[serde(default)]
    pub(super) groups: Vec<Group>,
    #[serde(default)]
    pub(super) maintenance: Vec<Spanned<Window>>,
}

/// `[modules.NAME]`. Each key is optional.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Module {
    pub(super) timeout: Option<Text<Time>>,
    #[serde(default)]
    pub(super) max_latency: BTreeMap<Text<Span>, Text<Time>>,
    pub(super) expect_cert_days: Option<u32>,
    pub(super) expect_tls: Option<Text<Version>>,
    pub(super) insecure: Option<bool>,
    pub(super) cacert: Option<Spanned<PathBuf>>,
    pub(super) server_name: Option<Box<str>>,
    pub(super) tls_min: Option<Text<Version>>,

    pub(super) method: Option<Spanned<Text<Method>>>,
    #[serde(default)]
    pub(super) headers: Option<Spanned<Texts<RequestHeader>>>,
    pub(super) body: Option<Spanned<String>>,
    pub(super) follow: Option<Spanned<u32>>,
    pub(super) expect_status: Option<Spanned<Texts<StatusSet>>>,
    pub(super) expect_header: Option<Spanned<Texts<HeaderPattern>>>,
    pub(super) expect_body: Option<Spanned<Texts<BodyPattern>>>,
    pub(super) expect_not_body: Option<Spanned<Texts<BodyPattern>>>,
    pub(super) expect_json: Option<Spanned<Texts<JsonExpectation>>>,

    pub(super) talk: Option<Spanned<String>>,

    pub(super) answers_contain: Option<Spanned<Texts<String>>>,
    pub(super) answers_equal: Option<Spanned<Texts<String>>>,
    pub(super) answers_min: Option<Spanned<NonZeroU32>>,
    pub(super) serial_min: Option<Spanned<u32>>,
    pub(super) serial_not_behind: Option<Spanned<String>>,
    pub(super) serial_lag_max: Option<Spanned<Text<Time>>>,
}

/// `[[groups]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    pub(super) name: Spanned<String>,
    pub(super) module: Option<Spanned<String>>,
    pub(super) interval: Option<Text<Time>>,
    pub(super) jitter: Option<Spanned<Text<Time>>>,
    pub(super) down_after: Option<NonZeroU32>,
    pub(super) up_after: Option<NonZeroU32>,
    #[serde(default)]
    pub(super) targets: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) files: Vec<Spanned<PathBuf>>,
    #[serde(default)]
    pub(super) labels: BTreeMap<Text<LabelName>, String>,
    pub(super) depends_on: Option<Spanned<String>>,
}

/// `[[maintenance]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Window {
    #[serde(default)]
    pub(super) groups: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) targets: Vec<Spanned<String>>,
    pub(super) timezone: Option<Text<Zone>>,
    pub(super) days: Option<Texts<Day>>,
    pub(super) from: Option<Text<ClockTime>>,
    pub(super) to: Option<Text<ClockTime>>,
    pub(super) start: Option<Text<Moment>>,
    pub(super) end: Option<Text<Moment>>,
}

/// A version of TLS, `1.2` or `1.3`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Version(pub(super) TlsVersion);

impl FromStr for Version {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "1.2" => Ok(Self(TlsVersion::Tls12)),
            "1.3" => Ok(Self(TlsVersion::Tls13)),
            _ => Err(format!("{text:?} is not 1.2 or 1.3")),
        }
    }
}

/// A method of HTTP.
#[derive(Clone, Debug)]
pub(super) struct Method(pub(super) Box<str>);

impl FromStr for Method {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let method = canvass_proto::http::parse_method(text);
        method.map(Self).map_err(|error| error.to_string())
    }
}

/// The name of a label, as in Prometheus.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LabelName(pub(super) Box<str>);

/// Labels that every target has.
const LABELS_TAKEN: [&str; 4] = ["target", "group", "module", "state"];

impl FromStr for LabelName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let begins = text.starts_with(|char: char| char.is_ascii_alphabetic() || char == '_');
        let is_word = |char: char| char.is_ascii_alphanumeric() || char == '_';
        if !begins || !text.chars().all(is_word) || text.starts_with("__") {
            return Err(format!(
                "{text:?} is not a name of a label: letters, digits and _, no digit first"
            ));
        }
        if LABELS_TAKEN.contains(&text) {
            return Err(format!("every target has a label {text:?} already"));
        }
        Ok(Self(text.into()))
    }
}
