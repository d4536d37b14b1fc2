//! The connection to a Redis, and what it has of campaigns.

use canvass_remote::redis::Directory;
use canvass_remote::{Broker, BrokerError, CampaignName, CampaignPlan, Generation};

use super::redis_url::Redis;

/// The campaigns of a Redis.
pub(crate) trait Campaigns {
    /// What could be lost, as Redis is set.
    fn warnings(&self) -> Vec<String>;

    /// The names of all campaigns.
    ///
    /// # Errors
    /// See [`BrokerError`].
    fn names(&mut self) -> Result<Vec<CampaignName>, BrokerError>;

    /// A campaign, which need not exist. It has a connection of its own.
    fn open(&self, name: &CampaignName) -> Box<dyn Broker>;
}

impl Campaigns for Directory {
    fn warnings(&self) -> Vec<String> {
        let warnings = Self::warnings(self).iter();
        warnings.map(ToString::to_string).collect()
    }

    fn names(&mut self) -> Result<Vec<CampaignName>, BrokerError> {
        self.campaigns()
    }

    fn open(&self, name: &CampaignName) -> Box<dyn Broker> {
        Box::new(Self::open(self, name))
    }
}

/// Connects.
///
/// # Errors
/// Redis is away, or cannot carry campaigns.
pub(crate) fn connect(redis: &Redis) -> Result<Box<dyn Campaigns>, BrokerError> {
    Ok(Box::new(redis.server().connect()?))
}

/// The plan of a campaign, as its submitter gave it; empty if it cannot be read.
///
/// # Errors
/// See [`BrokerError`].
pub(crate) fn plan_of(
    broker: &mut dyn Broker,
    generation: Generation,
) -> Result<Vec<u8>, BrokerError> {
    let octets = broker.plan(generation)?;
    let decoded = CampaignPlan::decode(&octets);
    Ok(decoded.map(|campaign| campaign.plan).unwrap_or_default())
}
