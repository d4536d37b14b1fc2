//! The records of the lab: `in-addr.arpa`, `ip6.arpa`, `example.net` and `lab.test`.
//!
//! Names under `lab.test` have the addresses 127.0.0.1 and ::1. The exceptions are `v4` and `v6`,
//! which have one of the two, `nodata`, `nxdomain`, `servfail`, and `unreachable`, to whose
//! addresses no connection can be opened.
//!
//! Most records are computed from an address. Its last octet modulo 32 determines the result of its
//! PTR lookup:
//!
//! | last octet mod 32 | PTR | forward lookup |
//! |---|---|---|
//! | 7 | NXDOMAIN | |
//! | 11 | no data | |
//! | 13 | one name | another address (the last bit is flipped) |
//! | 17 | two names, `host-...` and `alias-...` | the address, for both |
//! | 19 | a CNAME (RFC 2317), then one name | the address |
//! | any other | one name | the address |

mod answer;
mod forward;
mod lab;
mod records;
mod reverse;

use std::net::IpAddr;

use canvass_model::{Rcode, Transport};

use crate::query::{HEADER_BYTES, LowerName, Query, QueryError};
use crate::reply::{ReplyWriter, header_only};
use records::Records;

/// The longest datagram for a client without EDNS (RFC 1035 §2.3.4).
const PLAIN_UDP_BYTES_MAX: usize = 512;
/// The longest message over TCP (RFC 1035 §4.2.2).
const STREAM_BYTES_MAX: usize = 65_535;
/// The extended code for an unsupported EDNS version (RFC 6891 §9).
const BADVERS: u16 = 16;

/// The records of the lab. The same query always has the same answer.
#[derive(Debug)]
pub struct Zone {
    records: Records,
    edns: bool,
}

/// How to answer a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseMode {
    /// With the records of the zone.
    Answer,
    /// With TC set and no records.
    Truncate,
    /// With this code and no records.
    Rcode(Rcode),
    /// With NXDOMAIN, as for a name that does not exist.
    NxDomain,
    /// With the servers of the root, by a server that neither recurses nor has authority.
    Referral,
}

/// The response code and the TC flag of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseStatus {
    /// The code, including the extended bits.
    pub rcode: Rcode,
    /// Whether TC is set.
    pub truncated: bool,
}

impl Zone {
    /// Without `edns`, queries with an OPT record are answered FORMERR, as servers older than EDNS
    /// do (RFC 6891 §7).
    pub fn new(edns: bool) -> Self {
        Self {
            records: Records::new(),
            edns,
        }
    }

    /// Appends the reply to a query to `reply`. Returns `None` if nothing may be sent back, because
    /// the message has no complete header or is no query.
    pub fn respond(
        &self,
        query: &[u8],
        transport: Transport,
        mode: ResponseMode,
        reply: &mut Vec<u8>,
    ) -> Option<ResponseStatus> {
        let query = match Query::parse(query) {
            Ok(query) => query,
            Err(reason) => return respond_to_malformed(query, reason, reply),
        };
        if query.edns.is_some() && !self.edns {
            ReplyWriter::to(&query, reply).finish(Rcode::FORMERR.0, None, STREAM_BYTES_MAX);
            return Some(ResponseStatus {
                rcode: Rcode::FORMERR,
                truncated: false,
            });
        }
        let bytes_max = match (transport, query.edns) {
            (Transport::Tcp, _) => STREAM_BYTES_MAX,
            (Transport::Udp, None) => PLAIN_UDP_BYTES_MAX,
            (Transport::Udp, Some(edns)) => {
                PLAIN_UDP_BYTES_MAX.max(usize::from(edns.udp_bytes_max))
            }
        };
        let mut writer = ReplyWriter::to(&query, reply);
        let rcode = match mode {
            ResponseMode::Truncate => {
                writer.finish_truncated(query.edns);
                return Some(ResponseStatus {
                    rcode: Rcode::NOERROR,
                    truncated: true,
                });
            }
            ResponseMode::Rcode(rcode) => rcode.0,
            ResponseMode::NxDomain => answer::write_nxdomain(&query, &mut writer).0,
            ResponseMode::Referral => {
                answer::write_referral(&mut writer);
                Rcode::NOERROR.0
            }
            ResponseMode::Answer if query.edns.is_some_and(|edns| edns.version > 0) => BADVERS,
            ResponseMode::Answer => answer::write(&self.records, &query, &mut writer).0,
        };
        let truncated = writer.finish(rcode, query.edns, bytes_max);
        Some(ResponseStatus {
            rcode: Rcode(rcode),
            truncated,
        })
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self::new(true)
    }
}

/// The expected result of a PTR lookup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedPtr {
    /// NOERROR or NXDOMAIN.
    pub rcode: Rcode,
    /// The names with a trailing dot, in the order of the records; empty for NXDOMAIN and no data.
    pub names: Vec<String>,
    /// Whether a lookup of the names returns the address; `None` if there is no name.
    pub confirmed: Option<bool>,
}

/// Returns the expected result of a PTR lookup of `address`.
pub fn expected_names(address: IpAddr) -> ExpectedPtr {
    let rule = PtrCase::of(address);
    let host = forward::host_name(forward::HOST, address);
    let (rcode, names) = match rule {
        PtrCase::NxDomain => (Rcode::NXDOMAIN, vec![]),
        PtrCase::NoData => (Rcode::NOERROR, vec![]),
        PtrCase::TwoNames => (
            Rcode::NOERROR,
            vec![host, forward::host_name(forward::ALIAS, address)],
        ),
        PtrCase::Plain | PtrCase::Spoofed | PtrCase::Cname => (Rcode::NOERROR, vec![host]),
    };
    ExpectedPtr {
        rcode,
        confirmed: (!names.is_empty()).then_some(rule != PtrCase::Spoofed),
        names,
    }
}

/// What the reverse zone has for an address, by its last octet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PtrCase {
    Plain,
    NxDomain,
    NoData,
    Spoofed,
    TwoNames,
    Cname,
}

impl PtrCase {
    fn of(address: IpAddr) -> Self {
        match last_octet(address) % 32 {
            7 => Self::NxDomain,
            11 => Self::NoData,
            13 => Self::Spoofed,
            17 => Self::TwoNames,
            19 => Self::Cname,
            _ => Self::Plain,
        }
    }
}

/// Whether a name belongs to a reverse lookup.
pub(crate) fn is_reverse(name: &LowerName) -> bool {
    name.is_within(reverse::IN_ADDR, 2) || name.is_within(reverse::IP6, 2)
}

fn last_octet(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(address) => address.octets()[3],
        IpAddr::V6(address) => address.octets()[15],
    }
}

fn respond_to_malformed(
    query: &[u8],
    reason: QueryError,
    reply: &mut Vec<u8>,
) -> Option<ResponseStatus> {
    let rcode = match reason {
        QueryError::Drop => return None,
        QueryError::FormErr => Rcode::FORMERR,
        QueryError::NotImplemented => Rcode::NOTIMP,
    };
    let header: &[u8; HEADER_BYTES] = query.first_chunk()?;
    header_only(header, rcode.0 as u8, reply);
    Some(ResponseStatus {
        rcode,
        truncated: false,
    })
}

#[cfg(test)]
mod tests;
