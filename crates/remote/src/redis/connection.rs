//! A connection that is opened when it is needed.

use std::time::Duration;

use redis::{Connection, FromRedisValue, RedisResult};

use super::RedisServer;
use super::error::{broker_error, ends_connection};
use super::options::Login;
use crate::BrokerError;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a server may take for an answer, beside the time that it was told to wait.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection to a server, or the lack of one. One that broke is replaced at the next call.
pub(super) struct Link {
    server: RedisServer,
    connection: Option<Connection>,
}

impl Link {
    /// Does not connect yet.
    pub(super) fn new(server: RedisServer) -> Self {
        Self {
            server,
            connection: None,
        }
    }

    pub(super) fn server(&self) -> &RedisServer {
        &self.server
    }

    /// Calls the server once, and connects before if there is no connection.
    pub(super) fn call<T>(
        &mut self,
        call: impl FnOnce(&mut Connection) -> RedisResult<T>,
    ) -> Result<T, BrokerError> {
        self.call_once(call)
            .map_err(|error| broker_error(&self.server, &error))
    }

    fn call_once<T>(
        &mut self,
        call: impl FnOnce(&mut Connection) -> RedisResult<T>,
    ) -> RedisResult<T> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => open(&self.server)?,
        };
        let result = call(&mut connection);
        if !result.as_ref().is_err_and(ends_connection) {
            self.connection = Some(connection);
        }
        result
    }

    /// Sends a command that lets the server wait for up to `timeout`.
    pub(super) fn wait<T: FromRedisValue>(
        &mut self,
        command: &redis::Cmd,
        timeout: Duration,
    ) -> Result<T, BrokerError> {
        self.call(|connection| {
            connection.set_read_timeout(Some(timeout + ANSWER_TIMEOUT))?;
            let reply = command.query(connection)?;
            connection.set_read_timeout(Some(ANSWER_TIMEOUT))?;
            Ok(reply)
        })
    }
}

fn open(server: &RedisServer) -> RedisResult<Connection> {
    let mut connection = server.client.get_connection_with_timeout(CONNECT_TIMEOUT)?;
    connection.set_read_timeout(Some(ANSWER_TIMEOUT))?;
    connection.set_write_timeout(Some(ANSWER_TIMEOUT))?;
    log_in(&mut connection, &server.login)?;
    Ok(connection)
}

fn log_in(connection: &mut Connection, login: &Login) -> RedisResult<()> {
    if login.user.is_some() || login.password.is_some() {
        let mut command = redis::cmd("AUTH");
        if let Some(user) = &login.user {
            command.arg(user);
        }
        command.arg(login.password.as_deref().unwrap_or_default());
        command.exec(connection)?;
    }
    if login.db != 0 {
        redis::cmd("SELECT").arg(login.db).exec(connection)?;
    }
    Ok(())
}
