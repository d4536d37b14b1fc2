//! The vocabulary of canvass: what to ask ([`Job`]), and what came of it ([`Outcome`]).
//!
//! Every other crate speaks in these types. There is no IO here, no clock and no thread: a
//! [`Time`] is a number that somebody else read.

mod fault;
mod job;
mod name;
mod outcome;
mod record_type;
mod report;
mod status;
mod target;
mod time;

pub use fault::{Cause, Errno, Fault, Phase};
pub use job::{Job, ProbeSpec};
pub use name::{DnsName, NameError, write_label};
pub use outcome::{
    Answer, Confirmation, DnsAnswer, Outcome, Phases, PtrAnswer, Record, Transport, Verdict,
};
pub use record_type::{RecordType, RecordTypeError};
pub use report::{Health, Losses, ShardReport, UpstreamReport, WindowReport};
pub use status::{Rcode, Status};
pub use target::{Target, reverse_name, reverse_name_address};
pub use time::Time;
