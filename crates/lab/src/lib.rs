//! Loopback peers with impairments to probe against: DNS, HTTP, TLS and services that talk.
//!
//! For DNS, [`Zone`] knows what every name is worth and [`Script`] decides what becomes of each
//! exchange. For everything else, [`Services`] opens a [`Conversation`] for each connection. None
//! of these has IO or a clock, and the simulator uses them as they are; [`Lab`] serves them over
//! UDP and TCP on this machine, and can stand in front of another DNS server instead and pass
//! its answers on. These are no servers to put into service: their data are made up,
//! their password is known, and they know no more of a protocol than a prober asks for.

mod batch;
mod bind;
mod clock;
mod connection;
mod conversation;
mod datagram;
mod destination;
mod exchange;
mod forward;
mod framing;
mod histogram;
mod host;
mod impairment;
mod lab;
mod query;
mod reply;
mod report;
mod schedule;
mod script;
mod server;
mod service;
mod services;
mod tcp;
#[cfg(test)]
mod testing;
mod tls;
mod udp;
mod zone;

pub use conversation::Conversation;
pub use histogram::Spread;
pub use impairment::{ImpairmentError, Impairments, KEYS, OverCap, Percent};
pub use lab::{Lab, LabConfig, ServiceConfig};
pub use report::{Counts, LabReport, ServiceCounts, ServiceReport};
pub use script::{Delivery, Plan, ReplyKind, Script, Silence};
pub use service::{
    CODED_TEXT, FORTUNE, HTTP_PATHS, MAILBOX_MESSAGES, MAILBOX_OCTETS, MALFORMED, Output, PAGE,
    PASSWORD, ServiceKind, ServiceKindError, Tally, USER,
};
pub use services::{DatagramPlan, Services};
pub use tls::{TLS_NAMES, TlsError};
pub use zone::{ExpectedPtr, Responded, Treatment, Zone, expected_names};
