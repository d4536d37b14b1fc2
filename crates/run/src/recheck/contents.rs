//! What is in the file of parked outcomes.

use std::collections::HashMap;

use canvass_report::SinkError;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use super::spill::{Entry, Spill};

/// The most outcomes of a sample, which are more than can be asked again in the time for that.
pub(super) const SAMPLE_MAX: usize = 1 << 16;

/// What is found in the part of a file that is not recorded.
pub(super) struct Contents {
    /// The number of parked outcomes.
    pub parked: u64,
    /// For the place of a parked outcome, that of the answer when its target was asked again.
    pub answers: HashMap<u64, u64>,
    /// Whether the sample has been asked.
    pub is_asked: bool,
    sample: Reservoir,
    /// Where reading goes on.
    next: u64,
}

/// A random sample of a stream whose length is not known (Vitter's algorithm R).
struct Reservoir {
    rng: StdRng,
    size_max: usize,
    kept: Vec<u64>,
    seen: u64,
}

impl Contents {
    /// Reads `spill`, and draws a sample of at most `sample_max` outcomes.
    pub(super) fn read(spill: &Spill, seed: u64, sample_max: usize) -> Result<Self, SinkError> {
        let mut contents = Self {
            parked: 0,
            answers: HashMap::new(),
            is_asked: false,
            sample: Reservoir {
                rng: StdRng::seed_from_u64(seed),
                size_max: sample_max,
                kept: Vec::new(),
                seen: 0,
            },
            next: spill.recorded(),
        };
        contents.read_on(spill)?;
        Ok(contents)
    }

    /// Reads what was appended since.
    pub(super) fn read_on(&mut self, spill: &Spill) -> Result<(), SinkError> {
        let mut entries = spill.entries(self.next)?;
        while let Some(found) = entries.next()? {
            if found.is_parked() {
                self.parked += 1;
                self.is_asked = false;
                self.sample.put(found.place);
                continue;
            }
            match found.entry()? {
                Entry::Parked(_) => {}
                Entry::Answered { parked, .. } => {
                    self.answers.insert(parked, found.place);
                }
                Entry::Asked => self.is_asked = true,
            }
        }
        self.next = entries.place();
        Ok(())
    }

    /// The places of the sample in random order, without those that have an answer already.
    pub(super) fn take_sample(&mut self) -> Vec<u64> {
        let mut sample = std::mem::take(&mut self.sample.kept);
        sample.retain(|place| !self.answers.contains_key(place));
        sample.shuffle(&mut self.sample.rng);
        sample
    }
}

impl Reservoir {
    fn put(&mut self, place: u64) {
        self.seen += 1;
        if self.kept.len() < self.size_max {
            self.kept.push(place);
            return;
        }
        let at = self.rng.random_range(0..self.seen);
        if let Some(kept) = self.kept.get_mut(at as usize) {
            *kept = place;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_as_likely_in_a_sample() {
        let mut reservoir = Reservoir {
            rng: StdRng::seed_from_u64(7),
            size_max: 10,
            kept: Vec::new(),
            seen: 0,
        };
        let mut drawn = [0_u32; 100];
        for _ in 0..10_000 {
            reservoir.kept.clear();
            reservoir.seen = 0;
            (0..100).for_each(|place| reservoir.put(place));
            assert_eq!(reservoir.kept.len(), 10);
            for &place in &reservoir.kept {
                drawn[place as usize] += 1;
            }
        }
        // A thousand times each, with a standard deviation of 30.
        assert!(
            drawn.iter().all(|times| (850..1150).contains(times)),
            "{drawn:?}"
        );
    }
}
