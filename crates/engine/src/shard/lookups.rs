//! Looking up the names of hosts for probes, by the same resolvers and in the same way as jobs.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use canvass_model::{
    Answer, Cause, DnsName, Job, Outcome, ProbeSpec, RecordType, Status, Target, Time, Verdict,
};
use canvass_proto::{Half, ResolveFault, Session};
use smallvec::SmallVec;

use super::{Shard, Slot};
use crate::mailbox::NameRequest;
use crate::names::{Addresses, Asked};
use crate::net::Net;
use crate::slots::SlotKey;

/// How long what the system's resolver found is kept: it does not say.
const SYSTEM_KEPT: Duration = Duration::from_secs(60);

impl<N: Net> Shard<N> {
    /// Looks up the name that a probe wants, unless that is known.
    pub(super) fn look_up_for(&mut self, now: Time, key: SlotKey) {
        let Some(slot) = self.probes.slots.by_key(key) else {
            return;
        };
        let Some(name) = slot.probe.name().map(Box::<str>::from) else {
            return;
        };
        let family = slot.probe.family();
        self.probes.names.needed += 1;
        let mut known: SmallVec<[(Half, Addresses); 2]> = SmallVec::new();
        let mut missing: SmallVec<[Half; 2]> = SmallVec::new();
        for half in Half::BOTH {
            if family.uses(half) {
                match self.probes.names.ask(now, &name, half, key) {
                    Asked::Known(addresses) => known.push((half, addresses)),
                    Asked::Joined => {}
                    Asked::LookUp => missing.push(half),
                }
            }
        }
        let halves = Half::BOTH.iter().filter(|half| family.uses(**half)).count();
        if known.len() < halves
            && let Some(slot) = self.probes.slots.by_key(key)
        {
            slot.probe.resolving(now);
        }
        for (half, addresses) in known {
            self.tell_addresses(now, key, &name, half, &addresses);
        }
        if !missing.is_empty() {
            self.probes.names.looked_up += 1;
            self.look_up(now, &name, &missing);
        }
    }

    fn look_up(&mut self, now: Time, name: &str, halves: &[Half]) {
        if let Some(door) = &self.doors.names {
            let request = NameRequest {
                name: name.into(),
                give_up: now + self.config.limits.deadline,
            };
            if door.requests.send(request).is_err() {
                let gone = fault(
                    Status::Local,
                    Cause::System,
                    "the system's resolver is gone",
                );
                self.answer_all(now, name, halves, &Err(Arc::new(gone)), None);
            }
            return;
        }
        if self.config.upstreams.is_empty() {
            let none = "no resolver is known; name one with --resolver";
            let none = fault(Status::Local, Cause::System, none);
            return self.answer_all(now, name, halves, &Err(Arc::new(none)), None);
        }
        let wire = match name.parse::<DnsName>() {
            Ok(wire) => wire,
            Err(error) => {
                let bad = fault(Status::Invalid, Cause::Invalid, &error.to_string());
                return self.answer_all(now, name, halves, &Err(Arc::new(bad)), None);
            }
        };
        for half in halves {
            let record_type = match half {
                Half::Four => RecordType::A,
                Half::Six => RecordType::AAAA,
            };
            let job = Job {
                seq: 0,
                line: None,
                target: Target::Name {
                    name: wire.clone(),
                    given: name.into(),
                },
                spec: ProbeSpec::Dns { record_type },
                due: None,
            };
            let session = match Session::new(job, now, &self.config.limits) {
                Ok(session) => session,
                Err(_) => {
                    let bad = fault(Status::Invalid, Cause::Invalid, "no name to look up");
                    self.answer_all(now, name, &[*half], &Err(Arc::new(bad)), None);
                    continue;
                }
            };
            let lookup = self.slots.insert(Slot {
                session,
                open: SmallVec::new(),
                admitted: now,
                name: Some(Box::new((name.into(), *half))),
            });
            self.probes.lookups += 1;
            self.drive(now, lookup);
            // Its query leaves in this turn, if it can.
            self.resume_by(now);
        }
    }

    /// A lookup is over: whoever waited for it is told.
    pub(super) fn name_answered(&mut self, now: Time, name: &str, half: Half, outcome: Outcome) {
        self.probes.lookups -= 1;
        let (addresses, ttl_s) = addresses_of(&outcome, half);
        let kept = ttl_s.map(|ttl_s| Duration::from_secs(ttl_s.into()));
        self.answer_all(now, name, &[half], &addresses, kept);
    }

    /// Takes in what others looked up.
    pub(super) fn take_names(&mut self, now: Time) {
        while let Some(door) = &self.doors.names
            && let Ok(answer) = door.answers.try_recv()
        {
            for half in Half::BOTH {
                let addresses: Addresses = match &answer.addresses {
                    Ok(all) => Ok(all
                        .iter()
                        .copied()
                        .filter(|address| Half::of(*address) == half)
                        .collect()),
                    Err(fault) => Err(Arc::new(fault.clone())),
                };
                self.answer_all(now, &answer.name, &[half], &addresses, Some(SYSTEM_KEPT));
            }
        }
    }

    /// Ends lookups that nobody waits for.
    pub(super) fn cancel_lookups(&mut self, now: Time) {
        for key in self.slots.keys() {
            if let Some(slot) = self.slots.by_key(key).filter(|slot| slot.name.is_some()) {
                slot.session.cancel(now);
                self.drive(now, key);
            }
        }
    }

    fn answer_all(
        &mut self,
        now: Time,
        name: &str,
        halves: &[Half],
        addresses: &Addresses,
        kept: Option<Duration>,
    ) {
        for half in halves {
            let names = &mut self.probes.names;
            for key in names.answered(now, name, *half, addresses.clone(), kept) {
                self.tell_addresses(now, key, name, *half, addresses);
                self.probes.stirred.push_back(key);
            }
        }
    }

    fn tell_addresses(
        &mut self,
        now: Time,
        key: SlotKey,
        name: &str,
        half: Half,
        addresses: &Addresses,
    ) {
        // It may have been led to another host since it asked.
        let slot = self.probes.slots.by_key(key);
        if let Some(slot) = slot.filter(|slot| slot.probe.name() == Some(name)) {
            let addresses = addresses.as_ref().map(|all| &all[..]);
            slot.probe
                .resolved(now, half, addresses.map_err(|fault| &**fault));
        }
    }
}

/// What a lookup says of one half of the addresses, and for how long.
fn addresses_of(outcome: &Outcome, half: Half) -> (Addresses, Option<u32>) {
    if let Some(fault) = &outcome.fault {
        return (
            Err(Arc::new(ResolveFault {
                status: outcome.status,
                cause: fault.cause,
                message: fault.message.clone(),
            })),
            None,
        );
    }
    let Answer::Dns(answer) = &outcome.answer else {
        return (Ok(Arc::new([])), None);
    };
    let wanted = match half {
        Half::Four => RecordType::A,
        Half::Six => RecordType::AAAA,
    };
    let addresses: Arc<[IpAddr]> = answer
        .records
        .iter()
        .filter(|record| record.record_type == wanted)
        .filter_map(|record| record.data.parse().ok())
        .collect();
    if addresses.is_empty()
        && outcome.verdict == Verdict::Negative
        && outcome.status == Status::Rcode(canvass_model::Rcode::NXDOMAIN)
    {
        let none = fault(outcome.status, Cause::NxDomain, "the name does not exist");
        return (Err(Arc::new(none)), None);
    }
    // An alias is kept no longer than what it leads to, and the other way round.
    let ttl_s = answer.records.iter().map(|record| record.ttl_s).min();
    (Ok(addresses), ttl_s)
}

fn fault(status: Status, cause: Cause, message: &str) -> ResolveFault {
    ResolveFault {
        status,
        cause,
        message: message.into(),
    }
}
