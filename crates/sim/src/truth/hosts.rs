//! The addresses of hosts in the lab's zone.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use canvass_lab::{ResponseMode, Zone};
use canvass_model::{Cause, Host, Rcode, RecordType, Transport};
use canvass_proto::dns::{Message, QueryOptions, Question};

/// The expected addresses of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HostTruth {
    /// Addresses, IPv6 before IPv4.
    Addresses(Vec<IpAddr>),
    /// None, with the cause.
    None(Cause),
}

/// Returns the expected addresses of a host.
pub(crate) fn host_truth(zone: &Zone, host: &Host) -> HostTruth {
    let name = match host {
        Host::Address(address) => return HostTruth::Addresses(vec![*address]),
        Host::Scoped(scoped) => return HostTruth::Addresses(vec![scoped.address.into()]),
        // RFC 6761 §6.3: not looked up with resolvers.
        Host::Name(name) if **name == *"localhost" => {
            let both = [Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()];
            return HostTruth::Addresses(both.into());
        }
        Host::Name(name) => name,
    };
    let Ok(name) = name.parse() else {
        return HostTruth::None(Cause::Invalid);
    };
    let mut addresses = Vec::new();
    let mut cause = Cause::NoData;
    for record_type in [RecordType::AAAA, RecordType::A] {
        let (mut query, mut reply) = (Vec::new(), Vec::new());
        Question::new(&name, record_type).write_query(0, true, &QueryOptions::PLAIN, &mut query);
        let status = zone.respond(&query, Transport::Tcp, ResponseMode::Answer, &mut reply);
        match status.map(|status| status.rcode) {
            Some(Rcode::NOERROR) => {}
            Some(Rcode::NXDOMAIN) => cause = Cause::NxDomain,
            _ => cause = Cause::Rcode,
        }
        let message = Message::new(&reply).expect("a reply");
        let records = message.answer_records();
        let shown = records.filter_map(|record| record.presentation());
        addresses.extend(shown.filter_map(|record| record.data.parse::<IpAddr>().ok()));
    }
    if addresses.is_empty() {
        return HostTruth::None(cause);
    }
    HostTruth::Addresses(addresses)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_lab_have_their_addresses_or_their_reasons() {
        let zone = Zone::default();
        for (name, addresses) in [
            ("a.lab.test", &["::1", "127.0.0.1"][..]),
            ("v4.lab.test", &["127.0.0.1"]),
            ("host-10-0-0-3.example.net", &["10.0.0.3"]),
            ("192.0.2.7", &["192.0.2.7"]),
        ] {
            let expected = addresses.iter().map(|text| text.parse().unwrap());
            let truth = host_truth(&zone, &Host::parse(name).unwrap());
            assert_eq!(truth, HostTruth::Addresses(expected.collect()), "{name}");
        }
        for (name, cause) in [
            ("nodata.lab.test", Cause::NoData),
            ("nxdomain.lab.test", Cause::NxDomain),
            ("servfail.lab.test", Cause::Rcode),
        ] {
            let truth = host_truth(&zone, &Host::parse(name).unwrap());
            assert_eq!(truth, HostTruth::None(cause), "{name}");
        }
    }
}
