//! Loopback DNS peers with impairments to probe against.
//!
//! [`Zone`] knows what every name is worth, [`Script`] decides what becomes of each exchange,
//! and [`Lab`] does so over UDP and TCP on this machine. The first two have no IO and no clock,
//! and the simulator uses them as they are. This is no name server to put into service: its
//! data are made up, and it knows no more of DNS than a prober asks for.

mod batch;
mod bind;
mod clock;
mod connection;
mod datagram;
mod histogram;
mod impairment;
mod lab;
mod query;
mod reply;
mod report;
mod schedule;
mod script;
mod server;
mod tcp;
#[cfg(test)]
mod testing;
mod udp;
mod zone;

pub use histogram::Spread;
pub use impairment::{ImpairmentError, Impairments, KEYS, OverCap, Percent};
pub use lab::{Lab, LabConfig};
pub use report::{Counts, LabReport};
pub use script::{Delivery, Plan, ReplyKind, Script, Silence};
pub use zone::{ExpectedPtr, Responded, Treatment, Zone, expected_names};
