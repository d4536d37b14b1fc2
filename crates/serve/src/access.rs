//! Lets requests in, or refuses them.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rustls::ServerConfig;

use crate::web_config::{Password, PasswordChecker, Settings, WebConfig};

/// What lets requests in. Without a web configuration that is every request.
#[derive(Clone, Default)]
pub(crate) struct Access(Option<Arc<Restricted>>);

struct Restricted {
    config: WebConfig,
    passwords: PasswordChecker,
}

/// What holds for one request and its response.
pub(crate) struct Admission(Option<(Arc<Restricted>, Arc<Settings>)>);

impl Access {
    /// Lets in those that `config` allows.
    pub(crate) fn new(config: Option<WebConfig>) -> io::Result<Self> {
        let restricted = config.map(|config| {
            let passwords = PasswordChecker::start()?;
            Ok::<_, io::Error>(Arc::new(Restricted { config, passwords }))
        });
        Ok(Self(restricted.transpose()?))
    }

    /// The configuration for a new connection, if it is to be encrypted.
    pub(crate) fn tls(&self) -> Option<Arc<ServerConfig>> {
        self.0.as_ref()?.config.current().tls.clone()
    }

    /// What holds for a request that begins now.
    pub(crate) fn admission(&self) -> Admission {
        let restricted = self.0.as_ref();
        Admission(restricted.map(|one| (Arc::clone(one), one.config.current())))
    }
}

impl Restricted {
    async fn check(&self, settings: &Settings, headers: &HeaderMap) -> Result<(), Response> {
        let limit = settings.rate_limit.as_ref();
        if limit.is_some_and(|limit| !limit.allows(Instant::now())) {
            return Err(StatusCode::TOO_MANY_REQUESTS.into_response());
        }
        if settings.users.is_empty() {
            return Ok(());
        }
        match self.passwords.check(&settings.users, headers).await {
            Password::Right => Ok(()),
            Password::Wrong => {
                let challenge = [(header::WWW_AUTHENTICATE, "Basic realm=\"canvass\"")];
                Err((StatusCode::UNAUTHORIZED, challenge, "Unauthorized\n").into_response())
            }
            Password::Unverified => {
                let retry = [(header::RETRY_AFTER, "1")];
                Err((StatusCode::SERVICE_UNAVAILABLE, retry).into_response())
            }
        }
    }
}

impl Admission {
    /// Checks a request with these headers. If it is not let in, the error is the response.
    pub(crate) async fn check(&self, headers: &HeaderMap) -> Result<(), Response> {
        match &self.0 {
            Some((restricted, settings)) => restricted.check(settings, headers).await,
            None => Ok(()),
        }
    }

    /// Adds the headers that the web configuration has for every response.
    pub(crate) fn add_headers(&self, headers: &mut HeaderMap) {
        let settings = self.0.as_ref().map(|(_, settings)| settings);
        for (name, value) in settings.iter().flat_map(|settings| &settings.headers) {
            headers.insert(name, value.clone());
        }
    }
}
