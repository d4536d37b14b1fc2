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

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::TcpListener;
    use std::thread;

    use super::*;
    use crate::redis::RedisOptions;

    fn server(address: &str) -> RedisServer {
        let options = RedisOptions {
            url: format!("redis://alice:secret@{address}"),
            ..RedisOptions::default()
        };
        RedisServer::new(&options).unwrap()
    }

    /// What a broker's user is told of the reply of a server.
    fn told(reply: &str) -> BrokerError {
        let reply = redis::parse_redis_value(format!("-{reply}\r\n").as_bytes());
        let error = reply.unwrap().extract_error().unwrap_err();
        broker_error(&server("redis.example"), &error)
    }

    #[test]
    fn a_server_that_cannot_write_now_is_unwilling() {
        for reply in [
            "OOM command not allowed when used memory > 'maxmemory'.",
            "READONLY You can't write against a read only replica.",
            "LOADING Redis is loading the dataset in memory",
            "MISCONF Redis is configured to save RDB snapshots",
            "MASTERDOWN Link with MASTER is down",
            "NOREPLICAS Not enough good replicas to write.",
            "CLUSTERDOWN The cluster is down",
            "BUSY Redis is busy running a script.",
            "ERR max number of clients reached",
        ] {
            let BrokerError::Unwilling(reason) = told(reply) else {
                panic!("{reply}");
            };
            assert!(reason.starts_with("redis.example:6379: the "), "{reason}");
            assert!(reason.ends_with(reply), "{reason}");
        }
    }

    #[test]
    fn a_server_that_does_not_let_us_in_refuses() {
        for reply in [
            "NOAUTH Authentication required.",
            "WRONGPASS invalid username-password pair or user is disabled.",
            "NOPERM User worker has no permissions to run the 'xadd' command",
            "DENIED Redis is running in protected mode",
            "MOVED 866 192.0.2.1:6379",
            "WRONGTYPE Operation against a key holding the wrong kind of value",
            "ERR unknown command 'EVALSHA'",
        ] {
            let BrokerError::Refused(reason) = told(reply) else {
                panic!("{reply}");
            };
            assert!(reason.ends_with(reply), "{reason}");
        }
    }

    #[test]
    fn who_does_not_answer_as_redis_refuses_and_who_is_not_there_is_away() {
        // No other test listens on this address, so nobody takes the port afterwards.
        let listener = TcpListener::bind("127.0.0.77:0").unwrap();
        let server = server(&listener.local_addr().unwrap().to_string());
        let other = thread::spawn(move || {
            let (mut client, _) = listener.accept().unwrap();
            client
                .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                .unwrap();
            client
        });
        let refused = server.connect().map(|_| ());
        assert!(
            matches!(refused, Err(BrokerError::Refused(_))),
            "{refused:?}"
        );
        drop(other.join().unwrap());
        let Err(BrokerError::Away(reason)) = server.connect() else {
            panic!("somebody listens");
        };
        assert!(reason.contains("refused"), "{reason}");
    }
}
