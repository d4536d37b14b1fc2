//! One JSON object a line, every key on every line.
//!
//! The keys and their order are the contract that docs and scripts are written against. What is
//! not known is null. Times in milliseconds are exact to the nanosecond, so that the phases add
//! up to `latency_ms`. Lines are built by hand: this is the path of every outcome of a run of
//! millions.

use std::net::{IpAddr, SocketAddr};

use canvass_model::{
    Answer, Confirmation, DnsAnswer, Fault, Outcome, ProbeSpec, PtrAnswer, Record, RecordType,
};

use crate::epoch::Calendar;
use crate::write::{
    LastSpan, TargetText, is_breaking, is_plain, push_address, push_display, push_number,
    push_socket_address, push_status, target_text,
};
use crate::{Epoch, LineFormat};

/// The `ndjson` format (RFC 8259, one object a line).
///
/// Control characters and the separators U+2028 and U+2029 are always escaped, so that no
/// reader finds a line end inside a line; other characters stand as UTF-8.
pub struct Ndjson {
    calendar: Calendar,
    /// The last resolver, as it is written: mostly it is the next one too.
    resolver: Option<(SocketAddr, Vec<u8>)>,
}

impl Ndjson {
    /// For a run that began at `epoch`.
    pub fn new(epoch: Epoch) -> Self {
        Self {
            calendar: Calendar::new(epoch),
            resolver: None,
        }
    }

    fn push_resolver(&mut self, out: &mut Vec<u8>, resolver: SocketAddr) {
        match &self.resolver {
            Some((known, text)) if *known == resolver => out.extend_from_slice(text),
            _ => {
                let mut text = vec![b'"'];
                push_socket_address(&mut text, resolver);
                text.push(b'"');
                out.extend_from_slice(&text);
                self.resolver = Some((resolver, text));
            }
        }
    }
}

impl LineFormat for Ndjson {
    fn header(&mut self, _out: &mut Vec<u8>) {}

    fn line(&mut self, outcome: &Outcome, out: &mut Vec<u8>) {
        let job = &outcome.job;
        put(out, "{\"seq\":");
        push_number(out, job.seq);
        put(out, ",\"line\":");
        push_or_null(out, job.line, |out, line| push_number(out, line.get()));
        put(out, ",\"target\":");
        match target_text(&job.target) {
            TargetText::Given(given) => push_string(out, given),
            TargetText::Canonical(address) => push_quoted_address(out, address),
        }
        match job.spec {
            ProbeSpec::Ptr { .. } => put(out, ",\"probe\":\"ptr\""),
            ProbeSpec::Dns { record_type } => {
                put(out, ",\"probe\":\"dns\",\"type\":");
                push_record_type(out, record_type);
            }
        }
        put(out, ",\"outcome\":\"");
        put(out, outcome.verdict.as_str());
        put(out, "\",\"status\":\"");
        push_status(out, outcome.status);
        put(out, "\"");
        match job.spec {
            ProbeSpec::Ptr { forward_confirm } => {
                push_ptr(out, ptr_answer(outcome), forward_confirm);
            }
            ProbeSpec::Dns { .. } => push_records(out, dns_answer(outcome)),
        }
        put(out, ",\"resolver\":");
        push_or_null(out, outcome.resolver, |out, resolver| {
            self.push_resolver(out, resolver);
        });
        put(out, ",\"transport\":");
        push_or_null(out, outcome.transport, |out, transport| {
            put(out, "\"");
            put(out, transport.as_str());
            put(out, "\"");
        });
        put(out, ",\"attempts\":");
        push_number(out, outcome.attempts);
        put(out, ",\"started\":\"");
        self.calendar
            .push(out, outcome.first_send.unwrap_or(outcome.due));
        put(out, "\",\"latency_ms\":");
        let mut spans = LastSpan::default();
        spans.push(out, outcome.latency());
        put(out, ",\"response_ms\":");
        spans.push(out, Some(outcome.response()));
        put(out, ",\"phases_ms\":{\"wait\":");
        spans.push(out, outcome.phases.wait);
        put(out, ",\"dns\":");
        spans.push(out, outcome.phases.dns);
        put(out, "},\"error\":");
        push_or_null(out, outcome.fault.as_deref(), push_fault);
        put(
            out,
            if outcome.stalled {
                ",\"stalled\":true}\n"
            } else {
                "}\n"
            },
        );
    }
}

fn ptr_answer(outcome: &Outcome) -> Option<&PtrAnswer> {
    match &outcome.answer {
        Answer::Ptr(answer) => Some(answer),
        Answer::Dns(_) => None,
    }
}

fn dns_answer(outcome: &Outcome) -> Option<&DnsAnswer> {
    match &outcome.answer {
        Answer::Dns(answer) => Some(answer),
        Answer::Ptr(_) => None,
    }
}

fn push_ptr(out: &mut Vec<u8>, answer: Option<&PtrAnswer>, forward_confirm: bool) {
    put(out, ",\"names\":[");
    let names = answer.map_or(&[][..], |answer| &answer.names);
    push_list(out, names, |out, name| push_string(out, name));
    put(out, "],\"ttl\":");
    push_or_null(out, answer.and_then(|answer| answer.ttl_s), push_number);
    if forward_confirm {
        push_confirmation(
            out,
            answer.and_then(|answer| answer.confirmation.as_deref()),
        );
    }
}

fn push_confirmation(out: &mut Vec<u8>, confirmation: Option<&Confirmation>) {
    put(out, ",\"confirmed\":");
    put(
        out,
        match confirmation.and_then(|confirmation| confirmation.confirmed) {
            Some(true) => "true",
            Some(false) => "false",
            None => "null",
        },
    );
    put(out, ",\"forward\":{");
    let forward = confirmation.map_or(&[][..], |confirmation| &confirmation.forward);
    let mut separator = "";
    for (index, (name, addresses)) in forward.iter().enumerate() {
        // A name may stand twice in an answer, and a key may not stand twice in an object.
        if forward[..index].iter().any(|(earlier, _)| earlier == name) {
            continue;
        }
        put(out, separator);
        separator = ",";
        push_string(out, name);
        put(out, ":[");
        push_list(out, addresses, |out, address| {
            push_quoted_address(out, *address);
        });
        put(out, "]");
    }
    put(out, "}");
}

fn push_records(out: &mut Vec<u8>, answer: Option<&DnsAnswer>) {
    put(out, ",\"answers\":[");
    let records = answer.map_or(&[][..], |answer| &answer.records);
    push_list(out, records, push_record);
    put(out, "]");
}

fn push_record(out: &mut Vec<u8>, record: &Record) {
    put(out, "{\"name\":");
    push_string(out, &record.name);
    put(out, ",\"type\":");
    push_record_type(out, record.record_type);
    put(out, ",\"ttl\":");
    push_number(out, record.ttl_s);
    put(out, ",\"data\":");
    push_string(out, &record.data);
    put(out, "}");
}

fn push_fault(out: &mut Vec<u8>, fault: &Fault) {
    put(out, "{\"phase\":\"");
    push_display(out, fault.phase);
    put(out, "\",\"cause\":\"");
    push_display(out, fault.cause);
    put(out, "\",\"message\":");
    push_string(out, &fault.message);
    put(out, ",\"errno\":");
    push_or_null(out, fault.errno, |out, errno| {
        put(out, "\"");
        push_display(out, errno);
        put(out, "\"");
    });
    put(out, "}");
}

fn push_record_type(out: &mut Vec<u8>, record_type: RecordType) {
    put(out, "\"");
    push_display(out, record_type);
    put(out, "\"");
}

fn push_quoted_address(out: &mut Vec<u8>, address: IpAddr) {
    put(out, "\"");
    push_address(out, address);
    put(out, "\"");
}

fn push_or_null<T>(out: &mut Vec<u8>, value: Option<T>, push: impl FnOnce(&mut Vec<u8>, T)) {
    match value {
        Some(value) => push(out, value),
        None => put(out, "null"),
    }
}

fn push_list<T>(out: &mut Vec<u8>, items: &[T], push: impl Fn(&mut Vec<u8>, &T)) {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            put(out, ",");
        }
        push(out, item);
    }
}

/// Appends `text` as a JSON string (RFC 8259 §7), quotes included.
fn push_string(out: &mut Vec<u8>, text: &str) {
    put(out, "\"");
    if is_plain(text) {
        put(out, text);
    } else {
        push_escaped(out, text);
    }
    put(out, "\"");
}

#[cold]
fn push_escaped(out: &mut Vec<u8>, text: &str) {
    for character in text.chars() {
        match character {
            '"' => put(out, "\\\""),
            '\\' => put(out, "\\\\"),
            '\n' => put(out, "\\n"),
            '\r' => put(out, "\\r"),
            '\t' => put(out, "\\t"),
            // All of these lie below U+10000, so four digits hold them.
            breaking if is_breaking(breaking) => {
                push_display(out, format_args!("\\u{:04x}", u32::from(breaking)));
            }
            plain => put(out, plain.encode_utf8(&mut [0; 4])),
        }
    }
}

fn put(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
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
                r#""phases_ms":{"wait":0,"dns":1.5},"error":null}"#,
                "\n"
            )
        );
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
            confirmation: Some(confirmation),
            ..
        }) = &mut outcome.answer
        else {
            panic!("the fixture has a confirmation");
        };
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

    fn ms_to_ns(value: &Value) -> u64 {
        let text = value.to_string();
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        whole.parse::<u64>().unwrap() * 1_000_000
            + format!("{fraction:0<6}").parse::<u64>().unwrap()
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
            match &outcome.answer {
                Answer::Ptr(answer) => {
                    let names: Vec<&str> = answer.names.iter().map(|name| &**name).collect();
                    prop_assert_eq!(&value["names"], &json!(names));
                    prop_assert_eq!(&value["ttl"], &json!(answer.ttl_s));
                }
                Answer::Dns(answer) => {
                    let records: Vec<Value> = answer.records.iter().map(|record| json!({
                        "name": &*record.name, "type": record.record_type.to_string(),
                        "ttl": record.ttl_s, "data": &*record.data,
                    })).collect();
                    prop_assert_eq!(&value["answers"], &json!(records));
                }
            }
            match &outcome.fault {
                Some(fault) => prop_assert_eq!(value["error"]["message"].as_str(), Some(&*fault.message)),
                None => prop_assert_eq!(&value["error"], &Value::Null),
            }
            if let Some(latency) = outcome.latency() {
                // A float keeps the nanoseconds of spans up to a hundred days.
                if latency < Duration::from_secs(8_000_000) {
                    prop_assert_eq!(u128::from(ms_to_ns(&value["latency_ms"])), latency.as_nanos());
                    let phases = &value["phases_ms"];
                    prop_assert_eq!(
                        u128::from(ms_to_ns(&phases["wait"]) + ms_to_ns(&phases["dns"])),
                        latency.as_nanos()
                    );
                }
            }
        }
    }
}
