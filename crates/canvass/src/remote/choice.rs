//! Which campaign a worker takes part in.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use canvass_remote::{Broker, BrokerError, CampaignName, Generation, Phase};

use super::connection::{self, Campaigns};
use super::record::CampaignRecord;

/// How long a worker leaves a campaign alone after its run there has failed.
const AFTER_FAILURE: Duration = Duration::from_secs(60);

/// Knows the campaigns that this worker has seen.
#[derive(Default)]
pub(crate) struct Choice {
    /// The only campaign to take part in.
    only: Option<CampaignName>,
    seen: HashMap<CampaignName, Seen>,
    /// Counts the campaigns that were joined, for those that have nothing to claim.
    joined: u64,
}

struct Seen {
    generation: Generation,
    record: Result<Box<CampaignRecord>, String>,
    /// Not before this time, or never.
    blocked: Option<Blocked>,
    /// When it was joined last, as a number.
    joined: u64,
}

enum Blocked {
    ForGood,
    Until(Instant),
}

/// A campaign to take part in.
pub(crate) struct Chosen {
    pub name: CampaignName,
    pub generation: Generation,
    pub record: Box<CampaignRecord>,
    pub broker: Box<dyn Broker>,
}

/// A campaign that this worker cannot take part in, for the first time.
#[derive(Debug, thiserror::Error)]
#[error("campaign {name}: no part taken: {why}")]
pub(crate) struct Unreadable {
    name: CampaignName,
    why: String,
}

impl Choice {
    pub(crate) fn new(only: Option<CampaignName>) -> Self {
        Self {
            only,
            ..Self::default()
        }
    }

    /// Chooses the campaign that was joined the longest time ago, or of those that were not the oldest one.
    /// `None` if there is none. `refuse` is told of plans that cannot be read.
    ///
    /// # Errors
    /// See [`BrokerError`].
    pub(crate) fn next(
        &mut self,
        campaigns: &mut dyn Campaigns,
        now: Instant,
        refuse: &mut dyn FnMut(Unreadable),
    ) -> Result<Option<Chosen>, BrokerError> {
        let mut names = campaigns.names()?;
        names.retain(|name| self.only.as_ref().is_none_or(|only| only == name));
        self.seen.retain(|name, _| names.contains(name));
        let mut found: Vec<(u64, u64, Chosen)> = Vec::new();
        for name in names {
            let mut broker = campaigns.open(&name);
            let Some(state) = broker.campaign()? else {
                continue;
            };
            if state.phase != Phase::Running
                || !self.look(&name, state.generation, &mut *broker, refuse)?
            {
                continue;
            }
            let seen = &self.seen[&name];
            if let (Ok(record), true) = (&seen.record, seen.is_open(now)) {
                let chosen = Chosen {
                    generation: state.generation,
                    record: record.clone(),
                    name,
                    broker,
                };
                found.push((seen.joined, record.began_unix_s, chosen));
            }
        }
        found.sort_by(|one, other| {
            (one.0, one.1, &one.2.name).cmp(&(other.0, other.1, &other.2.name))
        });
        let chosen = found.into_iter().next().map(|(.., chosen)| chosen);
        if let Some(seen) = chosen
            .as_ref()
            .and_then(|chosen| self.seen.get_mut(&chosen.name))
        {
            self.joined += 1;
            seen.joined = self.joined;
        }
        Ok(chosen)
    }

    /// Takes no part in a campaign any more, in this generation.
    pub(crate) fn refuse(&mut self, name: &CampaignName) {
        if let Some(seen) = self.seen.get_mut(name) {
            seen.blocked = Some(Blocked::ForGood);
        }
    }

    /// Leaves a campaign alone for a while.
    pub(crate) fn postpone(&mut self, name: &CampaignName, now: Instant) {
        if let Some(seen) = self.seen.get_mut(name) {
            seen.blocked = Some(Blocked::Until(now + AFTER_FAILURE));
        }
    }

    /// Reads the plan of a campaign if it is another one than before. Returns whether it is still there.
    fn look(
        &mut self,
        name: &CampaignName,
        generation: Generation,
        broker: &mut dyn Broker,
        refuse: &mut dyn FnMut(Unreadable),
    ) -> Result<bool, BrokerError> {
        let before = self.seen.get(name);
        if before.is_some_and(|seen| seen.generation == generation) {
            return Ok(true);
        }
        let plan = match connection::plan_of(broker, generation) {
            Err(BrokerError::Gone) => return Ok(false),
            plan => plan?,
        };
        let record = CampaignRecord::decode(&plan).map_err(|error| error.to_string());
        let is_new = before.is_none_or(|seen| seen.record.is_ok());
        if let (Err(why), true) = (&record, is_new) {
            refuse(Unreadable {
                name: name.clone(),
                why: why.clone(),
            });
        }
        let seen = Seen {
            generation,
            record: record.map(Box::new),
            blocked: None,
            joined: 0,
        };
        self.seen.insert(name.clone(), seen);
        Ok(true)
    }
}

impl Seen {
    fn is_open(&self, now: Instant) -> bool {
        match self.blocked {
            None => true,
            Some(Blocked::ForGood) => false,
            Some(Blocked::Until(time)) => time <= now,
        }
    }
}

#[cfg(test)]
mod tests {
    use canvass_remote::Budget;
    use canvass_remote::model::ModelServer;

    use super::*;
    use crate::remote::record::SubmitterRecord;
    use crate::remote::travel::TravellingPlan;

    /// Campaigns in memory.
    #[derive(Default)]
    struct Servers(Vec<(CampaignName, ModelServer)>);

    impl Servers {
        fn begin(&mut self, name: &str, generation: u64, plan: &[u8]) {
            let server = ModelServer::new();
            let octets = postcard::to_stdvec(&("identity", plan)).unwrap();
            let mut broker = server.broker();
            broker
                .begin(Generation(generation), &octets, Budget::default())
                .unwrap();
            let name = name.parse().unwrap();
            self.0.retain(|(other, _)| *other != name);
            self.0.push((name, server));
        }

        fn begin_at(&mut self, name: &str, generation: u64, began_unix_s: u64) {
            let plan = TravellingPlan {
                command: "ptr".into(),
                arguments: Vec::new(),
                lab: None,
                needs_resolvers: true,
                keep_parts: None,
            };
            let record = CampaignRecord {
                began_unix_s,
                ..CampaignRecord::new(plan, SubmitterRecord::default())
            };
            self.begin(name, generation, &record.encode());
        }
    }

    impl Campaigns for Servers {
        fn warnings(&self) -> Vec<String> {
            Vec::new()
        }

        fn names(&mut self) -> Result<Vec<CampaignName>, BrokerError> {
            Ok(self.0.iter().map(|(name, _)| name.clone()).collect())
        }

        fn open(&self, name: &CampaignName) -> Box<dyn Broker> {
            let mut servers = self.0.iter();
            let (_, server) = servers.find(|(other, _)| other == name).unwrap();
            Box::new(server.broker())
        }
    }

    /// A choice, and what it said.
    struct Rig {
        servers: Servers,
        choice: Choice,
        now: Instant,
        said: Vec<String>,
    }

    impl Rig {
        fn new(only: Option<&str>) -> Self {
            Self {
                servers: Servers::default(),
                choice: Choice::new(only.map(|name| name.parse().unwrap())),
                now: Instant::now(),
                said: Vec::new(),
            }
        }

        fn next(&mut self) -> Option<String> {
            let mut refuse = |found: Unreadable| self.said.push(found.to_string());
            let chosen = self.choice.next(&mut self.servers, self.now, &mut refuse);
            chosen.unwrap().map(|chosen| chosen.name.to_string())
        }
    }

    #[test]
    fn the_oldest_is_first_and_those_without_work_take_turns() {
        let mut rig = Rig::new(None);
        assert_eq!(rig.next(), None);
        rig.servers.begin_at("late", 1, 50);
        rig.servers.begin_at("early", 2, 40);
        assert_eq!(rig.next().as_deref(), Some("early"));
        assert_eq!(rig.next().as_deref(), Some("late"));
        assert_eq!(rig.next().as_deref(), Some("early"));
        rig.servers.begin_at("new", 3, 60);
        assert_eq!(rig.next().as_deref(), Some("new"));
        let mut rig = Rig::new(Some("b"));
        rig.servers.begin_at("a", 1, 50);
        assert_eq!(rig.next(), None);
        rig.servers.begin_at("b", 1, 50);
        assert_eq!(rig.next().as_deref(), Some("b"));
    }

    #[test]
    fn a_refused_campaign_is_looked_at_again_when_it_begins_anew() {
        let mut rig = Rig::new(None);
        rig.servers.begin_at("a", 1, 50);
        let name = "a".parse().unwrap();
        assert!(rig.next().is_some());
        rig.choice.refuse(&name);
        assert_eq!(rig.next(), None);
        rig.servers.begin_at("a", 2, 50);
        assert!(rig.next().is_some());
        rig.choice.postpone(&name, rig.now);
        assert_eq!(rig.next(), None);
        rig.now += AFTER_FAILURE;
        assert!(rig.next().is_some());
        let mut broker = rig.servers.open(&name);
        broker.set_phase(Generation(2), Phase::Cancelled).unwrap();
        assert_eq!(rig.next(), None);
    }

    #[test]
    fn a_plan_of_another_version_is_refused_once() {
        let mut rig = Rig::new(None);
        let plan = postcard::to_stdvec("9.8.7").unwrap();
        rig.servers.begin("a", 1, &plan);
        assert_eq!((rig.next(), rig.next()), (None, None));
        rig.servers.begin("a", 2, &plan);
        assert_eq!(rig.next(), None);
        let [said] = &rig.said[..] else {
            panic!("{:?}", rig.said);
        };
        assert!(
            said.contains("a: no part taken: the plan is of canvass 9.8.7"),
            "{said}"
        );
    }
}
