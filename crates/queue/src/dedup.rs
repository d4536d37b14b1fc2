//! Asks a repeated target once (`--dedup`).

mod asked;
mod spans;

use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use canvass_model::{Host, RecordType, Target};

use crate::entry::{Entry, Hosts, Types};
use crate::parse::{AddressFamily, AddressRange, ParsedTarget};
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

    /// The parts of an entry that are asked for the first time. `asks` says what is asked of it.
    pub(crate) fn first_asked(
        &self,
        entry: Entry,
        asks: &Asks<'_>,
        exclude: &Exclusions,
    ) -> Vec<Entry> {
        let mut asked = self.asked.lock().expect("no holder of the lock panics");
        let mut repeated = 0;
        let parts = match entry {
            Entry::One(target, types) => one(&mut asked, target, types, asks, &mut repeated),
            Entry::AddressRange(span, types) => {
                let any = any_address(span.family);
                let free = asked.take_span(&any, asks, span);
                repeated += targets(span, exclude) - total(&free, exclude);
                free.into_iter()
                    .map(|span| Entry::AddressRange(span, types.clone()))
                    .collect()
            }
            Entry::Grid(Hosts::AddressRange(span), template) => {
                grid(&mut asked, span, template, asks, exclude, &mut repeated)
            }
            Entry::Grid(Hosts::One(Host::Address(address)), template) => {
                let span = ParsedTarget::Address(address).span();
                grid(&mut asked, span, template, asks, exclude, &mut repeated)
            }
            Entry::Grid(Hosts::One(host), template) => {
                let fresh: Vec<usize> = (0..template.width())
                    .filter(|column| asked.take_one(&template.target(&host, *column), asks))
                    .collect();
                repeated += (template.width() - fresh.len()) as u128;
                let rest = template.columns(&fresh);
                rest.map(|rest| Entry::Grid(Hosts::One(host), rest))
                    .into_iter()
                    .collect()
            }
        };
        self.full.store(asked.is_full(), Ordering::Relaxed);
        if repeated > 0 {
            let before = self.repeated.load(Ordering::Relaxed);
            let repeated = u64::try_from(repeated).unwrap_or(u64::MAX);
            // All changes are made while the lock is held.
            self.repeated
                .store(before.saturating_add(repeated), Ordering::Relaxed);
        }
        parts
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

/// One target, with those of its types that are asked for the first time.
fn one(
    asked: &mut Asked,
    target: Target,
    types: Types,
    asks: &Asks<'_>,
    repeated: &mut u128,
) -> Vec<Entry> {
    if matches!(target, Target::Invalid { .. }) {
        return vec![Entry::One(target, types)];
    }
    let several: &[RecordType] = match (&types, asks.kind) {
        (Types::Only(one), _) => std::slice::from_ref(one),
        (Types::Listed(listed), _) => listed,
        (Types::Asked, TargetKind::Dns { types }) => types,
        (Types::Asked, _) => &[],
    };
    if several.is_empty() {
        let is_fresh = asked.take_one(&target, asks);
        *repeated += u128::from(!is_fresh);
        return is_fresh
            .then_some(Entry::One(target, types))
            .into_iter()
            .collect();
    }
    let fresh: Vec<RecordType> = several
        .iter()
        .copied()
        .filter(|one| asked.take_one(&target, &asks.of_type(*one)))
        .collect();
    *repeated += (several.len() - fresh.len()) as u128;
    let types = match fresh[..] {
        [] => return Vec::new(),
        _ if fresh.len() == several.len() => types,
        [one] => Types::Only(one),
        _ => Types::Listed(fresh.into()),
    };
    vec![Entry::One(target, types)]
}

/// All addresses of a range as endpoints or URLs. If any was asked before, the ports are separated.
fn grid(
    asked: &mut Asked,
    span: AddressRange,
    template: TargetTemplate,
    asks: &Asks<'_>,
    exclude: &Exclusions,
    repeated: &mut u128,
) -> Vec<Entry> {
    let any = Host::Address(span.family.address(0));
    let free: Vec<Vec<AddressRange>> = (0..template.width())
        .map(|column| asked.take_span(&template.target(&any, column), asks, span))
        .collect();
    if free.iter().all(|free| **free == [span]) {
        return vec![Entry::Grid(Hosts::AddressRange(span), template)];
    }
    let mut parts = Vec::new();
    for (column, free) in free.into_iter().enumerate() {
        *repeated = repeated.saturating_add(targets(span, exclude) - total(&free, exclude));
        let Some(template) = template.columns(&[column]) else {
            continue;
        };
        parts.extend(
            free.into_iter()
                .map(|span| Entry::Grid(Hosts::AddressRange(span), template.clone())),
        );
    }
    parts
}

/// The number of targets of a range, at most `u128::MAX`.
fn targets(span: AddressRange, exclude: &Exclusions) -> u128 {
    exclude
        .ranks(span)
        .map_or(0, |(first, last)| (last - first).saturating_add(1))
}

fn total(spans: &[AddressRange], exclude: &Exclusions) -> u128 {
    spans.iter().map(|span| targets(*span, exclude)).sum()
}

fn any_address(family: AddressFamily) -> Target {
    Target::Address {
        address: family.address(0),
        given: None,
    }
}
