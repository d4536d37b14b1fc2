//! Reads blackbox_exporter's file of modules, and answers a probe with the metrics that it has.
//!
//! [`Modules`] is the file as blackbox_exporter's tag v0.28.0 reads it. [`probe`] probes one target
//! with one module, and returns what `/probe` answers: the same names, labels, help texts and zeros.
//! A module that needs what canvass lacks is read, and refused by name when it is used.
//!
//! This crate has no listener. It blocks the thread that calls it for as long as the probe takes, or
//! until the caller has lost interest.

mod address;
mod debug;
mod destination;
mod dns;
mod exposition;
mod file;
mod http;
mod http_judgement;
mod http_metrics;
mod log;
mod probe;
mod query_response;
mod refusal;
mod tcp;
mod tls;

pub use destination::Destination;
pub use exposition::{CONTENT_TYPE, Exposition, Family, Labels};
pub use file::{Modules, ModulesError};
pub use log::shown_target;
pub use probe::{Cancelled, DEFAULT_MODULE, ProbeError, ProbeRequest, ProbeResponse, probe};
pub use refusal::Refusal;

/// The example of the README is compiled and run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
