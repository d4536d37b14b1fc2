//! Alerts: what is sent to whom when a target goes down or comes up.
//!
//! [`machine::Alerts`] decides. It is given notices, the time and the results of deliveries, and
//! reads no clock and opens no socket. [`service::Alerting`] runs it with a thread per receiver, so
//! a receiver that hangs delays only its own queue.

mod alert;
mod alertmanager;
mod digest;
mod exec;
mod http;
mod machine;
mod plan;
mod queue;
mod receiver;
mod service;
mod silences;
mod template;
#[cfg(test)]
mod tests;
mod webhook;

pub use machine::SavedAlerts;
pub use plan::{AlertPlan, ReceiverError, ReceiverPlan};
pub(crate) use service::Alerting;
pub use silences::{Silence, SilenceScope, Silences, SilencesError};
pub use template::{Template, TemplateError};
