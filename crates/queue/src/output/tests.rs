use super::*;
use crate::{Selection, Source, TargetKind, TargetOptions, stream};
use canvass_model::{RecordType, Target};

fn take(part: OutputPart, line: &str) -> Vec<String> {
    lines::targets(line, part).unwrap_or_else(|reason| panic!("{line}: {reason}"))
}

const PTR: &str = r#"{"seq":0,"line":1,"target":"10.1.2.3","probe":"ptr","outcome":"answered","status":"NOERROR","names":["a.example.","b.example."],"ttl":400}"#;
const FAILED: &str = r#"{"seq":1,"line":2,"target":"10.1.2.4","probe":"ptr","outcome":"failed","status":"TIMEOUT","names":[]}"#;
const MX: &str = r#"{"seq":2,"target":"example.net","probe":"dns","type":"MX","outcome":"answered","status":"NOERROR","answers":[{"name":"example.net.","type":"MX","ttl":300,"data":"10 mail.example.net."},{"name":"example.net.","type":"MX","ttl":300,"data":"0 ."}]}"#;
const A: &str = r#"{"seq":3,"target":"www.example.net.","probe":"dns","type":"A","outcome":"answered","status":"NOERROR","answers":[{"name":"www.example.net.","type":"CNAME","ttl":300,"data":"x.example."},{"name":"x.example.","type":"A","ttl":300,"data":"192.0.2.7"}]}"#;
const HTTP: &str = r#"{"seq":4,"target":"http://a.example/","probe":"http","outcome":"answered","status":"200","remote":"[2001:db8::1]:80"}"#;

#[test]
fn objects_have_names_addresses_and_a_target() {
    use OutputPart::{Addresses, Names, Targets};
    for (line, part, expected) in [
        (PTR, Names, &["a.example", "b.example"][..]),
        (PTR, Addresses, &["10.1.2.3"]),
        (PTR, Targets, &["10.1.2.3"]),
        (FAILED, Names, &[]),
        (FAILED, Addresses, &[]),
        (FAILED, Targets, &["10.1.2.4"]),
        (MX, Names, &["mail.example.net"]),
        (MX, Addresses, &[]),
        (A, Names, &["www.example.net"]),
        (A, Addresses, &["192.0.2.7"]),
        (HTTP, Names, &[]),
        (HTTP, Addresses, &["2001:db8::1"]),
        (HTTP, Targets, &["http://a.example/"]),
    ] {
        assert_eq!(take(part, line), expected, "{part:?} {line}");
    }
}

#[test]
fn lines_of_text_have_them_too() {
    use OutputPart::{Addresses, Names, Targets};
    for (line, part, expected) in [
        (
            "10.1.2.3\tNOERROR\ta.example. b.example.",
            Names,
            &["a.example", "b.example"][..],
        ),
        (
            "10.1.2.3\tNOERROR\ta.example.\tconfirmed",
            Names,
            &["a.example"],
        ),
        (
            "3.2.1.10.in-addr.arpa\tNOERROR\ta.example.",
            Addresses,
            &["10.1.2.3"],
        ),
        ("10.1.2.3\tNOERROR\t-", Names, &[]),
        ("10.1.2.3\tNOERROR\tCNAME 3.x.example.", Names, &[]),
        ("10.1.2.3\tNXDOMAIN\t-", Addresses, &[]),
        ("10.1.2.3\tTIMEOUT\tno answer from 127.0.0.1:53", Names, &[]),
        (
            "10.1.2.3\tTIMEOUT\tno answer from 127.0.0.1:53",
            Targets,
            &["10.1.2.3"],
        ),
        (
            "a.example\tMX\tNOERROR\t10 m.example. | 20 n.example.",
            Names,
            &["m.example", "n.example"],
        ),
        (
            "a.example\tA\tNOERROR\tCNAME b.example. | 192.0.2.7",
            Names,
            &["a.example"],
        ),
        (
            "a.example\tA\tNOERROR\tCNAME b.example. | 192.0.2.7",
            Addresses,
            &["192.0.2.7"],
        ),
        ("a.example\tA\tNOERROR\tCNAME b.example.", Names, &[]),
        (
            "a.example\tCH NS\tNOERROR\tn.example.",
            Names,
            &["n.example"],
        ),
        ("a.example\tA\tTIMEOUT\tno answer", Names, &[]),
        ("http://a.example/\t200\t12\t3ms\t-", Names, &[]),
        (
            "http://a.example/\t200\t12\t3ms\t-",
            Targets,
            &["http://a.example/"],
        ),
        ("192.0.2.1:22\tOPEN\t3ms\t-", Targets, &["192.0.2.1:22"]),
    ] {
        assert_eq!(take(part, line), expected, "{part:?} {line}");
    }
}

#[test]
fn other_lines_are_bad() {
    for line in [
        "a.example",
        "a.example\tb\tc",
        "{}",
        "{\"target\":",
        "0,1,10.1.2.3,ptr,answered,NOERROR",
    ] {
        for part in OutputPart::ALL {
            assert_eq!(
                lines::targets(line, part),
                Err("the line is not output of canvass, as text or ndjson")
            );
        }
    }
}

/// The targets of a list, or why they are bad, with their lines.
fn listed(list: &'static str, part: OutputPart) -> (Vec<(u64, String)>, u64) {
    let selection = OutputSelection::new(part);
    let options = TargetOptions {
        selection: Some(Selection::Output(selection.clone())),
        ..TargetOptions::new(TargetKind::Dns {
            types: vec![RecordType::A],
        })
    };
    let mut jobs = Vec::new();
    let mut source = stream(list.as_bytes(), "list", &options);
    while source.next(1, &mut jobs).unwrap() {}
    let shown = jobs.iter().map(|job| {
        let text = match &job.target {
            Target::Invalid { given, reason } => format!("{given}: {reason}"),
            Target::Name { name, .. } => name.to_string(),
            other => format!("{other:?}"),
        };
        (job.line.map_or(0, u64::from), text)
    });
    (shown.collect(), selection.skipped())
}

#[test]
fn a_line_may_have_several_targets_and_one_without_any_is_counted() {
    let list = "# begins\n\
                10.1.2.3\tNOERROR\ta.example. b.example.\n\
                10.1.2.4\tTIMEOUT\tno answer\n\
                \n\
                {\"target\":\"10.1.2.5\",\"probe\":\"ptr\",\"outcome\":\"answered\",\"names\":[\"c.example.\"]}\n\
                nonsense\n\
                10.1.2.6\tNXDOMAIN\t-";
    let (targets, skipped) = listed(list, OutputPart::Names);
    let expected = [
        (2, "a.example."),
        (2, "b.example."),
        (5, "c.example."),
        (
            6,
            "nonsense: the line is not output of canvass, as text or ndjson",
        ),
    ];
    assert_eq!(
        targets,
        expected.map(|(line, text)| (line, text.to_owned()))
    );
    assert_eq!(skipped, 2);
}

/// Whoever has the reverse zone of an address must not choose what else is asked.
#[test]
fn a_name_that_is_something_else_is_bad() {
    for name in [
        "127.0.0.1.",
        "10.0.0.0/8.",
        "a.0x7f.",
        "1.",
        "http://a.example/.",
        "unix:/run/a.sock.",
        "a@192.0.2.1.",
        "a..b.",
        "a\\032b.",
    ] {
        let host = name.strip_suffix('.').unwrap();
        assert!(!is_host_name(host), "{name}");
    }
    for name in [
        "a",
        "a.example",
        "_dmarc.a.example",
        "1.2.0.192.in-addr.arpa",
        "xn--a.example",
    ] {
        assert!(is_host_name(name), "{name}");
    }
}
