//! The campaigns of a server.

use super::connection::Link;
use super::inspection::Information;
use super::keys::{CAMPAIGNS, Keys};
use super::{RedisBroker, RedisServer, ServerWarning};
use crate::{BrokerError, CampaignName};

/// The campaigns of a server that was found to be able to carry them.
pub struct Directory {
    link: Link,
    warnings: Vec<ServerWarning>,
}

impl Directory {
    pub(super) fn connect(server: RedisServer) -> Result<Self, BrokerError> {
        let mut link = Link::new(server);
        let information = Information::read(&mut link, None)?;
        if let Err(reason) = information.check_version() {
            return Err(BrokerError::Refused(format!("{}: {reason}", link.server())));
        }
        Ok(Self {
            link,
            warnings: information.warnings(),
        })
    }

    /// The server.
    pub fn server(&self) -> &RedisServer {
        self.link.server()
    }

    /// What its user should know before a campaign begins.
    pub fn warnings(&self) -> &[ServerWarning] {
        &self.warnings
    }

    /// The names of the campaigns there are, in order.
    ///
    /// # Errors
    /// See [`BrokerError`].
    pub fn campaigns(&mut self) -> Result<Vec<CampaignName>, BrokerError> {
        let names: Vec<String> = self
            .link
            .call(|connection| redis::cmd("SMEMBERS").arg(CAMPAIGNS).query(connection))?;
        let mut campaigns = Vec::new();
        for name in names.iter().filter_map(|name| name.parse().ok()) {
            // A name is added before its campaign and removed after it.
            let key = Keys::new(&name).state;
            let exists = |connection: &mut redis::Connection| {
                redis::cmd("EXISTS").arg(&key).query(connection)
            };
            if self.link.call(exists)? {
                campaigns.push(name);
            }
        }
        campaigns.sort();
        Ok(campaigns)
    }

    /// A campaign, which need not exist. It has a connection of its own, which it opens when it needs it.
    pub fn open(&self, name: &CampaignName) -> RedisBroker {
        RedisBroker::new(self.link.server().clone(), name)
    }
}
