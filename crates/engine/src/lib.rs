//! The mio event loop: thousands of sockets on one thread, every limit explicit.
//!
//! A [`Shard`] receives batches of jobs from a channel, drives a `Session` or a `Probe` for each,
//! and sends batches of outcomes to another channel. It knows neither where jobs come from nor
//! where outcomes go. All it uses of the system is a [`Net`]: [`MioNet`] is the real one, and the
//! simulator runs the same code over another.

#![deny(unsafe_code, unreachable_pub)]

mod allow_list;
mod cap_share;
mod caps;
mod channels;
mod config;
mod datagram_batch;
mod host_gates;
mod known_windows;
mod later_modules;
mod live_report;
mod mio_net;
mod name_cache;
mod net;
mod pacer;
mod raw_options;
mod run_clock;
mod run_limits;
mod schedule_clock;
mod shard;
mod slab;
mod slots;
mod socket_options;
mod upstream;
mod wheel;

pub use allow_list::{AllowList, DeniedError};
pub use cap_share::CapShare;
pub use caps::Caps;
pub use channels::{
    Channels, InboxSender, LatestSample, NameAnswer, NameRequest, NameService, StopSignal, Waker,
};
pub use config::{Config, JOBS_MAX, Probing};
pub use datagram_batch::DatagramBatch;
pub use known_windows::{KnownWindow, KnownWindows};
pub use later_modules::LaterModules;
pub use live_report::LiveReport;
pub use mio_net::MioNet;
pub use net::{Event, Net, SocketId};
pub use run_limits::RunLimits;
pub use shard::{Census, Shard, Turn};
pub use socket_options::{RECEIVE_BUFFER_OCTETS, SocketOptions};
pub use upstream::UPSTREAMS_MAX;

/// The example of the README is compiled and run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
