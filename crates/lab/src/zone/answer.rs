//! Finds the records for a question and writes them.

use std::net::IpAddr;

use canvass_model::Rcode;

use crate::query::{HEADER_BYTES, Query};
use crate::reply::{Owner, ReplyWriter, Section};

use super::records::{NAME_SERVERS, Node, Records, SOA_DATA, kind};
use super::reverse::{IN_ADDR, IP6, ReverseName};
use super::{PtrCase, forward, lab, reverse};

/// Supported classes: IN and ANY (RFC 1035 §3.2.4, §3.2.5).
const CLASSES: [u16; 2] = [1, 255];
/// CNAMEs followed within the zone, whose longest chain has one.
const CNAMES_MAX: usize = 4;

/// Writes the records of the reply and returns its code.
pub(super) fn write(records: &Records, query: &Query<'_>, reply: &mut ReplyWriter<'_>) -> Rcode {
    let name = &query.name;
    // AXFR and IXFR (RFC 5936, RFC 1995) are refused.
    if !CLASSES.contains(&query.class) || matches!(query.record_type, 251 | 252) {
        return Rcode::REFUSED;
    }
    let (apex, found) = if name.is_within(IN_ADDR, 2) {
        let name = reverse::read(name, false);
        (IN_ADDR, write_reverse(records, query, name, reply))
    } else if name.is_within(IP6, 2) {
        let name = reverse::read(name, true);
        (IP6, write_reverse(records, query, name, reply))
    } else if name.is_within(forward::ZONE, 2) {
        (forward::ZONE, write_forward(records, query, reply))
    } else if name.is_within(lab::ZONE, 2) {
        match lab::find(name) {
            Some(host) => (lab::ZONE, write_lab_host(query, host, reply)),
            None => return Rcode::SERVFAIL,
        }
    } else {
        return Rcode::REFUSED;
    };
    match found {
        Found::Records => Rcode::NOERROR,
        Found::NoData => {
            write_soa(query, apex, reply);
            Rcode::NOERROR
        }
        Found::NxDomain => {
            write_soa(query, apex, reply);
            Rcode::NXDOMAIN
        }
    }
}

/// Writes that a name does not exist, whatever the zone has, and returns NXDOMAIN.
pub(super) fn write_nxdomain(query: &Query<'_>, reply: &mut ReplyWriter<'_>) -> Rcode {
    let apexes = [IN_ADDR, IP6, forward::ZONE, lab::ZONE];
    if let Some(apex) = apexes
        .into_iter()
        .find(|apex| query.name.is_within(apex, 2))
    {
        write_soa(query, apex, reply);
    }
    Rcode::NXDOMAIN
}

/// Writes a referral upwards, to the servers of the root.
pub(super) fn write_referral(reply: &mut ReplyWriter<'_>) {
    reply.deny_recursion();
    for server in NAME_SERVERS {
        reply.record(Section::Authority, Owner::Name(&[0]), kind::NS, |out| {
            out.extend_from_slice(server);
        });
    }
}

/// The result of a lookup in the zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Records,
    NoData,
    NxDomain,
}

fn write_reverse(
    records: &Records,
    query: &Query<'_>,
    name: ReverseName,
    reply: &mut ReplyWriter<'_>,
) -> Found {
    match name {
        ReverseName::Host(address) => match PtrCase::of(address) {
            PtrCase::NxDomain => Found::NxDomain,
            PtrCase::NoData => Found::NoData,
            PtrCase::Cname => write_delegation(query, address, reply),
            PtrCase::Plain | PtrCase::Spoofed => {
                write_names(query, Owner::Question, address, &[forward::HOST], reply)
            }
            PtrCase::TwoNames => {
                let both = [forward::HOST, forward::ALIAS];
                write_names(query, Owner::Question, address, &both, reply)
            }
        },
        ReverseName::Delegated(address) => {
            write_names(query, Owner::Question, address, &[forward::HOST], reply)
        }
        ReverseName::Apex => write_reverse_apex(records, query, reply),
        ReverseName::EmptyNonTerminal => Found::NoData,
        ReverseName::NxDomain => Found::NxDomain,
    }
}

fn write_names(
    query: &Query<'_>,
    owner: Owner<'_>,
    address: IpAddr,
    prefixes: &[&[u8]],
    reply: &mut ReplyWriter<'_>,
) -> Found {
    if !matches!(query.record_type, kind::PTR | kind::ANY) {
        return Found::NoData;
    }
    for prefix in prefixes {
        reply.record(Section::Answer, owner, kind::PTR, |out| {
            forward::push_host_name(prefix, address, out);
        });
    }
    Found::Records
}

/// Writes the CNAME of an address and its target: `3.2.1.10.in-addr.arpa` is a CNAME to
/// `3.0/25.2.1.10.in-addr.arpa` (RFC 2317 §4).
fn write_delegation(query: &Query<'_>, address: IpAddr, reply: &mut ReplyWriter<'_>) -> Found {
    let (first, delegation) = (query.name.label(0), reverse::delegation_label(address));
    let parent = (HEADER_BYTES + query.name.label_start(1)) as u16;
    let target = reply.record(Section::Answer, Owner::Question, kind::CNAME, |out| {
        for label in [first, delegation] {
            out.push(label.len() as u8);
            out.extend_from_slice(label);
        }
        out.extend_from_slice(&(0xc000 | parent).to_be_bytes());
    });
    if matches!(query.record_type, kind::CNAME | kind::ANY) {
        return Found::Records;
    }
    write_names(query, Owner::At(target), address, &[forward::HOST], reply)
}

fn write_reverse_apex(records: &Records, query: &Query<'_>, reply: &mut ReplyWriter<'_>) -> Found {
    let asked = |record_type| [record_type, kind::ANY].contains(&query.record_type);
    let mut found = Found::NoData;
    if asked(kind::SOA) {
        reply.record(Section::Answer, Owner::Question, kind::SOA, |out| {
            out.extend_from_slice(SOA_DATA);
        });
        found = Found::Records;
    }
    if asked(kind::NS) {
        for server in NAME_SERVERS {
            reply.record(Section::Answer, Owner::Question, kind::NS, |out| {
                out.extend_from_slice(server);
            });
        }
        for server in NAME_SERVERS {
            write_addresses(records, server, reply);
        }
        found = Found::Records;
    }
    found
}

fn write_forward(records: &Records, query: &Query<'_>, reply: &mut ReplyWriter<'_>) -> Found {
    let name = &query.name;
    if name.label_count() == 3
        && let Some(address) = forward::read_host_label(name.label(0))
    {
        return write_address(query, address, reply);
    }
    let Some(mut node) = records.find(name.wire()) else {
        return Found::NxDomain;
    };
    let mut owner = Owner::Question;
    if query.record_type != kind::CNAME && query.record_type != kind::ANY {
        for _ in 0..CNAMES_MAX {
            let Some(alias) = node.of_type(kind::CNAME).next() else {
                break;
            };
            let target = reply.record(Section::Answer, owner, kind::CNAME, |out| {
                out.extend_from_slice(&alias.data);
            });
            owner = Owner::At(target);
            // The response code is that of the last name in the chain (RFC 6604 §3).
            node = match records.find(&alias.data) {
                Some(node) => node,
                None => return Found::NxDomain,
            };
        }
    }
    write_node(records, node, owner, query.record_type, reply)
}

fn write_node(
    records: &Records,
    node: &Node,
    owner: Owner<'_>,
    record_type: u16,
    reply: &mut ReplyWriter<'_>,
) -> Found {
    let mut found = Found::NoData;
    for record in node.of_type(record_type) {
        reply.record(Section::Answer, owner, record.record_type, |out| {
            out.extend_from_slice(&record.data);
        });
        found = Found::Records;
    }
    for record in node.of_type(record_type) {
        if let Some(at) = record.glue_at {
            write_addresses(records, &record.data[at..], reply);
        }
    }
    found
}

/// Writes the addresses of a name that another record refers to (RFC 1035 §3.3.9).
fn write_addresses(records: &Records, name: &[u8], reply: &mut ReplyWriter<'_>) {
    let Some(node) = records.find(name) else {
        return;
    };
    for record_type in [kind::A, kind::AAAA] {
        for record in node.of_type(record_type) {
            reply.record(Section::Additional, Owner::Name(name), record_type, |out| {
                out.extend_from_slice(&record.data);
            });
        }
    }
}

fn write_address(query: &Query<'_>, named: IpAddr, reply: &mut ReplyWriter<'_>) -> Found {
    if write_address_record(query, reverse::forward_address(named), reply) {
        Found::Records
    } else {
        Found::NoData
    }
}

/// Writes an address if its type is the queried one. Returns whether it is.
fn write_address_record(query: &Query<'_>, address: IpAddr, reply: &mut ReplyWriter<'_>) -> bool {
    let record_type = match address {
        IpAddr::V4(_) => kind::A,
        IpAddr::V6(_) => kind::AAAA,
    };
    let asked = [record_type, kind::ANY].contains(&query.record_type);
    if asked {
        reply.record(
            Section::Answer,
            Owner::Question,
            record_type,
            |out| match address {
                IpAddr::V4(address) => out.extend_from_slice(&address.octets()),
                IpAddr::V6(address) => out.extend_from_slice(&address.octets()),
            },
        );
    }
    asked
}

fn write_lab_host(query: &Query<'_>, host: lab::LabHost, reply: &mut ReplyWriter<'_>) -> Found {
    let lab::LabHost::Addresses(addresses) = host else {
        return Found::NxDomain;
    };
    let mut found = Found::NoData;
    for address in addresses {
        if write_address_record(query, *address, reply) {
            found = Found::Records;
        }
    }
    found
}

/// Writes the SOA record, which limits negative caching (RFC 2308 §3).
fn write_soa(query: &Query<'_>, apex: &[u8], reply: &mut ReplyWriter<'_>) {
    let owner = HEADER_BYTES + query.name.wire().len() - apex.len();
    reply.record(
        Section::Authority,
        Owner::At(owner as u16),
        kind::SOA,
        |out| out.extend_from_slice(SOA_DATA),
    );
}
