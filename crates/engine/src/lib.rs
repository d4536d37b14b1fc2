//! The mio event loop: thousands of sockets on one thread, every limit explicit.
//!
//! A [`Shard`] takes batches of jobs from a channel, drives a session for each over its
//! upstreams, and puts batches of outcomes into another. It knows neither where jobs come from
//! nor where outcomes go, and all it sees of the system is a [`Net`]: [`MioNet`] is the real
//! one, and a simulated one runs the very same code.

mod config;
mod host_gates;
mod mailbox;
mod mio_net;
mod name_cache;
mod net;
mod pacer;
mod shard;
mod slab;
mod socket_options;
mod upstream;
mod wheel;

pub use config::{Config, JOBS_MAX, OUTCOME_BATCH_MAX, OUTCOME_WAIT_US, Probing};
pub use mailbox::{Channels, Inbox, NameAnswer, NameRequest, NameService, StopSignal, Waker};
pub use mio_net::MioNet;
pub use net::{Event, Net, SocketId};
pub use shard::{Census, Shard, Turn};
pub use socket_options::SocketOptions;
pub use upstream::RECEIVE_BUFFER_OCTETS;
