//! Turns targets into numbered jobs, up to the limit.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::{NonZeroU32, NonZeroU64};

use canvass_model::{Job, ProbeSpec, Target};

use crate::entry::Types;
use crate::parse::AddressFamily;
use crate::{TargetKind, TargetOptions};

/// A target and its origin.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) target: Target,
    pub(crate) origin: Origin,
}

/// What the targets of a line have in common.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    /// The line number. `None` for an argument.
    pub(crate) line: Option<NonZeroU64>,
    pub(crate) types: Types,
    /// The resolver that the line names.
    pub(crate) resolver: Option<Box<SocketAddr>>,
}

/// Numbers the jobs of all lists of a run.
pub(crate) struct JobSequence {
    kind: TargetKind,
    /// The number of jobs so far, which is the sequence number of the next one.
    seq: u64,
    /// Jobs that the limit still allows.
    allowed: u64,
    /// A target whose jobs did not all fit into the last batch, and the index of the first one that
    /// did not.
    pending: Option<(Item, u64)>,
}

/// The jobs of one call.
pub(crate) struct Batch<'a> {
    sequence: &'a mut JobSequence,
    out: &'a mut Vec<Job>,
    room: usize,
    has_jobs: bool,
}

impl JobSequence {
    pub(crate) fn new(options: &TargetOptions) -> Self {
        Self {
            kind: options.kind.clone(),
            seq: 0,
            allowed: options.limit.unwrap_or(u64::MAX),
            pending: None,
        }
    }

    /// The number of jobs so far.
    pub(crate) fn given(&self) -> u64 {
        self.seq
    }

    /// Jobs that the limit still allows.
    pub(crate) fn allowed(&self) -> u64 {
        self.allowed
    }

    /// Passes over jobs, which must be allowed and not pending.
    pub(crate) fn skip(&mut self, jobs: u64) {
        self.seq += jobs;
        self.allowed -= jobs;
    }

    /// The number of jobs that did not fit into the last batch.
    pub(crate) fn pending(&self) -> u64 {
        match &self.pending {
            Some((item, next)) => jobs_of(item, &self.kind) - next,
            None => 0,
        }
    }

    /// Begins a batch of at most `max` jobs, starting with those that did not fit into the last
    /// one.
    pub(crate) fn batch<'a>(&'a mut self, max: usize, out: &'a mut Vec<Job>) -> Batch<'a> {
        let room = usize::try_from(self.allowed).map_or(max, |allowed| allowed.min(max));
        let pending = self.pending.take();
        let mut batch = Batch {
            sequence: self,
            out,
            room,
            has_jobs: false,
        };
        if let Some((item, next)) = pending {
            batch.push_from(item, next);
        }
        batch
    }
}

impl Batch<'_> {
    /// The number of jobs so far, with those of earlier batches.
    pub(crate) fn jobs(&self) -> u64 {
        self.sequence.seq
    }

    /// The number of jobs that fit.
    pub(crate) fn room(&self) -> usize {
        self.room
    }

    /// Whether the batch is full. Nothing may be pushed then.
    pub(crate) fn is_full(&self) -> bool {
        self.room == 0
    }

    /// Whether there is at least one job.
    pub(crate) fn has_given(&self) -> bool {
        self.has_jobs
    }

    /// Adds the jobs of a target. Those that do not fit go into the next batch.
    pub(crate) fn push(&mut self, item: Item) {
        self.push_from(item, 0);
    }

    /// Adds the jobs of `last + 1` addresses at a distance of `stride`. All of them must fit, and
    /// the addresses must be in the family.
    #[inline]
    pub(crate) fn push_addresses(
        &mut self,
        family: AddressFamily,
        bits: u128,
        stride: u64,
        last: u64,
        origin: &Origin,
    ) {
        let run = AddressRun {
            family,
            bits,
            stride,
            last,
            seq: self.sequence.seq,
            line: origin.line,
            spec: spec_of(&origin.types, &self.sequence.kind, 0),
        };
        // A loop of its own for the usual case: the clone would take two thirds of its time.
        match &origin.resolver {
            None => run.push(self.out, || None),
            Some(resolver) => run.push(self.out, || Some(resolver.clone())),
        }
        self.count(last + 1);
    }

    /// Adds the jobs of a target from job `first` on.
    fn push_from(&mut self, item: Item, first: u64) {
        let last = jobs_of(&item, &self.sequence.kind) - 1;
        for at in first..=last {
            if self.is_full() {
                self.sequence.pending = Some((item, at));
                return;
            }
            let spec = spec_at(&item, &self.sequence.kind, at);
            let Origin { line, resolver, .. } = &item.origin;
            if at == last {
                self.push_job(item.target, *line, spec, item.origin.resolver);
                return;
            }
            self.push_job(item.target.clone(), *line, spec, resolver.clone());
        }
    }

    #[inline]
    fn push_job(
        &mut self,
        target: Target,
        line: Option<NonZeroU64>,
        spec: ProbeSpec,
        resolver: Option<Box<SocketAddr>>,
    ) {
        self.out.push(Job {
            seq: self.sequence.seq,
            line,
            target,
            spec,
            due: None,
            resolver,
        });
        self.count(1);
    }

    #[inline]
    fn count(&mut self, jobs: u64) {
        self.sequence.seq += jobs;
        self.sequence.allowed -= jobs;
        self.room -= jobs as usize;
        self.has_jobs = true;
    }
}

/// The jobs of `last + 1` addresses at a distance of `stride`.
struct AddressRun {
    family: AddressFamily,
    /// The first address.
    bits: u128,
    stride: u64,
    last: u64,
    seq: u64,
    line: Option<NonZeroU64>,
    spec: ProbeSpec,
}

impl AddressRun {
    #[inline]
    fn push(&self, out: &mut Vec<Job>, resolver: impl Fn() -> Option<Box<SocketAddr>>) {
        let job = |index: u64, address| Job {
            seq: self.seq + index,
            line: self.line,
            target: Target::Address {
                address,
                given: None,
            },
            spec: self.spec,
            due: None,
            resolver: resolver(),
        };
        match self.family {
            AddressFamily::V4 => {
                let (bits, stride) = (self.bits as u32, self.stride as u32);
                out.extend((0..=self.last).map(|index| {
                    let address = bits.wrapping_add(stride.wrapping_mul(index as u32));
                    job(index, Ipv4Addr::from_bits(address).into())
                }));
            }
            AddressFamily::V6 => out.extend((0..=self.last).map(|index| {
                let address = self.bits + u128::from(self.stride) * u128::from(index);
                job(index, AddressFamily::V6.address(address))
            })),
        }
    }
}

/// The number of jobs of a target, at least one.
pub(crate) fn jobs_of(item: &Item, kind: &TargetKind) -> u64 {
    match (&item.target, &item.origin.types, kind) {
        (Target::Invalid { .. }, ..) | (_, Types::Only(_) | Types::Probe(_), _) => 1,
        (_, Types::Listed(types), _) => types.len() as u64,
        (_, Types::Asked, TargetKind::Dns { types }) => types.len().max(1) as u64,
        (_, Types::Asked, _) => 1,
    }
}

/// The probe of job `at` of a target.
fn spec_at(item: &Item, kind: &TargetKind, at: u64) -> ProbeSpec {
    match (kind.first_spec(), &item.target) {
        // An invalid line has one outcome, whatever the number of requests.
        (ProbeSpec::Http { module, .. }, Target::Invalid { .. }) => ProbeSpec::Http {
            module,
            requests: NonZeroU32::MIN,
        },
        _ => spec_of(&item.origin.types, kind, at),
    }
}

/// The probe of job `at` of a valid target.
fn spec_of(types: &Types, kind: &TargetKind, at: u64) -> ProbeSpec {
    let record_type = match (types, kind) {
        (Types::Probe(spec), _) => return *spec,
        (Types::Only(record_type), _) => Some(record_type),
        (Types::Listed(types), _) => types.get(at as usize),
        (Types::Asked, TargetKind::Dns { types }) => types.get(at as usize),
        (Types::Asked, _) => None,
    };
    record_type.map_or(kind.first_spec(), |&record_type| ProbeSpec::Dns {
        record_type,
    })
}
