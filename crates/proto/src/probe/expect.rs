//! Whether an answer is what the user expects.

use canvass_model::{Status, Time, TlsFacts, Unmet};

use super::Probe;
use super::failure::Ended;
use super::module::ModuleKind;
use super::protocol::Protocol;

impl Probe {
    /// Ends an attempt that has its answer, or first requests the icon of the site. Of a redirect
    /// chain only the last response is judged.
    pub(super) fn judge(&mut self, now: Time, status: Status) {
        let ended = match self.unmet() {
            Some(unmet) => Ended::Unmet(status, Box::new(unmet)),
            None => Ended::Answered(status),
        };
        if let Some(ended) = self.request_icon(now, ended) {
            self.conclude(now, ended);
        }
    }

    /// The first expectation that the answer does not meet.
    fn unmet(&self) -> Option<Unmet> {
        match &self.job.module.kind {
            ModuleKind::Http {
                expect: Some(expect),
                ..
            } if self.journey.icon.is_none() => {
                let established = self.journey.stage.established()?;
                let Protocol::Http(response) = &established.protocol else {
                    return None;
                };
                let body = response.body().unwrap_or_default();
                expect.unmet(response.head()?, body, || self.tls_facts())
            }
            ModuleKind::Tcp {
                certificate: Some(expected),
                ..
            } => expected.unmet(self.tls_facts().as_ref()),
            _ => None,
        }
    }

    /// The TLS connection that is open.
    pub(super) fn tls_facts(&self) -> Option<TlsFacts> {
        let established = self.journey.stage.established()?;
        Some(established.connection.tls()?.facts())
    }
}
