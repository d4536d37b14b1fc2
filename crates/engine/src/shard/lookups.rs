//! Looking up the names of hosts for probes, by the same resolvers and in the same way as jobs.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use canvass_model::{
    Answer, Cause, DnsName, Job, Outcome, ProbeSpec, RecordType, Status, Target, Time, Verdict,
};
use canvass_proto::{AddressFamily, ResolveFault, Session};
use smallvec::SmallVec;

use super::{Shard, Slot};
use crate::mailbox::NameRequest;
use crate::name_cache::{Addresses, Asked};
use crate::net::Net;
use crate::slab::TaskKey;

/// How long what the system's resolver found is kept: it does not say.
const SYSTEM_KEPT: Duration = Duration::from_secs(60);

impl<N: Net> Shard<N> {
    /// Looks up the name that a probe wants, unless that is known.
    pub(super) fn look_up_for(&mut self, now: Time, key: TaskKey) {
        let Some(slot) = self.probes.slots.by_key(key) else {
            return;
        };
        let Some(name) = slot.probe.name().map(Box::<str>::from) else {
            return;
        };
        let preference = slot.probe.family();
        self.probes.names.needed += 1;
        let mut known: SmallVec<[(AddressFamily, Addresses); 2]> = SmallVec::new();
        let mut missing: SmallVec<[AddressFamily; 2]> = SmallVec::new();
        for family in AddressFamily::BOTH {
            if preference.uses(family) {
                match self.probes.names.ask(now, &name, family, key) {
                    Asked::Known(addresses) => known.push((family, addresses)),
                    Asked::Joined => {}
                    Asked::LookUp => missing.push(family),
                }
            }
        }
        let families = AddressFamily::BOTH
            .iter()
            .filter(|family| preference.uses(**family))
            .count();
        if known.len() < families
            && let Some(slot) = self.probes.slots.by_key(key)
        {
            slot.probe.resolving(now);
        }
        for (family, addresses) in known {
            self.tell_addresses(now, key, &name, family, &addresses);
        }
        if !missing.is_empty() {
            self.probes.names.looked_up += 1;
            self.look_up(now, &name, &missing);
        }
    }

    fn look_up(&mut self, now: Time, name: &str, families: &[AddressFamily]) {
        if let Some(door) = &self.channels.names {
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
                self.answer_all(now, name, families, &Err(Arc::new(gone)), None);
            }
            return;
        }
        if self.config.upstreams.is_empty() {
            let none = "no resolver is known; name one with --resolver";
            let none = fault(Status::Local, Cause::System, none);
            return self.answer_all(now, name, families, &Err(Arc::new(none)), None);
        }
        let wire = match name.parse::<DnsName>() {
            Ok(wire) => wire,
            Err(error) => {
                let bad = fault(Status::Invalid, Cause::Invalid, &error.to_string());
                return self.answer_all(now, name, families, &Err(Arc::new(bad)), None);
            }
        };
        for family in families {
            let record_type = match family {
                AddressFamily::V4 => RecordType::A,
                AddressFamily::V6 => RecordType::AAAA,
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
                    self.answer_all(now, name, &[*family], &Err(Arc::new(bad)), None);
                    continue;
                }
            };
            let lookup = self.slots.insert(Slot {
                session,
                open: SmallVec::new(),
                admitted: now,
                name: Some(Box::new((name.into(), *family))),
            });
            self.probes.lookups += 1;
            self.drive(now, lookup);
            // Its query leaves in this turn, if it can.
            self.resume_by(now);
        }
    }

    /// A lookup is over: whoever waited for it is told.
    pub(super) fn name_answered(
        &mut self,
        now: Time,
        name: &str,
        family: AddressFamily,
        outcome: Outcome,
    ) {
        self.probes.lookups -= 1;
        let (addresses, ttl_s) = addresses_of(&outcome, family);
        let kept = ttl_s.map(|ttl_s| Duration::from_secs(ttl_s.into()));
        self.answer_all(now, name, &[family], &addresses, kept);
    }

    /// Takes in what others looked up.
    pub(super) fn take_names(&mut self, now: Time) {
        while let Some(door) = &self.channels.names
            && let Ok(answer) = door.answers.try_recv()
        {
            for family in AddressFamily::BOTH {
                let addresses: Addresses = match &answer.addresses {
                    Ok(all) => Ok(all
                        .iter()
                        .copied()
                        .filter(|address| AddressFamily::of(*address) == family)
                        .collect()),
                    Err(fault) => Err(Arc::new(fault.clone())),
                };
                self.answer_all(now, &answer.name, &[family], &addresses, Some(SYSTEM_KEPT));
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
        families: &[AddressFamily],
        addresses: &Addresses,
        kept: Option<Duration>,
    ) {
        for family in families {
            let names = &mut self.probes.names;
            for key in names.answered(now, name, *family, addresses.clone(), kept) {
                self.tell_addresses(now, key, name, *family, addresses);
                self.probes.stirred.push_back(key);
            }
        }
    }

    fn tell_addresses(
        &mut self,
        now: Time,
        key: TaskKey,
        name: &str,
        family: AddressFamily,
        addresses: &Addresses,
    ) {
        // It may have been led to another host since it asked.
        let slot = self.probes.slots.by_key(key);
        if let Some(slot) = slot.filter(|slot| slot.probe.name() == Some(name)) {
            let addresses = addresses.as_ref().map(|all| &all[..]);
            slot.probe
                .resolved(now, family, addresses.map_err(|fault| &**fault));
        }
    }
}

/// What a lookup says of one family of the addresses, and for how long.
fn addresses_of(outcome: &Outcome, family: AddressFamily) -> (Addresses, Option<u32>) {
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
    let wanted = match family {
        AddressFamily::V4 => RecordType::A,
        AddressFamily::V6 => RecordType::AAAA,
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
