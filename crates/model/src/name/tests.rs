use super::*;
use proptest::prelude::*;

#[test]
fn limits_of_rfc_1035_are_kept() {
    let label = "a".repeat(63);
    assert!(label.parse::<DnsName>().is_ok());
    assert_eq!(
        format!("{label}a").parse::<DnsName>(),
        Err(NameError::LabelTooLong(64))
    );
    let full = format!("{label}.{label}.{label}.{}", "a".repeat(61));
    assert_eq!(full.parse::<DnsName>().unwrap().wire().len(), 255);
    assert_eq!(
        format!("{full}a").parse::<DnsName>(),
        Err(NameError::TooLong)
    );
    assert_eq!(
        "a.".repeat(5000).parse::<DnsName>(),
        Err(NameError::TooLong)
    );
}

#[test]
fn bad_names_say_what_is_wrong() {
    for (text, error) in [
        ("", NameError::Empty),
        ("a..b", NameError::EmptyLabel),
        (".a", NameError::EmptyLabel),
        ("b\u{fc}cher.example", NameError::NonAscii),
        ("a b.example", NameError::Control),
        (r"a\25", NameError::BadEscape),
        (r"a\256", NameError::BadEscape),
        (r"a\", NameError::BadEscape),
    ] {
        assert_eq!(text.parse::<DnsName>(), Err(error), "{text:?}");
    }
}

#[test]
fn unicode_names_are_converted_and_others_are_left() {
    for (text, name) in [
        ("m\u{fc}ller.example", "xn--mller-kva.example."),
        ("M\u{dc}LLER.Example", "xn--mller-kva.example."),
        (
            "\u{4f8b}\u{3048}.\u{30c6}\u{30b9}\u{30c8}",
            "xn--r8jz45g.xn--zckzah.",
        ),
        (
            "\u{4f8b}\u{3048}\u{3002}\u{30c6}\u{30b9}\u{30c8}.",
            "xn--r8jz45g.xn--zckzah.",
        ),
        // Not transitional: the sharp s stays.
        ("fa\u{df}.example", "xn--fa-hia.example."),
        (
            "_dmarc.m\u{fc}ller.example",
            "_dmarc.xn--mller-kva.example.",
        ),
        ("*.m\u{fc}ller.example", "*.xn--mller-kva.example."),
        (r"a\032b.example", r"a\032b.example."),
        (
            "a\\032b.m\u{fc}ller.example",
            r"a\032b.xn--mller-kva.example.",
        ),
        ("_DMARC.Example", "_DMARC.Example."),
        ("xn--a", "xn--a."),
    ] {
        let read = DnsName::from_unicode(text).map(|name| name.to_string());
        assert_eq!(read.as_deref(), Ok(name), "{text}");
    }
    for (text, error) in [
        ("a.xn--\u{fc}.example", NameError::Idn(2)),
        ("a.\u{ad}.example", NameError::EmptyLabel),
        ("\u{2488}com.example", NameError::Idn(1)),
        ("m\u{fc}..example", NameError::EmptyLabel),
        ("m\u{fc} ller.example", NameError::Control),
        ("\u{5d0}1a.example", NameError::Idn(1)),
    ] {
        assert_eq!(DnsName::from_unicode(text), Err(error), "{text}");
    }
    let long = "\u{fc}".repeat(64);
    assert!(matches!(
        DnsName::from_unicode(&long),
        Err(NameError::LabelTooLong(_))
    ));
}

#[test]
fn rfc_2317_names_and_escapes_survive() {
    for text in [
        "1.0/25.2.0.192.in-addr.arpa.",
        r"a\.b.example.",
        r"\000\255.example.",
        ".",
    ] {
        assert_eq!(text.parse::<DnsName>().unwrap().to_string(), text);
    }
}

proptest! {
    #[test]
    fn presentation_form_reads_back(labels in prop::collection::vec(
        prop::collection::vec(any::<u8>(), 1..=20), 0..8))
    {
        let mut wire = Vec::new();
        for label in &labels {
            wire.push(label.len() as u8);
            wire.extend_from_slice(label);
        }
        wire.push(0);
        let name = DnsName::from_wire(&wire).unwrap();
        prop_assert_eq!(name.to_string().parse::<DnsName>().unwrap(), name);
    }

    #[test]
    fn any_text_is_a_name_or_an_error(text in ".{0,300}") {
        for name in [text.parse::<DnsName>(), DnsName::from_unicode(&text)].iter().flatten() {
            prop_assert!(DnsName::from_wire(name.wire()).is_some());
        }
    }

    #[test]
    fn an_ascii_name_needs_no_conversion(text in "[ -~]{0,60}") {
        prop_assert_eq!(DnsName::from_unicode(&text), text.parse::<DnsName>());
    }
}
