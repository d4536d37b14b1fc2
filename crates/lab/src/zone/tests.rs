use super::*;

use canvass_model::DnsName;
use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::Record;
use proptest::prelude::*;

use crate::testing::query;

const EDNS: Option<u16> = Some(1232);
const A: u16 = 1;
const NS: u16 = 2;
const CNAME: u16 = 5;
const SOA: u16 = 6;
const PTR: u16 = 12;
const MX: u16 = 15;
const TXT: u16 = 16;
const AAAA: u16 = 28;
const SRV: u16 = 33;
const ANY: u16 = 255;

fn answer_to(query: &[u8], transport: Transport) -> (Message, ResponseStatus) {
    let mut reply = b"before".to_vec();
    let status = Zone::default()
        .respond(query, transport, ResponseMode::Answer, &mut reply)
        .unwrap();
    let message = reply.strip_prefix(b"before").unwrap();
    (Message::from_vec(message).unwrap(), status)
}

fn ask(name: &str, record_type: u16) -> Message {
    let (message, status) = answer_to(&query(7, name, record_type, EDNS), Transport::Udp);
    assert_eq!(message.metadata.id, 7);
    assert_eq!(
        u16::from(message.metadata.response_code),
        status.rcode.0,
        "{name}"
    );
    assert!(message.answers.iter().all(|record| record.ttl == 400));
    message
}

/// Owner, type and data of each record.
fn texts(records: &[Record]) -> Vec<String> {
    let text = |record: &Record| {
        let text = format!("{} {} {}", record.name, record.record_type(), record.data);
        // hickory-proto escapes the slash of RFC 2317, which needs no escape.
        text.replace("\\/", "/")
    };
    records.iter().map(text).collect()
}

fn arpa(address: IpAddr) -> String {
    let mut wire = [0; 74];
    let length = canvass_model::reverse_name(address, &mut wire);
    DnsName::from_wire(&wire[..length]).unwrap().to_string()
}

/// The names of a PTR lookup, and its code.
fn lookup(address: IpAddr) -> (ResponseCode, Vec<String>) {
    let message = ask(&arpa(address), PTR);
    let names = message
        .answers
        .iter()
        .filter(|record| u16::from(record.record_type()) == PTR)
        .map(|record| record.data.to_string())
        .collect();
    (message.metadata.response_code, names)
}

fn addresses(name: &str, address: IpAddr) -> Vec<String> {
    let record_type = if address.is_ipv4() { A } else { AAAA };
    let message = ask(name, record_type);
    let data = |record: &Record| record.data.to_string();
    message.answers.iter().map(data).collect()
}

fn has_soa_of(message: &Message, apex: &str) -> bool {
    matches!(&message.authorities[..], [soa]
        if soa.name.to_string() == apex && u16::from(soa.record_type()) == SOA)
}

#[test]
fn an_address_has_the_name_written_from_it() {
    for (address, name) in [
        ("10.1.2.3", "host-10-1-2-3.example.net."),
        ("255.100.0.99", "host-255-100-0-99.example.net."),
        ("2001:db8::1", "host-2001-db8-0-0-0-0-0-1.example.net."),
        ("::", "host-0-0-0-0-0-0-0-0.example.net."),
    ] {
        let expected = (ResponseCode::NoError, vec![name.to_owned()]);
        assert_eq!(lookup(address.parse().unwrap()), expected);
    }
}

#[test]
fn last_octet_7_is_nxdomain_with_the_zones_soa() {
    for (name, apex) in [
        ("7.2.1.10.in-addr.arpa", "in-addr.arpa."),
        ("39.2.1.10.IN-ADDR.arpa", "IN-ADDR.arpa."),
        (&arpa("2001:db8::7".parse().unwrap()), "ip6.arpa."),
    ] {
        let message = ask(name, PTR);
        assert_eq!(message.metadata.response_code, ResponseCode::NXDomain);
        assert!(message.answers.is_empty());
        assert!(has_soa_of(&message, apex), "{name}");
    }
}

#[test]
fn last_octet_11_has_no_data() {
    let message = ask("11.2.1.10.in-addr.arpa", PTR);
    assert_eq!(message.metadata.response_code, ResponseCode::NoError);
    assert!(message.answers.is_empty());
    assert!(has_soa_of(&message, "in-addr.arpa."));
}

#[test]
fn last_octet_13_names_another_address() {
    let spoofed: IpAddr = "10.1.2.13".parse().unwrap();
    let (_, names) = lookup(spoofed);
    assert_eq!(names, ["host-10-1-2-13.example.net."]);
    assert_eq!(addresses(&names[0], spoofed), ["10.1.2.12"]);
}

#[test]
fn last_octet_17_has_two_names_that_both_lead_back() {
    let address: IpAddr = "10.1.2.17".parse().unwrap();
    let (_, names) = lookup(address);
    assert_eq!(
        names,
        [
            "host-10-1-2-17.example.net.",
            "alias-10-1-2-17.example.net."
        ]
    );
    for name in names {
        assert_eq!(addresses(&name, address), ["10.1.2.17"]);
    }
}

#[test]
fn last_octet_19_is_answered_by_a_cname() {
    for (asked, target, name) in [
        (
            "19.2.1.10.in-addr.arpa",
            "19.0/25.2.1.10.in-addr.arpa.",
            "host-10-1-2-19.example.net.",
        ),
        (
            "147.2.1.10.in-addr.arpa",
            "147.128/25.2.1.10.in-addr.arpa.",
            "host-10-1-2-147.example.net.",
        ),
    ] {
        let message = ask(asked, PTR);
        let expected = [
            format!("{asked}. CNAME {target}"),
            format!("{target} PTR {name}"),
        ];
        assert_eq!(texts(&message.answers), expected);
        // The target of the CNAME can be queried as well.
        let direct = ask(target, PTR);
        assert_eq!(texts(&direct.answers), expected[1..]);
        assert_eq!(texts(&ask(asked, CNAME).answers), expected[..1]);
    }
}

#[test]
fn a_delegated_name_exists_only_where_a_cname_leads() {
    for name in [
        "20.0/25.2.1.10.in-addr.arpa",
        "19.128/25.2.1.10.in-addr.arpa",
        "19.0/26.2.1.10.in-addr.arpa",
        "19.0/25.300.1.10.in-addr.arpa",
    ] {
        let code = ask(name, PTR).metadata.response_code;
        assert_eq!(code, ResponseCode::NXDomain, "{name}");
    }
}

#[test]
fn names_above_addresses_exist_and_names_beside_them_do_not() {
    for (name, code) in [
        ("2.1.10.in-addr.arpa", ResponseCode::NoError),
        ("0/25.2.1.10.in-addr.arpa", ResponseCode::NoError),
        ("8.b.d.0.1.0.0.2.ip6.arpa", ResponseCode::NoError),
        ("in-addr.arpa", ResponseCode::NoError),
        ("256.1.10.in-addr.arpa", ResponseCode::NXDomain),
        ("03.2.1.10.in-addr.arpa", ResponseCode::NXDomain),
        ("1.3.2.1.10.in-addr.arpa", ResponseCode::NXDomain),
        ("g.b.d.0.1.0.0.2.ip6.arpa", ResponseCode::NXDomain),
        ("host-1-2-3.example.net", ResponseCode::NXDomain),
        ("a.host-1-2-3-4.example.net", ResponseCode::NXDomain),
        ("_tcp.example.net", ResponseCode::NoError),
        ("example.com", ResponseCode::Refused),
        ("arpa", ResponseCode::Refused),
        (".", ResponseCode::Refused),
    ] {
        let message = ask(name, PTR);
        assert_eq!(message.metadata.response_code, code, "{name}");
        assert!(message.answers.is_empty(), "{name}");
    }
}

#[test]
fn expected_names_are_what_a_lookup_gives() {
    let addresses = (0..=255u8).flat_map(|last| {
        let v6 = u128::from(last) | 0x2001_0db8 << 96;
        [
            IpAddr::from([10, 1, 2, last]),
            IpAddr::from(v6.to_be_bytes()),
        ]
    });
    for address in addresses {
        let expected = expected_names(address);
        let (code, names) = lookup(address);
        assert_eq!(u16::from(code), expected.rcode.0, "{address}");
        assert_eq!(names, expected.names, "{address}");
        let leads_back =
            |name: &String| self::addresses(name, address).contains(&address.to_string());
        let confirmed = (!names.is_empty()).then(|| names.iter().any(leads_back));
        assert_eq!(confirmed, expected.confirmed, "{address}");
    }
}

#[test]
fn the_apex_has_records_of_many_types() {
    for (record_type, expected) in [
        (
            SOA,
            "ns1.example.net. hostmaster.example.net. 1 3600 600 86400 400",
        ),
        (A, "192.0.2.10"),
        (AAAA, "2001:db8::a"),
        (NS, "ns1.example.net."),
        (MX, "10 mail.example.net."),
        (64, "1 web.example.net. alpn=h2,http/1.1, port=443"),
        (65, "1 . alpn=h2,http/1.1, port=443"),
        (257, "0 issue \"ca.example\""),
    ] {
        let message = ask("example.net", record_type);
        let [first, ..] = &message.answers[..] else {
            panic!("no record of type {record_type}");
        };
        assert_eq!(u16::from(first.record_type()), record_type);
        assert_eq!(first.data.to_string(), expected);
    }
    assert_eq!(ask("example.net", ANY).answers.len(), 12);
    let unknown = ask("example.net", 65_280);
    assert_eq!(u16::from(unknown.answers[0].record_type()), 65_280);
    assert!(has_soa_of(&ask("example.net", 99), "example.net."));
}

#[test]
fn text_has_several_strings_of_any_octets() {
    let message = ask("example.net", TXT);
    let hickory_proto::rr::RData::TXT(text) = &message.answers[0].data else {
        panic!("no TXT");
    };
    let strings: Vec<&[u8]> = text.txt_data.iter().map(AsRef::as_ref).collect();
    let expected: [&[u8]; 3] = [b"v=spf1 mx -all", b"say \"hi\" \\ bye", b"\xffraw\0"];
    assert_eq!(strings, expected);
}

#[test]
fn addresses_of_targets_are_in_the_additional_section_only() {
    for (name, record_type, answers) in [
        ("example.net", MX, 2),
        ("example.net", NS, 2),
        ("in-addr.arpa", NS, 2),
        ("_http._tcp.example.net", SRV, 1),
    ] {
        let message = ask(name, record_type);
        assert_eq!(message.answers.len(), answers, "{name}");
        assert_eq!(message.additionals.len(), 2 * answers, "{name}");
    }
    let mail = texts(&ask("example.net", MX).additionals);
    assert_eq!(mail[0], "mail.example.net. A 192.0.2.25");
    assert_eq!(mail[1], "mail.example.net. AAAA 2001:db8::19");
}

#[test]
fn a_cname_is_followed_within_the_zone() {
    assert_eq!(
        texts(&ask("www.example.net", A).answers),
        [
            "www.example.net. CNAME web.example.net.",
            "web.example.net. A 192.0.2.80"
        ]
    );
    // NODATA at the end of the chain (RFC 2308 §2.2).
    let message = ask("www.example.net", MX);
    assert_eq!(message.answers.len(), 1);
    assert!(has_soa_of(&message, "example.net."));
    // NXDOMAIN at the end of the chain (RFC 6604 §3).
    let message = ask("dangling.example.net", A);
    assert_eq!(message.answers.len(), 1);
    assert_eq!(message.metadata.response_code, ResponseCode::NXDomain);
}

#[test]
fn what_does_not_fit_is_truncated_over_udp_and_whole_over_tcp() {
    for (size, transport, truncated) in [
        (None, Transport::Udp, true),
        (Some(1232), Transport::Udp, true),
        (Some(8192), Transport::Udp, false),
        (None, Transport::Tcp, false),
    ] {
        let query = query(1, "big.example.net", TXT, size);
        let (message, status) = answer_to(&query, transport);
        assert_eq!(message.metadata.truncation, truncated, "{size:?}");
        assert_eq!(status.truncated, truncated, "{size:?}");
        assert_eq!(message.answers.is_empty(), truncated, "{size:?}");
        assert_eq!(message.edns.is_some(), size.is_some(), "{size:?}");
    }
}

#[test]
fn additional_records_go_before_anything_is_truncated() {
    // All of the apex fits into 1232 octets without the glue, not into 512 with it.
    let (plain, _) = answer_to(&query(1, "example.net", NS, None), Transport::Udp);
    assert_eq!(plain.additionals.len(), 4);
    let (all, _) = answer_to(&query(1, "example.net", ANY, None), Transport::Tcp);
    assert!(all.additionals.len() > 4);
    let whole = all.to_vec().unwrap().len();
    assert!(whole > 512, "{whole}");
    let (cut, status) = answer_to(&query(1, "example.net", ANY, Some(600)), Transport::Udp);
    assert_eq!(
        (status.truncated, cut.answers.len(), cut.additionals.len()),
        (false, 12, 0)
    );
}

#[test]
fn the_question_comes_back_as_it_was_asked() {
    let query = query(1, "HoSt-10-1-2-3.eXample.net", A, EDNS);
    let mut reply = Vec::new();
    Zone::default().respond(&query, Transport::Udp, ResponseMode::Answer, &mut reply);
    let question = 12..query.len() - 11;
    assert_eq!(reply[question.clone()], query[question]);
    assert_eq!(Message::from_vec(&reply).unwrap().answers.len(), 1);
}

#[test]
fn opt_is_answered_with_opt_and_an_unknown_version_with_badvers() {
    assert!(ask("example.net", A).edns.is_some());
    let mut query = query(1, "example.net", A, EDNS);
    let version = query.len() - 5;
    query[version] = 1;
    let (message, status) = answer_to(&query, Transport::Udp);
    assert_eq!(status.rcode, Rcode(16));
    // Code 16 is BADSIG too, and hickory-proto prefers that name.
    assert_eq!(u16::from(message.metadata.response_code), 16);
    assert!(message.answers.is_empty());
}

#[test]
fn an_old_server_knows_no_opt() {
    let zone = Zone::new(false);
    for (size, rcode) in [(EDNS, Rcode::FORMERR), (None, Rcode::NOERROR)] {
        let mut reply = Vec::new();
        let query = query(1, "example.net", A, size);
        let status = zone
            .respond(&query, Transport::Udp, ResponseMode::Answer, &mut reply)
            .unwrap();
        assert_eq!(status.rcode, rcode);
        assert!(Message::from_vec(&reply).unwrap().edns.is_none());
    }
}

#[test]
fn malformed_queries_get_an_error_or_no_reply() {
    let good = query(0x1234, "example.net", A, None);
    let changed = |change: fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        change(&mut bytes);
        let mut reply = Vec::new();
        let status =
            Zone::default().respond(&bytes, Transport::Udp, ResponseMode::Answer, &mut reply);
        assert_eq!(status.is_none(), reply.is_empty());
        assert!(reply.is_empty() || reply[..2] == [0x12, 0x34]);
        status.map(|status| status.rcode)
    };
    assert_eq!(changed(|bytes| bytes.truncate(11)), None);
    assert_eq!(changed(|bytes| bytes[2] |= 0x80), None);
    assert_eq!(changed(|bytes| bytes[2] |= 0x28), Some(Rcode::NOTIMP));
    assert_eq!(changed(|bytes| bytes[5] = 2), Some(Rcode::FORMERR));
    assert_eq!(changed(|bytes| bytes[5] = 0), Some(Rcode::FORMERR));
    assert_eq!(changed(|bytes| bytes[12] = 0xc0), Some(Rcode::FORMERR));
    assert_eq!(
        changed(|bytes| bytes.truncate(bytes.len() - 1)),
        Some(Rcode::FORMERR)
    );
    assert_eq!(changed(|bytes| bytes[11] = 1), Some(Rcode::FORMERR));
    assert_eq!(
        changed(|bytes| *bytes.last_mut().unwrap() = 3),
        Some(Rcode::REFUSED)
    );
}

proptest! {
    #[test]
    fn any_bytes_get_a_readable_reply_or_none(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        check_reply(&bytes)?;
    }

    #[test]
    fn any_change_to_a_query_gets_a_readable_reply_or_none(
        name in prop::sample::select(vec![
            "19.2.1.10.in-addr.arpa", "3.2.1.10.in-addr.arpa", "example.net", "www.example.net",
            "host-10-1-2-3.example.net", "big.example.net", "in-addr.arpa",
        ]),
        record_type in prop::sample::select(vec![A, NS, CNAME, PTR, MX, TXT, ANY]),
        at: prop::sample::Index,
        octet: u8,
    ) {
        let mut query = query(1, name, record_type, EDNS);
        let at = at.index(query.len());
        query[at] = octet;
        check_reply(&query)?;
    }
}

fn check_reply(query: &[u8]) -> Result<(), TestCaseError> {
    let mut reply = Vec::new();
    let status = Zone::default().respond(query, Transport::Udp, ResponseMode::Answer, &mut reply);
    match status {
        None => prop_assert!(reply.is_empty()),
        Some(_) => {
            let message = Message::from_vec(&reply);
            prop_assert!(message.is_ok(), "{message:?} for {query:?}");
        }
    }
    Ok(())
}

#[test]
fn names_of_this_machine_have_its_addresses() {
    let of = |name: &str| {
        let [v4, v6] = [A, AAAA].map(|record_type| {
            let message = ask(name, record_type);
            let data: Vec<String> = message
                .answers
                .iter()
                .map(|record| record.data.to_string())
                .collect();
            assert_eq!(data.is_empty(), has_soa_of(&message, "lab.test."), "{name}");
            data.concat()
        });
        (v4, v6)
    };
    let both = || ("127.0.0.1".to_owned(), "::1".to_owned());
    for name in [
        "lab.test",
        "good.lab.test",
        "Expired.LAB.test",
        "a.b.lab.test",
    ] {
        assert_eq!(of(name), both(), "{name}");
    }
    assert_eq!(of("v4.lab.test"), ("127.0.0.1".into(), String::new()));
    assert_eq!(of("v6.lab.test"), (String::new(), "::1".into()));
    assert_eq!(of("nodata.lab.test"), (String::new(), String::new()));
    assert_eq!(
        of("unreachable.lab.test"),
        ("255.255.255.255".into(), "ff02::1".into())
    );
    for (name, code) in [
        ("nxdomain.lab.test", ResponseCode::NXDomain),
        ("servfail.lab.test", ResponseCode::ServFail),
        ("other.test", ResponseCode::Refused),
    ] {
        assert_eq!(ask(name, A).metadata.response_code, code, "{name}");
    }
    assert_eq!(ask("good.lab.test", ANY).answers.len(), 2);
}
