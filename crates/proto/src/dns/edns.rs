//! EDNS(0): the OPT record of queries, and the options in the OPT record of a response (RFC 6891).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use canvass_model::{ClientSubnet, ExtendedError, Nsid};

/// The datagram size offered by EDNS(0): what passes everywhere without fragmentation (DNS flag day
/// 2020, RFC 9715 §3).
pub const EDNS_UDP_OCTETS: u16 = 1232;

/// Octets of an OPT record without options.
pub(super) const OPT_OCTETS_MIN: usize = 11;
/// Octets of the longest OPT record that is sent: with NSID and an IPv6 subnet of 128 bits.
const OPT_OCTETS_MAX: usize = OPT_OCTETS_MIN + 4 + 8 + 16;

/// The options that are known, by their codes (IANA).
const NSID: u16 = 3;
const CLIENT_SUBNET: u16 = 8;
const EXTENDED_ERROR: u16 = 15;

/// The address families of a client subnet (RFC 7871 §6).
const FAMILY_V4: u16 = 1;
const FAMILY_V6: u16 = 2;

/// Extended errors that are kept of one response.
pub(super) const EXTENDED_ERRORS_MAX: usize = 16;
/// Characters that are kept of the text of an extended error. One that is cut ends in `...`.
pub(super) const EXTRA_TEXT_CHARS_MAX: usize = 1_000;

/// The OPT record of a query (RFC 6891 §6.1.2), written once for all queries of a run. It offers
/// [`EDNS_UDP_OCTETS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptRecord {
    octets: [u8; OPT_OCTETS_MAX],
    length: u8,
}

impl OptRecord {
    /// The record without flags and options.
    pub const PLAIN: Self = {
        let mut octets = [0; OPT_OCTETS_MAX];
        let size = EDNS_UDP_OCTETS.to_be_bytes();
        (octets[2], octets[3], octets[4]) = (41, size[0], size[1]);
        Self {
            octets,
            length: OPT_OCTETS_MIN as u8,
        }
    };

    /// The record that asks for DNSSEC records (the DO bit, RFC 3225), for the identifier of the
    /// server (RFC 5001), and for the answer for a client subnet (RFC 7871).
    pub fn new(dnssec_ok: bool, nsid: bool, subnet: Option<ClientSubnet>) -> Self {
        let mut record = Self::PLAIN;
        record.octets[DNSSEC_OK_AT] = if dnssec_ok { 0x80 } else { 0 };
        if nsid {
            record.push_option(NSID, &[]);
        }
        if let Some(subnet) = subnet {
            let (family, address): (u16, &[u8]) = match &subnet.address {
                IpAddr::V4(address) => (FAMILY_V4, &address.octets()),
                IpAddr::V6(address) => (FAMILY_V6, &address.octets()),
            };
            // Only the octets that the prefix needs.
            let address = &address[..usize::from(subnet.source_bits).div_ceil(8)];
            let [high, low] = family.to_be_bytes();
            let data = [&[high, low, subnet.source_bits, 0], address].concat();
            record.push_option(CLIENT_SUBNET, &data);
        }
        let data_octets = u16::from(record.length) - OPT_OCTETS_MIN as u16;
        record.octets[OPT_OCTETS_MIN - 2..OPT_OCTETS_MIN]
            .copy_from_slice(&data_octets.to_be_bytes());
        record
    }

    /// The record as in a message.
    pub fn octets(&self) -> &[u8] {
        &self.octets[..usize::from(self.length)]
    }

    /// Whether it has a flag or an option.
    pub fn asks_for_more(&self) -> bool {
        usize::from(self.length) > OPT_OCTETS_MIN || self.octets[DNSSEC_OK_AT] != 0
    }

    fn push_option(&mut self, code: u16, data: &[u8]) {
        let length = (data.len() as u16).to_be_bytes();
        for octet in [&code.to_be_bytes(), &length, data].into_iter().flatten() {
            self.octets[usize::from(self.length)] = *octet;
            self.length += 1;
        }
    }
}

/// The place of the octet with the DO bit.
const DNSSEC_OK_AT: usize = 7;

/// What the options of a response say.
#[derive(Debug, Default)]
pub(super) struct ResponseOptions {
    pub errors: Vec<ExtendedError>,
    pub nsid: Option<Nsid>,
    pub subnet: Option<ClientSubnet>,
}

impl ResponseOptions {
    /// Reads the data of an OPT record, up to an option that does not fit in it. An option whose
    /// data breaks its rules is left out; of those that may be sent once, the first counts.
    pub(super) fn read(mut data: &[u8]) -> Self {
        let mut read = Self::default();
        while let Some((&[a, b, c, d], rest)) = data.split_first_chunk() {
            let length = usize::from(u16::from_be_bytes([c, d]));
            let Some((option, rest)) = rest.split_at_checked(length) else {
                break;
            };
            data = rest;
            match u16::from_be_bytes([a, b]) {
                NSID if read.nsid.is_none() => read.nsid = Some(Nsid(option.into())),
                CLIENT_SUBNET if read.subnet.is_none() => read.subnet = client_subnet(option),
                EXTENDED_ERROR if read.errors.len() < EXTENDED_ERRORS_MAX => {
                    read.errors.extend(extended_error(option));
                }
                _ => {}
            }
        }
        read
    }
}

/// RFC 7871 §6. A server may send fewer octets of the address than the prefix needs: the rest is 0.
fn client_subnet(option: &[u8]) -> Option<ClientSubnet> {
    let (&[a, b, source_bits, scope_bits], sent) = option.split_first_chunk()?;
    let mut address = [0; 16];
    address.get_mut(..sent.len())?.copy_from_slice(sent);
    let (address, octets_max) = match u16::from_be_bytes([a, b]) {
        FAMILY_V4 => {
            let [a, b, c, d, ..] = address;
            (Ipv4Addr::new(a, b, c, d).into(), 4)
        }
        FAMILY_V6 => (Ipv6Addr::from(address).into(), 16),
        _ => return None,
    };
    let bits_max = octets_max * 8;
    if sent.len() > octets_max || usize::from(source_bits.max(scope_bits)) > bits_max {
        return None;
    }
    let subnet = ClientSubnet::new(address, source_bits)?;
    Some(ClientSubnet {
        scope_bits,
        ..subnet
    })
}

/// RFC 8914 §2. The text should be UTF-8 and may end in NUL; what is not UTF-8 is replaced.
fn extended_error(option: &[u8]) -> Option<ExtendedError> {
    let (code, text) = option.split_first_chunk()?;
    let end = text.iter().rposition(|octet| *octet != 0);
    let text = String::from_utf8_lossy(&text[..end.map_or(0, |last| last + 1)]);
    let text: Option<Box<str>> = match text.char_indices().nth(EXTRA_TEXT_CHARS_MAX) {
        Some((end, _)) => Some(format!("{}...", &text[..end]).into()),
        None => (!text.is_empty()).then(|| text.into()),
    };
    Some(ExtendedError {
        code: u16::from_be_bytes(*code),
        text,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_proto::op::Edns;
    use hickory_proto::rr::rdata::opt::{EdnsCode, EdnsOption};
    use hickory_proto::serialize::binary::{BinDecodable, BinDecoder};
    use proptest::prelude::*;

    fn option(code: u16, data: &[u8]) -> Vec<u8> {
        let length = (data.len() as u16).to_be_bytes();
        [&code.to_be_bytes(), &length, data].concat()
    }

    fn error(code: u16, text: &[u8]) -> Vec<u8> {
        option(EXTENDED_ERROR, &[&code.to_be_bytes(), text].concat())
    }

    fn texts(data: &[u8]) -> Vec<(u16, Option<String>)> {
        let errors = ResponseOptions::read(data).errors.into_iter();
        errors
            .map(|error| (error.code, error.text.map(Into::into)))
            .collect()
    }

    fn subnet(data: &[u8]) -> Option<String> {
        let read = ResponseOptions::read(&option(CLIENT_SUBNET, data));
        read.subnet.map(|subnet| subnet.to_string())
    }

    #[test]
    fn a_record_without_options_is_the_shortest() {
        let plain = OptRecord::new(false, false, None);
        assert_eq!(plain, OptRecord::PLAIN);
        assert!(!plain.asks_for_more());
        assert_eq!(plain.octets(), [0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn hickory_reads_the_record_that_is_written() {
        for (text, data) in [
            ("192.0.2.77/20", &[0, 1, 20, 0, 192, 0, 0][..]),
            (
                "2001:db8::1",
                &[
                    0, 2, 128, 0, 32, 1, 13, 184, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
                ],
            ),
            ("0/0", &[0, 1, 0, 0]),
            ("::/0", &[0, 2, 0, 0]),
        ] {
            let record = OptRecord::new(true, true, Some(text.parse().unwrap()));
            assert!(record.asks_for_more());
            let octets = record.octets();
            assert!(octets.ends_with(&option(CLIENT_SUBNET, data)), "{octets:?}");
            let mut decoder = BinDecoder::new(record.octets());
            let read = hickory_proto::rr::Record::read(&mut decoder).unwrap();
            assert!(decoder.is_empty());
            let edns = Edns::from(&read);
            assert_eq!(edns.max_payload(), EDNS_UDP_OCTETS);
            assert!(edns.flags().dnssec_ok);
            assert!(edns.option(EdnsCode::NSID).is_some(), "{edns:?}");
            let option = edns.option(EdnsCode::Subnet);
            assert!(matches!(option, Some(EdnsOption::Subnet(_))), "{edns:?}");
        }
    }

    #[test]
    fn the_text_of_an_error_is_what_can_be_shown_of_it() {
        let long = "é".repeat(EXTRA_TEXT_CHARS_MAX + 1);
        let cut = format!("{}...", "é".repeat(EXTRA_TEXT_CHARS_MAX));
        for (text, shown) in [
            (&b""[..], None),
            (b"\0\0", None),
            (b"signature expired\0", Some("signature expired")),
            (b"a\0b", Some("a\0b")),
            (b"\xff\xfea\xc3", Some("\u{fffd}\u{fffd}a\u{fffd}")),
            (b"\x1b[31m\n", Some("\u{1b}[31m\n")),
            (long.as_bytes(), Some(&*cut)),
        ] {
            assert_eq!(texts(&error(6, text)), [(6, shown.map(str::to_owned))]);
        }
        let two = [error(7, b"x"), error(65535, b"")].concat();
        assert_eq!(texts(&two), [(7, Some("x".into())), (65535, None)]);
        let many = error(1, b"").repeat(EXTENDED_ERRORS_MAX + 5);
        assert_eq!(texts(&many).len(), EXTENDED_ERRORS_MAX);
    }

    #[test]
    fn an_option_that_lies_about_its_length_ends_the_walk() {
        let mut lie = error(6, b"text");
        lie[3] += 1;
        assert_eq!(texts(&lie), []);
        let after = [error(3, b""), lie].concat();
        assert_eq!(texts(&after), [(3, None)]);
        // A code needs two octets.
        let short = [option(EXTENDED_ERROR, &[0]), error(3, b"")].concat();
        assert_eq!(texts(&short), [(3, None)]);
    }

    #[test]
    fn a_subnet_that_breaks_its_rules_is_left_out() {
        for (data, shown) in [
            (&[0, 1, 24, 16, 192, 0, 2][..], Some("192.0.2.0/24/16")),
            (&[0, 1, 24, 0, 192, 0, 2, 9], Some("192.0.2.0/24/0")),
            (&[0, 1, 24, 0, 192], Some("192.0.0.0/24/0")),
            (&[0, 2, 32, 48, 32, 1, 13, 184], Some("2001:db8::/32/48")),
            (&[0, 1, 0, 0], Some("0.0.0.0/0/0")),
            (&[0, 0, 0, 0], None),
            (&[0, 1, 33, 0, 192, 0, 2, 9], None),
            (&[0, 1, 24, 33, 192, 0, 2], None),
            (&[0, 1, 32, 0, 192, 0, 2, 9, 9], None),
            (&[0, 3, 0, 0], None),
            (&[0, 1, 24], None),
            (
                &[
                    0, 2, 128, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4, 5, 6, 7,
                ],
                None,
            ),
        ] {
            assert_eq!(subnet(data).as_deref(), shown, "{data:?}");
        }
    }

    proptest! {
        #[test]
        fn any_octets_are_read_within_bounds(data in prop::collection::vec(any::<u8>(), 0..300)) {
            let read = ResponseOptions::read(&data);
            prop_assert!(read.errors.len() <= EXTENDED_ERRORS_MAX);
        }

        #[test]
        fn options_before_a_cut_are_read(
            texts in prop::collection::vec("[a-z]{1,9}", 0..5),
            cut: prop::sample::Index,
        ) {
            let options: Vec<_> = texts.iter().map(|text| error(6, text.as_bytes())).collect();
            let mut data = options.concat();
            data.truncate(cut.index(data.len() + 1));
            let mut whole = 0;
            let mut end = 0;
            for option in &options {
                end += option.len();
                whole += usize::from(end <= data.len());
            }
            let read = ResponseOptions::read(&data).errors;
            let read: Vec<_> = read.into_iter().map(|error| error.text.unwrap()).collect();
            prop_assert_eq!(read.len(), whole);
            prop_assert!(read.iter().zip(&texts).all(|(read, text)| **read == **text));
        }
    }
}
