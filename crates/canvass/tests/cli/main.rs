//! Black-box tests of the command: what is typed, what comes out, how it ends.
//!
//! Everything here talks to loopback alone: to the embedded lab, to peers of its own that
//! misbehave, and to a real Knot DNS.

mod bad_input;
mod common;
mod completeness;
mod dns;
mod formats;
mod hostile;
mod knot;
mod lab;
mod latency_files;
mod peers;
mod signals;
mod targets;
