//! The journal of a run: `--journal`, `--resume`, and the commands that read journals.
//!
//! `flags` and `binding` collect what must be the same when a run is resumed, `list` recognises a list
//! that can be read only once, `open` begins or takes up a journal, `outputs` cuts outputs back and
//! continues them, `sink` writes checkpoints, and `end` records how the run has ended.

mod binding;
mod end;
mod flags;
mod list;
mod open;
mod outputs;
mod show;
mod sink;

pub(crate) use binding::ListIdentity;
pub(crate) use end::JournalEnd;
pub(crate) use flags::{GivenFlag, GivenFlags};
pub(crate) use list::tracked;
pub(crate) use open::{Journal, JournalRequest, ListOrder, Opened};
pub(crate) use outputs::journaled_streams;
pub(crate) use show::{journal, salt_of, verify_shards};
