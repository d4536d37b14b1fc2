//! The file of modules.

mod dns;
mod http;
mod other;
mod scalars;
mod tcp;
mod tls;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub(crate) use dns::{DnsModule, RecordRules, TransportProtocol};
pub(crate) use http::{HeaderRule, HttpModule};
pub(crate) use scalars::{Duration, IpProtocol, MASK, Regex, Secret};
pub(crate) use tcp::{QueryResponse, TcpModule};
pub(crate) use tls::{TlsSettings, TlsVersion};

use crate::tls::TlsClients;
use other::{GrpcModule, IcmpModule, UnixModule};
use scalars::{is_default, or_default};

/// The modules of blackbox_exporter, by name.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Modules {
    #[serde(default, deserialize_with = "or_default")]
    modules: BTreeMap<String, Module>,
    #[serde(skip)]
    pub(crate) tls_clients: TlsClients,
}

/// What is wrong with a file of modules, with its line and column.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ModulesError(Box<str>);

/// A module.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Module {
    #[serde(default)]
    pub prober: String,
    #[serde(default, skip_serializing_if = "is_default")]
    pub timeout: Duration,
    #[serde(
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "is_default"
    )]
    pub http: HttpModule,
    #[serde(
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "is_default"
    )]
    pub tcp: TcpModule,
    #[serde(
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "is_default"
    )]
    pub dns: Option<DnsModule>,
    #[serde(
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "is_default"
    )]
    pub icmp: IcmpModule,
    #[serde(
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "is_default"
    )]
    pub grpc: GrpcModule,
    #[serde(
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "is_default"
    )]
    pub unix: UnixModule,
}

impl Modules {
    /// Reads a file of modules.
    ///
    /// # Errors
    /// It is not YAML, has an unknown key, or a value that blackbox_exporter does not accept.
    pub fn parse(text: &str) -> Result<Self, ModulesError> {
        let options = serde_saphyr::options! { with_snippet: false };
        let modules: Self = serde_saphyr::from_str_with_options(text, options)
            .map_err(|error| ModulesError(without_values(error).to_string().into()))?;
        for (name, module) in &modules.modules {
            module
                .check()
                .map_err(|error| ModulesError(format!("module {name}: {error}").into()))?;
        }
        Ok(modules)
    }

    /// The names of the modules, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.modules.keys().map(String::as_str)
    }

    /// The file as it was understood, in YAML and without secrets.
    pub fn shown(&self) -> String {
        shown(self)
    }

    pub(crate) fn module(&self, name: &str) -> Option<&Module> {
        self.modules.get(name)
    }
}

impl Module {
    /// The module as it was understood, in YAML and without secrets.
    pub(crate) fn shown(&self) -> String {
        shown(self)
    }

    fn check(&self) -> Result<(), String> {
        self.http.check()
    }
}

/// The error without the value that was found, which may be a secret in the wrong place.
fn without_values(error: serde_saphyr::Error) -> serde_saphyr::Error {
    use serde_saphyr::Error;
    // Such as `string "hunter2"`, of which the first word stays.
    let kind = |found: String| {
        let kind = found.split(['"', '`']).next().unwrap_or_default();
        kind.trim_end().to_owned()
    };
    match error {
        Error::SerdeInvalidType {
            unexpected,
            expected,
            location,
        } => Error::SerdeInvalidType {
            unexpected: kind(unexpected),
            expected,
            location,
        },
        Error::SerdeInvalidValue {
            unexpected,
            expected,
            location,
        } => Error::SerdeInvalidValue {
            unexpected: kind(unexpected),
            expected,
            location,
        },
        other => other,
    }
}

/// JSON, which is YAML.
fn shown(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

#[cfg(test)]
mod tests;
