//! Asks a repeated target once (`--dedup`).

mod asked;
mod spans;

use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use canvass_model::{Host, RecordType, Target};

use crate::entry::{Entry, Hosts, Types};
use crate::parse::{AddressRange, ParsedTarget};
use crate::target_template::TargetTemplate;
use crate::{Exclusions, TargetKind};
use asked::Asked;
pub(crate) use asked::Asks;

/// Remembers what was asked in a run, so that a repeated target is asked once.
///
/// Two targets are equal if their questions are: addresses by value, names without case and trailing
/// dot, with the record type and the resolver that the line names, URLs in normal form without
/// fragment. Targets of a CIDR, a range or a list of ports are compared with all others; a CIDR takes
/// as much memory as an address. The first of equal targets is asked. Invalid lines are not
/// compared.
///
/// Addresses are remembered exactly; names, URLs and the rest of a question by keyed hashes of 128 bits,
/// of which two of 2^32 are equal with a probability below 2^-64.
///
/// The memory has a limit. Once it is reached, nothing more is remembered: targets that were asked
/// before are still recognised, and a repetition of others is asked again. So no target is lost,
/// and the outcome depends on the list only.
///
/// One value serves one run, all its arguments and lists. A run that is resumed begins with a new
/// one, and [`skip_to`](crate::Source::skip_to) recalls what was asked before the position, for
/// which it reads the list from its start and creates its targets.
pub struct Dedup {
    asked: Mutex<Asked>,
    repeated: AtomicU64,
    full: AtomicBool,
}

impl Dedup {
    /// Remembers as much as fits in about `memory_bytes_max`.
    pub fn new(memory_bytes_max: u64) -> Self {
        Self {
            asked: Mutex::new(Asked::new(memory_bytes_max)),
            repeated: AtomicU64::new(0),
            full: AtomicBool::new(false),
        }
    }

    /// The number of targets that were left out because they were asked already, over all partitions.
    /// `u64::MAX` also for more.
    pub fn repeated(&self) -> u64 {
        self.repeated.load(Ordering::Relaxed)
    }

    /// Whether the limit of the memory was reached, so that repetitions may have been asked.
    pub fn is_full(&self) -> bool {
        self.full.load(Ordering::Relaxed)
    }

    /// Remembers an entry, of which `asks` says what is asked.
    pub(crate) fn first_asked(
        &self,
        entry: Entry,
        asks: &Asks<'_>,
        exclude: &Exclusions,
    ) -> FirstAsked {
        let mut asked = self.asked.lock().expect("no holder of the lock panics");
        let mut pass = Pass {
            asked: &mut asked,
            asks,
            exclude,
            repeated: 0,
        };
        let first_asked = pass.entry(entry);
        let repeated = u64::try_from(pass.repeated).unwrap_or(u64::MAX);
        // All changes are made while the lock is held.
        let before = self.repeated.load(Ordering::Relaxed);
        self.repeated
            .store(before.saturating_add(repeated), Ordering::Relaxed);
        self.full.store(asked.is_full(), Ordering::Relaxed);
        first_asked
    }
}

/// What of an entry is asked for the first time.
pub(crate) struct FirstAsked {
    pub(crate) parts: Vec<Entry>,
    /// The rest of a range, to be remembered once the parts are taken. This limits the number of
    /// parts, however many holes the range has.
    pub(crate) rest: Option<Entry>,
}

impl FirstAsked {
    fn all(parts: Vec<Entry>) -> Self {
        Self { parts, rest: None }
    }
}

impl fmt::Debug for Dedup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dedup")
            .field("repeated", &self.repeated())
            .field("full", &self.is_full())
            .finish_non_exhaustive()
    }
}

/// One entry that is remembered.
struct Pass<'a> {
    asked: &'a mut Asked,
    asks: &'a Asks<'a>,
    exclude: &'a Exclusions,
    /// The number of targets that were asked before.
    repeated: u128,
}

impl Pass<'_> {
    fn entry(&mut self, entry: Entry) -> FirstAsked {
        match entry {
            Entry::One(target, types) => FirstAsked::all(self.one(target, types)),
            Entry::AddressRange(span, types) => {
                let any = Target::Address {
                    address: span.family.address(0),
                    given: None,
                };
                let (span, rest) = self.split([&any], span);
                let free = self.take_span(&any, span);
                let part = |span| Entry::AddressRange(span, types.clone());
                FirstAsked {
                    parts: free.into_iter().map(part).collect(),
                    rest: rest.map(part),
                }
            }
            Entry::Grid(Hosts::AddressRange(span), template) => self.grid(span, template),
            Entry::Grid(Hosts::One(Host::Address(address)), template) => {
                self.grid(ParsedTarget::Address(address).span(), template)
            }
            Entry::Grid(Hosts::One(host), template) => {
                let fresh: Vec<usize> = (0..template.width())
                    .filter(|column| {
                        let target = template.target(&host, *column);
                        self.asked.take_one(&target, self.asks)
                    })
                    .collect();
                self.repeated += (template.width() - fresh.len()) as u128;
                let part = template
                    .columns(&fresh)
                    .map(|template| Entry::Grid(Hosts::One(host), template));
                FirstAsked::all(part.into_iter().collect())
            }
        }
    }

    /// One target, with those of its types that are asked for the first time.
    fn one(&mut self, target: Target, types: Types) -> Vec<Entry> {
        if matches!(target, Target::Invalid { .. }) {
            return vec![Entry::One(target, types)];
        }
        let asks = match types {
            Types::Probe(spec) => &self.asks.of_probe(spec),
            _ => self.asks,
        };
        let several: &[RecordType] = match (&types, self.asks.kind) {
            (Types::Only(one), _) => std::slice::from_ref(one),
            (Types::Listed(listed), _) => listed,
            (Types::Asked, TargetKind::Dns { types }) => types,
            (Types::Asked | Types::Probe(_), _) => &[],
        };
        if several.is_empty() {
            if self.asked.take_one(&target, asks) {
                return vec![Entry::One(target, types)];
            }
            self.repeated += 1;
            return Vec::new();
        }
        let fresh: Vec<RecordType> = several
            .iter()
            .copied()
            .filter(|one| self.asked.take_one(&target, &self.asks.of_type(*one)))
            .collect();
        self.repeated += (several.len() - fresh.len()) as u128;
        let types = match fresh[..] {
            [] => return Vec::new(),
            _ if fresh.len() == several.len() => types,
            [one] => Types::Only(one),
            _ => Types::Listed(fresh.into()),
        };
        vec![Entry::One(target, types)]
    }

    /// All addresses of a range as endpoints or URLs. If any was asked before, the ports are
    /// separated.
    fn grid(&mut self, span: AddressRange, template: TargetTemplate) -> FirstAsked {
        let any = Host::Address(span.family.address(0));
        let columns: Vec<Target> = (0..template.width())
            .map(|column| template.target(&any, column))
            .collect();
        let (span, rest) = self.split(&columns, span);
        let part = |span, template| Entry::Grid(Hosts::AddressRange(span), template);
        let rest = rest.map(|rest| part(rest, template.clone()));
        let free: Vec<Vec<AddressRange>> = columns
            .iter()
            .map(|any| self.take_span(any, span))
            .collect();
        if free.iter().all(|free| **free == [span]) {
            let parts = vec![part(span, template)];
            return FirstAsked { parts, rest };
        }
        let mut parts = Vec::new();
        for (column, free) in free.into_iter().enumerate() {
            if let Some(template) = template.columns(&[column]) {
                parts.extend(free.into_iter().map(|span| part(span, template.clone())));
            }
        }
        FirstAsked { parts, rest }
    }

    /// Splits a range so that the first half has a limited number of parts that were not asked.
    fn split<'t>(
        &self,
        columns: impl IntoIterator<Item = &'t Target>,
        span: AddressRange,
    ) -> (AddressRange, Option<AddressRange>) {
        let last = columns
            .into_iter()
            .map(|any| self.asked.part_end(any, self.asks, span))
            .min()
            .unwrap_or(span.last);
        let rest = (last < span.last).then(|| AddressRange {
            first: last + 1,
            ..span
        });
        (AddressRange { last, ..span }, rest)
    }

    /// Remembers a target for each address of a range, and counts those that were asked before.
    fn take_span(&mut self, any: &Target, span: AddressRange) -> Vec<AddressRange> {
        let free = self.asked.take_span(any, self.asks, span);
        let total: u128 = free.iter().map(|span| self.targets(*span)).sum();
        let repeated = self.targets(span) - total;
        self.repeated = self.repeated.saturating_add(repeated);
        free
    }

    /// The number of targets of a range, at most `u128::MAX`.
    fn targets(&self, span: AddressRange) -> u128 {
        self.exclude
            .ranks(span)
            .map_or(0, |(first, last)| (last - first).saturating_add(1))
    }
}
