//! Probes driven by hand, under a clock of their own.

mod expectations;
mod extras;
mod http;
mod journeys;
mod limits;
mod rig;
mod talk;
mod tunnelling;
