//! Looks up the names of hosts for probes: by the run's resolvers, or by the system's.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use canvass_model::{Cause, DnsName, Status, Time};
use canvass_proto::{AddressFamily, ResolveFault};
use smallvec::SmallVec;

use super::Shard;
use super::query_task::{HostLookup, QueryTask};
use super::tasks::Task;
use crate::channels::NameRequest;
use crate::name_cache::{Addresses, Asked};
use crate::net::Net;
use crate::slab::TaskKey;

/// How long addresses from the system's resolver are kept: it does not return their TTL.
const SYSTEM_KEPT: Duration = Duration::from_secs(60);

impl<N: Net> Shard<N> {
    /// Looks up the name that a probe needs, unless it is known.
    pub(super) fn look_up_for(&mut self, now: Time, key: TaskKey) {
        let Some(task) = self.tasks.probe(key) else {
            return;
        };
        let Some(name) = task.probe.name().map(Box::<str>::from) else {
            return;
        };
        let preference = task.probe.family();
        self.names.needed += 1;
        let mut known: SmallVec<[(AddressFamily, Addresses); 2]> = SmallVec::new();
        let mut missing: SmallVec<[AddressFamily; 2]> = SmallVec::new();
        for family in AddressFamily::BOTH {
            if preference.uses(family) {
                match self.names.ask(now, &name, family, key) {
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
        if known.len() < families {
            task.probe.resolving(now);
        }
        for (family, addresses) in known {
            self.report_addresses(now, key, &name, family, &addresses);
        }
        if !missing.is_empty() {
            self.names.looked_up += 1;
            self.look_up(now, &name, &missing);
        }
    }

    fn look_up(&mut self, now: Time, name: &str, families: &[AddressFamily]) {
        if let Some(service) = &self.channels.names {
            let request = NameRequest {
                name: name.into(),
                give_up: now + self.config.limits.deadline,
            };
            if service.requests.send(request).is_err() {
                let gone = "the system's resolver is gone";
                self.fail_all(now, name, families, Status::Local, Cause::System, gone);
            }
            return;
        }
        if self.config.upstreams.is_empty() {
            let none = "no resolver is known; name one with --resolver";
            return self.fail_all(now, name, families, Status::Local, Cause::System, none);
        }
        let wire = match name.parse::<DnsName>() {
            Ok(wire) => wire,
            Err(error) => {
                let (status, cause) = (Status::Invalid, Cause::Invalid);
                return self.fail_all(now, name, families, status, cause, &error.to_string());
            }
        };
        for family in families {
            let lookup = QueryTask::host(now, name, &wire, *family, &self.config.limits);
            let key = self.tasks.insert(Task::Query(Box::new(lookup)));
            self.drive(now, key);
            // Its query is sent in this turn, if possible.
            self.sender.resume_by(now);
        }
    }

    /// A lookup has ended.
    pub(super) fn host_looked_up(&mut self, now: Time, host: HostLookup) {
        let HostLookup {
            name,
            family,
            lookup,
        } = host;
        let (addresses, kept): (Addresses, _) = match lookup.finish() {
            Ok((addresses, ttl_s)) => {
                let kept = ttl_s.map(|ttl_s| Duration::from_secs(ttl_s.into()));
                (Ok(addresses.into()), kept)
            }
            Err(fault) => (Err(Arc::new(fault)), None),
        };
        self.answer_all(now, &name, family, &addresses, kept);
    }

    /// Takes in what the system's resolver found.
    pub(super) fn take_names(&mut self, now: Time) {
        while let Some(service) = &self.channels.names
            && let Ok(answer) = service.answers.try_recv()
        {
            for family in AddressFamily::BOTH {
                let addresses: Addresses = match &answer.addresses {
                    Ok(all) => {
                        let of_family = |address: &IpAddr| AddressFamily::of(*address) == family;
                        Ok(all.iter().copied().filter(of_family).collect())
                    }
                    Err(fault) => Err(Arc::new(fault.clone())),
                };
                self.answer_all(now, &answer.name, family, &addresses, Some(SYSTEM_KEPT));
            }
        }
    }

    /// Ends the lookups of a run that is over. No probe waits for them any more.
    pub(super) fn cancel_lookups(&mut self, now: Time) {
        for key in self.tasks.lookup_keys() {
            if let Some(query) = self.tasks.query(key) {
                query.cancel(now);
            }
            self.drive(now, key);
        }
    }

    /// Ends a lookup that cannot begin.
    fn fail_all(
        &mut self,
        now: Time,
        name: &str,
        families: &[AddressFamily],
        status: Status,
        cause: Cause,
        message: &str,
    ) {
        let fault: Addresses = Err(Arc::new(ResolveFault {
            status,
            cause,
            message: message.into(),
        }));
        for family in families {
            self.answer_all(now, name, *family, &fault, None);
        }
    }

    /// Keeps the result of a lookup, and reports it to all probes that wait for it.
    fn answer_all(
        &mut self,
        now: Time,
        name: &str,
        family: AddressFamily,
        addresses: &Addresses,
        kept: Option<Duration>,
    ) {
        let waiting = self
            .names
            .answered(now, name, family, addresses.clone(), kept);
        for key in waiting {
            self.report_addresses(now, key, name, family, addresses);
            self.tasks.make_ready(key);
        }
    }

    fn report_addresses(
        &mut self,
        now: Time,
        key: TaskKey,
        name: &str,
        family: AddressFamily,
        addresses: &Addresses,
    ) {
        // It may have been redirected to another host since it asked.
        if let Some(task) = self.tasks.probe(key)
            && task.probe.name() == Some(name)
        {
            let addresses = addresses.as_ref().map(|all| &all[..]);
            task.probe
                .resolved(now, family, addresses.map_err(|fault| &**fault));
        }
    }
}
