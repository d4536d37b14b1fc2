//! The hosts at the remote ends of probes.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use canvass_lab::{Activity, Output, ServiceKind, ServiceSession, Services};
use canvass_model::Time;

use super::World;
use super::agenda::Happening;
use super::sockets::{Far, Handle};
use crate::scenario::{Cut, Reach, Site, Then, UNIX_AT_ZERO, Voice};

/// Octets that a host sends ahead of what this side has read.
const WINDOW_OCTETS_MAX: usize = 64 << 10;
/// How long a host accepts input after its close. After that it resets the connection.
const LINGER: Duration = Duration::from_secs(2);
/// A port that no site uses, for addresses of many hosts.
const EVERYBODY: [u8; 4] = [255, 255, 255, 255];

/// A site of a running scenario.
#[derive(Debug)]
pub(super) struct SiteSide {
    pub site: Site,
    services: Services,
}

/// A host's side of a connection.
#[derive(Debug)]
pub(super) struct HostEnd {
    speaker: Speaker,
    /// Output that has not been sent.
    unsent: VecDeque<u8>,
    /// Octets sent.
    sent: usize,
    /// Octets sent that this side has not read.
    underway_octets: usize,
    /// The last timer that was set.
    wake_at: Option<Time>,
    cut: Option<Cut>,
    paused_until: Option<Time>,
    /// When it closed its end.
    closed_at: Option<Time>,
}

#[derive(Debug)]
enum Speaker {
    Service(Box<ServiceSession>),
    Canned(CannedSpeaker),
}

/// Sends the same response to every head, and closes.
#[derive(Debug)]
struct CannedSpeaker {
    received: Vec<u8>,
    /// The response. `None` once it was sent.
    text: Option<std::sync::Arc<[u8]>>,
}

impl SiteSide {
    pub(super) fn new(site: &Site) -> Self {
        let mut impairments = site.impairments.clone();
        impairments.seed ^= u64::from(site.port);
        // Without TLS services no certificates are made, which would be random.
        let services = Services::new(&[], impairments, UNIX_AT_ZERO);
        Self {
            site: site.clone(),
            services: services.expect("only certificates can fail"),
        }
    }

    fn speaker(&mut self, now: Time, server: IpAddr) -> Speaker {
        match &self.site.voice {
            Voice::Service(kind) => {
                Speaker::Service(Box::new(self.services.open(now, *kind, server)))
            }
            Voice::Canned(text) => Speaker::Canned(CannedSpeaker {
                received: Vec::new(),
                text: Some(text.clone()),
            }),
        }
    }
}

impl Speaker {
    fn received(&mut self, now: Time, octets: &[u8]) {
        match self {
            Self::Service(session) => session.received(now, octets),
            Self::Canned(canned) => canned.received.extend_from_slice(octets),
        }
    }

    fn ended(&mut self) {
        if let Self::Service(session) = self {
            session.ended();
        }
    }

    fn poll(&mut self, now: Time, out: &mut Vec<u8>) -> Output {
        match self {
            Self::Service(session) => session.poll(now, out, &mut Activity::default()),
            Self::Canned(canned) => {
                let asked = canned.received.windows(4).any(|four| four == b"\r\n\r\n");
                match canned.text.take_if(|_| asked) {
                    Some(text) => {
                        out.extend_from_slice(&text);
                        Output::Send
                    }
                    None if asked => Output::Close,
                    None => Output::Idle,
                }
            }
        }
    }
}

impl World {
    /// A connection is open: the host may have a greeting.
    pub(super) fn accept_at_host(&mut self, to: Handle, remote: SocketAddr, site: Option<usize>) {
        let Some(site) = site else { return };
        let side = &mut self.sites[site];
        let host = HostEnd {
            speaker: side.speaker(self.now, remote.ip()),
            unsent: VecDeque::new(),
            sent: 0,
            underway_octets: 0,
            wake_at: None,
            cut: side.site.cut_for(remote.ip()),
            paused_until: None,
            closed_at: None,
        };
        if let Some(stream) = self.sockets.stream(to) {
            stream.host = Some(Box::new(host));
        }
        self.let_host_speak(to);
    }

    pub(super) fn octets_at_host(&mut self, from: Handle, octets: &[u8]) {
        let now = self.now;
        let Some(host) = self.host_end(from) else {
            return;
        };
        match host.closed_at {
            Some(closed_at) if now >= closed_at + LINGER => {
                self.end_far(from, Some(libc::ECONNRESET));
            }
            Some(_) => {}
            None => {
                host.speaker.received(now, octets);
                self.let_host_speak(from);
            }
        }
    }

    pub(super) fn end_at_host(&mut self, from: Handle) {
        if let Some(host) = self.host_end(from) {
            host.speaker.ended();
            self.let_host_speak(from);
        }
    }

    pub(super) fn host_goes_on(&mut self, to: Handle, at: Time) {
        if let Some(host) = self.host_end(to).filter(|host| host.wake_at == Some(at)) {
            host.wake_at = None;
            self.let_host_speak(to);
        }
    }

    /// This side has read octets, which makes room for others.
    pub(super) fn on_octets_taken(&mut self, handle: Handle, octets: usize) {
        let at = self.now.plus_nanos(self.one_way_ns());
        let Some(host) = self.host_end(handle) else {
            return;
        };
        host.underway_octets = host.underway_octets.saturating_sub(octets);
        if !host.unsent.is_empty() {
            self.wake_host(handle, at);
        }
    }

    fn host_end(&mut self, handle: Handle) -> Option<&mut HostEnd> {
        self.sockets.stream(handle)?.host.as_deref_mut()
    }

    fn wake_host(&mut self, to: Handle, at: Time) {
        if let Some(host) = self.host_end(to)
            && host.wake_at.is_none_or(|set| at < set)
        {
            host.wake_at = Some(at);
            self.agenda.add(at, Happening::HostGoesOn { to, at });
        }
    }

    /// Sends the output of a host as far as possible.
    fn let_host_speak(&mut self, to: Handle) {
        let now = self.now;
        let window = self.host.stream_buffer_octets.min(WINDOW_OCTETS_MAX);
        while let Some(host) = self.host_end(to).filter(|host| host.closed_at.is_none()) {
            if let Some(cut) = host.cut.filter(|cut| host.sent == cut.at_octets) {
                match cut.then {
                    Then::Stop => return,
                    Then::Close => return self.close_host(to, None),
                    Then::Reset => return self.close_host(to, Some(libc::ECONNRESET)),
                    Then::Pause(span) => {
                        host.cut = None;
                        host.paused_until = Some(now + span);
                    }
                }
            }
            if let Some(until) = host.paused_until.filter(|until| now < *until) {
                return self.wake_host(to, until);
            }
            if host.unsent.is_empty() {
                let mut said = Vec::new();
                match host.speaker.poll(now, &mut said) {
                    Output::Send => host.unsent.extend(said),
                    Output::Wait(until) => return self.wake_host(to, until),
                    Output::Idle => return,
                    Output::Close => return self.close_host(to, None),
                    Output::Reset => return self.close_host(to, Some(libc::ECONNRESET)),
                }
            }
            let mut room = window.saturating_sub(host.underway_octets);
            if let Some(cut) = host.cut.filter(|cut| cut.at_octets > host.sent) {
                room = room.min(cut.at_octets - host.sent);
            }
            let leaving = host.unsent.len().min(room);
            if leaving == 0 && !host.unsent.is_empty() {
                return;
            }
            let octets: Vec<u8> = host.unsent.drain(..leaving).collect();
            host.sent += leaving;
            host.underway_octets += leaving;
            self.send_back(to, octets);
        }
    }

    fn close_host(&mut self, to: Handle, errno: Option<i32>) {
        let now = self.now;
        if let Some(host) = self.host_end(to) {
            host.closed_at = Some(now);
            self.end_far(to, errno);
        }
    }

    pub(super) fn datagram_at_host(
        &mut self,
        from: Handle,
        remote: SocketAddr,
        site: Option<usize>,
        datagram: &[u8],
    ) {
        if remote.ip() != IpAddr::from(EVERYBODY) {
            let reach = self.reach_of(Far::Host { remote, site });
            if self.hears_datagrams(from, reach)
                && let Some(site) = site
            {
                self.answer_datagram(from, remote, site, datagram);
            }
            return;
        }
        // All hosts of the network receive it.
        for site in 0..self.sites.len() {
            let one = &self.sites[site].site;
            if one.port == remote.port() && one.reach == Reach::Open && one.first.is_ipv4() {
                let answering = SocketAddr::new(one.first, one.port);
                self.answer_datagram(from, answering, site, datagram);
            }
        }
    }

    fn answer_datagram(&mut self, to: Handle, from: SocketAddr, site: usize, datagram: &[u8]) {
        let side = &mut self.sites[site];
        let Voice::Service(kind) = side.site.voice else {
            return;
        };
        let kind: ServiceKind = kind;
        let mut octets = Vec::new();
        let plan = side
            .services
            .answer(self.now, kind, from.ip(), datagram, &mut octets);
        let Some(plan) = plan else { return };
        for _ in 0..plan.copies {
            for at in self.arrivals() {
                let octets = octets.clone();
                let happening = Happening::DatagramHere { to, from, octets };
                self.agenda.add(at + plan.delay, happening);
            }
        }
    }
}
