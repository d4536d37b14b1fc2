//! Which Redis a command talks to. Its URL may have a password, which is never shown.

use std::convert::Infallible;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

use canvass_remote::BrokerError;
use canvass_remote::redis::{RedisOptions, RedisServer};

use crate::exit::Failure;

/// The variable of the environment that has the URL where it is not given.
pub(crate) const VARIABLE: &str = "CANVASS_WORKERS";

/// The text of a URL, as it is given.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct RedisUrl(Box<str>);

/// A Redis.
#[derive(Clone)]
pub(crate) struct Redis {
    options: RedisOptions,
    server: RedisServer,
    /// `HOST:PORT`.
    name: String,
}

impl RedisUrl {
    /// The URL of the environment, if there is one.
    pub(crate) fn of_environment() -> Option<Self> {
        let text = std::env::var(VARIABLE).ok()?;
        (!text.is_empty()).then(|| Self(text.into()))
    }
}

impl FromStr for RedisUrl {
    type Err = Infallible;

    /// Takes any text: the messages of a parser of arguments show it, and it may have a password.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.into()))
    }
}

impl fmt::Debug for RedisUrl {
    /// Without the text, which may have a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisUrl").finish_non_exhaustive()
    }
}

impl Redis {
    /// The Redis of a URL, which must have a certificate that comes from those in a file.
    ///
    /// # Errors
    /// It is no URL of a Redis, or the file cannot be read.
    pub(crate) fn new(url: &RedisUrl, authority: Option<&Path>) -> Result<Self, Failure> {
        let options = RedisOptions {
            url: url.0.to_string(),
            ca_file: authority.map(Path::to_owned),
            ..RedisOptions::default()
        };
        let server = RedisServer::new(&options).map_err(Failure::usage)?;
        Ok(Self {
            name: server.to_string(),
            options,
            server,
        })
    }

    /// The Redis that is given, or else that of the environment.
    ///
    /// # Errors
    /// As for [`new`](Self::new); also if there is neither.
    pub(crate) fn given_or_of_environment(
        url: Option<&RedisUrl>,
        authority: Option<&Path>,
    ) -> Result<Self, Failure> {
        let of_environment = RedisUrl::of_environment();
        let url = url
            .or(of_environment.as_ref())
            .ok_or_else(|| Failure::usage(format!("no Redis: give its URL, or set {VARIABLE}")))?;
        Self::new(url, authority)
    }

    /// Where it is, for messages.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn server(&self) -> &RedisServer {
        &self.server
    }

    /// The URL. It may have a password.
    pub(crate) fn url(&self) -> &str {
        &self.options.url
    }

    /// The file of certificates, in PEM, that its own must come from.
    pub(crate) fn authority(&self) -> Option<&Path> {
        self.options.ca_file.as_deref()
    }
}

/// The failure of a command that Redis has ended. The error names the server.
pub(crate) fn failed(error: &BrokerError) -> Failure {
    Failure::stopped(format_args!("Redis: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_message_has_the_password() {
        for text in [
            "http://me:hunter2@192.0.2.1/",
            "redis://me:hunter2@192.0.2.1/zero",
            "rediss://me:hunter2@192.0.2.1/#insecure",
            "redis://me:hunter2@192.0.2.1:port",
        ] {
            let Ok(url) = text.parse::<RedisUrl>();
            let failure = Redis::new(&url, None)
                .map(drop)
                .expect_err(text)
                .to_string();
            assert!(!failure.contains("hunter2"), "{failure}");
        }
        let Ok(url) = "redis://me:hunter2@192.0.2.1".parse::<RedisUrl>();
        assert!(!format!("{url:?}").contains("hunter2"));
        assert_eq!(Redis::new(&url, None).unwrap().name(), "192.0.2.1:6379");
        assert!(Redis::new(&url, Some(Path::new("ca.pem"))).is_err());
    }
}
