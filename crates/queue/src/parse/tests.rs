use super::*;
use proptest::prelude::*;

fn span(text: &str) -> (IpAddr, IpAddr) {
    let AddressRange {
        family,
        first,
        last,
    } = parse(text).unwrap().span();
    (family.address(first), family.address(last))
}

fn slip(text: &str) -> String {
    match parse(text) {
        Err(ParseError::Invalid(reason)) => reason,
        other => panic!("{text:?} gave {other:?}"),
    }
}

#[test]
fn every_form_is_read() {
    for (text, first, last) in [
        ("192.0.2.1", "192.0.2.1", "192.0.2.1"),
        ("[2001:db8::1]", "2001:db8::1", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1", "192.0.2.1"),
        ("::FFFF:c000:201", "192.0.2.1", "192.0.2.1"),
        ("[::ffff:192.0.2.1]", "192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.0/120", "192.0.2.0", "192.0.2.255"),
        ("::ffff:192.0.2.1/128", "192.0.2.1", "192.0.2.1"),
        ("::ffff:0:0/96", "0.0.0.0", "255.255.255.255"),
        (
            "::ffff:192.0.2.9-::ffff:192.0.2.11",
            "192.0.2.9",
            "192.0.2.11",
        ),
        ("::ffff:192.0.2.9-192.0.2.11", "192.0.2.9", "192.0.2.11"),
        ("::fffe:0:0/95", "::fffe:0:0", "255.255.255.255"),
        ("10.0.0.0/8", "10.0.0.0", "10.255.255.255"),
        ("0.0.0.0/0", "0.0.0.0", "255.255.255.255"),
        ("192.0.2.1/32", "192.0.2.1", "192.0.2.1"),
        ("2001:db8::/127", "2001:db8::", "2001:db8::1"),
        ("::1/128", "::1", "::1"),
        ("::/0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("192.0.2.250-192.0.3.5", "192.0.2.250", "192.0.3.5"),
        ("192.0.2.1 - 192.0.2.1", "192.0.2.1", "192.0.2.1"),
        ("2001:db8::f-2001:db8::10", "2001:db8::f", "2001:db8::10"),
    ] {
        assert_eq!(
            span(text),
            (first.parse().unwrap(), last.parse().unwrap()),
            "{text}"
        );
    }
}

#[test]
fn slips_say_what_was_probably_meant() {
    for (text, part) in [
        ("10.1.2.3/8", "host bits are set; the network is 10.0.0.0/8"),
        ("1.2.3.4/0", "host bits are set; the network is 0.0.0.0/0"),
        (
            "2001:db8::1/64",
            "host bits are set; the network is 2001:db8::/64",
        ),
        (
            "::ffff:192.0.2.1/120",
            "host bits are set; the network is 192.0.2.0/24",
        ),
        (
            "::ffff:192.0.2.9-::ffff:192.0.2.1",
            "write 192.0.2.1-192.0.2.9",
        ),
        ("::1-::ffff:192.0.2.1", "one end of the range is IPv6"),
        ("10.0.0.0/33", "a number from 0 to 32"),
        ("10.0.0.0/08", "a number from 0 to 32"),
        ("10.0.0.0/", "a number from 0 to 32"),
        ("10.0.0.0/255.0.0.0", "a number from 0 to 32"),
        ("10.0.0.0/+8", "a number from 0 to 32"),
        ("::/129", "a number from 0 to 128"),
        ("010.1.2.3", "write 10.1.2.3"),
        ("10.0.0.01/32", "write 10.0.0.1"),
        ("256.1.2.3", "the octet 256 is over 255"),
        ("10.1.2", "four octets"),
        ("1.2.3.4.5.6.7", "four octets"),
        ("10/8", "four octets"),
        ("10..2.3", "an octet is empty"),
        ("fe80::1%eth0", "write fe80::1"),
        ("[fe80::1%eth0]", "write fe80::1"),
        ("[192.0.2.1]", "only IPv6 addresses go in brackets"),
        ("192.0.2.1:53", "write 192.0.2.1"),
        ("[2001:db8::1]:53", "write 2001:db8::1"),
        ("2001:db8:::1", "not a well-formed IPv6 address"),
        ("192.0.2.9-192.0.2.1", "write 192.0.2.1-192.0.2.9"),
        ("192.0.2.1-2001:db8::1", "one end of the range is IPv4"),
        ("192.0.2.1-50", "\"50\" is not an address"),
        ("x-192.0.2.1", "\"x\" is not an address"),
    ] {
        assert!(slip(text).contains(part), "{text}: {}", slip(text));
    }
    for text in [
        "",
        "example.net",
        "a-b",
        "a/b",
        "%",
        "-",
        "/",
        "http://192.0.2.1/",
    ] {
        assert_eq!(parse(text), Err(ParseError::NotAddress), "{text:?}");
    }
}

#[test]
fn long_texts_are_cut_at_a_character() {
    assert_eq!(&*shorten(&"\u{e9}".repeat(100)), "\u{e9}".repeat(100));
    assert_eq!(
        &*shorten(&"\u{e9}".repeat(101)),
        "\u{e9}".repeat(100) + "..."
    );
}

#[test]
fn canonical_forms_are_told_from_others() {
    let address: IpAddr = "2001:db8::1".parse().unwrap();
    assert!(is_written(address, "2001:db8::1"));
    for text in [
        "2001:DB8::1",
        "2001:db8::01",
        "2001:db8::1 ",
        "2001:db8::",
        "",
    ] {
        assert!(!is_written(address, text), "{text:?}");
    }
}

proptest! {
    #[test]
    fn every_network_reads_back(bits: u128, length in 0u32..=128) {
        let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
        let text = format!("{}/{length}", Ipv6Addr::from_bits(bits & mask));
        let span = parse(&text).unwrap().span();
        prop_assert_eq!((span.first, span.last), (bits & mask, bits | !mask));
    }

    #[test]
    fn every_ipv4_network_reads_back(bits: u32, length in 0u32..=32) {
        let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
        let text = format!("{}/{length}", Ipv4Addr::from_bits(bits & mask));
        let span = parse(&text).unwrap().span();
        prop_assert_eq!((span.first, span.last), ((bits & mask).into(), (bits | !mask).into()));
    }

    #[test]
    fn no_text_panics(text in "[0-9a-f:./%\\[\\]-]{0,40}") {
        let _ = parse(&text);
    }
}
