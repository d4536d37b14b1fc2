//! Questions, and the queries that carry them.

use std::net::IpAddr;

use canvass_model::{DnsName, RecordType, reverse_name};
use smallvec::SmallVec;

use super::message::{WireName, folded};

/// The datagram size offered by EDNS(0): what passes everywhere without fragmentation (DNS flag day
/// 2020, RFC 9715 §3).
pub const EDNS_UDP_OCTETS: u16 = 1232;

/// The most octets of a DNS message, on a stream (RFC 1035 §4.2.2) or anywhere.
pub const MESSAGE_OCTETS_MAX: usize = 65_535;

/// The class IN (RFC 1035 §3.2.4).
pub(super) const CLASS_IN: u16 = 1;

/// The pseudo-record that offers [`EDNS_UDP_OCTETS`] and nothing else (RFC 6891 §6.1.2).
const OPT_RECORD: [u8; 11] = {
    let size = EDNS_UDP_OCTETS.to_be_bytes();
    [0, 0, 41, size[0], size[1], 0, 0, 0, 0, 0, 0]
};

/// One question of class IN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Name, type and class as in a message. An IPv6 reverse name has 74 octets, so the most
    /// frequent names need no allocation.
    wire: SmallVec<[u8; 80]>,
}

impl Question {
    /// Asks for the records of `record_type` of `name`.
    pub fn new(name: &DnsName, record_type: RecordType) -> Self {
        Self::from_wire_name(name.wire(), record_type)
    }

    /// Asks for the PTR records of `address`.
    pub fn reverse(address: IpAddr) -> Self {
        let mut name = [0; 74];
        let length = reverse_name(address, &mut name);
        Self::from_wire_name(&name[..length], RecordType::PTR)
    }

    fn from_wire_name(name: &[u8], record_type: RecordType) -> Self {
        let mut wire = SmallVec::from_slice(name);
        wire.extend_from_slice(&record_type.0.to_be_bytes());
        wire.extend_from_slice(&CLASS_IN.to_be_bytes());
        Self { wire }
    }

    /// Asks the same about another name.
    pub(crate) fn with_name(&self, name: &DnsName) -> Self {
        let mut wire = SmallVec::from_slice(name.wire());
        wire.extend_from_slice(&self.wire[self.wire.len() - 4..]);
        Self { wire }
    }

    /// Name, type and class as in a message.
    pub fn wire(&self) -> &[u8] {
        &self.wire
    }

    /// The name in wire form.
    pub(crate) fn name(&self) -> &[u8] {
        &self.wire[..self.wire.len() - 4]
    }

    /// The name in lower case.
    pub(crate) fn folded_name(&self) -> WireName {
        folded(WireName::from_slice(self.name()))
    }

    /// The type asked for.
    pub fn record_type(&self) -> RecordType {
        let at = self.wire.len() - 4;
        RecordType(u16::from_be_bytes([self.wire[at], self.wire[at + 1]]))
    }

    /// Appends a whole query, recursion desired, to `out`; with `edns`, an OPT record too.
    pub fn write_query(&self, id: u16, edns: bool, out: &mut Vec<u8>) {
        let id = id.to_be_bytes();
        out.reserve(12 + self.wire.len() + OPT_RECORD.len());
        out.extend_from_slice(&[
            id[0],
            id[1],
            0x01,
            0x00,
            0,
            1,
            0,
            0,
            0,
            0,
            0,
            u8::from(edns),
        ]);
        out.extend_from_slice(&self.wire);
        if edns {
            out.extend_from_slice(&OPT_RECORD);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_proto::op::Message;

    #[test]
    fn hickory_reads_what_is_written() {
        for (address, edns) in [("192.0.2.1", true), ("2001:db8::1", false)] {
            let address: IpAddr = address.parse().unwrap();
            let mut wire = Vec::new();
            Question::reverse(address).write_query(0xbeef, edns, &mut wire);
            let message = Message::from_vec(&wire).unwrap();
            assert_eq!(message.metadata.id, 0xbeef);
            assert!(message.metadata.recursion_desired);
            assert_eq!(
                message.queries[0].query_type(),
                hickory_proto::rr::RecordType::PTR
            );
            assert_eq!(
                message.queries[0].name(),
                &hickory_proto::rr::Name::from(address)
            );
            assert_eq!(
                message.edns.map(|edns| edns.max_payload()),
                edns.then_some(EDNS_UDP_OCTETS)
            );
        }
    }
}
