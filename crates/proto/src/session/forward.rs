//! Forward confirmation: looks up the names of an address, to see whether they lead back to it.

use std::net::IpAddr;

use canvass_model::{Confirmation, Time};

use super::asked::TARGET_FIRST;
use super::name_lookup::NameLookup;
use super::query::Query;
use super::{Limits, UpstreamId};
use crate::AddressFamily;

/// How many names of one address are looked up at the same time.
const LOOKUPS_AT_ONCE_MAX: usize = 8;

/// The lookups of all names of one address.
#[derive(Debug)]
pub(super) struct Forward {
    address: IpAddr,
    names: Vec<(Box<str>, NameLookup)>,
}

impl Forward {
    /// Looks up `names`, all until `deadline`, and all at one upstream if there is one given.
    pub(super) fn new(
        address: IpAddr,
        names: &[Box<str>],
        only: Option<UpstreamId>,
        deadline: Time,
        limits: &Limits,
    ) -> Self {
        let family = AddressFamily::of(address);
        let mut distinct: Vec<(Box<str>, NameLookup)> = Vec::new();
        for text in names {
            // A name that was read from a message parses, unless it is the root.
            let Ok(name) = text.parse() else { continue };
            if distinct
                .iter()
                .all(|(known, _)| !known.eq_ignore_ascii_case(text))
            {
                let lookup = NameLookup::new(&name, family, deadline, limits).only(only);
                distinct.push((text.clone(), lookup));
            }
        }
        distinct.truncate(usize::from(TARGET_FIRST) - 1);
        Self {
            address,
            names: distinct,
        }
    }

    pub(super) fn lookup(&self, at: usize) -> &NameLookup {
        &self.names[at].1
    }

    pub(super) fn lookup_mut(&mut self, at: usize) -> &mut NameLookup {
        &mut self.names[at].1
    }

    /// The queries that are under way or may begin, with their places.
    pub(super) fn active(&mut self) -> impl Iterator<Item = (usize, &mut Query)> {
        self.names
            .iter_mut()
            .enumerate()
            .map(|(at, (_, lookup))| (at, lookup.query_mut()))
            .filter(|(_, query)| !query.is_done())
            .take(LOOKUPS_AT_ONCE_MAX)
    }

    fn queries(&self) -> impl Iterator<Item = &Query> {
        self.names.iter().map(|(_, lookup)| lookup.query())
    }

    pub(super) fn any_out(&self) -> bool {
        self.queries().any(Query::is_out)
    }

    pub(super) fn is_done(&self) -> bool {
        self.queries().all(Query::is_done)
    }

    pub(super) fn attempts(&self) -> u32 {
        self.queries().map(Query::attempts).sum()
    }

    pub(super) fn confirmation(self) -> Confirmation {
        let all_known = self.queries().all(Query::is_settled);
        let found = self
            .names
            .iter()
            .any(|(_, lookup)| lookup.addresses().contains(&self.address));
        Confirmation {
            confirmed: if found {
                Some(true)
            } else {
                all_known.then_some(false)
            },
            forward: self
                .names
                .into_iter()
                .map(|(text, lookup)| (text, lookup.into_addresses()))
                .collect(),
        }
    }
}
