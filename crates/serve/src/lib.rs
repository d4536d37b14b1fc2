//! Serves the metrics and the page of a sweep over HTTP, and probes on request.
//!
//! This is the only crate with an asynchronous runtime: one thread, which the probes have no part
//! in. It reads a sweep through a [`SweepReader`], copies what a response needs, and writes it
//! without holding the sweep up. Probes on request have threads of their own, and are limited in number.
//!
//! Clients are limited in number, and in the size and time of their requests. A request whose `Host`
//! is a name that is not expected is refused, so that a web page elsewhere cannot reach the listener
//! by letting its own name lead here (DNS rebinding). No response allows other origins to read it, and
//! what does something is refused to pages from elsewhere.

mod accept;
mod access;
mod api;
mod cross_site;
mod duration;
mod exposition;
mod hosts;
mod page;
mod posted;
mod probe;
mod process_metrics;
mod reload;
mod router;
mod server;
mod sweep_metrics;
mod target_metrics;
mod target_row;
mod web_config;

pub use accept::CLIENTS_MAX;
pub use canvass_sweep::SweepReader;
pub use page::REQUESTED_PROBES_MAX;
pub use probe::{Exporter, ProbeTargets};
pub use reload::{ReloadRequests, Reloader, reloads};
pub use server::{ListenError, Listener, Server};
pub use web_config::{WebConfig, WebConfigError};
