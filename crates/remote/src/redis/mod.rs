//! A broker on Redis 7.0 or Valkey.
//!
//! Each operation that must be atomic is one script (`scripts/`), which checks the generation before
//! anything else; a commit stores its result in the same transaction. What a campaign has is under these
//! keys, all in one hash slot:
//!
//! | key | type | what |
//! |---|---|---|
//! | `plan` | hash | generation and plan; the only key that a worker need not write |
//! | `state` | hash | generation, phase, next chunk, budget, octets in use |
//! | `queue` | stream | `1-CHUNK` for each chunk that is not committed; consumers are owners |
//! | `chunks` | hash | chunk → payload, of the same chunks |
//! | `epochs` | hash | chunk → epoch, of those that were claimed |
//! | `losses` | hash | chunk → how many owners it has lost, of those that have |
//! | `deliveries` | stream | an entry for each result that is not acknowledged, and for each poison |
//! | `results` | hash | `CHUNK EPOCH WORKER` → result |
//! | `committed` | hash | chunk → delivery, epoch, worker |
//! | `workers` | hash | worker → report |
//! | `lives` | sorted set | worker by the time when its renewal expires |
//! | `shares` | hash | worker → its unexpired shares |
//! | `wake` | stream | one entry, replaced when a chunk may be claimed |
//!
//! Payloads are not in the streams, so that reading a stream to wait costs nothing. Nothing there grows
//! with the chunks that are done.

mod broker;
mod connection;
mod directory;
mod error;
mod inspection;
mod keys;
mod options;
mod reply;
mod rights;
mod scripts;
mod session;
#[cfg(test)]
pub(crate) mod tests;

pub use broker::RedisBroker;
pub use directory::Directory;
pub use inspection::ServerWarning;
pub use options::{RedisOptions, RedisOptionsError, RedisServer};
pub use rights::{SUBMITTER_RIGHTS, WORKER_RIGHTS};
