use super::*;

fn error(text: &str) -> String {
    Modules::parse(text).unwrap_err().to_string()
}

#[test]
fn an_unknown_key_is_refused_with_its_line() {
    for (text, key, line) in [
        (
            "modules:\n  a:\n    prober: http\n    htpp: {}\n",
            "htpp",
            "line 4",
        ),
        (
            "modules:\n  a:\n    prober: http\n    http:\n      metod: GET\n",
            "metod",
            "line 5",
        ),
        ("module:\n  a: {}\n", "module", "line 1"),
        (
            "modules:\n  a:\n    tcp:\n      query_response:\n        - expct: x\n",
            "expct",
            "line 5",
        ),
        (
            "modules:\n  a:\n    tcp:\n      tls_config:\n        ca_fle: x\n",
            "ca_fle",
            "line 5",
        ),
    ] {
        let error = error(text);
        assert!(error.contains(key) && error.contains(line), "{error}");
    }
}

#[test]
fn what_blackbox_exporter_does_not_accept_is_refused() {
    for (module, reason) in [
        ("{dns: {query_type: A}}", "query_name"),
        ("{dns: {query_name: a, query_type: AX}}", "AX"),
        ("{dns: {query_name: a, query_class: XX}}", "XX"),
        ("{dns: {query_name: a, transport_protocol: sctp}}", "sctp"),
        (
            "{http: {fail_if_body_matches_regexp: ['(']}}",
            "regular expression",
        ),
        ("{http: {fail_if_header_matches: [{header: A}]}}", "regexp"),
        ("{http: {fail_if_header_matches: [{regexp: A}]}}", "header"),
        ("{http: {body: a, body_file: b}}", "exclude"),
        ("{http: {basic_auth: {}, bearer_token: b}}", "at most one"),
        (
            "{http: {compression: gzip, headers: {Accept-Encoding: br}}}",
            "not accepted",
        ),
        ("{timeout: 5d}", "duration"),
        ("{http: {body_size_limit: many}}", "octets"),
        ("{icmp: {ttl: 256}}", "u8"),
    ] {
        let error = error(&format!("modules: {{m: {module}}}"));
        assert!(error.contains(reason), "{module}: {error}");
    }
}

#[test]
fn a_section_may_be_empty() {
    let modules = Modules::parse("modules:\n  a:\n    prober: http\n    http:\n").unwrap();
    assert_eq!(modules.names().collect::<Vec<_>>(), ["a"]);
    assert!(Modules::parse("modules:\n").is_ok());
}

#[test]
fn the_defaults_are_those_of_blackbox_exporter() {
    let text = "modules: {a: {prober: dns, dns: {query_name: a.test}}}";
    let modules = Modules::parse(text).unwrap();
    let module = modules.module("a").unwrap();
    assert!(module.http.follows() && module.http.ip_protocol_fallback);
    assert!(module.tcp.ip_protocol_fallback && !module.tcp.tls);
    assert_eq!(module.http.preferred_ip_protocol, IpProtocol::Ip6);
    let dns = module.dns.as_ref().unwrap();
    assert!(dns.recursion_desired && dns.ip_protocol_fallback);
    assert_eq!(dns.query_type.to_string(), "ANY");
    assert_eq!(dns.query_class.to_string(), "IN");
}

#[test]
fn no_secret_is_shown() {
    let text = r#"
modules:
  a:
    prober: http
    http:
      headers: {Authorization: hunter2, Cookie: hunter2}
      http_headers: {X-Key: {secrets: [hunter2], values: [hunter2]}}
      basic_auth: {username: me, password: hunter2}
      body: hunter2
      proxy_url: http://me:hunter2@proxy.test
      tls_config: {key: hunter2}
  b:
    prober: tcp
    tcp: {query_response: [{send: "PASS hunter2"}]}
  c:
    prober: http
    http: {oauth2: {client_secret: hunter2, endpoint_params: {a: hunter2}}}
"#;
    let modules = Modules::parse(text).unwrap();
    let shown = modules.shown();
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("\"username\": \"me\""), "{shown}");
    assert!(!format!("{modules:?}").contains("hunter2"));
}
