//! Hosts that probes go to.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use canvass_lab::{Impairments, ServiceKind};

use super::Reach;

/// The time of day when a world begins, since 1970 (UTC).
pub const UNIX_AT_ZERO: Duration = Duration::from_secs(1_700_000_000);

/// One port of a host, or of many hosts that are alike.
#[derive(Clone, Debug)]
pub struct Site {
    /// The first address.
    pub first: IpAddr,
    /// The last one.
    pub last: IpAddr,
    /// The port.
    pub port: u16,
    /// Who speaks there.
    pub voice: Voice,
    /// What it does wrong.
    pub impairments: Impairments,
    /// Whether anything can reach it at all.
    pub reach: Reach,
    /// Where what it says breaks off.
    pub cut: Option<CutAt>,
}

/// Who speaks.
#[derive(Clone, Debug)]
pub enum Voice {
    /// One of the lab's services, without TLS.
    Service(ServiceKind),
    /// Whoever has said the end of a head is told this, and the connection closes.
    Canned(Arc<[u8]>),
}

/// Where what a host says breaks off, and how.
#[derive(Clone, Copy, Debug)]
pub struct CutAt {
    /// Behind so many octets of each connection; `None` for as many as the address is behind the
    /// first of its site.
    pub octets: Option<usize>,
    /// What comes then.
    pub then: Then,
}

/// What comes at a cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// The rest, so much later.
    Pause(Duration),
    /// Nothing.
    Stop,
    /// The connection closes in good order.
    Close,
    /// The connection is reset.
    Reset,
}

/// A cut of one connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut {
    pub at_octets: usize,
    pub then: Then,
}

impl Site {
    /// A service at one address, on its usual port, with nothing wrong with it.
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

    /// The same at all addresses up to `last`.
    #[must_use]
    pub fn up_to(mut self, last: IpAddr) -> Self {
        self.last = last;
        self
    }

    /// The same with these impairments, written as the lab's flags are.
    ///
    /// # Panics
    /// When one of them does not exist.
    #[must_use]
    pub fn impaired(mut self, impairments: &str) -> Self {
        self.impairments = impairments.parse().expect("impairments that exist");
        self
    }

    /// Whether nothing is wrong with it.
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
