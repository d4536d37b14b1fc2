//! Calls for sockets of probes that the system of this machine refused, and that are repeated.

use std::time::Duration;

use canvass_model::Time;
use canvass_proto::{ConnectionId, SystemFault};

use crate::net::Net;
use crate::shard::Shard;
use crate::shard::transmit::SendTurn;
use crate::slab::TaskKey;

/// How often a call is repeated before the attempt of the probe fails.
const REPEATS_MAX: u32 = 5;
/// The wait before the first repetition. It doubles with each further one.
const WAIT_FIRST: Duration = Duration::from_millis(10);

/// Calls that were refused, and when each is repeated.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    waiting: Vec<Refused>,
}

#[derive(Clone, Copy, Debug)]
struct Refused {
    repeat_at: Time,
    key: TaskKey,
    connection: ConnectionId,
    call: Call,
}

/// What was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    /// A socket.
    Open,
    /// To send or to write what the probe has to send.
    Write,
}

impl Refusals {
    /// When the first of them is repeated.
    fn next_at(&self) -> Option<Time> {
        self.waiting.iter().map(|refused| refused.repeat_at).min()
    }

    fn take_due(&mut self, now: Time) -> Vec<Refused> {
        let due = |refused: &mut Refused| refused.repeat_at <= now;
        self.waiting.extract_if(.., due).collect()
    }
}

impl<N: Net> Shard<N> {
    /// The system refused a call for a probe for a reason on this side, which may pass. Returns whether
    /// the call is repeated; otherwise the attempt has failed.
    pub(super) fn repeat_later(
        &mut self,
        now: Time,
        key: TaskKey,
        connection: ConnectionId,
        call: Call,
        fault: &SystemFault,
    ) -> bool {
        let lost = fault.lost_cause();
        if lost.is_local() {
            self.count_local_fault(lost);
        }
        let Some(task) = self.tasks.probe(key).filter(|_| fault.may_pass()) else {
            return false;
        };
        if task.refusals >= REPEATS_MAX {
            return false;
        }
        let repeat_at = now + WAIT_FIRST * (1 << task.refusals);
        task.refusals += 1;
        task.probe.blocked(fault.clone());
        self.probes.refusals.waiting.push(Refused {
            repeat_at,
            key,
            connection,
            call,
        });
        if fault.is_shortage() {
            self.probes.budget.pause(now);
        }
        self.sender.resume_by(repeat_at);
        true
    }

    /// Repeats the calls that are due.
    pub(super) fn repeat_refused(&mut self, turn: &mut SendTurn) {
        for refused in self.probes.refusals.take_due(turn.now) {
            match refused.call {
                Call::Open => self.probes.budget.enqueue(refused.key, refused.connection),
                Call::Write => {
                    self.write_probe(turn.now, refused.key, refused.connection);
                    self.drive(turn.now, refused.key);
                }
            }
        }
        if let Some(at) = self.probes.refusals.next_at() {
            self.sender.resume_by(at);
        }
    }
}
