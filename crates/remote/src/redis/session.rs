//! A campaign on a server.

use std::time::Duration;

use redis::{FromRedisValue, Script, ScriptInvocation};

use super::RedisServer;
use super::connection::Link;
use super::keys::{CAMPAIGNS, Keys};
use crate::{BrokerError, CampaignName, Generation};

/// A campaign by its keys, and a connection to its server.
pub(super) struct Session {
    pub(super) link: Link,
    pub(super) keys: Keys,
    name: CampaignName,
}

impl Session {
    pub(super) fn new(server: RedisServer, name: &CampaignName) -> Self {
        Self {
            link: Link::new(server),
            keys: Keys::new(name),
            name: name.clone(),
        }
    }

    /// Runs a script once, with what `add` adds to its arguments.
    pub(super) fn run<T: FromRedisValue>(
        &mut self,
        script: &Script,
        generation: Generation,
        add: impl FnOnce(&mut ScriptInvocation<'_>),
    ) -> Result<T, BrokerError> {
        let mut invocation = script.prepare_invoke();
        for key in &self.keys.shared {
            invocation.key(key);
        }
        invocation.arg(generation.0);
        add(&mut invocation);
        self.link.call(|connection| invocation.invoke(connection))
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
