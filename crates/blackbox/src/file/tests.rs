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

#[test]
fn a_secret_in_the_wrong_place_is_not_shown_by_the_error() {
    for http in [
        "headers: hunter2",
        "basic_auth: hunter2",
        "basic_auth: {password: [hunter2]}",
        "bearer_token: {hunter: hunter2}",
        "fail_if_ssl: hunter2",
        "valid_status_codes: [hunter2]",
        "valid_status_codes: hunter2",
        "http_headers: {X-Key: hunter2}",
        "tls_config: hunter2",
        "proxy_url: [hunter2]",
        "hunter2",
    ] {
        let error = error(&format!("modules:\n  m:\n    http:\n      {http}\n"));
        assert!(!error.contains("hunter2"), "{http}: {error}");
    }
}

/// What each module of blackbox_exporter's own example uses, with the names of its modules.
const LIKE_THE_EXAMPLE: &str = r#"
modules:
  http_2xx_example:
    prober: http
    timeout: 5s
    http:
      valid_http_versions: ["HTTP/1.1", "HTTP/2.0"]
      valid_status_codes: []
      headers: {Host: a.test, Origin: a.test}
      fail_if_body_not_matches_regexp: ["latest"]
      fail_if_header_matches: [{header: Set-Cookie, allow_missing: true, regexp: '.*'}]
      fail_if_header_not_matches: [{header: Allow, regexp: '(\*|a\.test)'}]
      tls_config: {insecure_skip_verify: false}
      preferred_ip_protocol: "ip4"
      ip_protocol_fallback: false
  http_with_proxy:
    prober: http
    http: {proxy_url: "http://127.0.0.1:3128", skip_resolve_phase_with_proxy: true}
  http_with_proxy_and_headers:
    prober: http
    http:
      proxy_url: "http://127.0.0.1:3128"
      proxy_connect_header: {Proxy-Authorization: [Bearer token]}
  http_post_2xx: {prober: http, timeout: 5s, http: {method: POST, body: '{}'}}
  http_post_body_file: {prober: http, http: {method: POST, body_file: "/files/body.txt"}}
  http_basic_auth_example:
    prober: http
    http: {basic_auth: {username: "u", password: "p"}}
  http_json_cel_match:
    prober: http
    http: {fail_if_body_json_not_matches_cel: "body.foo == 'bar'"}
  http_2xx_oauth_client_credentials:
    prober: http
    http:
      valid_http_versions: ["HTTP/1.1", "HTTP/2"]
      oauth2:
        client_id: i
        client_secret: s
        token_url: "https://a.test/token"
        endpoint_params: {grant_type: "client_credentials"}
  http_custom_ca_example: {prober: http, http: {tls_config: {ca_file: "/certs/a.crt"}}}
  http_gzip: {prober: http, http: {compression: gzip}}
  http_gzip_with_accept_encoding:
    prober: http
    http: {compression: gzip, headers: {Accept-Encoding: gzip}}
  tls_connect: {prober: tcp, timeout: 5s, tcp: {tls: true}}
  smtp_starttls:
    prober: tcp
    tcp:
      query_response:
        - expect: "^220 ([^ ]+) ESMTP (.+)$"
          labels: [{name: host, value: "${1}"}]
        - send: "STARTTLS\r"
        - starttls: true
  irc_banner_example:
    prober: tcp
    tcp:
      query_response:
        - expect: "PING :([^ ]+)"
          send: "PONG ${1}"
  octets: {prober: tcp, tcp: {query_response: [{expect_bytes: "AMQP"}]}}
  icmp_example:
    prober: icmp
    icmp: {preferred_ip_protocol: "ip4", source_ip_address: "127.0.0.1", ttl: 5}
  grpc: {prober: grpc, grpc: {tls: true, metadata: {key: [value]}}}
  unix: {prober: unix, unix: {query_response: [{send: a}]}}
  http3: {prober: http, http: {enable_http3: true, valid_http_versions: ["HTTP/3.0"]}}
  http2: {prober: http, http: {valid_http_versions: ["HTTP/2.0"]}}
  dns_udp_example:
    prober: dns
    dns:
      query_name: "www.a.test"
      query_type: "A"
      valid_rcodes: [NOERROR]
      validate_answer_rrs:
        fail_if_not_matches_regexp: ["www.a.test.\t300\tIN\tA\t127.0.0.1"]
  dns_soa: {prober: dns, dns: {query_name: "a.test", query_type: "SOA"}}
  dns_tls: {prober: dns, dns: {query_name: "a.test", dns_over_tls: true}}
"#;

#[test]
fn what_canvass_lacks_loads_and_is_refused_by_name() {
    let modules = Modules::parse(LIKE_THE_EXAMPLE).unwrap();
    let refused: Vec<_> = modules
        .names()
        .filter_map(|name| {
            let refusal = crate::refusal::check(modules.module(name).unwrap()).err()?;
            Some(format!("{name}: {refusal}"))
        })
        .collect();
    assert_eq!(
        refused,
        [
            "dns_tls: canvass has no DNS over TLS",
            "grpc: canvass has no prober grpc",
            "http2: only HTTP/2.0 would be valid, and canvass speaks HTTP/1",
            "http3: canvass has no HTTP/3",
            "http_2xx_oauth_client_credentials: canvass has no OAuth 2.0",
            "http_json_cel_match: canvass has no CEL",
            "http_with_proxy_and_headers: `proxy_connect_header` is not supported",
            "icmp_example: canvass has no prober icmp",
            "unix: canvass has no prober unix",
        ]
    );
    for name in ["smtp_starttls", "irc_banner_example", "octets"] {
        let steps = &modules.module(name).unwrap().tcp.query_response;
        let conversation = crate::query_response::Conversation::new(steps);
        assert!(conversation.is_ok_and(|it| it.script.is_some()), "{name}");
    }
}

/// docs/SWEEP.md lists them.
#[test]
fn expressions_that_only_go_reads_are_refused() {
    for (regex, is_read) in [
        (r"^+OK", true),
        (r"\x53", true),
        (r"(?s-u:.)", true),
        (r"[\[a]", true),
        (r"\Qa.b\E", false),
        (r"\123", false),
        (r"\C", false),
        (r"{a", false),
        (r"[[a]", false),
    ] {
        let text =
            format!("modules: {{m: {{http: {{fail_if_body_matches_regexp: ['{regex}']}}}}}}");
        assert_eq!(Modules::parse(&text).is_ok(), is_read, "{regex}");
    }
}
