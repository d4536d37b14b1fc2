//! All services of one lab: what they share, and what befalls their connections.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use canvass_model::Time;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::conversation::{Conversation, Delays, Parts, WireRules};
use crate::impairment::Impairments;
use crate::script::{contains, is_out};
use crate::service::{DayTime, ServiceKind, Shared, Site, answer_datagram, open};
use crate::tls::{TlsError, TlsSetup};

/// Opens conversations, and answers datagrams. No IO and no clock: the lab's host and the
/// simulator hand it the time, and two of them with one seed that see the same do the same, but
/// for the keys of TLS.
#[derive(Debug)]
pub struct Services {
    shared: Shared,
    tls: Option<Arc<TlsSetup>>,
    impairments: Impairments,
    delays: Option<Delays>,
    wire: Option<WireRules>,
    rng: SmallRng,
    first: Option<Time>,
}

/// What becomes of one datagram that is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DatagramPlan {
    /// How long after the datagram its answer leaves.
    pub delay: Duration,
    /// How often it leaves: once or twice.
    pub copies: usize,
}

impl Services {
    /// What these kinds need, with certificates where one of them has TLS. `unix` is the time of
    /// day at [`Time::ZERO`], since 1970 (UTC).
    ///
    /// # Errors
    /// The certificates could not be made.
    pub fn new(
        kinds: &[ServiceKind],
        impairments: Impairments,
        unix: Duration,
    ) -> Result<Self, TlsError> {
        let has_tls = kinds
            .iter()
            .any(|kind| kind.is_tls() || kind.has_starttls());
        let unix_ns = unix.as_nanos() as i128;
        let tls = has_tls
            .then(|| TlsSetup::new(DayTime { unix_ns }.unix_s()))
            .transpose()?
            .map(Arc::new);
        let site = Site::new(tls.as_ref().map(|tls| tls.ca_pem()));
        let skew_ns = i128::from(impairments.time_skew_s) * 1_000_000_000;
        Ok(Self {
            shared: Shared {
                site: Arc::new(site),
                day_at_zero: DayTime {
                    unix_ns: unix_ns + skew_ns,
                },
                tls: has_tls,
            },
            tls,
            delays: Delays::new(&impairments, impairments.seed),
            wire: WireRules::new(&impairments),
            rng: SmallRng::seed_from_u64(impairments.seed),
            first: None,
            impairments,
        })
    }

    /// The certificate of the lab's authority, where there is TLS.
    pub fn ca_pem(&self) -> Option<String> {
        self.tls.as_ref().map(|tls| tls.ca_pem())
    }

    /// A client certificate of that authority and its key, where there is TLS.
    pub fn client_pem(&self) -> Option<String> {
        self.tls.as_ref().map(|tls| tls.client_pem().to_owned())
    }

    /// The peer's side of a new connection to the address `server`.
    pub fn open(&mut self, now: Time, kind: ServiceKind, server: IpAddr) -> Conversation {
        let silent = self.impairments.tcp_silent || self.is_mute(now, server);
        let web = matches!(kind, ServiceKind::Http | ServiceKind::Https);
        let has_tls = kind.is_tls() || kind.has_starttls();
        let delays = self.delays.is_some().then(|| self.rng.next_u64());
        let parts = Parts {
            service: open(kind, &self.shared),
            tls_at_once: kind.is_tls(),
            tls: self
                .tls
                .as_ref()
                .filter(|_| has_tls)
                .map(|tls| (Arc::clone(tls), web)),
            server,
            delays: delays.and_then(|seed| Delays::new(&self.impairments, seed)),
            wire: self.wire,
            silent,
        };
        Conversation::new(now, parts)
    }

    /// Appends the answer to a datagram to `out`; `None` when it gets none.
    pub fn answer(
        &mut self,
        now: Time,
        kind: ServiceKind,
        server: IpAddr,
        datagram: &[u8],
        out: &mut Vec<u8>,
    ) -> Option<DatagramPlan> {
        if self.is_mute(now, server) || self.impairments.loss.takes(self.rng.next_u32()) {
            return None;
        }
        answer_datagram(kind, &self.shared, now, datagram, out)?;
        let twice = self.impairments.duplicate.takes(self.rng.next_u32());
        Some(DatagramPlan {
            delay: self.delays.as_mut().map_or(Duration::ZERO, Delays::draw),
            copies: 1 + usize::from(twice),
        })
    }

    /// Whether nothing is said at an address at this time.
    fn is_mute(&mut self, now: Time, server: IpAddr) -> bool {
        let first = *self.first.get_or_insert(now);
        contains(&self.impairments.dead, server) || is_out(&self.impairments, now.since(first))
    }
}
