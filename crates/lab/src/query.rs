//! Parses DNS queries.

/// Octets of a DNS header (RFC 1035 §4.1.1).
pub(crate) const HEADER_BYTES: usize = 12;
/// Octets of a name in wire form (RFC 1035 §3.1).
const NAME_OCTETS_MAX: usize = 255;
/// Octets of a label (RFC 1035 §3.1).
const LABEL_OCTETS_MAX: u8 = 63;
/// Labels of a name, without the root.
const LABELS_MAX: usize = 127;
/// The type of the EDNS(0) pseudo-record (RFC 6891 §6.1.2).
const TYPE_OPT: u16 = 41;

/// A well-formed query.
pub(crate) struct Query<'q> {
    /// The whole message.
    pub bytes: &'q [u8],
    /// The end of its question section.
    pub question_end: usize,
    /// QNAME in lower case.
    pub name: LowerName,
    /// QTYPE.
    pub record_type: u16,
    /// QCLASS.
    pub class: u16,
    /// The content of its OPT record, if it has one.
    pub edns: Option<Edns>,
}

/// The content of an OPT record (RFC 6891 §6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Edns {
    /// The longest datagram that the sender can receive.
    pub udp_bytes_max: u16,
    /// The EDNS version.
    pub version: u8,
    /// The DO bit (RFC 3225).
    pub dnssec_ok: bool,
}

/// Why a message is not answered from the zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum QueryError {
    /// It has no header, or is a reply: nothing may be sent back.
    Drop,
    /// It does not have exactly one well-formed question.
    FormErr,
    /// Its opcode is not QUERY (RFC 1035 §4.1.1).
    NotImplemented,
}

impl<'q> Query<'q> {
    /// Parses a message.
    pub(crate) fn parse(bytes: &'q [u8]) -> Result<Self, QueryError> {
        let header: &[u8; HEADER_BYTES] = bytes.first_chunk().ok_or(QueryError::Drop)?;
        if header[2] & 0x80 != 0 {
            return Err(QueryError::Drop);
        }
        if header[2] & 0x78 != 0 {
            return Err(QueryError::NotImplemented);
        }
        if header[4..6] != [0, 1] {
            return Err(QueryError::FormErr);
        }
        let name = LowerName::parse(&bytes[HEADER_BYTES..]).ok_or(QueryError::FormErr)?;
        let name_end = HEADER_BYTES + name.wire().len();
        let &[t0, t1, c0, c1] = bytes[name_end..]
            .first_chunk::<4>()
            .ok_or(QueryError::FormErr)?;
        let question_end = name_end + 4;
        let edns = read_edns(bytes, question_end).ok_or(QueryError::FormErr)?;
        Ok(Self {
            bytes,
            question_end,
            name,
            record_type: u16::from_be_bytes([t0, t1]),
            class: u16::from_be_bytes([c0, c1]),
            edns,
        })
    }
}

/// Finds the OPT record. Returns `None` if the records are malformed or there are two OPT records
/// (RFC 6891 §6.1.1).
fn read_edns(bytes: &[u8], question_end: usize) -> Option<Option<Edns>> {
    let count = |at: usize| usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]));
    let before = count(6) + count(8);
    let records = before + count(10);
    let mut at = question_end;
    let mut edns = None;
    for index in 0..records {
        at = skip_name(bytes, at)?;
        let fixed: &[u8; 10] = bytes.get(at..)?.first_chunk()?;
        let data_bytes = usize::from(u16::from_be_bytes([fixed[8], fixed[9]]));
        at += fixed.len() + data_bytes;
        if at > bytes.len() {
            return None;
        }
        if index >= before && u16::from_be_bytes([fixed[0], fixed[1]]) == TYPE_OPT {
            let found = Edns {
                udp_bytes_max: u16::from_be_bytes([fixed[2], fixed[3]]),
                version: fixed[5],
                dnssec_ok: fixed[6] & 0x80 != 0,
            };
            if edns.replace(found).is_some() {
                return None;
            }
        }
    }
    Some(edns)
}

/// The end of the name at `at`, which may be compressed.
fn skip_name(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *bytes.get(at)? {
            0 => return Some(at + 1),
            0xc0.. => return Some(at + 2),
            length @ 1..=LABEL_OCTETS_MAX => at += 1 + usize::from(length),
            _ => return None,
        }
    }
}

/// A name in lower case (RFC 4343), with an index of its labels.
pub(crate) struct LowerName {
    wire: [u8; NAME_OCTETS_MAX],
    wire_bytes: u8,
    starts: [u8; LABELS_MAX],
    labels: u8,
}

impl LowerName {
    /// Parses the uncompressed name at the start of `bytes`.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut name = Self {
            wire: [0; NAME_OCTETS_MAX],
            wire_bytes: 0,
            starts: [0; LABELS_MAX],
            labels: 0,
        };
        let mut at = 0;
        loop {
            let length = *bytes.get(at)?;
            if length == 0 {
                // The limit includes the octet of the root.
                if at >= NAME_OCTETS_MAX {
                    return None;
                }
                name.wire_bytes = at as u8 + 1;
                return Some(name);
            }
            let end = at + 1 + usize::from(length);
            if length > LABEL_OCTETS_MAX || end >= NAME_OCTETS_MAX {
                return None;
            }
            let label = bytes.get(at + 1..end)?;
            name.starts[usize::from(name.labels)] = at as u8;
            name.labels += 1;
            name.wire[at] = length;
            for (lower, byte) in name.wire[at + 1..end].iter_mut().zip(label) {
                *lower = byte.to_ascii_lowercase();
            }
            at = end;
        }
    }

    /// The name in wire form, including the octet of the root.
    pub(crate) fn wire(&self) -> &[u8] {
        &self.wire[..usize::from(self.wire_bytes)]
    }

    /// The number of labels, without the root.
    pub(crate) fn label_count(&self) -> usize {
        usize::from(self.labels)
    }

    /// Label `index`, counted from 0 on the left.
    pub(crate) fn label(&self, index: usize) -> &[u8] {
        let start = self.label_start(index);
        &self.wire[start + 1..start + 1 + usize::from(self.wire[start])]
    }

    /// The position of the length octet of label `index` in the wire form.
    pub(crate) fn label_start(&self, index: usize) -> usize {
        usize::from(self.starts[..self.label_count()][index])
    }

    /// Whether the name is `suffix` (wire form, lower case) or a subdomain of it.
    pub(crate) fn is_within(&self, suffix: &[u8], suffix_labels: usize) -> bool {
        self.wire().ends_with(suffix)
            && self.label_count() >= suffix_labels
            && self.label_start(self.label_count() - suffix_labels)
                == self.wire().len() - suffix.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn header(counts: [u8; 4]) -> Vec<u8> {
        let mut bytes = vec![0xab, 0xcd, 1, 0];
        for count in counts {
            bytes.extend([0, count]);
        }
        bytes
    }

    #[test]
    fn a_question_is_read_in_lower_case() {
        let mut bytes = header([1, 0, 0, 0]);
        bytes.extend(b"\x03WwW\x07Example\x03net\0\0\x1c\0\x01");
        let query = Query::parse(&bytes).ok().unwrap();
        assert_eq!(query.name.wire(), b"\x03www\x07example\x03net\0");
        assert_eq!(query.name.label(1), b"example");
        assert_eq!((query.record_type, query.class), (28, 1));
        assert_eq!(query.question_end, bytes.len());
        assert_eq!(query.edns, None);
    }

    #[test]
    fn an_opt_record_is_read_and_two_are_refused() {
        const OPT: &[u8] = b"\0\0\x29\x04\xd0\0\0\x80\0\0\0";
        let mut bytes = header([1, 0, 0, 1]);
        bytes.extend(b"\0\0\x02\0\x01");
        bytes.extend(OPT);
        assert_eq!(
            Query::parse(&bytes).ok().unwrap().edns,
            Some(Edns {
                udp_bytes_max: 1232,
                version: 0,
                dnssec_ok: true
            })
        );
        bytes.extend(OPT);
        bytes[11] = 2;
        assert_eq!(Query::parse(&bytes).err(), Some(QueryError::FormErr));
    }

    #[test]
    fn a_suffix_counts_only_at_a_label() {
        let suffix = b"\x07example\x03net\0";
        let within = |wire: &[u8]| LowerName::parse(wire).unwrap().is_within(suffix, 2);
        assert!(within(b"\x07example\x03net\0"));
        assert!(within(b"\x01a\x07example\x03net\0"));
        assert!(!within(b"\x03net\0"));
        // One label whose octets end like the zone's name.
        assert!(!within(b"\x0da\x07example\x03net\0"));
    }

    #[test]
    fn names_end_at_255_octets() {
        let mut wire = b"\x3f".to_vec();
        wire.extend([b'a'; 63]);
        let mut longest = wire.repeat(3);
        longest.push(61);
        longest.extend([b'a'; 61]);
        let mut too_long = longest.clone();
        too_long[192] = 62;
        too_long.extend([b'a', 0]);
        longest.push(0);
        assert_eq!(LowerName::parse(&longest).unwrap().wire().len(), 255);
        assert!(LowerName::parse(&too_long).is_none());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(query) = Query::parse(&bytes) {
                prop_assert!(query.question_end <= bytes.len());
            }
        }
    }
}
