//! The addresses that sockets may be opened to.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use canvass_model::{Cause, Remote};
use canvass_proto::{SocketRequest, SystemFault};
use ipnet::IpNet;

/// The addresses that a run may send to, whatever leads there: targets, names, redirects, proxies,
/// resolvers. All of them if the list is empty.
#[derive(Clone, Debug, Default)]
pub struct AllowList(Arc<[IpNet]>);

/// An address is not on the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not among the addresses that --allow permits")]
pub struct DeniedError(pub IpAddr);

impl AllowList {
    /// A list of these networks.
    pub fn new(networks: impl IntoIterator<Item = IpNet>) -> Self {
        let networks: Vec<IpNet> = networks.into_iter().collect();
        Self(IpNet::aggregate(&networks).into())
    }

    /// The same list with further networks.
    #[must_use]
    pub fn with(&self, networks: impl IntoIterator<Item = IpNet>) -> Self {
        Self::new(self.0.iter().copied().chain(networks))
    }

    /// Whether every address may be sent to.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Checks that an address may be sent to. An IPv4-mapped IPv6 address leads to its IPv4 address (RFC
    /// 4291 §2.5.5.2), so that is what counts.
    ///
    /// # Errors
    /// It may not.
    pub fn check(&self, address: IpAddr) -> Result<(), DeniedError> {
        let address = address.to_canonical();
        let is_permitted =
            self.is_empty() || self.0.iter().any(|network| network.contains(&address));
        is_permitted.then_some(()).ok_or(DeniedError(address))
    }

    /// Checks that a socket may be opened. A Unix socket has no address, so a list permits none.
    pub(crate) fn check_request(&self, request: &SocketRequest) -> Result<(), SystemFault> {
        let peer = match request {
            SocketRequest::Stream(Remote::Unix(_)) if self.is_empty() => return Ok(()),
            SocketRequest::Stream(Remote::Unix(_)) => {
                return Err(denied(
                    "--allow permits addresses, and no Unix sockets".into(),
                ));
            }
            SocketRequest::Stream(Remote::Inet(peer)) | SocketRequest::Datagram { peer, .. } => {
                peer
            }
        };
        self.check(SocketAddr::ip(peer))
            .map_err(|error| denied(error.to_string().into()))
    }
}

fn denied(message: Box<str>) -> SystemFault {
    SystemFault {
        cause: Cause::Denied,
        errno: None,
        message,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn list(networks: &[&str]) -> AllowList {
        AllowList::new(networks.iter().map(|network| network.parse().unwrap()))
    }

    #[test]
    fn an_address_is_permitted_if_a_network_has_it_and_every_one_by_an_empty_list() {
        let networks = ["192.0.2.0/25", "192.0.2.128/25", "2001:db8::/32"];
        for (address, permitted) in [
            ("192.0.2.0", true),
            ("192.0.2.255", true),
            ("192.0.3.0", false),
            ("2001:db8::1", true),
            ("2001:db9::1", false),
            // The system sends them to 192.0.2.1 and 127.0.0.1.
            ("::ffff:192.0.2.1", true),
            ("::ffff:127.0.0.1", false),
            ("0.0.0.0", false),
            ("::", false),
        ] {
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(
                list(&networks).check(address).is_ok(),
                permitted,
                "{address}"
            );
            assert!(list(&[]).check(address).is_ok());
        }
        assert!(list(&["::/0"]).check(IpAddr::from([192, 0, 2, 1])).is_err());
    }

    #[test]
    fn a_socket_is_denied_with_its_address() {
        let list = list(&["127.0.0.0/8"]);
        let peer = SocketAddr::from(([192, 0, 2, 1], 80));
        let stream = SocketRequest::Stream(Remote::Inet(peer));
        let datagram = SocketRequest::Datagram { peer, many: false };
        for request in [stream, datagram] {
            let fault = list.check_request(&request).unwrap_err();
            assert_eq!(fault.cause, Cause::Denied);
            assert_eq!(
                &*fault.message,
                "192.0.2.1 is not among the addresses that --allow permits"
            );
            assert!(!fault.may_pass());
        }
        let unix = SocketRequest::Stream(Remote::Unix(Path::new("/run/s").into()));
        assert!(list.check_request(&unix).is_err());
        assert!(AllowList::default().check_request(&unix).is_ok());
    }
}
