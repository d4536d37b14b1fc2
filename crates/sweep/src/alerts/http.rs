//! Sends JSON by POST.

use std::sync::Arc;
use std::time::Duration;

use ureq::Agent;
use ureq::http::Uri;
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};

use super::queue::DeliveryError;

/// The size of an answer up to which its connection is used again, in octets.
const ANSWER_MAX: u64 = 64 * 1024;
/// Statuses that mean that the body is wrong, and not the time or the credentials: Bad Request,
/// Content Too Large, Unsupported Media Type and Unprocessable Content (RFC 9110, section 15.5).
const REFUSED: [u16; 4] = [400, 413, 415, 422];

/// Sends to one URL. No redirect is followed, and no proxy of the environment is used.
pub(crate) struct Client {
    agent: Agent,
    url: Uri,
}

impl Client {
    /// Every request ends within `timeout`.
    pub(crate) fn new(url: Uri, timeout: Duration) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .timeout_global(Some(timeout))
            .user_agent(concat!("canvass/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls(&url))
            .build();
        Self {
            agent: config.into(),
            url,
        }
    }

    /// Sends a body, and waits for a status of the class Successful.
    pub(crate) fn post(&self, body: &str) -> Result<(), DeliveryError> {
        let request = self.agent.post(&self.url);
        let request = request.header("content-type", "application/json");
        let mut response = request.send(body).map_err(|error| DeliveryError {
            message: error.to_string(),
            is_refused: false,
        })?;
        let status = response.status();
        if !status.is_success() {
            return Err(DeliveryError {
                message: format!("HTTP status {}", status.as_u16()),
                is_refused: REFUSED.contains(&status.as_u16()),
            });
        }
        // It has been delivered, whether or not the rest of the answer can be read.
        let _ = response
            .body_mut()
            .with_config()
            .limit(ANSWER_MAX)
            .read_to_vec();
        Ok(())
    }
}

/// rustls with the provider of the other crates, and the certificates that the system trusts.
fn tls(url: &Uri) -> TlsConfig {
    let mut certificates = Vec::new();
    if url.scheme_str() == Some("https") {
        let found = rustls_native_certs::load_native_certs();
        let trusted = found.certs.iter();
        certificates.extend(trusted.map(|one| Certificate::from_der(one).to_owned()));
    }
    TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .root_certs(RootCerts::new_with_certs(&certificates))
        .build()
}
