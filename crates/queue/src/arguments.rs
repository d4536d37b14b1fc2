//! Targets from the command line.

use std::sync::Arc;
use std::vec::IntoIter;

use crate::batch::{Batch, Item, jobs_of};
use crate::block::BlockCursor;
use crate::intake::{Intake, LineTargets};
use crate::permutation::Permutation;
use crate::targets::{Part, Progress};
use crate::{Exclusions, SourceError, TargetKind, TargetOptions};

/// Reads all arguments before the first job is returned.
pub(crate) fn part(
    list: impl IntoIterator<Item = String>,
    options: &TargetOptions,
) -> Result<Box<dyn Part>, SourceError> {
    let mut intake = Intake::new(options);
    let mut targets = Vec::new();
    for text in list {
        match intake.take(Ok(text.trim()), None) {
            Ok(taken) => {
                targets.extend(taken);
                targets.extend(std::iter::from_fn(|| intake.next_part()));
            }
            Err(bad) => {
                return Err(SourceError::BadArgument {
                    given: bad.given,
                    reason: bad.reason,
                });
            }
        }
    }
    let jobs_left = targets.iter().fold(0u128, |sum, targets| {
        sum.saturating_add(match targets {
            LineTargets::One(item) => jobs_of(item, &intake.kind).into(),
            LineTargets::Block(block) => block.last.saturating_add(1),
        })
    });
    Ok(match options.shuffle {
        None => Box::new(InOrder {
            targets: targets.into_iter(),
            cursor: None,
            exclude: intake.exclude,
            kind: intake.kind,
            jobs_left,
        }),
        Some(seed) => Box::new(Shuffled::new(targets, seed, intake, jobs_left)?),
    })
}

/// The arguments in the order given.
struct InOrder {
    targets: IntoIter<LineTargets>,
    /// The position in the current block.
    cursor: Option<BlockCursor>,
    exclude: Arc<Exclusions>,
    kind: TargetKind,
    /// Jobs that remain, at most `u128::MAX`.
    jobs_left: u128,
}

impl Part for InOrder {
    fn fill(&mut self, batch: &mut Batch<'_>) -> Result<Progress, SourceError> {
        loop {
            if let Some(cursor) = self.cursor.as_mut() {
                let room = batch.room();
                cursor.fill(&self.exclude, batch);
                let jobs = (room - batch.room()) as u128;
                self.jobs_left = self.jobs_left.saturating_sub(jobs);
                if cursor.is_at_end() {
                    self.cursor = None;
                }
            }
            if batch.is_full() {
                return Ok(Progress::More);
            }
            match self.targets.next() {
                Some(LineTargets::One(item)) => {
                    let jobs = jobs_of(&item, &self.kind).into();
                    self.jobs_left = self.jobs_left.saturating_sub(jobs);
                    batch.push(item);
                }
                Some(LineTargets::Block(block)) => self.cursor = Some(BlockCursor::new(block)),
                None => return Ok(Progress::End),
            }
        }
    }

    fn jobs_left(&self) -> Option<u128> {
        Some(self.jobs_left)
    }

    fn skip(&mut self, jobs: u64) -> u64 {
        let skipped = self.cursor.as_mut().map_or(0, |cursor| cursor.skip(jobs));
        self.jobs_left = self.jobs_left.saturating_sub(skipped.into());
        skipped
    }
}

/// The arguments as one list in the order of a keyed permutation.
struct Shuffled {
    targets: Vec<LineTargets>,
    /// The index of the first target of each of `targets` in the list.
    firsts: Vec<u128>,
    permutation: Permutation,
    /// The next index of the permutation. `None` at the end.
    next: Option<u128>,
    /// The last index.
    last: u128,
    /// Every index is one job.
    is_one_to_one: bool,
    exclude: Arc<Exclusions>,
    kind: TargetKind,
    jobs_left: u128,
}

impl Shuffled {
    fn new(
        targets: Vec<LineTargets>,
        seed: u64,
        intake: Intake,
        jobs_left: u128,
    ) -> Result<Self, SourceError> {
        let mut firsts = Vec::with_capacity(targets.len());
        let mut last = None;
        for targets in &targets {
            let first = last.map_or(Some(0), |last: u128| last.checked_add(1));
            let length_less_one = match targets {
                LineTargets::One(_) => 0,
                LineTargets::Block(block) => block.last,
            };
            last = first.and_then(|first| first.checked_add(length_less_one));
            firsts.push(
                first
                    .filter(|_| last.is_some())
                    .ok_or(SourceError::TooManyToShuffle)?,
            );
        }
        Ok(Self {
            next: last.map(|_| 0),
            last: last.unwrap_or(0),
            is_one_to_one: targets.iter().all(|targets| match targets {
                LineTargets::One(item) => jobs_of(item, &intake.kind) == 1,
                LineTargets::Block(_) => true,
            }),
            permutation: Permutation::new(last.unwrap_or(0), seed),
            targets,
            firsts,
            exclude: intake.exclude,
            kind: intake.kind,
            jobs_left,
        })
    }

    /// The target at an index of the list.
    fn item(&self, index: u128) -> Item {
        let at = self.firsts.partition_point(|first| *first <= index) - 1;
        match &self.targets[at] {
            LineTargets::One(item) => item.clone(),
            LineTargets::Block(block) => block.item(index - self.firsts[at], &self.exclude),
        }
    }
}

impl Part for Shuffled {
    fn fill(&mut self, batch: &mut Batch<'_>) -> Result<Progress, SourceError> {
        while let Some(next) = self.next {
            if batch.is_full() {
                return Ok(Progress::More);
            }
            let item = self.item(self.permutation.at(next));
            let jobs = jobs_of(&item, &self.kind).into();
            self.jobs_left = self.jobs_left.saturating_sub(jobs);
            batch.push(item);
            self.next = next.checked_add(1).filter(|next| *next <= self.last);
        }
        Ok(Progress::End)
    }

    fn jobs_left(&self) -> Option<u128> {
        Some(self.jobs_left)
    }

    fn skip(&mut self, jobs: u64) -> u64 {
        let (Some(next), true, true) = (self.next, self.is_one_to_one, jobs > 0) else {
            return 0;
        };
        let last = (self.last - next).min(u128::from(jobs) - 1);
        self.next = (next + last)
            .checked_add(1)
            .filter(|next| *next <= self.last);
        self.jobs_left = self.jobs_left.saturating_sub(last + 1);
        last as u64 + 1
    }
}
