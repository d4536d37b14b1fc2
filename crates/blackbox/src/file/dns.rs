//! Modules with `prober: dns`.

use canvass_model::{Class, DnsName, Rcode, RecordType};
use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize, Serializer};

use super::scalars::{IpProtocol, Regex, is_default, or_default};
use super::tls::TlsSettings;

/// `dns`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DnsModule {
    #[serde(default)]
    pub preferred_ip_protocol: IpProtocol,
    #[serde(default = "yes")]
    pub ip_protocol_fallback: bool,
    #[serde(default)]
    pub dns_over_tls: bool,
    #[serde(
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "is_default"
    )]
    pub tls_config: TlsSettings,
    #[serde(default, skip_serializing_if = "is_default")]
    pub source_ip_address: String,
    #[serde(default)]
    pub transport_protocol: TransportProtocol,
    #[serde(
        default = "class_in",
        deserialize_with = "keyword",
        serialize_with = "shown"
    )]
    pub query_class: Class,
    #[serde(deserialize_with = "keyword", serialize_with = "shown")]
    pub query_name: DnsName,
    #[serde(
        default = "type_any",
        deserialize_with = "keyword",
        serialize_with = "shown"
    )]
    pub query_type: RecordType,
    #[serde(default = "yes")]
    pub recursion_desired: bool,
    #[serde(default, deserialize_with = "rcodes", serialize_with = "all_shown")]
    pub valid_rcodes: Option<Vec<Rcode>>,
    #[serde(
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "is_default"
    )]
    pub validate_answer_rrs: RecordRules,
    #[serde(
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "is_default"
    )]
    pub validate_authority_rrs: RecordRules,
    #[serde(
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "is_default"
    )]
    pub validate_additional_rrs: RecordRules,
}

/// `transport_protocol`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TransportProtocol {
    #[default]
    #[serde(alias = "")]
    Udp,
    Tcp,
}

/// What the records of a section must be like, as text of a zone file with tabs.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RecordRules {
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub fail_if_matches_regexp: Vec<Regex>,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub fail_if_all_match_regexp: Vec<Regex>,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub fail_if_not_matches_regexp: Vec<Regex>,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub fail_if_none_matches_regexp: Vec<Regex>,
}

fn yes() -> bool {
    true
}

fn class_in() -> Class {
    Class::IN
}

fn type_any() -> RecordType {
    RecordType::ANY
}

/// Reads a value that has a text form.
fn keyword<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
    D: Deserializer<'de>,
{
    let text = String::deserialize(deserializer)?;
    text.parse()
        .map_err(|error| D::Error::custom(format!("{text:?}: {error}")))
}

fn shown<S: Serializer>(value: &impl ToString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&value.to_string())
}

fn rcodes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<Rcode>>, D::Error> {
    let Some(names) = Option::<Vec<String>>::deserialize(deserializer)? else {
        return Ok(None);
    };
    let rcode = |name: &String| {
        name.parse()
            .map_err(|_| D::Error::custom(format!("{name:?} is not a response code")))
    };
    names.iter().map(rcode).collect::<Result<_, _>>().map(Some)
}

fn all_shown<S: Serializer>(rcodes: &Option<Vec<Rcode>>, serializer: S) -> Result<S::Ok, S::Error> {
    let rcodes = rcodes.as_deref().unwrap_or(&[Rcode::NOERROR]);
    serializer.collect_seq(rcodes.iter().map(Rcode::to_string))
}
