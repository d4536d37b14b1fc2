//! The hosts of probes.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use canvass_lab::{Impairments, ServiceKind};

use super::Reach;

/// The wall clock time at the start of a world, since 1970 (UTC).
pub const UNIX_AT_ZERO: Duration = Duration::from_secs(1_700_000_000);

/// A port of a host or of many equal hosts.
#[derive(Clone, Debug)]
pub struct Site {
    /// The first address.
    pub first: IpAddr,
    /// The last address.
    pub last: IpAddr,
    /// The port.
    pub port: u16,
    /// The service.
    pub voice: Voice,
    /// The impairments.
    pub impairments: Impairments,
    /// What happens to packets for it.
    pub reach: Reach,
    /// Where its output is cut.
    pub cut: Option<CutAt>,
}

/// A service of a site.
#[derive(Clone, Debug)]
pub enum Voice {
    /// One of the lab's services, without TLS.
    Service(ServiceKind),
    /// Sends this response to every head, and closes.
    Canned(Arc<[u8]>),
}

/// Where and how the output of a host is cut.
#[derive(Clone, Copy, Debug)]
pub struct CutAt {
    /// The number of octets per connection before the cut. `None` means the index of the address in
    /// the site.
    pub octets: Option<usize>,
    /// What follows the cut.
    pub then: Then,
}

/// What follows a cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// The rest, after this time.
    Pause(Duration),
    /// Nothing.
    Stop,
    /// A close.
    Close,
    /// A reset.
    Reset,
}

/// A cut of one connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut {
    pub at_octets: usize,
    pub then: Then,
}

impl Site {
    /// A service at an address, on its usual port, without impairments.
    pub fn new(address: IpAddr, kind: ServiceKind) -> Self {
        Self {
            first: address,
            last: address,
            port: kind.usual_port(),
            voice: Voice::Service(kind),
            impairments: Impairments::default(),
            reach: Reach::Open,
            cut: None,
        }
    }

    /// The same for all addresses up to `last`.
    #[must_use]
    pub fn up_to(mut self, last: IpAddr) -> Self {
        self.last = last;
        self
    }

    /// The same with these impairments, in the format of `--lab`.
    ///
    /// # Panics
    /// If one of them does not exist.
    #[must_use]
    pub fn impaired(mut self, impairments: &str) -> Self {
        self.impairments = impairments.parse().expect("impairments that exist");
        self
    }

    /// Whether it has no impairments.
    pub fn is_plain(&self) -> bool {
        let plain = Impairments {
            seed: self.impairments.seed,
            ..Impairments::default()
        };
        self.impairments == plain && self.reach == Reach::Open && self.cut.is_none()
    }

    pub(crate) fn serves(&self, remote: SocketAddr) -> bool {
        let same_kind = self.first.is_ipv4() == remote.is_ipv4();
        same_kind && self.port == remote.port() && (self.first..=self.last).contains(&remote.ip())
    }

    pub(crate) fn cut_for(&self, address: IpAddr) -> Option<Cut> {
        let cut = self.cut?;
        let by_address = || number(address).wrapping_sub(number(self.first)) as usize;
        Some(Cut {
            at_octets: cut.octets.unwrap_or_else(by_address),
            then: cut.then,
        })
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    }
}
