//! The expected results of jobs, whatever the network does.

mod dns;
mod hosts;
mod pages;
mod talks;

pub(crate) use dns::missing_by;
pub use dns::{Expected, expected_of};
pub(crate) use hosts::{HostTruth, host_truth};
pub(crate) use pages::{GOOD_PATHS, PageEnd, PageTruth, page_truth, paths};
pub(crate) use talks::{TALKS, TalkTruth, talk_truth};
