//! Jobs that follow from what a run has found so far.

use std::fmt;

use canvass_model::{Job, Outcome, Time};

/// Gives a run its jobs while it goes on, in place of a list.
pub trait Feeder: fmt::Debug {
    /// The jobs that are due at `now`, and when to ask again; `None` if there are no more.
    fn jobs(&mut self, now: Time) -> (Vec<Job>, Option<Time>);

    /// Takes an outcome. The feeder is asked for jobs after it.
    fn outcome(&mut self, now: Time, outcome: &Outcome);
}
