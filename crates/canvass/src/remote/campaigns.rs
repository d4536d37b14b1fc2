//! `canvass campaign`: lists, continues and cancels campaigns.

use std::fmt::Write as _;

use canvass_remote::{Broker, BrokerError, CampaignName, CampaignState, Phase};
use canvass_report::Format;
use serde_json::json;

use super::connection;
use super::names::WorkerLabel;
use super::record::{CampaignRecord, RecordError};
use super::redis_url::{Redis, failed};
use crate::args::{AttachArgs, CancelArgs, ListCampaignsArgs, RedisArgs};
use crate::exit::{Exit, Failure};
use crate::journal::salt_of;
use crate::{command_line, files};

/// A campaign as it is listed.
struct Listed {
    name: CampaignName,
    state: CampaignState,
    /// The chunks that are published and not done.
    chunks_open: u64,
    workers_alive: u64,
    record: Result<CampaignRecord, RecordError>,
}

/// Lists the campaigns of a Redis.
pub(crate) fn list(args: &ListCampaignsArgs) -> Result<Exit, Failure> {
    let redis = redis(&args.redis)?;
    let mut campaigns = connection::connect(&redis).map_err(|error| failed(&error))?;
    let mut listed = Vec::new();
    for name in campaigns.names().map_err(|error| failed(&error))? {
        let mut broker = campaigns.open(&name);
        match look(name, &mut *broker) {
            // It has ended since.
            Ok(None) | Err(BrokerError::Gone) => {}
            Ok(Some(campaign)) => listed.push(campaign),
            Err(error) => return Err(failed(&error)),
        }
    }
    let text = match args.format {
        Format::Ndjson => listed.iter().map(Listed::object).collect(),
        _ => table(&listed),
    };
    files::write_stdout(text.as_bytes())?;
    Ok(Exit::Complete)
}

/// The command line of the submitter of a campaign, to be run again.
pub(crate) fn attached(args: &AttachArgs) -> Result<Vec<String>, Failure> {
    let redis = redis(&args.redis)?;
    let name = &args.name;
    let campaigns = connection::connect(&redis).map_err(|error| failed(&error))?;
    let mut broker = campaigns.open(name);
    let state = broker.campaign().map_err(|error| failed(&error))?;
    let state = state.ok_or_else(|| {
        Failure::usage(format!(
            "Redis at {} has no campaign {name}; if its journal is still there, run its command again \
             with --resume",
            redis.name()
        ))
    })?;
    let plan =
        connection::plan_of(&mut *broker, state.generation).map_err(|error| failed(&error))?;
    let record = CampaignRecord::decode(&plan)
        .map_err(|error| Failure::usage(format!("campaign {name}: {error}")))?;
    let submitter = record.submitter;
    let refuse = |what: String| Err(Failure::usage(format!("campaign {name} {what}")));
    let here = std::env::current_dir().unwrap_or_default();
    let machine = WorkerLabel::of_machine().to_string();
    if submitter.machine != machine {
        return refuse(format!(
            "was started on {}, where its journal is, and this is {machine}",
            submitter.machine
        ));
    }
    if submitter.directory != here {
        return refuse(format!(
            "was started in {}; go there first",
            submitter.directory.display()
        ));
    }
    let salt = salt_of(&submitter.journal)?;
    if !submitter.is_sealed_by(&salt) {
        return refuse(format!(
            "has a command line in Redis that is not the one of {}; run that with --resume",
            submitter.journal.display()
        ));
    }
    let mut words = vec!["canvass".to_owned()];
    let mut rest = submitter.words.into_iter();
    words.extend(rest.next());
    words.push(format!("--workers={}", redis.url()));
    words.push(format!("--campaign={name}"));
    words.push(format!("--resume={}", submitter.journal.display()));
    if let Some(path) = redis.authority() {
        words.push(format!("--workers-ca={}", path.display()));
    }
    words.extend(rest);
    Ok(words)
}

/// Cancels a campaign.
pub(crate) fn cancel(args: &CancelArgs) -> Result<Exit, Failure> {
    let redis = redis(&args.redis)?;
    let name = &args.name;
    let campaigns = connection::connect(&redis).map_err(|error| failed(&error))?;
    let mut broker = campaigns.open(name);
    let Some(state) = broker.campaign().map_err(|error| failed(&error))? else {
        let redis = redis.name();
        return Err(Failure::usage(format!(
            "Redis at {redis} has no campaign {name}"
        )));
    };
    if args.remove {
        broker
            .remove(state.generation)
            .map_err(|error| failed(&error))?;
    } else {
        let cancelled = broker.set_phase(state.generation, Phase::Cancelled);
        cancelled.map_err(|error| failed(&error))?;
    }
    Ok(Exit::Complete)
}

fn redis(args: &RedisArgs) -> Result<Redis, Failure> {
    Redis::given_or_of_environment(args.url.as_ref(), args.workers_ca.as_deref())
}

fn look(name: CampaignName, broker: &mut dyn Broker) -> Result<Option<Listed>, BrokerError> {
    let Some(state) = broker.campaign()? else {
        return Ok(None);
    };
    let generation = state.generation;
    let workers = broker.workers(generation)?;
    Ok(Some(Listed {
        chunks_open: broker.open_chunks(generation)?.len() as u64,
        workers_alive: workers.iter().filter(|worker| worker.is_alive).count() as u64,
        record: CampaignRecord::decode(&connection::plan_of(broker, generation)?),
        state,
        name,
    }))
}

impl Listed {
    fn state(&self) -> &'static str {
        match self.state.phase {
            Phase::Running => "running",
            Phase::Cancelled => "cancelled",
        }
    }

    fn chunks_done(&self) -> u64 {
        self.state.next_chunk.0.saturating_sub(self.chunks_open)
    }

    /// The command that submits it, or why it is not known.
    fn command(&self) -> String {
        match &self.record {
            Ok(record) => command_line::shown_words(&record.submitter.words),
            Err(error) => format!("({error})"),
        }
    }

    fn object(&self) -> String {
        let submitter = self.record.as_ref().ok().map(|record| &record.submitter);
        let object = json!({
            "campaign": self.name.as_str(),
            "state": self.state(),
            "chunks_published": self.state.next_chunk.0,
            "chunks_done": self.chunks_done(),
            "workers": self.workers_alive,
            "result_bytes": self.state.result_octets,
            "command": self.command(),
            "machine": submitter.map(|submitter| &submitter.machine),
            "output": submitter.map(|submitter| &submitter.output),
        });
        format!("{object}\n")
    }
}

fn table(listed: &[Listed]) -> String {
    let width = listed.iter().map(|campaign| campaign.name.as_str().len());
    let width = width.max().unwrap_or(0).max("campaign".len());
    let mut text = String::new();
    if listed.is_empty() {
        return text;
    }
    let _ = writeln!(
        text,
        "{:width$}  {:9}  {:>17}  {:>7}  {:>9}  command",
        "campaign", "state", "chunks", "workers", "results"
    );
    for campaign in listed {
        let chunks = format!(
            "{} of {}",
            campaign.chunks_done(),
            campaign.state.next_chunk.0
        );
        let _ = writeln!(
            text,
            "{:width$}  {:9}  {chunks:>17}  {:>7}  {:>7} k  {}",
            campaign.name,
            campaign.state(),
            campaign.workers_alive,
            campaign.state.result_octets.div_ceil(1024),
            campaign.command()
        );
    }
    text
}
