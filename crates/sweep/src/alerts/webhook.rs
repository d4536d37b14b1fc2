//! Alerts by POST to a URL.

use std::time::Duration;

use ureq::http::Uri;

use super::alert::Message;
use super::http::Client;
use super::queue::DeliveryError;
use super::receiver::Deliver;
use super::template::Template;

/// Sends each message as a request of its own.
pub(crate) struct Webhook {
    client: Client,
    template: Option<Template>,
}

impl Webhook {
    pub(crate) fn new(url: Uri, template: Option<Template>, timeout: Duration) -> Self {
        Self {
            client: Client::new(url, timeout),
            template,
        }
    }
}

impl Deliver for Webhook {
    fn deliver(&self, messages: &[Message]) -> Result<(), DeliveryError> {
        messages.iter().try_for_each(|message| {
            let body = match &self.template {
                Some(template) => template.body(message),
                None => message.json(),
            };
            self.client.post(&body)
        })
    }
}
