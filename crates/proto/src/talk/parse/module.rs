//! Modules of blackbox_exporter.

use super::keys::Keys;
use super::{TOP_KEYS, Top};
use crate::talk::error::ParseError;
use crate::talk::module_settings::{ModuleSettings, OnlyFamily};
use crate::talk::yaml::{Entry, Node, Value};

const MODULE_KEYS: &[&str] = &["prober", "timeout", "tcp"];
const TCP_KEYS: &[&str] = &[
    "query_response",
    "crlf",
    "fail",
    "tls",
    "tls_config",
    "preferred_ip_protocol",
    "ip_protocol_fallback",
    "source_ip_address",
];
const TLS_KEYS: &[&str] = &[
    "insecure_skip_verify",
    "ca_file",
    "cert_file",
    "key_file",
    "server_name",
    "min_version",
    "max_version",
];

/// Returns the module of this name if the file has several, and otherwise the whole file.
pub(super) fn choose<'a>(root: &'a Node, name: Option<&str>) -> Result<&'a Node, ParseError> {
    let modules = match &root.value {
        Value::Map(entries) => entries.iter().find(|entry| entry.key == "modules"),
        _ => None,
    };
    let Some(modules) = modules else {
        return match name {
            Some(_) => Err(ParseError::at(root.line, "there are no `modules`")),
            None => Ok(root),
        };
    };
    Keys::of(root, "a file of modules", &["modules"])?;
    let Value::Map(entries) = &modules.value.value else {
        return Err(ParseError::at(modules.line, "`modules` must be a mapping"));
    };
    let list = |entries: &mut dyn Iterator<Item = &Entry>| {
        let names: Vec<_> = entries.map(|entry| entry.key.as_str()).collect();
        names.join("`, `")
    };
    if let Some(name) = name {
        let found = entries.iter().find(|entry| entry.key == name);
        return found.map(|entry| &entry.value).ok_or_else(|| {
            let names = list(&mut entries.iter());
            ParseError::at(
                modules.line,
                format!("there is no module `{name}`; there are `{names}`"),
            )
        });
    }
    let mut fitting = entries
        .iter()
        .filter(|entry| has_conversation(&entry.value));
    match (fitting.next(), fitting.next()) {
        (Some(only), None) => Ok(&only.value),
        (Some(_), Some(_)) => {
            let names = list(
                &mut entries
                    .iter()
                    .filter(|entry| has_conversation(&entry.value)),
            );
            Err(ParseError::at(
                modules.line,
                format!("there are several modules: name one as in FILE#NAME, of `{names}`"),
            ))
        }
        (None, _) => Err(ParseError::at(
            modules.line,
            "there is no module with `prober: tcp`",
        )),
    }
}

/// Whether a mapping is a module.
pub(super) fn is_module(node: &Node) -> bool {
    entry(node, "prober").or(entry(node, "tcp")).is_some()
}

/// Parses a module, and returns its settings with the list of its steps, if it has any.
pub(super) fn read(module: &Node) -> Result<(Option<&Node>, Top), ParseError> {
    if let Some(prober) = entry(module, "prober") {
        let named = prober.text("prober")?;
        if named != "tcp" {
            return Err(ParseError::at(
                prober.line,
                format!("only `prober: tcp` holds conversations, not `{named}`"),
            ));
        }
    }
    let whole = Keys::of(module, "a script", TOP_KEYS)?;
    let (outer, inner) = match whole.value("tcp") {
        Some(tcp) => (
            Keys::of(module, "a module", MODULE_KEYS)?,
            Keys::of(tcp, "`tcp`", TCP_KEYS)?,
        ),
        // A module that only opens a connection, or a script that says that it is for TCP.
        None => (whole, whole),
    };
    let top = Top {
        timeout: outer.read("timeout", Node::duration)?,
        quiet_after: outer.read("quiet_after", Node::duration)?,
        telnet: outer.read("telnet", Node::flag)?.unwrap_or(false),
        settings: settings(inner)?,
        ..Top::of_steps(inner)?
    };
    let steps = inner.value("query_response");
    let is_empty = |steps: &&Node| matches!(&steps.value, Value::List(items) if items.is_empty());
    Ok((steps.filter(|steps| !is_empty(steps)), top))
}

fn settings(keys: Keys<'_>) -> Result<ModuleSettings, ParseError> {
    let falls_back = keys.read("ip_protocol_fallback", Node::flag)?;
    let preferred = keys.read("preferred_ip_protocol", family)?;
    let mut settings = ModuleSettings {
        only_family: preferred.filter(|_| falls_back == Some(false)),
        source: keys.read("source_ip_address", |node, key| {
            let wrong = || ParseError::at(node.line, format!("`{key}` must be an IP address"));
            node.text(key)?.parse().map_err(|_| wrong())
        })?,
        ..ModuleSettings::default()
    };
    let Some(node) = keys.value("tls_config") else {
        return Ok(settings);
    };
    let keys = Keys::of(node, "`tls_config`", TLS_KEYS)?;
    let text = |key| {
        let read = |node: &Node, key: &str| node.text(key).map(Box::from);
        keys.read(key, read)
    };
    settings.insecure = keys
        .read("insecure_skip_verify", Node::flag)?
        .unwrap_or(false);
    settings.ca_file = text("ca_file")?;
    settings.cert_file = text("cert_file")?;
    settings.key_file = text("key_file")?;
    settings.server_name = text("server_name")?;
    settings.tls_1_3_only = keys.read("min_version", tls_version)? == Some(13);
    settings.tls_1_2_only = match keys.read("max_version", tls_version)? {
        Some(10 | 11) => {
            return Err(ParseError::at(
                node.line,
                "`max_version` can only be `TLS12` or `TLS13`: older versions are not offered",
            ));
        }
        version => version == Some(12),
    };
    if settings.cert_file.is_some() != settings.key_file.is_some() {
        return Err(ParseError::at(
            node.line,
            "`cert_file` and `key_file` stand only together",
        ));
    }
    Ok(settings)
}

fn family(node: &Node, key: &str) -> Result<OnlyFamily, ParseError> {
    match node.text(key)? {
        "ip4" => Ok(OnlyFamily::V4),
        "ip6" => Ok(OnlyFamily::V6),
        _ => Err(ParseError::at(
            node.line,
            format!("`{key}` can only be `ip4` or `ip6`"),
        )),
    }
}

/// A version of TLS without its point.
fn tls_version(node: &Node, key: &str) -> Result<u32, ParseError> {
    match node.text(key)? {
        "TLS10" => Ok(10),
        "TLS11" => Ok(11),
        "TLS12" => Ok(12),
        "TLS13" => Ok(13),
        _ => Err(ParseError::at(
            node.line,
            format!("`{key}` can only be `TLS10`, `TLS11`, `TLS12` or `TLS13`"),
        )),
    }
}

/// Whether a module is for conversations.
fn has_conversation(module: &Node) -> bool {
    entry(module, "prober").is_some_and(|prober| prober.text("prober").is_ok_and(|it| it == "tcp"))
}

fn entry<'a>(node: &'a Node, key: &str) -> Option<&'a Node> {
    let Value::Map(entries) = &node.value else {
        return None;
    };
    let mut entries = entries.iter();
    entries
        .find(|entry| entry.key == key)
        .map(|entry| &entry.value)
}
