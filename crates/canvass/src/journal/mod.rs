//! The journal of a run: `--journal`, `--resume`, and the commands that read journals.
//!
//! `flags` and `binding` collect what must be the same when a run is resumed, `list` recognises a list
//! that can be read only once, `open` begins or takes up a journal, `sink` writes checkpoints.

mod binding;
mod flags;
mod list;
mod open;
mod show;
mod sink;

pub(crate) use binding::ListIdentity;
pub(crate) use flags::GivenFlags;
pub(crate) use list::tracked;
pub(crate) use open::{Journal, JournalEnd, JournalRequest, ListOrder, Opened};
pub(crate) use show::{journal, verify_shards};
pub(crate) use sink::JournaledOutput;
