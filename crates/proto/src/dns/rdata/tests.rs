use canvass_model::RecordType;

use crate::dns::{Message, Question};

/// A reply to `x. TYPE` with one record of the given type and data.
fn presentation(record_type: u16, data: &[u8]) -> String {
    let mut wire = vec![0, 1, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0, 1, b'x', 0];
    wire.extend_from_slice(&record_type.to_be_bytes());
    wire.extend_from_slice(&[0, 1, 0xc0, 12]);
    wire.extend_from_slice(&record_type.to_be_bytes());
    wire.extend_from_slice(&[0, 1, 0, 0, 1, 0x90]);
    wire.extend_from_slice(&(data.len() as u16).to_be_bytes());
    wire.extend_from_slice(data);
    let question = Question::new(&"x".parse().unwrap(), RecordType(record_type));
    let answers = Message::new(&wire).unwrap().answers_to(&question).unwrap();
    let records = answers.presentation().unwrap();
    assert_eq!(
        (records.len(), &*records[0].name, records[0].ttl_s),
        (1, "x.", 400)
    );
    records[0].data.to_string()
}

#[test]
fn data_is_shown_as_a_zone_file_shows_it() {
    for (record_type, data, shown) in [
        (1, &[192, 0, 2, 1][..], "192.0.2.1"),
        (
            28,
            &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
            "2001:db8::1",
        ),
        (15, b"\0\x0a\x04mail\xc0\x0c", "10 mail.x."),
        (33, b"\0\x01\0\x02\0\x50\xc0\x0c", "1 2 80 x."),
        (16, b"\x03a\"b\x02\xff ", "\"a\\\"b\" \"\\255 \""),
        (5, b"\x08xn--bcha\0", "xn--bcha."),
        (257, b"\0\x05issueca.example", "0 issue \"ca.example\""),
        (65280, &[1, 2, 0xfe], "\\# 3 0102FE"),
        (65280, &[], "\\# 0"),
    ] {
        assert_eq!(presentation(record_type, data), shown);
    }
}

#[test]
fn broken_data_is_shown_as_it_came() {
    for (record_type, data, shown) in [
        (1, &[192, 0, 2][..], "\\# 3 C00002"),
        (1, &[192, 0, 2, 1, 9], "\\# 5 C000020109"),
        (5, b"\x05ab", "\\# 3 056162"),
        (16, b"\x05ab", "\\# 3 056162"),
    ] {
        assert_eq!(presentation(record_type, data), shown);
    }
}

#[test]
fn names_in_data_are_expanded_and_a_labels_stay() {
    for (record_type, data, shown) in [
        // SOA with a compressed MNAME and timers over 2^31 - 1.
        (
            6,
            b"\xc0\x0c\x01m\xc0\x0c\xff\xff\xff\xff\0\0\0\x01\0\0\0\x02\xff\xff\xff\xfe\0\0\0\x03"
                .as_slice(),
            "x. m.x. 4294967295 1 2 4294967294 3",
        ),
        // NAPTR with a quote and a compressed replacement.
        (
            35,
            b"\0\x01\0\x02\x01u\x03a\"b\0\xc0\x0c",
            "1 2 \"u\" \"a\\\"b\" \"\" x.",
        ),
        // RRSIG whose times are shown as dates.
        (
            46,
            b"\0\x01\x08\x02\0\0\x0e\x10\x80\0\0\0\0\0\0\0\0\x07\x08xn--bcha\0\x01\x02\x03",
            "A 8 2 3600 20380119031408 19700101000000 7 xn--bcha. AQID",
        ),
    ] {
        assert_eq!(presentation(record_type, data), shown);
    }
}

#[test]
fn service_parameters_are_those_of_rfc_9460() {
    // The vectors of RFC 9460 appendix D.2, and parameters that break its rules.
    let foo = b"\0\x10\x03foo\x07example\x03com\0";
    for (params, shown) in [
        (b"".as_slice(), "16 foo.example.com."),
        (b"\0\x03\0\x02\0\x35", "16 foo.example.com. port=53"),
        (
            b"\x02\x9b\0\x05hello",
            "16 foo.example.com. key667=\"hello\"",
        ),
        (
            b"\x02\x9b\0\x09hello\xd2qoo",
            "16 foo.example.com. key667=\"hello\\210qoo\"",
        ),
        (
            b"\0\0\0\x04\0\x01\0\x04\0\x01\0\x09\x02h2\x05h3-19\0\x04\0\x04\xc0\0\x02\x01",
            "16 foo.example.com. mandatory=alpn,ipv4hint alpn=\"h2,h3-19\" ipv4hint=192.0.2.1",
        ),
        (
            b"\0\x01\0\x0c\x08f\\oo,bar\x02h2",
            "16 foo.example.com. alpn=\"f\\\\\\\\oo\\\\,bar,h2\"",
        ),
    ] {
        assert_eq!(presentation(64, &[foo, params].concat()), shown);
    }
    for broken in [
        // Keys that do not ascend, a port of one octet, an empty alpn-id, a cut address.
        b"\0\x03\0\x02\0\x35\0\x03\0\x02\0\x35".as_slice(),
        b"\0\x03\0\x01\x35",
        b"\0\x01\0\x01\0",
        b"\0\x04\0\x03\xc0\0\x02",
    ] {
        let shown = presentation(64, &[foo, broken].concat());
        assert!(shown.starts_with("\\# "), "{shown}");
    }
}
