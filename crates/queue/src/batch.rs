//! Targets become jobs: types, places and the limit.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::num::{NonZeroU32, NonZeroU64};

use canvass_model::{Job, ProbeSpec, Target};

use crate::entry::Types;
use crate::spelling::Family;
use crate::{TargetKind, TargetOptions};

/// A target and where it came from.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) target: Target,
    pub(crate) line: Option<NonZeroU64>,
    pub(crate) types: Types,
}

/// What numbers jobs through a whole run, over all lists of it.
pub(crate) struct Numbering {
    kind: TargetKind,
    /// Jobs given, which is the place of the next one.
    seq: u64,
    /// Jobs that may still be given.
    allowed: u64,
    /// A target whose jobs did not all fit the last batch, and the first job of it that did not.
    pending: Option<(Item, u64)>,
}

/// The jobs one call gives.
pub(crate) struct Batch<'a> {
    numbering: &'a mut Numbering,
    out: &'a mut Vec<Job>,
    room: usize,
    given: bool,
}

impl Numbering {
    pub(crate) fn new(options: &TargetOptions) -> Self {
        Self {
            kind: options.kind.clone(),
            seq: 0,
            allowed: options.limit.unwrap_or(u64::MAX),
            pending: None,
        }
    }

    /// Jobs given.
    pub(crate) fn given(&self) -> u64 {
        self.seq
    }

    /// Jobs that may still be given.
    pub(crate) fn allowed(&self) -> u64 {
        self.allowed
    }

    /// Passes over jobs, which must be allowed and not pending.
    pub(crate) fn skip(&mut self, jobs: u64) {
        self.seq += jobs;
        self.allowed -= jobs;
    }

    /// Jobs of the target that did not fit the last batch.
    pub(crate) fn pending(&self) -> u64 {
        match &self.pending {
            Some((item, next)) => jobs_of(item, &self.kind) - next,
            None => 0,
        }
    }

    /// Begins a batch of at most `max` jobs, with what did not fit the last one.
    pub(crate) fn batch<'a>(&'a mut self, max: usize, out: &'a mut Vec<Job>) -> Batch<'a> {
        let room = usize::try_from(self.allowed).map_or(max, |allowed| allowed.min(max));
        let pending = self.pending.take();
        let mut batch = Batch {
            numbering: self,
            out,
            room,
            given: false,
        };
        if let Some((item, next)) = pending {
            batch.push_from(item, next);
        }
        batch
    }
}

impl Batch<'_> {
    /// Jobs that still fit.
    pub(crate) fn room(&self) -> usize {
        self.room
    }

    /// Whether nothing fits any more. Then nothing may be pushed.
    pub(crate) fn is_full(&self) -> bool {
        self.room == 0
    }

    /// Whether there is a job in it.
    pub(crate) fn has_given(&self) -> bool {
        self.given
    }

    /// Gives the jobs of one target. What does not fit goes into the next batch.
    pub(crate) fn push(&mut self, item: Item) {
        self.push_from(item, 0);
    }

    /// Gives the jobs of `last + 1` addresses, `stride` apart. They must fit, and so must the
    /// addresses into their family.
    #[inline]
    pub(crate) fn push_addresses(
        &mut self,
        family: Family,
        bits: u128,
        stride: u64,
        last: u64,
        line: Option<NonZeroU64>,
    ) {
        let seq = self.numbering.seq;
        let spec = self.numbering.kind.first_spec();
        let job = |index: u64, address| Job {
            seq: seq + index,
            line,
            target: Target::Address {
                address,
                given: None,
            },
            spec,
            due: None,
            resolver: None,
        };
        match family {
            Family::V4 => {
                let (bits, stride) = (bits as u32, stride as u32);
                self.out.extend((0..=last).map(|index| {
                    let address = bits.wrapping_add(stride.wrapping_mul(index as u32));
                    job(index, Ipv4Addr::from_bits(address).into())
                }));
            }
            Family::V6 => self.out.extend((0..=last).map(|index| {
                let address = bits + u128::from(stride) * u128::from(index);
                job(index, Ipv6Addr::from_bits(address).into())
            })),
        }
        self.count(last + 1);
    }

    /// Gives the jobs of one target from the `first` on.
    fn push_from(&mut self, item: Item, first: u64) {
        let last = jobs_of(&item, &self.numbering.kind) - 1;
        for at in first..=last {
            if self.is_full() {
                self.numbering.pending = Some((item, at));
                return;
            }
            let spec = spec_at(&item, &self.numbering.kind, at);
            if at == last {
                self.push_job(item.target, item.line, spec);
                return;
            }
            self.push_job(item.target.clone(), item.line, spec);
        }
    }

    #[inline]
    fn push_job(&mut self, target: Target, line: Option<NonZeroU64>, spec: ProbeSpec) {
        self.out.push(Job {
            seq: self.numbering.seq,
            line,
            target,
            spec,
            due: None,
            resolver: None,
        });
        self.count(1);
    }

    #[inline]
    fn count(&mut self, jobs: u64) {
        self.numbering.seq += jobs;
        self.numbering.allowed -= jobs;
        self.room -= jobs as usize;
        self.given = true;
    }
}

/// How many jobs an item stands for, at least one.
pub(crate) fn jobs_of(item: &Item, kind: &TargetKind) -> u64 {
    match (&item.target, item.types, kind) {
        (Target::Invalid { .. }, ..) | (_, Types::Only(_), _) => 1,
        (_, Types::Asked, TargetKind::Dns { types }) => types.len().max(1) as u64,
        (_, Types::Asked, _) => 1,
    }
}

/// What the job at this place among those of an item asks.
fn spec_at(item: &Item, kind: &TargetKind, at: u64) -> ProbeSpec {
    match (item.types, kind) {
        (Types::Only(record_type), _) => ProbeSpec::Dns { record_type },
        (Types::Asked, TargetKind::Dns { types }) => types
            .get(at as usize)
            .map_or(kind.first_spec(), |&record_type| ProbeSpec::Dns {
                record_type,
            }),
        (Types::Asked, _) => match (kind.first_spec(), &item.target) {
            // However often a page is to be fetched, a bad line is said to be bad once.
            (ProbeSpec::Http { module, .. }, Target::Invalid { .. }) => ProbeSpec::Http {
                module,
                requests: NonZeroU32::MIN,
            },
            (spec, _) => spec,
        },
    }
}
