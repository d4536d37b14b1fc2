//! A probe with a driver that carries out its outputs and records them.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use canvass_model::{
    Answer, Cause, Errno, Host, HttpAnswer, HttpFallback, Job, ModuleId, Outcome, ProbeSpec,
    TalkAnswer, Target, Time, UrlTarget,
};

use crate::http::HttpSettings;
use crate::probe::*;
use crate::talk::Script;
use crate::tls::{TlsClient, TlsOptions};

/// The response in most tests.
pub(super) const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

pub(super) fn timeouts() -> Timeouts {
    Timeouts {
        resolve: Duration::from_secs(3),
        connect: Duration::from_secs(2),
        tls: Duration::from_secs(2),
        first_byte: Duration::from_secs(4),
        transfer: Duration::from_secs(5),
        deadline: Duration::from_secs(10),
    }
}

fn module_of(kind: ModuleKind) -> Module {
    Module {
        kind,
        reach: Reach::default(),
        timeouts: timeouts(),
        retries: 0,
        trace: false,
        unix_ns_at_zero: 1_700_000_000_000_000_000,
    }
}

fn tls() -> TlsClient {
    TlsClient::new(&TlsOptions::default()).unwrap()
}

pub(super) fn http_module(settings: HttpSettings) -> Module {
    module_of(ModuleKind::Http {
        settings: Arc::new(settings),
        tls: tls(),
        expect: None,
    })
}

pub(super) fn tcp_module(script: Option<&str>) -> Module {
    module_of(ModuleKind::Tcp {
        script: script.map(|text| Arc::new(Script::parse(text, "test").unwrap())),
        credentials: None,
        tls: tls(),
        tls_from_start: false,
        certificate: None,
    })
}

pub(super) fn udp_module(script: &str, window: Option<Duration>) -> Module {
    module_of(ModuleKind::Udp {
        script: Arc::new(Script::parse(script, "test").unwrap()),
        credentials: None,
        window,
    })
}

fn job(target: Target, spec: ProbeSpec) -> Job {
    Job {
        seq: 7,
        line: None,
        target,
        spec,
        due: None,
        resolver: None,
    }
}

pub(super) fn http_job(url: &str, requests: u32) -> Job {
    let target = Target::Url(Box::new(UrlTarget {
        scoped: None,
        url: url.parse().unwrap(),
        raw_path: None,
        fallback: None,
        given: None,
    }));
    let requests = NonZeroU32::new(requests).unwrap();
    job(
        target,
        ProbeSpec::Http {
            module: ModuleId(0),
            requests,
        },
    )
}

/// A host that was written without a scheme.
pub(super) fn bare_job(host: &str) -> Job {
    let mut job = http_job(&format!("https://{host}/"), 1);
    if let Target::Url(target) = &mut job.target {
        target.fallback = Some(HttpFallback { port: 80 });
    }
    job
}

pub(super) fn endpoint_job(host: &str, port: u16, udp: bool) -> Job {
    let target = Target::Endpoint {
        host: Host::parse(host).unwrap(),
        port,
        given: None,
    };
    let module = ModuleId(0);
    job(
        target,
        if udp {
            ProbeSpec::Udp { module }
        } else {
            ProbeSpec::Tcp { module }
        },
    )
}

/// A probe and what it wanted.
pub(super) struct Rig {
    pub(super) probe: Probe,
    pub(super) now: Time,
    /// Streams it wanted opened, and where they lead.
    pub(super) opened: Vec<(ConnectionId, String)>,
    pub(super) closed: Vec<ConnectionId>,
    pub(super) shut: usize,
    pub(super) written: Vec<u8>,
    pub(super) reported: Vec<Outcome>,
    pub(super) resolves: Vec<String>,
    pub(super) enters: Vec<String>,
    pub(super) turns: usize,
    /// Until when it waits; `None` when it is over.
    pub(super) until: Option<Time>,
}

impl Rig {
    pub(super) fn new(job: Job, module: Module) -> Self {
        let now = Time::from_nanos(1_000_000_000);
        let probe = Probe::new(job, now, Arc::new(module), 99).unwrap();
        let mut rig = Self {
            probe,
            now,
            opened: Vec::new(),
            closed: Vec::new(),
            shut: 0,
            written: Vec::new(),
            reported: Vec::new(),
            resolves: Vec::new(),
            enters: Vec::new(),
            turns: 0,
            until: None,
        };
        rig.drain();
        rig
    }

    pub(super) fn http(url: &str) -> Self {
        Self::new(http_job(url, 1), http_module(HttpSettings::default()))
    }

    /// Does what it wants, but for what needs an answer.
    pub(super) fn drain(&mut self) {
        for _ in 0..1_000 {
            match self.probe.poll(self.now) {
                Output::Resolve => {
                    self.resolves.push(self.probe.name().unwrap().to_owned());
                    self.probe.resolving(self.now);
                }
                Output::AcquireHost => self.enters.push(self.probe.host().to_string()),
                // A journey may go on at once; a request waits for the test.
                Output::AcquireTurn
                    if matches!(self.probe.journey.stage, Stage::AwaitingTurn(_)) =>
                {
                    assert!(!self.probe.turn_acquired(self.now));
                }
                Output::AcquireTurn => self.turns += 1,
                Output::Connect(connection) => match self.probe.socket_request(connection) {
                    Some(SocketRequest::Stream(remote)) => {
                        self.opened.push((connection, remote.to_string()));
                        self.probe.opening(self.now, connection);
                    }
                    Some(SocketRequest::Datagram { peer, many }) => {
                        self.opened.push((connection, peer.to_string()));
                        self.probe.bound(self.now, connection, many);
                    }
                    None => {}
                },
                Output::Write(connection) => {
                    if let Some(octets) = self.probe.outgoing(connection) {
                        let count = octets.len();
                        self.written.extend_from_slice(octets);
                        self.probe.wrote(self.now, connection, count);
                    }
                }
                Output::ShutWrite(_) => self.shut += 1,
                Output::Close(connection) => self.closed.push(connection),
                Output::Report(outcome) => self.reported.push(*outcome),
                Output::Wait(until) => {
                    assert!(until > self.now, "a wait that is over");
                    self.until = Some(until);
                    return;
                }
                Output::Finish => {
                    self.until = None;
                    return;
                }
                other => panic!("a probe sends no queries: {other:?}"),
            }
        }
        panic!("the probe has no end of outputs");
    }

    pub(super) fn pass_ms(&mut self, ms: u64) {
        self.now = self.now + Duration::from_millis(ms);
        self.drain();
    }

    /// Waits as long as it wants to.
    pub(super) fn pass_wait(&mut self) {
        self.now = self.until.expect("it is not over");
        self.drain();
    }

    pub(super) fn last(&self) -> ConnectionId {
        self.opened.last().expect("nothing was opened").0
    }

    pub(super) fn connected(&mut self) {
        let last = self.last();
        self.probe.connected(self.now, last);
        self.drain();
    }

    pub(super) fn receive(&mut self, octets: &[u8]) {
        let last = self.last();
        self.probe.received(self.now, last, octets);
        self.drain();
    }

    pub(super) fn end(&mut self) {
        let last = self.last();
        self.probe.ended(self.now, last);
        self.drain();
    }

    pub(super) fn fail(&mut self, cause: Cause) {
        let last = self.last();
        self.fail_one(last, cause);
    }

    pub(super) fn fail_one(&mut self, connection: ConnectionId, cause: Cause) {
        self.probe.failed(self.now, connection, fault(cause));
        self.drain();
    }

    pub(super) fn resolved(&mut self, family: AddressFamily, addresses: &[&str]) {
        let addresses: Vec<IpAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
        self.probe.resolved(self.now, family, Ok(&addresses));
        self.drain();
    }

    pub(super) fn finish(&mut self) -> Outcome {
        assert_eq!(self.until, None, "it is not over");
        assert!(self.probe.has_outcome());
        let outcome = self.probe.finish(self.now);
        check(&outcome);
        outcome
    }

    pub(super) fn took_ms(&self, outcome: &Outcome, phase: Phase) -> Option<u64> {
        outcome
            .phases
            .span(phase)
            .map(|span| span.as_millis() as u64)
    }
}

/// What holds of every outcome.
pub(super) fn check(outcome: &Outcome) {
    assert_eq!(
        outcome.phases.total(),
        outcome.latency(),
        "the phases add up"
    );
    assert_eq!(
        outcome.fault.is_some(),
        outcome.verdict == canvass_model::Verdict::Failed
    );
}

pub(super) fn fault(cause: Cause) -> SystemFault {
    let errno = match cause {
        Cause::Refused => Some(Errno(111)),
        Cause::Reset => Some(Errno(104)),
        Cause::Descriptors => Some(Errno(24)),
        _ => None,
    };
    SystemFault {
        cause,
        errno,
        message: "the system's words".into(),
    }
}

pub(super) fn page(outcome: &Outcome) -> &HttpAnswer {
    match &outcome.answer {
        Answer::Http(answer) => answer,
        other => panic!("{other:?}"),
    }
}

pub(super) fn talked(outcome: &Outcome) -> &TalkAnswer {
    match &outcome.answer {
        Answer::Talk(answer) => answer,
        other => panic!("{other:?}"),
    }
}

pub(super) fn cause(outcome: &Outcome) -> (Phase, Cause) {
    let fault = outcome.fault.as_ref().expect("it failed");
    (fault.phase, fault.cause)
}
