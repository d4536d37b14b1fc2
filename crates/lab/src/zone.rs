//! What the lab's names are worth: `in-addr.arpa`, `ip6.arpa`, `example.net` and `lab.test`.
//!
//! Every name under `lab.test` is this machine's: 127.0.0.1 and ::1. The exceptions are `v4` and
//! `v6`, which have one of the two, `nodata`, `nxdomain`, `servfail`, and `unreachable`, whose
//! addresses no stream leads to.
//!
//! Nearly everything is computed from the address. The address's last octet modulo 32 says
//! what its PTR lookup gives:
//!
//! | last octet mod 32 | PTR | forward lookup |
//! |---|---|---|
//! | 7 | NXDOMAIN | |
//! | 11 | no data | |
//! | 13 | one name | another address: the last bit is flipped |
//! | 17 | two names, `host-...` and `alias-...` | both give the address |
//! | 19 | a CNAME (RFC 2317), then one name | the address |
//! | any other | one name | the address |

mod answer;
mod forward;
mod lab;
mod records;
mod reverse;

use std::net::IpAddr;

use canvass_model::{Rcode, Transport};

use crate::query::{HEADER_BYTES, Query, Unreadable};
use crate::reply::{Reply, header_only};
use records::Records;

/// Octets a client takes in a datagram when it does not say (RFC 1035 §2.3.4).
const PLAIN_UDP_BYTES_MAX: usize = 512;
/// Octets a message on a stream may have (RFC 1035 §4.2.2).
const STREAM_BYTES_MAX: usize = 65_535;
/// The extended code for an EDNS version that is not spoken (RFC 6891 §9).
const BADVERS: u16 = 16;

/// All the data of the lab. No IO, no clock, no chance: the same query has the same answer.
#[derive(Debug)]
pub struct Zone {
    records: Records,
    edns: bool,
}

/// How to answer one query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// With what the zone holds.
    Answer,
    /// With TC set and no records.
    Truncate,
    /// With this code and no records.
    Rcode(Rcode),
}

/// What went out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Responded {
    /// The code, the extended bits included.
    pub rcode: Rcode,
    /// Whether TC is set.
    pub truncated: bool,
}

impl Zone {
    /// The zone; without `edns` it answers FORMERR to every query that has an OPT record, as
    /// servers from before RFC 6891 do.
    pub fn new(edns: bool) -> Self {
        Self {
            records: Records::new(),
            edns,
        }
    }

    /// Appends the reply to one query to `reply`. `None` when nothing may be sent back: there is
    /// no whole header, or it is no query.
    pub fn respond(
        &self,
        query: &[u8],
        transport: Transport,
        treatment: Treatment,
        reply: &mut Vec<u8>,
    ) -> Option<Responded> {
        let query = match Query::parse(query) {
            Ok(query) => query,
            Err(reason) => return respond_to_unreadable(query, reason, reply),
        };
        if query.edns.is_some() && !self.edns {
            Reply::to(&query, reply).finish(Rcode::FORMERR.0, None, STREAM_BYTES_MAX);
            return Some(Responded {
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
        let mut writer = Reply::to(&query, reply);
        let rcode = match treatment {
            Treatment::Truncate => {
                writer.finish_truncated(query.edns);
                return Some(Responded {
                    rcode: Rcode::NOERROR,
                    truncated: true,
                });
            }
            Treatment::Rcode(rcode) => rcode.0,
            Treatment::Answer if query.edns.is_some_and(|edns| edns.version > 0) => BADVERS,
            Treatment::Answer => answer::write(&self.records, &query, &mut writer).0,
        };
        let truncated = writer.finish(rcode, query.edns, bytes_max);
        Some(Responded {
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

/// What a PTR lookup of an address must come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedPtr {
    /// NOERROR or NXDOMAIN.
    pub rcode: Rcode,
    /// The names, with the last dot, in the order they come; empty for NXDOMAIN and no data.
    pub names: Vec<String>,
    /// Whether looking the names up leads back to the address; `None` where there is no name.
    pub confirmed: Option<bool>,
}

/// What a PTR lookup of `address` must come to: the one truth for tests.
pub fn expected_names(address: IpAddr) -> ExpectedPtr {
    let rule = Rule::of(address);
    let host = forward::host_name(forward::HOST, address);
    let (rcode, names) = match rule {
        Rule::NoName => (Rcode::NXDOMAIN, vec![]),
        Rule::NoData => (Rcode::NOERROR, vec![]),
        Rule::TwoNames => (
            Rcode::NOERROR,
            vec![host, forward::host_name(forward::ALIAS, address)],
        ),
        Rule::Plain | Rule::Spoofed | Rule::Cname => (Rcode::NOERROR, vec![host]),
    };
    ExpectedPtr {
        rcode,
        confirmed: (!names.is_empty()).then_some(rule != Rule::Spoofed),
        names,
    }
}

/// What an address's last octet makes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    Plain,
    NoName,
    NoData,
    Spoofed,
    TwoNames,
    Cname,
}

impl Rule {
    fn of(address: IpAddr) -> Self {
        match last_octet(address) % 32 {
            7 => Self::NoName,
            11 => Self::NoData,
            13 => Self::Spoofed,
            17 => Self::TwoNames,
            19 => Self::Cname,
            _ => Self::Plain,
        }
    }
}

fn last_octet(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(address) => address.octets()[3],
        IpAddr::V6(address) => address.octets()[15],
    }
}

fn respond_to_unreadable(
    query: &[u8],
    reason: Unreadable,
    reply: &mut Vec<u8>,
) -> Option<Responded> {
    let rcode = match reason {
        Unreadable::Drop => return None,
        Unreadable::FormErr => Rcode::FORMERR,
        Unreadable::NotImplemented => Rcode::NOTIMP,
    };
    let header: &[u8; HEADER_BYTES] = query.first_chunk()?;
    header_only(header, rcode.0 as u8, reply);
    Some(Responded {
        rcode,
        truncated: false,
    })
}

#[cfg(test)]
mod tests;
