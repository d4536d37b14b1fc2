//! The records of `example.net` that are not computed from an address.

use super::forward::ZONE;

/// Record types by number (IANA).
pub(super) mod kind {
    pub(crate) const A: u16 = 1;
    pub(crate) const NS: u16 = 2;
    pub(crate) const CNAME: u16 = 5;
    pub(crate) const SOA: u16 = 6;
    pub(crate) const PTR: u16 = 12;
    pub(crate) const MX: u16 = 15;
    pub(crate) const TXT: u16 = 16;
    pub(crate) const AAAA: u16 = 28;
    pub(crate) const SRV: u16 = 33;
    pub(crate) const SVCB: u16 = 64;
    pub(crate) const HTTPS: u16 = 65;
    pub(crate) const ANY: u16 = 255;
    pub(crate) const CAA: u16 = 257;
    /// From the range for private use (RFC 6895 §3.1).
    pub(crate) const PRIVATE: u16 = 65_280;
}

/// The data of the SOA record, which is the same for all zones. The last number is the TTL of
/// negative answers (RFC 2308 §4).
pub(super) const SOA_DATA: &[u8] = b"\x03ns1\x07example\x03net\0\x0ahostmaster\x07example\x03net\0\
    \0\0\0\x01\0\0\x0e\x10\0\0\x02\x58\0\x01\x51\x80\0\0\x01\x90";
/// The name servers of every zone.
pub(super) const NAME_SERVERS: [&[u8]; 2] = [
    b"\x03ns1\x07example\x03net\0",
    b"\x03ns2\x07example\x03net\0",
];

/// The number of strings of 100 octets of `big.example.net`: more than 1232 octets in total, and
/// less than 65,535.
const BIG_STRINGS: usize = 40;

/// A record without its owner name.
#[derive(Debug)]
pub(super) struct Record {
    pub record_type: u16,
    pub data: Vec<u8>,
    /// The position in `data` of a name whose addresses belong in the additional section.
    pub glue_at: Option<usize>,
}

/// A name with its records. Without records it is an empty non-terminal.
#[derive(Debug)]
pub(super) struct Node {
    pub name: Vec<u8>,
    pub records: Vec<Record>,
}

/// All such names.
#[derive(Debug)]
pub(super) struct Records(Vec<Node>);

impl Records {
    pub(super) fn new() -> Self {
        let mut nodes = vec![
            apex(),
            node(&["www"], [Record::plain(kind::CNAME, name(&["web"]))]),
            node(&["dangling"], [Record::plain(kind::CNAME, name(&["gone"]))]),
            node(&["_tcp"], []),
            node(
                &["_http", "_tcp"],
                [Record::named(kind::SRV, &[0, 10, 0, 5, 0, 80], &["web"])],
            ),
            node(&["big"], big_text()),
        ];
        for (host, last) in [
            ("ns1", 1),
            ("ns2", 2),
            ("mail", 25),
            ("mail2", 26),
            ("web", 80),
        ] {
            nodes.push(node(&[host], addresses(last)));
        }
        Self(nodes)
    }

    /// Finds a name in wire form and lower case.
    pub(super) fn find(&self, name: &[u8]) -> Option<&Node> {
        self.0.iter().find(|node| node.name == name)
    }
}

impl Node {
    /// The records of a type; for ANY all of them.
    pub(super) fn of_type(&self, record_type: u16) -> impl Iterator<Item = &Record> {
        self.records
            .iter()
            .filter(move |record| record_type == kind::ANY || record.record_type == record_type)
    }
}

impl Record {
    fn plain(record_type: u16, data: Vec<u8>) -> Self {
        Self {
            record_type,
            data,
            glue_at: None,
        }
    }

    /// A record whose data end with a name that has addresses.
    fn named(record_type: u16, head: &[u8], labels: &[&str]) -> Self {
        Self {
            record_type,
            data: [head, &name(labels)].concat(),
            glue_at: Some(head.len()),
        }
    }
}

/// A name of the zone in wire form.
fn name(labels: &[&str]) -> Vec<u8> {
    let mut wire = Vec::new();
    for label in labels {
        wire.push(label.len() as u8);
        wire.extend_from_slice(label.as_bytes());
    }
    wire.extend_from_slice(ZONE);
    wire
}

fn node(labels: &[&str], records: impl IntoIterator<Item = Record>) -> Node {
    Node {
        name: name(labels),
        records: records.into_iter().collect(),
    }
}

/// One address of each family from the ranges for documentation (RFC 5737, RFC 3849).
fn addresses(last: u8) -> [Record; 2] {
    let mut v6 = b"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\0".to_vec();
    v6[15] = last;
    [
        Record::plain(kind::A, vec![192, 0, 2, last]),
        Record::plain(kind::AAAA, v6),
    ]
}

fn apex() -> Node {
    // SvcParams: alpn "h2,http/1.1", port 443 (RFC 9460 §7).
    const PARAMETERS: &[u8] = b"\0\x01\0\x0c\x02h2\x08http/1.1\0\x03\0\x02\x01\xbb";
    let service = |target: &[u8]| [&[0, 1], target, PARAMETERS].concat();
    let [a, aaaa] = addresses(10);
    let mut records = vec![Record::plain(kind::SOA, SOA_DATA.to_vec()), a, aaaa];
    for server in ["ns1", "ns2"] {
        records.push(Record::named(kind::NS, &[], &[server]));
    }
    records.push(Record::named(kind::MX, &[0, 10], &["mail"]));
    records.push(Record::named(kind::MX, &[0, 20], &["mail2"]));
    records.push(Record::plain(
        kind::TXT,
        strings([&b"v=spf1 mx -all"[..], b"say \"hi\" \\ bye", b"\xffraw\0"]),
    ));
    records.push(Record::plain(kind::CAA, b"\0\x05issueca.example".to_vec()));
    records.push(Record::plain(kind::SVCB, service(&name(&["web"]))));
    // The target "." is the owner itself (RFC 9460 §2.5.2).
    records.push(Record::plain(kind::HTTPS, service(b"\0")));
    records.push(Record::plain(kind::PRIVATE, b"\xde\xad\xbe\xef".to_vec()));
    node(&[], records)
}

fn big_text() -> [Record; 1] {
    [Record::plain(
        kind::TXT,
        strings([&[b'x'; 100][..]; BIG_STRINGS]),
    )]
}

/// Character strings (RFC 1035 §3.3).
fn strings<const N: usize>(texts: [&[u8]; N]) -> Vec<u8> {
    let mut data = Vec::new();
    for text in texts {
        data.push(text.len() as u8);
        data.extend_from_slice(text);
    }
    data
}
