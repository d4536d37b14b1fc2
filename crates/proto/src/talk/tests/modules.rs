//! Modules of blackbox_exporter without a conversation, and files with several.

use std::time::Duration;

use super::rig::{run, talk};
use crate::talk::{ModuleSettings, OnlyFamily, Script, TalkOutput};

/// The modules of blackbox_exporter's example.yml, and what else such files have.
const FILE: &str = r#"
modules:
  http_2xx:
    prober: http
    http:
      preferred_ip_protocol: "ip4"
      fail_if_header_matches:
        - header: Access-Control-Allow-Origin
          regexp: '(\*|example\.com)'
  tcp_connect:
    prober: tcp
  tls_connect:
    prober: tcp
    timeout: 5s
    tcp:
      tls: true
      tls_config:
        insecure_skip_verify: true
        ca_file: ca.pem
        server_name: mail.example.net
        min_version: TLS13
  irc_banner:
    prober: tcp
    tcp:
      preferred_ip_protocol: ip6
      ip_protocol_fallback: false
      source_ip_address: "192.0.2.1"
      query_response:
        - send: "NICK prober"
        - expect: "PING :([^ ]+)"
          send: "PONG ${1}"
"#;

fn module(name: &str) -> Script {
    Script::parse_module(FILE, "blackbox.yml", Some(name)).unwrap()
}

#[test]
fn a_module_without_steps_only_connects() {
    let connect = module("tcp_connect");
    assert!(connect.is_empty() && !connect.tls_from_start());
    let tls = module("tls_connect");
    assert!(tls.is_empty() && tls.tls_from_start() && !tls.udp_ok());
    assert_eq!(tls.timeout(), Some(Duration::from_secs(5)));
    for text in [
        "prober: tcp",
        "prober: tcp\ntcp: {}",
        "tcp: {tls: true}",
        "prober: tcp\ntcp: {query_response: []}",
    ] {
        assert!(Script::parse(text, "x").unwrap().is_empty(), "{text}");
        assert_eq!(run(talk(text), &[]).end, TalkOutput::Matched);
    }
}

#[test]
fn a_module_sets_addresses_and_certificates() {
    assert_eq!(
        *module("tls_connect").settings(),
        ModuleSettings {
            insecure: true,
            ca_file: Some("ca.pem".into()),
            server_name: Some("mail.example.net".into()),
            tls_1_3_only: true,
            ..ModuleSettings::default()
        }
    );
    assert_eq!(
        *module("irc_banner").settings(),
        ModuleSettings {
            only_family: Some(OnlyFamily::V6),
            source: Some("192.0.2.1".parse().unwrap()),
            ..ModuleSettings::default()
        }
    );
    // Which family is preferred is no limit.
    let text = "prober: tcp\ntcp: {preferred_ip_protocol: ip4}";
    let settings = Script::parse(text, "x").unwrap().settings().clone();
    assert_eq!(settings, ModuleSettings::default());
}

#[test]
fn one_of_several_modules_is_named() {
    let error = |text: &str, module: Option<&str>| {
        Script::parse_module(text, "x.yml", module)
            .unwrap_err()
            .to_string()
    };
    for (module, message) in [
        (
            None,
            "x.yml: line 2: there are several modules: name one as in FILE#NAME, of `tcp_connect`, \
             `tls_connect`, `irc_banner`",
        ),
        (
            Some("tcp_conect"),
            "x.yml: line 2: there is no module `tcp_conect`; there are `http_2xx`, `tcp_connect`, \
             `tls_connect`, `irc_banner`",
        ),
        (
            Some("http_2xx"),
            "x.yml: line 4: only `prober: tcp` holds conversations, not `http`",
        ),
    ] {
        assert_eq!(error(FILE, module), message);
    }
    let one = "modules: {a: {prober: http}, b: {prober: tcp, timeout: 3s}}";
    let script = Script::parse(one, "x").unwrap();
    assert_eq!(script.timeout(), Some(Duration::from_secs(3)));
    for (text, module, message) in [
        (
            "- send: a\n",
            Some("a"),
            "x.yml: line 1: there are no `modules`",
        ),
        (
            "modules: {a: {prober: icmp}}",
            None,
            "x.yml: line 1: there is no module with `prober: tcp`",
        ),
        (
            "prober: tcp\ntcp: {tls_config: {max_version: TLS11}}",
            None,
            "x.yml: line 2: `max_version` can only be `TLS12` or `TLS13`: older versions are not offered",
        ),
        (
            "prober: tcp\ntcp: {tls_config: {cert_file: a}}",
            None,
            "x.yml: line 2: `cert_file` and `key_file` stand only together",
        ),
        (
            "prober: tcp\ntcp: {preferred_ip_protocol: ip5}",
            None,
            "x.yml: line 2: `preferred_ip_protocol` can only be `ip4` or `ip6`",
        ),
    ] {
        assert_eq!(error(text, module), message);
    }
}
