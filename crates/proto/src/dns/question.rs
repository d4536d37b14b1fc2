//! Questions, and the queries that carry them.

use std::net::IpAddr;

use canvass_model::{Class, DnsName, RecordType, reverse_name};
use smallvec::SmallVec;

use super::QueryOptions;
use super::names::{WireName, folded};

/// The most octets of a DNS message, on a stream (RFC 1035 §4.2.2) or anywhere.
pub const MESSAGE_OCTETS_MAX: usize = 65_535;

/// One question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Name, type and class as in a message. An IPv6 reverse name has 74 octets, so the most
    /// frequent names need no allocation.
    wire: SmallVec<[u8; 80]>,
}

impl Question {
    /// Asks for the records of `record_type` of `name`, in the class IN.
    pub fn new(name: &DnsName, record_type: RecordType) -> Self {
        Self::from_parts(name.wire(), type_and_class(record_type))
    }

    /// Asks for the PTR records of `address`, in the class IN.
    pub fn reverse(address: IpAddr) -> Self {
        let mut name = [0; 74];
        let length = reverse_name(address, &mut name);
        Self::from_parts(&name[..length], type_and_class(RecordType::PTR))
    }

    fn from_parts(name: &[u8], type_and_class: [u8; 4]) -> Self {
        let mut wire = SmallVec::from_slice(name);
        wire.extend_from_slice(&type_and_class);
        Self { wire }
    }

    /// Asks in another class.
    pub fn set_class(&mut self, class: Class) {
        let at = self.wire.len() - 2;
        self.wire[at..].copy_from_slice(&class.0.to_be_bytes());
    }

    /// Asks the same about another name.
    pub(crate) fn with_name(&self, name: &DnsName) -> Self {
        Self::from_parts(name.wire(), self.type_and_class())
    }

    /// Type and class as in a message.
    #[inline]
    pub(super) fn type_and_class(&self) -> [u8; 4] {
        *self.wire.last_chunk().expect("a question has both")
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

    /// The class asked for.
    pub fn class(&self) -> Class {
        let at = self.wire.len() - 2;
        Class(u16::from_be_bytes([self.wire[at], self.wire[at + 1]]))
    }

    /// Appends a whole query to `out`. `edns` says whether it may have an OPT record. Returns
    /// whether it has one.
    pub fn write_query(
        &self,
        id: u16,
        edns: bool,
        options: &QueryOptions,
        out: &mut Vec<u8>,
    ) -> bool {
        let opt = options.opt.as_ref().filter(|_| edns);
        let opt_octets = opt.map_or(&[][..], |opt| opt.octets());
        let [id_high, id_low] = id.to_be_bytes();
        let [flags_high, flags_low] = options.header_flags();
        out.reserve(12 + self.wire.len() + opt_octets.len());
        out.extend_from_slice(&[
            id_high,
            id_low,
            flags_high,
            flags_low,
            0,
            1,
            0,
            0,
            0,
            0,
            0,
            u8::from(opt.is_some()),
        ]);
        out.extend_from_slice(&self.wire);
        out.extend_from_slice(opt_octets);
        opt.is_some()
    }
}

/// A type, and the class IN, as in a message.
fn type_and_class(record_type: RecordType) -> [u8; 4] {
    let ([a, b], [c, d]) = (record_type.0.to_be_bytes(), Class::IN.0.to_be_bytes());
    [a, b, c, d]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::EDNS_UDP_OCTETS;
    use hickory_proto::op::Message;

    #[test]
    fn hickory_reads_what_is_written() {
        for (address, edns) in [("192.0.2.1", true), ("2001:db8::1", false)] {
            let address: IpAddr = address.parse().unwrap();
            let mut wire = Vec::new();
            let question = Question::reverse(address);
            let has_opt = question.write_query(0xbeef, edns, &QueryOptions::PLAIN, &mut wire);
            assert_eq!(has_opt, edns);
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

    #[test]
    fn a_query_has_the_flags_and_the_class_asked_for() {
        let options = QueryOptions {
            recursion_desired: false,
            checking_disabled: true,
            opt: None,
            ..QueryOptions::PLAIN
        };
        let name = "version.bind".parse().unwrap();
        let mut question = Question::new(&name, RecordType(16));
        question.set_class(Class::CH);
        assert_eq!(question.class(), Class::CH);
        let mut wire = Vec::new();
        assert!(!question.write_query(1, true, &options, &mut wire));
        let message = Message::from_vec(&wire).unwrap();
        assert!(!message.metadata.recursion_desired);
        assert!(message.metadata.checking_disabled);
        assert!(message.edns.is_none());
        let class = message.queries[0].query_class();
        assert_eq!(class, hickory_proto::rr::DNSClass::CH);
    }
}
