//! One way to deliver alerts.

use std::time::Duration;

use super::alert::{Alert, Message};
use super::alertmanager::Alertmanager;
use super::exec::Exec;
use super::plan::ReceiverKind;
use super::queue::DeliveryError;
use super::webhook::Webhook;

/// Delivers alerts. It may take long.
pub(crate) trait Deliver: Send {
    /// Delivers messages, in order.
    fn deliver(&self, messages: &[Message]) -> Result<(), DeliveryError>;

    /// Delivers once more all that is wrong now, to a receiver that forgets.
    fn refresh(&self, _alerts: &[Alert]) -> Result<(), DeliveryError> {
        Ok(())
    }
}

impl ReceiverKind {
    /// The receiver. Each attempt ends within `timeout`.
    pub(crate) fn connect(self, timeout: Duration) -> Box<dyn Deliver> {
        match self {
            Self::Webhook { url, template } => Box::new(Webhook::new(url, template, timeout)),
            Self::Exec { program, args } => Box::new(Exec {
                program,
                args,
                timeout,
            }),
            Self::Alertmanager { url } => Box::new(Alertmanager::new(url, timeout)),
        }
    }
}
