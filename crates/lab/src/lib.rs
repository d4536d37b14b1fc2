//! Loopback servers to probe, with configurable impairments: DNS, HTTP, TLS, mail and others.
//!
//! [`Zone`] holds the DNS records, and [`Responder`] decides how each query is answered.
//! [`Services`] opens a [`ServiceSession`] for each connection to another service. None of these
//! does IO or reads a clock, and the simulator uses them as they are. [`Lab`] serves them over UDP
//! and TCP on this machine; it can also forward DNS queries to another server and impair its
//! answers.
//!
//! These servers are only for tests: their data are made up, their password is public, and they
//! implement no more of a protocol than a prober needs.

mod bind;
mod clock;
mod connection_table;
mod datagram_batch;
mod dns_server;
mod event_loop;
mod forwarder;
mod framing;
mod histogram;
mod impairment;
mod lab;
mod listener;
mod name_fate;
mod packet_info;
mod query;
mod reply;
mod report;
mod responder;
mod service;
mod service_server;
mod services;
mod session;
#[cfg(test)]
mod testing;
mod timer_queue;
mod tls;
mod udp_endpoint;
mod zone;

pub use histogram::HistogramSummary;
pub use impairment::{ImpairmentError, Impairments, KEYS, OverCap, Percent};
pub use lab::{Lab, LabConfig, ServiceConfig};
pub use name_fate::NameFate;
pub use report::{Counts, LabReport, ServiceCounts, ServiceReport};
pub use responder::{DropReason, PlannedReply, ReplyKind, ReplyPlan, Responder};
pub use service::{
    Activity, CODED_TEXT, FORTUNE, HTTP_PATHS, MAILBOX_MESSAGES, MAILBOX_OCTETS, MALFORMED, Output,
    PAGE, PASSWORD, ServiceKind, ServiceKindError, USER,
};
pub use services::{DatagramPlan, Services};
pub use session::ServiceSession;
pub use tls::{TLS_NAMES, TlsError};
pub use zone::{ExpectedPtr, ResponseMode, ResponseStatus, Zone, expected_names};

/// The example of the README is compiled and run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
