//! A campaign on a server.

use std::time::Duration;

use redis::{
    Cmd, Connection, ErrorKind, FromRedisValue, RedisResult, Script, ServerErrorKind, Value,
};

use super::RedisServer;
use super::connection::Link;
use super::keys::{CAMPAIGNS, Keys};
use super::reply::result_field;
use crate::{BrokerError, CampaignName, Delivery, DeliveryId, Generation};

/// The octets of a transaction beside those of its result, about.
const COMMANDS_OCTETS: usize = 1024;
/// The commands of a transaction before the last one.
const COMMANDS: usize = 3;

/// A campaign by its keys, and a connection to its server.
pub(super) struct Session {
    pub(super) link: Link,
    pub(super) keys: Keys,
    name: CampaignName,
    /// The memory of the last transaction, which is as large as a result.
    transaction: Vec<u8>,
}

impl Session {
    pub(super) fn new(server: RedisServer, name: &CampaignName) -> Self {
        Self {
            link: Link::new(server),
            keys: Keys::new(name),
            name: name.clone(),
            transaction: Vec::new(),
        }
    }

    /// Runs a script once, with what `add` adds to its arguments.
    pub(super) fn run<T: FromRedisValue>(
        &mut self,
        script: &Script,
        generation: Generation,
        add: impl FnOnce(&mut Cmd),
    ) -> Result<T, BrokerError> {
        let command = evaluation(script, &self.keys.shared, generation, add);
        self.link
            .call(|connection| loaded(connection, script, |connection| command.query(connection)))
    }

    /// Runs a script that has the key of the plan, too.
    pub(super) fn run_with_plan(
        &mut self,
        script: &Script,
        generation: Generation,
        add: impl FnOnce(&mut Cmd),
    ) -> Result<(), BrokerError> {
        let command = evaluation(script, &self.keys.all, generation, add);
        self.link
            .call(|connection| loaded(connection, script, |connection| command.exec(connection)))
    }

    /// Stores a result unless it is there, and runs a script; both or none of them. A result may be large,
    /// and a script would copy it several times.
    pub(super) fn run_on_result<T: FromRedisValue>(
        &mut self,
        field: &str,
        result: &[u8],
        script: &Script,
        generation: Generation,
        add: impl FnOnce(&mut Cmd),
    ) -> Result<T, BrokerError> {
        let mut commands = std::mem::take(&mut self.transaction);
        commands.clear();
        commands.reserve(result.len() + COMMANDS_OCTETS);
        redis::cmd("MULTI").write_packed_command(&mut commands);
        redis::cmd("HSETNX")
            .arg(&self.keys.results)
            .arg(field)
            .arg(result)
            .write_packed_command(&mut commands);
        evaluation(script, &self.keys.shared, generation, add).write_packed_command(&mut commands);
        redis::cmd("EXEC").write_packed_command(&mut commands);
        let reply = self.link.call(|connection| {
            loaded(connection, script, |connection| {
                transaction(connection, &commands)
            })
        });
        self.transaction = commands;
        let reply = reply?;
        redis::from_redis_value(reply).map_err(|error| self.unexpected(&error.to_string()))
    }

    /// Reads the results of deliveries, and drops those whose result was removed in the meantime.
    pub(super) fn read_results(
        &mut self,
        deliveries: &mut Vec<(DeliveryId, Delivery)>,
    ) -> Result<(), BrokerError> {
        let mut command = redis::cmd("HMGET");
        command.arg(&self.keys.results);
        let mut has_results = false;
        for (_, delivery) in &*deliveries {
            if let Delivery::Result { claim, worker, .. } = delivery {
                command.arg(result_field(*claim, worker));
                has_results = true;
            }
        }
        if !has_results {
            return Ok(());
        }
        let results: Vec<Option<Vec<u8>>> =
            self.link.call(|connection| command.query(connection))?;
        let mut results = results.into_iter();
        deliveries.retain_mut(|(_, delivery)| match delivery {
            Delivery::Result { result, .. } => match results.next().flatten() {
                Some(found) => {
                    *result = found;
                    true
                }
                None => false,
            },
            Delivery::Poison { .. } => true,
        });
        Ok(())
    }

    /// Adds the campaign to the names of all, or removes it.
    pub(super) fn register(&mut self, command: &str) -> Result<(), BrokerError> {
        let name = self.name.as_str();
        self.link.call(|connection| {
            redis::cmd(command)
                .arg(CAMPAIGNS)
                .arg(name)
                .exec(connection)
        })
    }

    /// Waits for an entry of a stream after another.
    pub(super) fn wait_for_entry(
        &mut self,
        generation: Generation,
        stream: &str,
        after: &str,
        timeout: Duration,
    ) -> Result<(), BrokerError> {
        let state = &self.keys.state;
        let found: Option<u64> = self.link.call(|connection| {
            (redis::cmd("HGET").arg(state).arg("generation")).query(connection)
        })?;
        if found != Some(generation.0) {
            return Err(BrokerError::Gone);
        }
        let milliseconds = timeout.as_millis() as u64;
        // To wait for 0 is to wait for ever.
        if milliseconds == 0 {
            return Ok(());
        }
        let mut command = redis::cmd("XREAD");
        command.arg("COUNT").arg(1).arg("BLOCK").arg(milliseconds);
        command.arg("STREAMS").arg(stream).arg(after);
        let _: redis::Value = self.link.wait(&command, timeout)?;
        Ok(())
    }

    /// An answer that this version does not understand.
    pub(super) fn unexpected(&self, what: &str) -> BrokerError {
        BrokerError::Refused(format!("{}: unexpected answer: {what}", self.link.server()))
    }
}

/// The command that runs a script that the server has.
fn evaluation(
    script: &Script,
    keys: &[String],
    generation: Generation,
    add: impl FnOnce(&mut Cmd),
) -> Cmd {
    let mut command = redis::cmd("EVALSHA");
    command.arg(script.get_hash()).arg(keys.len()).arg(keys);
    command.arg(generation.0);
    add(&mut command);
    command
}

/// Calls again, with the script loaded, if the server does not have it.
fn loaded<T>(
    connection: &mut Connection,
    script: &Script,
    call: impl Fn(&mut Connection) -> RedisResult<T>,
) -> RedisResult<T> {
    match call(connection) {
        Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
            script.load(connection)?;
            call(connection)
        }
        result => result,
    }
}

/// Sends a transaction, and returns the answer to the last command in it.
///
/// Not by [`redis::Pipeline`], which panics when `MULTI` is refused, and does not say why a command was.
fn transaction(connection: &mut Connection, commands: &[u8]) -> RedisResult<Value> {
    connection.send_packed_command(commands)?;
    let mut queued = Ok(());
    for _ in 0..COMMANDS {
        let answer = connection.recv_response()?.extract_error();
        queued = queued.and(answer.map(|_| ()));
    }
    let answers = connection.recv_response()?.extract_error();
    queued?;
    match answers? {
        Value::Array(mut answers) => Ok(answers.pop().unwrap_or(Value::Nil)),
        _ => Ok(Value::Nil),
    }
}
