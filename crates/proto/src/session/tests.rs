//! Sessions driven by bytes and a clock that is a number: no socket, no wait, no chance that is
//! not seeded.

mod answers;
mod details;
mod fallback;
mod follow;
mod forward;
mod lame;
mod laws;
mod name_lookup;
mod retry;
mod rig;
