//! A second opinion at the end of a run: what failed is set aside in a file, a sample of it is asked again,
//! slowly, and then everything is recorded.
//!
//! `spill` is the file, `contents` what is found in it, `sample` asks again, `last_pass` is the order of
//! things after the event loops have ended.

mod contents;
mod last_pass;
mod sample;
mod spill;

use std::time::Duration;

use canvass_model::{Cause, Outcome, Verdict};

pub(crate) use last_pass::LastPass;
pub use spill::{Spill, SpillState};

/// The default of [`Recheck::time_max`].
pub const RECHECK_TIME_MAX: Duration = Duration::from_secs(60);

/// How failed targets are asked again at the end of a run.
///
/// Outcomes that failed are parked in the [`Spill`]: no sink records them. Once all targets are done, a
/// random sample of them is asked again, one at a time for each resolver and each host, without a schedule
/// and at 100 per second at most. Then all are recorded: those that answered with
/// [`Outcome::recheck`], the others as they failed. A run that is stopped records them at once.
#[derive(Clone)]
pub struct Recheck {
    /// Where they are parked.
    pub spill: Spill,
    /// The seed of the sample.
    pub seed: u64,
    /// How long asking again may take. Then what is under way ends, and counts as not asked.
    pub time_max: Duration,
}

impl Recheck {
    /// Asks a random sample again, for a minute at most.
    pub fn new(spill: Spill) -> Self {
        Self {
            spill,
            seed: rand::random(),
            time_max: RECHECK_TIME_MAX,
        }
    }
}

/// Whether to ask again could change the outcome.
pub(crate) fn is_parked(outcome: &Outcome) -> bool {
    let cause = outcome.fault.as_ref().map(|fault| fault.cause);
    outcome.verdict == Verdict::Failed
        && !matches!(
            cause,
            Some(Cause::Invalid | Cause::Interrupted | Cause::Denied)
        )
}
