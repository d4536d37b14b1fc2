//! What follows once all targets are done: a sample of what failed is asked again, and all of it is recorded.

use canvass_model::Outcome;
use canvass_report::{RecheckCounts, SinkError};

use super::contents::{Contents, SAMPLE_MAX};
use super::spill::{Entry, Found};
use super::{Recheck, sample};
use crate::collector::Collector;
use crate::plan::Plan;

/// The number of outcomes that are recorded together.
const BATCH_OUTCOMES: usize = 256;

/// The end of a run with parked outcomes.
pub(crate) struct LastPass {
    pub recheck: Recheck,
    /// How targets are asked again.
    pub plan: Plan,
}

impl LastPass {
    /// Asks a sample again unless the run was stopped, and records what is parked.
    pub(crate) fn run(&self, collector: &mut Collector) -> Result<(), SinkError> {
        let spill = &self.recheck.spill;
        let mut contents = Contents::read(spill, self.recheck.seed, SAMPLE_MAX)?;
        let asked = match contents.is_asked {
            true => Ok(()),
            false => self.ask(&mut contents, collector),
        };
        // What failed while asking does not keep the outcomes from being recorded.
        contents.read_on(spill)?;
        self.record(&contents, collector)?;
        asked
    }

    fn ask(&self, contents: &mut Contents, collector: &mut Collector) -> Result<(), SinkError> {
        let Recheck {
            spill, time_max, ..
        } = &self.recheck;
        let answered_before = contents.answers.len() as u64;
        let places = contents.take_sample();
        let mut asked = 0;
        if !places.is_empty() && !collector.stop.is_stopping() {
            asked = sample::ask(&self.plan, spill, places, *time_max, || {
                collector.flush_if_due();
                !collector.stop.is_stopping()
            })?;
        }
        spill.add_counts(RecheckCounts {
            failed: contents.parked,
            asked: answered_before + asked,
        });
        spill.append(&Entry::Asked)
    }

    fn record(&self, contents: &Contents, collector: &mut Collector) -> Result<(), SinkError> {
        let spill = &self.recheck.spill;
        let mut entries = spill.entries(spill.recorded())?;
        let mut batch = Vec::with_capacity(BATCH_OUTCOMES);
        loop {
            let is_end = match entries.next()? {
                Some(found) if found.is_parked() => {
                    batch.push(self.outcome(contents, &found)?);
                    false
                }
                Some(_) => false,
                None => true,
            };
            if is_end || batch.len() == BATCH_OUTCOMES {
                collector.record_parked(&batch);
                spill.set_recorded(entries.place(), batch.len());
                collector.flush_if_due();
                batch.clear();
            }
            if is_end {
                return Ok(());
            }
        }
    }

    /// The outcome to record in place of a parked one.
    fn outcome(&self, contents: &Contents, found: &Found<'_>) -> Result<Outcome, SinkError> {
        match contents.answers.get(&found.place) {
            Some(&answer) => self.recheck.spill.outcome_at(answer),
            None => found.outcome(),
        }
    }
}
