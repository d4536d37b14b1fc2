//! The web configuration of Prometheus's exporters: TLS, users, headers and a limit on requests.
//!
//! The format is that of exporter-toolkit (`docs/web-configuration.md` there).

mod client_certificates;
mod file;
mod passwords;
mod rate;
mod source;
#[cfg(test)]
mod tests;
mod tls;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::{HeaderName, HeaderValue};
use crossbeam_channel::Sender;
use rustls::ServerConfig;

use file::File;
pub(crate) use passwords::{Password, PasswordChecker, Users};
use rate::RateLimit;
use source::Sources;

/// A web configuration that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}", path = path.display())]
pub struct WebConfigError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it, and in which line.
    pub message: String,
}

/// A web configuration, which is read again when it is used.
pub struct WebConfig {
    path: PathBuf,
    state: Mutex<State>,
    /// Receives why a file that has changed is not used, as far as it has room.
    messages: Option<Sender<String>>,
}

struct State {
    settings: Arc<Settings>,
    /// What was read last, whether or not it is in use.
    sources: Sources,
}

/// What a web configuration says.
#[derive(Debug)]
pub(crate) struct Settings {
    /// `None` without TLS.
    pub tls: Option<Arc<ServerConfig>>,
    /// Whether TLS lets in only clients whose certificates are verified.
    verifies_clients: bool,
    /// Headers of every response.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    pub users: Users,
    pub rate_limit: Option<RateLimit>,
}

impl WebConfig {
    /// Reads and checks a file, and the certificates that it names.
    ///
    /// # Errors
    /// What is wrong with it first.
    pub fn read(path: &Path) -> Result<Self, WebConfigError> {
        let (sources, settings) = load(path);
        let settings = settings.map_err(|message| WebConfigError {
            path: path.into(),
            message,
        })?;
        Ok(Self {
            path: path.into(),
            state: Mutex::new(State {
                settings: Arc::new(settings),
                sources,
            }),
            messages: None,
        })
    }

    /// Whether connections are encrypted. That stays as it is.
    pub fn has_tls(&self) -> bool {
        self.lock().settings.tls.is_some()
    }

    /// Whether only known clients are let in: users with a password, or holders of a certificate that
    /// is verified.
    pub fn is_restricted(&self) -> bool {
        let settings = &self.lock().settings;
        !settings.users.is_empty() || settings.verifies_clients
    }

    pub(crate) fn set_messages(&mut self, messages: Sender<String>) {
        self.messages = Some(messages);
    }

    /// What the files say now. If they are wrong, what they said before.
    ///
    /// They are read for every request, as exporter-toolkit does: a few kilobytes, in which a change
    /// cannot be missed as it can be in their times. They are only taken apart if they differ.
    pub(crate) fn current(&self) -> Arc<Settings> {
        let mut state = self.lock();
        if !state.sources.are_current() {
            let (sources, settings) = load(&self.path);
            state.sources = sources;
            match settings.and_then(|new| new.in_place_of(&state.settings)) {
                Ok(new) => {
                    state.settings = Arc::new(new);
                    self.report("read again");
                }
                Err(message) => {
                    self.report(&format!("{message}; the web configuration stays as it was"))
                }
            }
        }
        Arc::clone(&state.settings)
    }

    fn report(&self, message: &str) {
        if let Some(messages) = &self.messages {
            let _ = messages.try_send(format!("{}: {message}", self.path.display()));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Settings {
    /// Itself, if it can replace `old` while connections are served.
    fn in_place_of(self, old: &Self) -> Result<Self, String> {
        if self.tls.is_some() == old.tls.is_some() {
            Ok(self)
        } else {
            Err("TLS cannot be switched on or off without a restart".into())
        }
    }
}

fn load(path: &Path) -> (Sources, Result<Settings, String>) {
    let mut sources = Sources::default();
    let settings = settings(path, &mut sources);
    (sources, settings)
}

fn settings(path: &Path, sources: &mut Sources) -> Result<Settings, String> {
    let file = File::parse(sources.read(path)?)?;
    let directory = path.parent().unwrap_or(Path::new(""));
    let tls = file.tls_server_config.unwrap_or_default();
    let verifies_clients = tls.verifies_clients();
    Ok(Settings {
        tls: tls.server(directory, sources)?,
        verifies_clients,
        headers: file.http_server_config.unwrap_or_default().headers()?,
        users: Users::new(file.basic_auth_users.unwrap_or_default()),
        rate_limit: file.rate_limit.and_then(|limit| limit.bucket()),
    })
}
