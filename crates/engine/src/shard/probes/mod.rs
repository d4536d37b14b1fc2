//! Probes of hosts under way, and what they share.

mod admission;
mod connections;

use std::collections::VecDeque;

use canvass_model::{ConnectionReport, Outcome, Time, Verdict};
use canvass_proto::{ExchangeId, Probe, Want};
use smallvec::SmallVec;

use super::Shard;
use crate::config::Probing;
use crate::hosts::{HostKey, Hosts};
use crate::names::Names;
use crate::net::{Net, SocketId};
use crate::slots::{SlotKey, Slots};
use crate::wheel::Wheel;

/// A probe under way.
#[derive(Debug)]
pub(super) struct ProbeSlot {
    pub(super) probe: Probe,
    sockets: SmallVec<[(ExchangeId, SocketId); 2]>,
    /// The host it has a permit at.
    host: Option<HostKey>,
    admitted: Time,
}

/// Probes of hosts, and what they share.
#[derive(Debug)]
pub(super) struct Probes {
    pub(super) slots: Slots<ProbeSlot>,
    pub(super) wheel: Wheel,
    pub(super) hosts: Hosts,
    pub(super) names: Names,
    /// Lookups of names that are under way.
    pub(super) lookups: usize,
    /// Probes that were told something, and are to be driven.
    pub(super) stirred: VecDeque<SlotKey>,
    /// Connections to be opened, and requests to be begun on ones that are kept.
    connects: VecDeque<(SlotKey, ExchangeId)>,
    turns: VecDeque<SlotKey>,
    pub(super) sockets_open: usize,
    sockets_max: usize,
    /// Until when nothing is opened, since the system had nothing left.
    shortage_end: Time,
    /// When a probe was last answered.
    pub(super) answered_at: Time,
    /// No further request is begun.
    stopped: bool,
    report: ConnectionReport,
}

impl Probes {
    pub(super) fn new(config: &Probing) -> Self {
        Self {
            slots: Slots::new(),
            wheel: Wheel::new(),
            hosts: Hosts::new(
                config.per_host_max.max(1),
                config.rate_per_host_max_per_second,
            ),
            names: Names::default(),
            lookups: 0,
            stirred: VecDeque::new(),
            connects: VecDeque::new(),
            turns: VecDeque::new(),
            sockets_open: 0,
            sockets_max: config.sockets_max.max(1),
            shortage_end: Time::ZERO,
            answered_at: Time::ZERO,
            stopped: false,
            report: ConnectionReport::default(),
        }
    }

    pub(super) fn report(&self) -> ConnectionReport {
        ConnectionReport {
            open_limit: self.sockets_max as u64,
            names_needed: self.names.needed,
            names_looked_up: self.names.looked_up,
            ..self.report
        }
    }

    fn socket_of(&mut self, key: SlotKey, exchange: ExchangeId) -> Option<SocketId> {
        let slot = self.slots.by_key(key)?;
        let mut sockets = slot.sockets.iter();
        sockets
            .find(|(whose, _)| *whose == exchange)
            .map(|(_, socket)| *socket)
    }
}

impl<N: Net> Shard<N> {
    pub(super) fn count_in_flight(&mut self) {
        let under_way = self.jobs_under_way() as u64;
        self.report.in_flight_max = self.report.in_flight_max.max(under_way);
    }

    /// Does what a probe wants, until it wants to wait.
    pub(super) fn drive_probe(&mut self, now: Time, key: SlotKey) {
        while let Some(slot) = self.probes.slots.by_key(key) {
            match slot.probe.poll(now) {
                Want::Resolve => self.look_up_for(now, key),
                Want::Enter => self.change_host(now, key),
                Want::Turn => {
                    self.probes.turns.push_back(key);
                    self.resume_by(now);
                }
                Want::Connect(exchange) => self.probes.connects.push_back((key, exchange)),
                Want::Write(exchange) => self.write_probe(now, key, exchange),
                Want::ShutWrite(exchange) => {
                    if let Some(socket) = self.probes.socket_of(key, exchange) {
                        // A peer that is gone is heard of by reading.
                        let _ = self.net.shut_write(socket);
                    }
                }
                Want::Close(exchange) => self.close_probe_socket(key, exchange),
                Want::Report(mut outcome) => {
                    outcome.stalled = slot.admitted < self.stall_end;
                    self.push_probe_outcome(now, *outcome);
                }
                Want::Wait(until) => {
                    self.probes.wheel.set(key.index, until);
                    return;
                }
                Want::Finish => return self.finish_probe(now, key),
            }
        }
    }

    fn finish_probe(&mut self, now: Time, key: SlotKey) {
        let Some(mut slot) = self.probes.slots.remove(key) else {
            return;
        };
        self.probes.wheel.clear(key.index);
        for (_, socket) in std::mem::take(&mut slot.sockets) {
            self.close_socket(socket);
        }
        if let Some(host) = slot.host {
            self.probes.hosts.leave(now, host);
            self.resume_by(now);
        }
        if slot.probe.has_outcome() {
            let mut outcome = slot.probe.finish(now);
            outcome.stalled = slot.admitted < self.stall_end;
            self.push_probe_outcome(now, outcome);
        }
    }

    fn push_probe_outcome(&mut self, now: Time, outcome: Outcome) {
        if outcome.verdict == Verdict::Answered {
            self.probes.answered_at = now;
        }
        self.push_outcome(now, outcome);
    }

    /// The run is to end: requests that have not begun are not begun.
    pub(super) fn stop_probes(&mut self, now: Time) {
        if std::mem::replace(&mut self.probes.stopped, true) {
            return;
        }
        for key in self.probes.slots.keys() {
            if let Some(slot) = self.probes.slots.by_key(key) {
                slot.probe.stop_repeating();
            }
            self.drive_probe(now, key);
        }
        self.probes.turns.clear();
    }

    /// The run is to end at once.
    pub(super) fn cancel_probes(&mut self, now: Time) {
        for key in self.probes.slots.keys() {
            if let Some(slot) = self.probes.slots.by_key(key) {
                slot.probe.cancel(now);
            }
            self.drive_probe(now, key);
        }
    }
}
