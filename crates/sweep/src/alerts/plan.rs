//! Who receives alerts, as the command line says it.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crossbeam_channel::Sender;
use ureq::http::Uri;

use super::alert::dedup_key;
use super::alertmanager::REFRESH;
use super::queue::Intake;
use super::template::Template;

/// Where alerts go, and when.
pub struct AlertPlan {
    /// Each receives every alert.
    pub receivers: Vec<ReceiverPlan>,
    /// The maximum time of one attempt to deliver.
    pub timeout: Duration,
    /// How often to say again that a target is down.
    pub reminder: Option<Duration>,
    /// The file of silences. It is read again when it has changed.
    pub silences: Option<PathBuf>,
    /// Receives a line for a person when deliveries begin to fail and when they succeed again, as
    /// far as it has room.
    pub messages: Sender<String>,
}

/// A receiver of alerts. Its `Display` shows no credentials and no path, which may be a secret too.
pub struct ReceiverPlan {
    pub(crate) kind: ReceiverKind,
    /// What it is known by over a restart.
    pub(crate) identity: String,
    shown: String,
}

#[derive(Clone)]
pub(crate) enum ReceiverKind {
    Webhook {
        url: Uri,
        template: Option<Template>,
    },
    Exec {
        program: String,
        args: Vec<String>,
    },
    Alertmanager {
        url: Uri,
    },
}

/// Why something cannot receive alerts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiverError {
    /// It is no URL with a scheme that alerts are sent by.
    #[error("expected http://HOST[:PORT]/PATH or https://HOST[:PORT]/PATH")]
    Url,
    /// Its quotes do not match, or there is no program.
    #[error("expected a program and its arguments, quoted as in a shell")]
    Command,
}

impl ReceiverPlan {
    /// Alerts are sent to `url` by POST: the object in docs/SWEEP.md, or what `template` makes.
    ///
    /// # Errors
    /// `url` is none for HTTP.
    pub fn webhook(url: &str, template: Option<Template>) -> Result<Self, ReceiverError> {
        let uri = parse_url(url)?;
        Ok(Self {
            identity: identity("webhook", url),
            shown: format!("webhook {}", shown(&uri)),
            kind: ReceiverKind::Webhook { url: uri, template },
        })
    }

    /// Alerts are given to a command on its standard input. The text is split into words as by a
    /// shell, but no shell runs it.
    ///
    /// # Errors
    /// It has no words, or its quotes do not match.
    pub fn exec(command: &str) -> Result<Self, ReceiverError> {
        let words = shlex::split(command).ok_or(ReceiverError::Command)?;
        let mut words = words.into_iter();
        let program = words.next().ok_or(ReceiverError::Command)?;
        Ok(Self {
            identity: identity("exec", command),
            shown: format!("command {program}"),
            kind: ReceiverKind::Exec {
                program,
                args: words.collect(),
            },
        })
    }

    /// Alerts are sent to Alertmanager's API, version 2, below `url`.
    ///
    /// # Errors
    /// `url` is none for HTTP.
    pub fn alertmanager(url: &str) -> Result<Self, ReceiverError> {
        let base = parse_url(url)?;
        let api = format!("{}/api/v2/alerts", url.trim_end_matches('/'));
        Ok(Self {
            identity: identity("alertmanager", url),
            shown: format!("Alertmanager {}", shown(&base)),
            kind: ReceiverKind::Alertmanager {
                url: parse_url(&api)?,
            },
        })
    }

    pub(crate) fn intake(&self) -> Intake {
        match self.kind {
            ReceiverKind::Alertmanager { .. } => Intake::States { refresh: REFRESH },
            ReceiverKind::Webhook { .. } | ReceiverKind::Exec { .. } => Intake::Messages,
        }
    }
}

impl fmt::Display for ReceiverPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

fn parse_url(text: &str) -> Result<Uri, ReceiverError> {
    let uri: Uri = text.parse().map_err(|_| ReceiverError::Url)?;
    let has_host = uri.host().is_some_and(|host| !host.is_empty());
    match uri.scheme_str() {
        Some("http" | "https") if has_host => Ok(uri),
        _ => Err(ReceiverError::Url),
    }
}

/// The scheme, the host and the port.
fn shown(uri: &Uri) -> String {
    let scheme = uri.scheme_str().unwrap_or_default();
    let host = uri.host().unwrap_or_default();
    match uri.port_u16() {
        Some(port) => format!("{scheme}://{host}:{port}"),
        None => format!("{scheme}://{host}"),
    }
}

/// The text itself may be secret, so it is hashed.
fn identity(kind: &str, text: &str) -> String {
    format!("{kind} {}", dedup_key(text, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receiver_is_shown_without_its_secrets() {
        let webhook =
            ReceiverPlan::webhook("https://user:pass@a.example.net:8443/T0/secret?k=1", None);
        let webhook = webhook.unwrap();
        assert_eq!(webhook.to_string(), "webhook https://a.example.net:8443");
        assert!(!webhook.identity.contains("secret"));
        let exec = ReceiverPlan::exec("/bin/notify --token 'a b'").unwrap();
        assert_eq!(exec.to_string(), "command /bin/notify");
        let ReceiverKind::Exec { args, .. } = exec.kind else {
            panic!("a command")
        };
        assert_eq!(args, ["--token", "a b"]);
        let alertmanager = ReceiverPlan::alertmanager("http://127.0.0.1:9093/am/").unwrap();
        assert_eq!(
            alertmanager.to_string(),
            "Alertmanager http://127.0.0.1:9093"
        );
        let ReceiverKind::Alertmanager { url } = alertmanager.kind else {
            panic!("an Alertmanager")
        };
        assert_eq!(url.path(), "/am/api/v2/alerts");
    }

    #[test]
    fn what_cannot_receive_alerts_is_refused() {
        for url in ["", "a.example.net", "ftp://a.example.net/", "http://", "/x"] {
            assert!(ReceiverPlan::webhook(url, None).is_err(), "{url}");
            assert!(ReceiverPlan::alertmanager(url).is_err(), "{url}");
        }
        for command in ["", "  ", "a 'b"] {
            assert!(ReceiverPlan::exec(command).is_err(), "{command}");
        }
    }
}
