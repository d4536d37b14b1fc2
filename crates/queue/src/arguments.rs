//! Targets from the command line: a list that is known from the start.

use std::sync::Arc;
use std::vec::IntoIter;

use crate::batch::{Batch, Item, jobs_of};
use crate::block::Walk;
use crate::intake::{Intake, Placed};
use crate::permutation::Permutation;
use crate::targets::{Part, Progress};
use crate::{Exclusions, SourceError, TargetKind, TargetOptions};

/// Takes the arguments, all of them before the first job is given.
pub(crate) fn part(
    list: impl IntoIterator<Item = String>,
    options: &TargetOptions,
) -> Result<Box<dyn Part>, SourceError> {
    let mut intake = Intake::new(options);
    let mut placed = Vec::new();
    for text in list {
        match intake.take(Ok(text.trim()), None) {
            Ok(taken) => placed.extend(taken),
            Err(bad) => {
                return Err(SourceError::BadArgument {
                    given: bad.given,
                    reason: bad.reason,
                });
            }
        }
    }
    let jobs_left = placed.iter().fold(0u128, |sum, placed| {
        sum.saturating_add(match placed {
            Placed::One(item) => jobs_of(item, &intake.kind).into(),
            Placed::Block(block) => block.last.saturating_add(1),
        })
    });
    Ok(match options.shuffle {
        None => Box::new(InOrder {
            placed: placed.into_iter(),
            walk: None,
            exclude: intake.exclude,
            kind: intake.kind,
            jobs_left,
        }),
        Some(seed) => Box::new(Shuffled::new(placed, seed, intake, jobs_left)?),
    })
}

/// The arguments in the order given.
struct InOrder {
    placed: IntoIter<Placed>,
    /// The way through the block that was begun last.
    walk: Option<Walk>,
    exclude: Arc<Exclusions>,
    kind: TargetKind,
    /// Jobs still to give, or `u128::MAX` where there are more.
    jobs_left: u128,
}

impl Part for InOrder {
    fn fill(&mut self, batch: &mut Batch<'_>) -> Result<Progress, SourceError> {
        loop {
            if let Some(walk) = self.walk.as_mut() {
                let room = batch.room();
                walk.fill(&self.exclude, batch);
                let jobs = (room - batch.room()) as u128;
                self.jobs_left = self.jobs_left.saturating_sub(jobs);
                if walk.is_at_end() {
                    self.walk = None;
                }
            }
            if batch.is_full() {
                return Ok(Progress::More);
            }
            match self.placed.next() {
                Some(Placed::One(item)) => {
                    let jobs = jobs_of(&item, &self.kind).into();
                    self.jobs_left = self.jobs_left.saturating_sub(jobs);
                    batch.push(item);
                }
                Some(Placed::Block(block)) => self.walk = Some(Walk::new(block)),
                None => return Ok(Progress::End),
            }
        }
    }

    fn jobs_left(&self) -> Option<u128> {
        Some(self.jobs_left)
    }

    fn skip(&mut self, jobs: u64) -> u64 {
        let skipped = self.walk.as_mut().map_or(0, |walk| walk.skip(jobs));
        self.jobs_left = self.jobs_left.saturating_sub(skipped.into());
        skipped
    }
}

/// The arguments as one list in a keyed order.
struct Shuffled {
    placed: Vec<Placed>,
    /// For each of `placed`, its first place in the list.
    firsts: Vec<u128>,
    permutation: Permutation,
    /// The next place in the keyed order; `None` at the end.
    next: Option<u128>,
    /// The last place.
    last: u128,
    /// Every place is one job.
    is_one_to_one: bool,
    exclude: Arc<Exclusions>,
    kind: TargetKind,
    jobs_left: u128,
}

impl Shuffled {
    fn new(
        placed: Vec<Placed>,
        seed: u64,
        intake: Intake,
        jobs_left: u128,
    ) -> Result<Self, SourceError> {
        let mut firsts = Vec::with_capacity(placed.len());
        let mut last = None;
        for placed in &placed {
            let first = last.map_or(Some(0), |last: u128| last.checked_add(1));
            let length_less_one = match placed {
                Placed::One(_) => 0,
                Placed::Block(block) => block.last,
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
            is_one_to_one: placed.iter().all(|placed| match placed {
                Placed::One(item) => jobs_of(item, &intake.kind) == 1,
                Placed::Block(_) => true,
            }),
            permutation: Permutation::new(last.unwrap_or(0), seed),
            placed,
            firsts,
            exclude: intake.exclude,
            kind: intake.kind,
            jobs_left,
        })
    }

    /// The target at this place of the list.
    fn item(&self, place: u128) -> Item {
        let at = self.firsts.partition_point(|first| *first <= place) - 1;
        match &self.placed[at] {
            Placed::One(item) => item.clone(),
            Placed::Block(block) => block.item(place - self.firsts[at], &self.exclude),
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
