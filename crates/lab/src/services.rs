//! All services of one lab: what they share, and the impairments of their connections.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use canvass_model::Time;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::impairment::Impairments;
use crate::responder::{contains, is_in_outage};
use crate::service::{ServiceContext, ServiceKind, Site, UnixTime, answer_datagram, open};
use crate::session::{DelaySampler, Parts, ServiceSession, ShaperSettings};
use crate::tls::{TlsError, TlsSetup};

/// Opens sessions and answers datagrams. It does no IO and is given the time. With the same seed
/// and the same input the output is the same, except for the keys of TLS.
#[derive(Debug)]
pub struct Services {
    context: ServiceContext,
    tls: Option<Arc<TlsSetup>>,
    impairments: Impairments,
    delays: Option<DelaySampler>,
    shaper: Option<ShaperSettings>,
    rng: SmallRng,
    first: Option<Time>,
}

/// How a datagram is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DatagramPlan {
    /// How long after the datagram the answer is sent.
    pub delay: Duration,
    /// How often it is sent: once or twice.
    pub copies: usize,
}

impl Services {
    /// Prepares services of these kinds, with certificates if one of them has TLS. `unix` is the
    /// wall clock time at [`Time::ZERO`], since 1970 (UTC).
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
            .then(|| TlsSetup::new(UnixTime { unix_ns }.unix_s()))
            .transpose()?
            .map(Arc::new);
        let site = Site::new(tls.as_ref().map(|tls| tls.ca_pem()));
        let skew_ns = i128::from(impairments.time_skew_s) * 1_000_000_000;
        Ok(Self {
            context: ServiceContext {
                site: Arc::new(site),
                unix_at_zero: UnixTime {
                    unix_ns: unix_ns + skew_ns,
                },
                tls: has_tls,
            },
            tls,
            delays: DelaySampler::new(&impairments, impairments.seed),
            shaper: ShaperSettings::new(&impairments),
            rng: SmallRng::seed_from_u64(impairments.seed),
            first: None,
            impairments,
        })
    }

    /// The certificate of the lab's authority, if there is TLS.
    pub fn ca_pem(&self) -> Option<String> {
        self.tls.as_ref().map(|tls| tls.ca_pem())
    }

    /// A client certificate signed by that authority and its key, if there is TLS.
    pub fn client_pem(&self) -> Option<String> {
        self.tls.as_ref().map(|tls| tls.client_pem().to_owned())
    }

    /// Opens the service's side of a new connection to the address `server`.
    pub fn open(&mut self, now: Time, kind: ServiceKind, server: IpAddr) -> ServiceSession {
        let silent = self.impairments.tcp_silent || self.is_silent(now, server);
        let http = matches!(kind, ServiceKind::Http | ServiceKind::Https);
        let has_tls = kind.is_tls() || kind.has_starttls();
        let delays = self.delays.is_some().then(|| self.rng.next_u64());
        let parts = Parts {
            service: open(kind, &self.context),
            implicit_tls: kind.is_tls(),
            tls: self
                .tls
                .as_ref()
                .filter(|_| has_tls)
                .map(|tls| (Arc::clone(tls), http)),
            server,
            delays: delays.and_then(|seed| DelaySampler::new(&self.impairments, seed)),
            shaper: self.shaper,
            silent,
        };
        ServiceSession::new(now, parts)
    }

    /// Appends the answer to a datagram to `out`. `None` if there is no answer.
    pub fn answer(
        &mut self,
        now: Time,
        kind: ServiceKind,
        server: IpAddr,
        datagram: &[u8],
        out: &mut Vec<u8>,
    ) -> Option<DatagramPlan> {
        if self.is_silent(now, server) || self.impairments.loss.includes(self.rng.next_u32()) {
            return None;
        }
        answer_datagram(kind, &self.context, now, datagram, out)?;
        let twice = self.impairments.duplicate.includes(self.rng.next_u32());
        Some(DatagramPlan {
            delay: self
                .delays
                .as_mut()
                .map_or(Duration::ZERO, DelaySampler::draw),
            copies: 1 + usize::from(twice),
        })
    }

    /// Whether nothing is sent from an address at this time.
    fn is_silent(&mut self, now: Time, server: IpAddr) -> bool {
        let first = *self.first.get_or_insert(now);
        contains(&self.impairments.dead, server)
            || is_in_outage(&self.impairments, now.since(first))
    }
}
