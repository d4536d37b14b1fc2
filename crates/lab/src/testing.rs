//! Queries for tests.

use canvass_model::DnsName;

/// A query for a name and a type, with an OPT record if a datagram size is given.
pub(crate) fn query(id: u16, name: &str, record_type: u16, udp_bytes_max: Option<u16>) -> Vec<u8> {
    let name: DnsName = name.parse().unwrap();
    let mut query = id.to_be_bytes().to_vec();
    query.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, u8::from(udp_bytes_max.is_some())]);
    query.extend(name.wire());
    query.extend(record_type.to_be_bytes());
    query.extend([0, 1]);
    if let Some(size) = udp_bytes_max {
        query.extend([0, 0, 41]);
        query.extend(size.to_be_bytes());
        query.extend([0; 6]);
    }
    query
}
