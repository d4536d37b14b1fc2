//! Keeps probing targets on an interval, and says which are up, and when that changes.
//!
//! [`Watch`] is the machine: it is given the time and the outcomes of probes, and says what to probe
//! next and what has changed. It reads no clock and opens no socket, so a day of it passes in a
//! moment. [`Sweep`] runs it on [`Run`](canvass_run::Run)s.
//!
//! A target that does not answer as expected in several rounds in a row gets a second opinion
//! before it is down: another probe, slow and apart from the others. What this machine or a
//! resolver failed to do says nothing of a target. If most targets fail at once, none goes down.

mod alerts;
pub mod config;
mod cut_off;
mod evidence;
mod file_stamp;
mod json_file;
mod keeper;
mod last_result;
mod latency;
mod line;
mod notice;
mod probe_now;
mod reader;
mod schedule;
mod serials;
mod shown_state;
mod state;
mod state_file;
mod sweep;
mod target_assertions;
mod wall_clock;
mod watch;

pub use alerts::{
    AlertPlan, ReceiverError, ReceiverPlan, SavedAlerts, Silence, SilenceScope, Silences,
    SilencesError, Template, TemplateError,
};
pub use cut_off::CutOffChange;
pub use evidence::{Blame, Evidence};
pub use last_result::{CertificateEnd, LastResult};
pub use latency::{GroupLatencies, SweepLatencies};
pub use notice::{Notice, What};
pub use probe_now::{ProbeNowError, ProbedNow};
pub use reader::SweepReader;
pub use schedule::{Round, RoundFate, Schedule, Timing};
pub use serials::Primary;
pub use shown_state::ShownState;
pub use state::{Change, State, Step, Thresholds, Tracker};
pub use state_file::{SavedStates, SavedTarget, StateFileError};
pub use sweep::{KeptStates, OPINIONS_MAX, Sweep, SweepPlans};
pub use target_assertions::{RoundAssertions, TargetAssertions};
pub use watch::{Event, RoundCounts, Watch, Watched, WatchedTarget};

/// The number of a target in a sweep. It is another's once the target is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TargetId(pub u32);
