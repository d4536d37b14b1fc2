//! Errors of the `redis` crate as errors of a broker.

use std::error::Error as _;
use std::sync::Arc;
use std::{error, io};

use redis::{ErrorKind, RedisError};

use super::RedisServer;
use crate::BrokerError;

/// What is wrong, by the code that a server's error begins with.
enum Meaning {
    Gone,
    Unwilling(&'static str),
    Refused(&'static str),
}

fn meaning(code: &str, detail: &str) -> Meaning {
    match code {
        // The group of the queue is made with the campaign: without it, a part of the campaign was lost.
        "GONE" | "NOGROUP" => Meaning::Gone,
        "OOM" => Meaning::Unwilling("the server has no memory left"),
        "READONLY" => Meaning::Unwilling("the server is a read-only replica"),
        "LOADING" => Meaning::Unwilling("the server is loading its data"),
        "MISCONF" => Meaning::Unwilling("the server cannot write to its disk"),
        "MASTERDOWN" => Meaning::Unwilling("the server has lost its master"),
        "NOREPLICAS" => Meaning::Unwilling("the server has lost its replicas"),
        "CLUSTERDOWN" | "TRYAGAIN" => Meaning::Unwilling("the cluster is not ready"),
        "BUSY" => Meaning::Unwilling("the server is busy with a script"),
        "UNBLOCKED" => Meaning::Unwilling("the server has changed its role"),
        // Another client has removed all scripts between loading and running it.
        "NOSCRIPT" => Meaning::Unwilling("the server has lost a script"),
        "ERR" if detail.contains("max number of clients") => {
            Meaning::Unwilling("the server has too many clients")
        }
        "NOAUTH" => Meaning::Refused("the server wants a password"),
        "WRONGPASS" => Meaning::Refused("wrong user or password"),
        "NOPERM" => Meaning::Refused("the user lacks a right in the server's ACL"),
        "DENIED" => Meaning::Refused("the server is in protected mode"),
        "MOVED" | "ASK" | "CROSSSLOT" => {
            Meaning::Refused("another node of the cluster has the campaign")
        }
        _ => Meaning::Refused("the server refuses"),
    }
}

/// The error to return for what went wrong at a server.
pub(super) fn broker_error(server: &RedisServer, error: &RedisError) -> BrokerError {
    if let Some(code) = error.code() {
        let detail = error.detail().unwrap_or_default();
        let text = |what| format!("{server}: {what}: {code} {detail}");
        return match meaning(code, detail) {
            Meaning::Gone => BrokerError::Gone,
            Meaning::Unwilling(what) => BrokerError::Unwilling(text(what)),
            Meaning::Refused(what) => BrokerError::Refused(text(what)),
        };
    }
    let cause = cause(error);
    if let Some(error) = cause.and_then(tls_error) {
        return BrokerError::Refused(format!("{server}: TLS: {error}"));
    }
    match error.kind() {
        ErrorKind::Io => BrokerError::Away(match cause.map(io::Error::kind) {
            Some(io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                format!("{server}: no answer in time")
            }
            Some(io::ErrorKind::UnexpectedEof) => {
                format!("{server}: the server has closed the connection")
            }
            _ => format!("{server}: {error}"),
        }),
        _ => BrokerError::Refused(format!(
            "{server}: not the answer of a Redis server: {error}"
        )),
    }
}

/// Whether another connection may fare better: this one is broken, or to a server that lost its role.
pub(super) fn ends_connection(error: &RedisError) -> bool {
    match error.code() {
        Some(code) => matches!(code, "READONLY" | "MASTERDOWN" | "UNBLOCKED" | "NOAUTH"),
        None => true,
    }
}

fn cause(error: &RedisError) -> Option<&io::Error> {
    let shared: &Arc<dyn error::Error + Send + Sync> = error.source()?.downcast_ref()?;
    shared.downcast_ref()
}

fn tls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}
