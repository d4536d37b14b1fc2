//! The mio event loop: thousands of sockets on one thread, every limit explicit.
//!
//! A [`Shard`] takes batches of jobs from a channel, drives a session for each over its
//! upstreams, and puts batches of outcomes into another. It knows neither where jobs come from
//! nor where outcomes go, and all it sees of the system is a [`Net`]: [`MioNet`] is the real
//! one, and a simulated one runs the very same code.

mod config;
mod hosts;
mod mailbox;
mod mio_net;
mod names;
mod net;
mod pacer;
mod shard;
mod slots;
mod socket_options;
mod upstream;
mod wheel;

pub use config::{Config, JOBS_MAX, OUTCOME_BATCH_MAX, OUTCOME_WAIT_US, Probing};
pub use mailbox::{Bell, Control, Doors, Inbox, NameAnswer, NameDoor, NameRequest};
pub use mio_net::MioNet;
pub use net::{Event, Net, SocketId};
pub use shard::{Census, Shard, Turn};
pub use socket_options::SocketOptions;
pub use upstream::RECEIVE_BUFFER_OCTETS;
