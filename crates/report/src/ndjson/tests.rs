use super::*;
use crate::fixture;
use crate::write::is_breaking;
use canvass_model::{Answer, Class, HttpExtras, PtrAnswer, RecordType};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::time::Duration;

fn line(outcome: &Outcome) -> String {
    let mut format = Ndjson::new(fixture::epoch());
    let mut out = Vec::new();
    format.header(&mut out);
    format.line(outcome, &mut out);
    String::from_utf8(out).unwrap()
}

fn parsed(outcome: &Outcome) -> Value {
    serde_json::from_str(&line(outcome)).unwrap()
}

#[test]
fn an_answered_ptr_line_is_the_contracts() {
    assert_eq!(
        line(&fixture::ptr_answered()),
        concat!(
            r#"{"seq":0,"line":1,"target":"10.1.2.3","probe":"ptr","outcome":"answered","#,
            r#""status":"NOERROR","names":["host-10-1-2-3.example.net."],"ttl":400,"#,
            r#""resolver":"127.0.0.1:53","transport":"udp","attempts":1,"#,
            r#""started":"2026-01-02T03:04:05.123474Z","latency_ms":0.412,"response_ms":0.43,"#,
            r#""phases_ms":{"wait":0,"dns":0.412},"error":null}"#,
            "\n"
        )
    );
}

#[test]
fn a_negative_ptr_line_has_no_names_and_no_ttl() {
    assert_eq!(
        line(&fixture::ptr_negative()),
        concat!(
            r#"{"seq":1,"line":null,"target":"2001:db8::7","probe":"ptr","outcome":"negative","#,
            r#""status":"NXDOMAIN","names":[],"ttl":null,"resolver":"[::1]:5353","#,
            r#""transport":"tcp","attempts":2,"started":"2026-01-02T03:04:06.123456Z","#,
            r#""latency_ms":200.000001,"response_ms":200.000001,"#,
            r#""phases_ms":{"wait":100,"dns":100.000001},"error":null}"#,
            "\n"
        )
    );
}

#[test]
fn a_timeout_says_why_and_a_stall_is_told() {
    assert_eq!(
        line(&fixture::ptr_timeout()),
        concat!(
            r#"{"seq":2,"line":9,"target":"010.9.9.9","probe":"ptr","outcome":"failed","#,
            r#""status":"TIMEOUT","names":[],"ttl":null,"resolver":"127.0.0.1:53","#,
            r#""transport":"udp","attempts":8,"started":"2026-01-02T03:04:05.123456Z","#,
            r#""latency_ms":10000,"response_ms":10000,"phases_ms":{"wait":0,"dns":10000},"#,
            r#""error":{"phase":"dns","cause":"timeout","#,
            r#""message":"no answer from 127.0.0.1:53 in 8 attempts","errno":null},"#,
            r#""stalled":true}"#,
            "\n"
        )
    );
}

#[test]
fn what_was_never_sent_has_no_latency_and_no_phases() {
    let outcome = fixture::local_failure();
    let value = parsed(&outcome);
    assert_eq!(value["latency_ms"], Value::Null);
    assert_eq!(value["phases_ms"], json!({"wait": null, "dns": null}));
    assert_eq!(value["resolver"], Value::Null);
    assert_eq!(value["transport"], Value::Null);
    assert_eq!(value["response_ms"], json!(5));
    assert_eq!(value["started"], "2026-01-02T03:04:05.123456Z");
    assert_eq!(value["status"], "LOCAL");
    assert_eq!(value["error"]["errno"], "EMFILE");
}

#[test]
fn a_bad_line_has_every_key_for_either_probe() {
    assert_eq!(
        line(&fixture::invalid(ProbeSpec::Ptr {
            forward_confirm: false
        })),
        concat!(
            r#"{"seq":5,"line":6,"target":"not\tan \"address\" \\ ü\u0085","probe":"ptr","#,
            r#""outcome":"failed","status":"INVALID","names":[],"ttl":null,"resolver":null,"#,
            r#""transport":null,"attempts":0,"started":"2026-01-02T03:04:05.123456Z","#,
            r#""latency_ms":null,"response_ms":0,"phases_ms":{"wait":null,"dns":null},"#,
            r#""error":{"phase":"target","cause":"invalid","message":"neither an address nor a name","errno":null}}"#,
            "\n"
        )
    );
    let dns = parsed(&fixture::invalid(ProbeSpec::Dns {
        record_type: RecordType(15),
    }));
    assert_eq!(dns["type"], "MX");
    assert_eq!(dns["answers"], json!([]));
    assert!(dns.get("names").is_none());
}

#[test]
fn what_the_response_says_besides_its_answer_stands_last() {
    let text = line(&fixture::dns_with_details());
    assert!(
        text.ends_with(concat!(
            r#""error":null,"class":"CH","flags":["aa","rd","ra","ad"],"#,
            r#""ede":[{"code":3,"name":"Stale Answer","text":null},"#,
            r#"{"code":49152,"name":null,"text":"a, \u001b[2J\n\"b\""}],"#,
            r#""nsid":{"hex":"6e7331","text":"ns1"},"#,
            r#""subnet":{"prefix":"192.0.2.0/24","scope":0},"edns":true,"#,
            r#""authority":[{"name":"bind.","type":"NS","class":"CH","ttl":0,"data":"bind."}],"#,
            r#""additional":[{"name":"a.bind.","type":"A","ttl":0,"data":"192.0.2.1"}]}"#,
            "\n"
        )),
        "{text}"
    );
}

#[test]
fn a_line_without_a_response_has_no_flags() {
    let mut outcome = fixture::dns_answered();
    outcome.details = None;
    assert_eq!(parsed(&outcome)["flags"], Value::Null);
    assert!(line(&outcome).contains("\"flags\":null}"));
    assert!(!line(&fixture::ptr_answered()).contains("flags"));
}

#[test]
fn a_ptr_line_has_flags_only_where_more_was_asked_for() {
    let mut outcome = fixture::ptr_answered();
    let mut details = fixture::dns_with_details().details.unwrap();
    outcome.details = Some(details.clone());
    assert_eq!(parsed(&outcome)["flags"], json!(["aa", "rd", "ra", "ad"]));
    (details.sections, details.edns) = (None, None);
    outcome.details = Some(details);
    let value = parsed(&outcome);
    assert!(value.get("flags").is_none() && value.get("ede").is_some());
}

#[test]
fn a_dns_line_shows_the_whole_answer_section() {
    assert_eq!(
        line(&fixture::dns_answered()),
        concat!(
            r#"{"seq":6,"line":2,"target":"www.example.net","probe":"dns","type":"A","#,
            r#""outcome":"answered","status":"NOERROR","answers":["#,
            r#"{"name":"www.example.net.","type":"CNAME","ttl":300,"data":"web.example.net."},"#,
            r#"{"name":"web.example.net.","type":"A","ttl":60,"data":"192.0.2.1"},"#,
            r#"{"name":"web.example.net.","type":"A","ttl":60,"data":"192.0.2.2"}],"#,
            r#""resolver":"127.0.0.1:53","transport":"udp","attempts":1,"#,
            r#""started":"2026-01-02T03:04:05.123456Z","latency_ms":1.5,"response_ms":1.5,"#,
            r#""phases_ms":{"wait":0,"dns":1.5},"error":null,"flags":["aa","rd","ra"]}"#,
            "\n"
        )
    );
}

#[test]
fn an_expectation_of_a_lookup_that_does_not_hold_has_two_keys() {
    let value = parsed(&fixture::dns_unexpected());
    assert_eq!(value["outcome"], "negative");
    assert_eq!(value["expected"], "an answer with \"192.0.2.7\"");
    assert_eq!(value["seen"], "192.0.2.1, 192.0.2.2");
    assert_eq!(value["answers"].as_array().map(Vec::len), Some(3));
    let value = parsed(&fixture::ptr_unexpected());
    assert_eq!(value["seen"], "2ms");
    assert!(parsed(&fixture::dns_answered()).get("expected").is_none());
}

#[test]
fn forward_confirmation_adds_its_two_keys_after_ttl() {
    let text = line(&fixture::ptr_confirmed(Some(true)));
    assert!(
        text.contains(concat!(
            r#""ttl":400,"confirmed":true,"#,
            r#""forward":{"a.example.net.":["10.1.2.3","2001:db8::1"],"b.example.net.":[]},"#,
            r#""resolver""#
        )),
        "{text}"
    );
    assert_eq!(
        parsed(&fixture::ptr_confirmed(Some(false)))["confirmed"],
        false
    );
    assert_eq!(
        parsed(&fixture::ptr_confirmed(None))["confirmed"],
        Value::Null
    );
    let mut negative = fixture::ptr_negative();
    negative.job.spec = ProbeSpec::Ptr {
        forward_confirm: true,
    };
    let value = parsed(&negative);
    assert_eq!(value["confirmed"], Value::Null);
    assert_eq!(value["forward"], json!({}));
}

#[test]
fn a_name_that_stands_twice_is_one_key() {
    let mut outcome = fixture::ptr_confirmed(None);
    let Answer::Ptr(PtrAnswer {
        extra: Some(extra), ..
    }) = &mut outcome.answer
    else {
        panic!("the fixture has a confirmation");
    };
    let confirmation = extra.confirmation.as_mut().unwrap();
    confirmation.forward.swap(0, 1);
    confirmation.forward.push(confirmation.forward[0].clone());
    let text = line(&outcome);
    assert!(
        text.contains(
            r#""forward":{"b.example.net.":[],"a.example.net.":["10.1.2.3","2001:db8::1"]}"#
        ),
        "{text}"
    );
}

#[test]
fn an_http_line_is_the_contracts() {
    assert_eq!(
        line(&fixture::http_answered()),
        concat!(
            r#"{"seq":0,"line":1,"target":"http://127.0.0.1:8080/","probe":"http","#,
            r#""outcome":"answered","status":"200","url":"http://127.0.0.1:8080/","#,
            r#""remote":"127.0.0.1:8080","http_version":"1.1","status_code":200,"#,
            r#""content_length":1369,"content_type":"text/html; charset=\"utf-8\"","#,
            r#""server":"nginx","body_bytes":1369,"decoded_bytes":1369,"redirects":[],"#,
            r#""tls":null,"attempts":1,"started":"2026-01-02T03:04:05.123456Z","#,
            r#""latency_ms":0.26,"response_ms":0.26,"phases_ms":{"wait":0,"resolve":null,"#,
            r#""connect":0.05,"tls":null,"first_byte":0.2,"transfer":0.01},"error":null}"#,
            "\n"
        )
    );
}

#[test]
fn redirects_tls_repeats_and_addresses_have_their_keys() {
    let hash = "a5".repeat(32);
    let expected = [
        r#""url":"https://example.net/","remote":"192.0.2.1:443","http_version":"1.1","#,
        r#""status_code":200,"content_length":null,"content_type":null,"server":null,"#,
        r#""body_bytes":5,"decoded_bytes":25,"redirects":[{"url":"http://example.net/","#,
        r#""code":301,"remote":"192.0.2.1:80","location":"https://example.net/"}],"#,
        r#""tls":{"version":"TLSv1.3","cipher":"TLS_AES_128_GCM_SHA256","alpn":"http/1.1","#,
        r#""verified":true,"verify_error":null,"subject":"CN=example.net","#,
        r#""sans":["example.net","*.example.net"],"issuer":"CN=A Root,O=Roots","#,
        r#""not_before":"2025-12-03T03:04:05Z","not_after":"2026-01-29T03:04:05Z","#,
        r#""days_left":27,"sha256":""#,
        &hash,
        r#"","chain_length":2,"ocsp_stapled":false},"repeat":1,"addresses":[{"remote":"[2001:db8::1]:443","#,
        r#""outcome":"failed","status":"CONNREFUSED","phases_ms":{"wait":null,"resolve":null,"#,
        r#""connect":0.03,"tls":null,"first_byte":null,"transfer":null},"#,
        r#""error":{"phase":"connect","cause":"refused","#,
        r#""message":"[2001:db8::1]:443 refused the connection","errno":"ECONNREFUSED"}}],"#,
        r#""attempts":2,"#,
    ]
    .concat();
    let text = line(&fixture::http_redirected(27));
    assert!(text.contains(&expected), "{text}\n{expected}");
}

#[test]
fn the_reason_why_a_body_was_not_saved_is_the_last_key() {
    let outcome = fixture::http_unsaved("no \"space\"");
    let text = line(&outcome);
    let expected = r#""error":null,"body_error":"no \"space\""}"#;
    assert!(text.trim_end().ends_with(expected), "{text}");
}

#[test]
fn what_is_wrong_with_a_response_and_what_follows_it_are_the_last_keys() {
    let text = line(&fixture::http_odd());
    let expected = r#""error":null,"warnings":["status_line","chunk_size"],"surplus_bytes":5}"#;
    assert!(text.trim_end().ends_with(expected), "{text}");
    let regular = parsed(&fixture::http_answered());
    assert!(regular.get("warnings").is_none() && regular.get("surplus_bytes").is_none());
}

#[test]
fn a_certificate_is_shown_also_where_it_is_refused() {
    let value = parsed(&fixture::http_expired());
    assert_eq!(value["status"], "TLS");
    assert_eq!(value["tls"]["verified"], false);
    assert_eq!(value["tls"]["days_left"], -3);
    assert_eq!(value["tls"]["version"], Value::Null);
    assert_eq!(value["error"]["cause"], "expired");
    assert_eq!(value["status_code"], Value::Null);
    let mut none = fixture::http_expired();
    let Answer::Http(answer) = &mut none.answer else {
        panic!("the fixture is of an http probe");
    };
    answer.tls.as_mut().unwrap().certificate = None;
    let tls = &parsed(&none)["tls"];
    assert_eq!((&tls["sans"], &tls["sha256"]), (&json!([]), &Value::Null));
    assert_eq!(tls.as_object().unwrap().len(), 14);
}

#[test]
fn a_tcp_line_is_the_contracts() {
    assert_eq!(
        line(&fixture::tcp_matched()),
        concat!(
            r#"{"seq":3,"line":4,"target":"127.0.0.1:110","probe":"tcp","outcome":"answered","#,
            r#""status":"MATCHED","remote":"127.0.0.1:110","#,
            r#""captures":{"messages":"72","bytes":"1,024"},"sent_bytes":40,"#,
            r#""received_bytes":61,"tls":null,"attempts":1,"#,
            r#""started":"2026-01-02T03:04:05.123456Z","latency_ms":1.34,"response_ms":1.34,"#,
            r#""phases_ms":{"wait":0,"resolve":null,"connect":0.04,"tls":null,"#,
            r#""first_byte":0.3,"transfer":1},"error":null}"#,
            "\n"
        )
    );
}

#[test]
fn a_mismatch_is_told_where_there_is_one() {
    let text = line(&fixture::tcp_unmatched());
    let part = r#""tls":null,"mismatch":"220 is not what /^\\+OK/ matches","attempts""#;
    assert!(text.contains(part), "{text}");
}

#[test]
fn an_expectation_that_did_not_hold_stands_last() {
    let text = line(&fixture::http_unexpected());
    let end = r#""error":null,"expected":"status 200-399,401","seen":"503"}"#;
    assert!(text.ends_with(&format!("{end}\n")), "{text}");
    let text = line(&fixture::tcp_unmatched());
    let end = r#""error":null,"expected":"a line that matches /^\\+OK/","seen":"\"220\""}"#;
    assert!(text.ends_with(&format!("{end}\n")), "{text}");
}

#[test]
fn what_is_asked_for_by_a_flag_has_keys_of_its_own() {
    let text = line(&fixture::http_extras());
    let end = concat!(
        r#""error":null,"headers":[{"name":"Server","value":"nginx"},"#,
        r#"{"name":"Set-Cookie","value":"a=\"b\"\t"},{"name":"Set-Cookie","value":"c"}],"#,
        r#""title":"a < b","body_sha256":"SHA","#,
        r#""favicon":{"url":"http://127.0.0.1:8080/favicon.ico","status":200,"#,
        r#""mmh3":-235701012}}"#,
        "\n"
    );
    assert!(
        text.ends_with(&end.replace("SHA", &"5a".repeat(32))),
        "{text}"
    );
    let hop = concat!(
        r#""location":"http://127.0.0.1:8080/","http_version":"1.1","content_length":0,"#,
        r#""content_type":null,"server":"nginx","tls":null,"phases_ms":{"wait":null,"#,
        r#""resolve":null,"connect":null,"tls":null,"first_byte":0.03,"transfer":null}}],"tls":"#,
    );
    assert!(text.contains(hop), "{text}");

    // What was asked for and is not there is null.
    let mut nothing = fixture::http_answered();
    if let Answer::Http(answer) = &mut nothing.answer {
        answer.extras = Some(Box::new(HttpExtras {
            headers: None,
            title: Some(None),
            body_sha256: Some(None),
            favicon: Some(None),
        }));
    }
    let text = line(&nothing);
    let end = r#""error":null,"title":null,"body_sha256":null,"favicon":null}"#;
    assert!(text.ends_with(&format!("{end}\n")), "{text}");
}

#[test]
fn every_answer_to_a_datagram_is_shown() {
    let value = parsed(&fixture::udp_replies());
    assert_eq!(value["probe"], "udp");
    assert_eq!(
        value["replies"],
        json!([
            {"remote": "127.0.0.1:37", "after_ms": 0.5, "received_bytes": 4, "matched": true,
             "captures": {"drift_s": "0.25"}},
            {"remote": "127.0.0.2:37", "after_ms": 1.25, "received_bytes": 4, "matched": false,
             "captures": {}},
        ])
    );
    assert_eq!(value["phases_ms"]["connect"], Value::Null);
}

#[test]
fn a_bad_line_has_every_key_of_a_probe_of_hosts_and_none_of_the_optional_ones() {
    let keys = |outcome: &Outcome| {
        let mut keys: Vec<String> = parsed(outcome)
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect();
        keys.sort();
        keys
    };
    for (spec, good) in [
        (fixture::HTTP, fixture::http_answered()),
        (fixture::TCP, fixture::tcp_matched()),
    ] {
        let mut bad = fixture::invalid(spec);
        assert_eq!(keys(&bad), keys(&good));
        // An engine that gave a line up before it knew the probe may leave the answer empty.
        bad.answer = Answer::Ptr(PtrAnswer::default());
        assert_eq!(keys(&bad), keys(&good));
        assert_eq!(parsed(&bad)["remote"], Value::Null);
    }
}

fn ms_to_ns(value: &Value) -> u64 {
    let text = value.to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    whole.parse::<u64>().unwrap() * 1_000_000 + format!("{fraction:0<6}").parse::<u64>().unwrap()
}

proptest! {
    #[test]
    fn every_outcome_is_valid_json_on_one_line(outcome in fixture::any_outcome()) {
        let text = line(&outcome);
        prop_assert_eq!(text.matches(|c: char| c == '\n' || is_breaking(c)).count(), 1);
        prop_assert!(text.ends_with('\n'));
        let value: Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(value["seq"].as_u64(), Some(outcome.job.seq));
        prop_assert_eq!(value["target"].as_str().unwrap(), fixture::target_string(&outcome));
        prop_assert_eq!(value["status"].as_str().unwrap(), outcome.status.to_string());
        prop_assert_eq!(value["attempts"].as_u64(), Some(outcome.attempts.into()));
        prop_assert_eq!(value["stalled"].as_bool().unwrap_or(false), outcome.stalled);
        if matches!(outcome.answer, Answer::Ptr(_) | Answer::Dns(_)) {
            let errors = outcome.details.iter().flat_map(|details| &details.errors);
            let errors: Vec<Value> = errors.map(|error| json!({
                "code": error.code, "name": error.name(), "text": error.text.as_deref(),
            })).collect();
            prop_assert_eq!(value["ede"].as_array().cloned().unwrap_or_default(), errors);
        }
        match &outcome.answer {
            Answer::Ptr(answer) => {
                let names: Vec<&str> = answer.names.iter().map(|name| &**name).collect();
                prop_assert_eq!(&value["names"], &json!(names));
                prop_assert_eq!(&value["ttl"], &json!(answer.ttl_s));
            }
            Answer::Dns(answer) => {
                let records: Vec<Value> = answer.records.iter().map(|record| {
                    let mut object = json!({
                        "name": &*record.name, "type": record.record_type.to_string(),
                        "ttl": record.ttl_s, "data": &*record.data,
                    });
                    if record.class != Class::IN {
                        object["class"] = record.class.to_string().into();
                    }
                    object
                }).collect();
                prop_assert_eq!(&value["answers"], &json!(records));
            }
            Answer::Http(answer) => {
                let url = (!answer.url.is_empty()).then_some(&*answer.url);
                prop_assert_eq!(value["url"].as_str(), url);
                prop_assert_eq!(&value["status_code"], &json!(answer.code));
                prop_assert_eq!(&value["server"], &json!(answer.server.as_deref()));
                prop_assert_eq!(value["redirects"].as_array().map(Vec::len), Some(answer.redirects.len()));
                prop_assert_eq!(value.get("repeat").cloned(), answer.repeat.map(|n| json!(n)));
                prop_assert_eq!(value.get("addresses").is_some(), answer.addresses.is_some());
                prop_assert_eq!(value["tls"].is_null(), answer.tls.is_none());
                let proxy = value.get("proxy").map(|text| text.as_str().unwrap());
                prop_assert_eq!(proxy, answer.proxy.as_deref());
                let extras = answer.extras.as_deref();
                let title = extras.and_then(|extras| extras.title.as_ref());
                prop_assert_eq!(value.get("title").cloned(), title.map(|title| json!(title.as_deref())));
                let headers = extras.and_then(|extras| extras.headers.as_ref()).map(Vec::len);
                prop_assert_eq!(value.get("headers").map(|all| all.as_array().unwrap().len()), headers);
                for (shown, hop) in value["redirects"].as_array().unwrap().iter().zip(&answer.redirects) {
                    prop_assert_eq!(shown.get("phases_ms").is_some(), hop.details.is_some());
                }
            }
            Answer::Talk(answer) => {
                let captures: serde_json::Map<String, Value> = answer.captures.iter()
                    .map(|(name, text)| (name.to_string(), json!(&**text))).collect();
                prop_assert_eq!(&value["captures"], &Value::Object(captures));
                let remote = answer.remote.as_ref().map(ToString::to_string);
                prop_assert_eq!(value["remote"].as_str(), remote.as_deref());
                prop_assert_eq!(value.get("replies").is_some(), answer.replies.is_some());
                prop_assert_eq!(value.get("captures_hex").is_some(), !answer.captures_hex.is_empty());
                let mismatch = value.get("mismatch").map(|text| text.as_str().unwrap());
                prop_assert_eq!(mismatch, answer.mismatch.as_deref());
                let proxy = value.get("proxy").map(|text| text.as_str().unwrap());
                prop_assert_eq!(proxy, answer.proxy.as_deref());
            }
        }
        let unmet = outcome.answer.unmet();
        let seen = value.get("seen").map(|text| text.as_str().unwrap());
        prop_assert_eq!(seen, unmet.map(|unmet| &*unmet.seen));
        match &outcome.fault {
            Some(fault) => prop_assert_eq!(value["error"]["message"].as_str(), Some(&*fault.message)),
            None => prop_assert_eq!(&value["error"], &Value::Null),
        }
        if let Some(latency) = outcome.latency() {
            // A float keeps the nanoseconds of spans up to a hundred days.
            if latency < Duration::from_secs(8_000_000) {
                prop_assert_eq!(u128::from(ms_to_ns(&value["latency_ms"])), latency.as_nanos());
                let phases = value["phases_ms"].as_object().unwrap();
                let sum: u64 = phases.values().filter(|span| !span.is_null()).map(ms_to_ns).sum();
                prop_assert_eq!(u128::from(sum), latency.as_nanos());
            }
        }
    }
}
