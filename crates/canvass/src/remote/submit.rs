//! A command whose targets are probed by workers.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use canvass_queue::Source;
use canvass_remote::{
    Broker, Budget, CampaignName, CampaignPlan, Submission, SubmissionError, SubmissionSettings,
};
use canvass_report::Sink;
use canvass_run::{Continuation, Plan};

use super::connection;
use super::listed::Sendable;
use super::names;
use super::record::{CampaignRecord, SubmitterRecord};
use super::redis_url::{Redis, RedisUrl, VARIABLE, failed};
use super::travel::{Packing, TravellingPlan, pack};
use crate::args::WorkersArgs;
use crate::exit::Failure;
use crate::journal::{GivenFlags, Journal};
use crate::lab::LabPeers;
use crate::message::message;
use crate::same_file::NamedFiles;

/// What the command line says of workers.
pub(crate) struct CampaignRequest {
    redis: Redis,
    name: Option<CampaignName>,
    memory_octets: u64,
    keep_parts: Option<String>,
    output: PathBuf,
    given: GivenFlags,
}

/// A campaign, ready to begin or to go on.
pub(crate) struct PlannedCampaign {
    redis: Redis,
    name: CampaignName,
    identity: String,
    record: CampaignRecord,
    memory_octets: u64,
}

/// A campaign with a connection.
pub(crate) struct ConnectedCampaign {
    planned: PlannedCampaign,
    broker: Box<dyn Broker>,
}

/// The journal of a run on workers that names none.
pub(crate) fn default_journal(output: &Path) -> PathBuf {
    let mut name = OsString::from(output);
    name.push(".journal");
    name.into()
}

impl CampaignRequest {
    /// `None` if the run is here.
    ///
    /// # Errors
    /// The flags cannot be used together.
    pub(crate) fn new(args: &WorkersArgs, given: &GivenFlags) -> Result<Option<Self>, Failure> {
        let of_environment = RedisUrl::of_environment();
        let Some(url) = args.workers.as_ref().or(of_environment.as_ref()) else {
            let useless = [
                ("--workers-ca", args.workers_ca.is_some()),
                ("--campaign", args.campaign.is_some()),
                ("--keep-parts", args.keep_parts.is_some()),
            ];
            return match useless.into_iter().find(|(_, is_given)| *is_given) {
                Some((flag, _)) => Err(Failure::usage(format!(
                    "{flag} has no effect without --workers URL or {VARIABLE}"
                ))),
                None => Ok(None),
            };
        };
        let redis = Redis::new(url, args.workers_ca.as_deref())?;
        let Some(output) = given.last_value("output") else {
            let flag = match args.workers {
                Some(_) => "--workers".to_owned(),
                None => format!("the environment's {VARIABLE}"),
            };
            return Err(Failure::usage(format!(
                "{flag} needs -o FILE: a run on workers can be resumed, and standard output cannot be \
                 cut back"
            )));
        };
        let keep_parts = args.keep_parts.as_ref().map(|path| path.to_str());
        let keep_parts = match keep_parts {
            Some(None) => return Err(Failure::usage("--keep-parts: the name is not UTF-8")),
            kept => kept.flatten().map(str::to_owned),
        };
        Ok(Some(Self {
            redis,
            name: args.campaign.clone(),
            memory_octets: args.workers_memory,
            keep_parts,
            output: output.into(),
            given: given.clone(),
        }))
    }

    /// Adds the file that it reads.
    pub(crate) fn name_files(&self, files: &mut NamedFiles) {
        if let Some(path) = self.redis.authority() {
            files.reads("--workers-ca", path);
        }
    }

    pub(crate) fn output(&self) -> &Path {
        &self.output
    }

    /// Whether the output is an index of lines that stay with the workers.
    pub(crate) fn keeps_parts(&self) -> bool {
        self.keep_parts.is_some()
    }

    /// Packs the plan.
    ///
    /// # Errors
    /// A flag cannot be used with workers.
    pub(crate) fn pack(
        &self,
        plan: &Plan,
        lab: Option<LabPeers>,
    ) -> Result<TravellingPlan, Failure> {
        let packing = Packing {
            plan,
            lab,
            keep_parts: self.keep_parts.clone(),
        };
        pack(&self.given, packing)
    }

    /// The campaign of this journal.
    ///
    /// # Errors
    /// An argument cannot be recorded.
    pub(crate) fn planned(
        self,
        plan: TravellingPlan,
        journal: &Journal,
    ) -> Result<PlannedCampaign, Failure> {
        let identity = names::identity(journal.salt());
        let submitter =
            SubmitterRecord::new(&self.given, &self.output, journal.path(), journal.salt())?;
        let derived = || names::derived_name(&self.output, &identity);
        Ok(PlannedCampaign {
            name: self.name.clone().unwrap_or_else(derived),
            record: CampaignRecord::new(plan, submitter),
            memory_octets: self.memory_octets,
            redis: self.redis,
            identity,
        })
    }
}

impl PlannedCampaign {
    /// Connects, and says what a person should know of Redis, unless `quiet`. Comes before outputs are
    /// touched.
    ///
    /// # Errors
    /// Redis cannot be reached, or cannot carry campaigns.
    pub(crate) fn connect(self, quiet: bool) -> Result<ConnectedCampaign, Failure> {
        let redis = self.redis.name();
        let campaigns = connection::connect(&self.redis).map_err(|error| failed(&error))?;
        if !quiet {
            for warning in campaigns.warnings() {
                message(format_args!(
                    "canvass: warning: Redis at {redis}: {warning}"
                ));
            }
            message(format_args!(
                "canvass: campaign {} on Redis at {redis}",
                self.name
            ));
        }
        Ok(ConnectedCampaign {
            broker: campaigns.open(&self.name),
            planned: self,
        })
    }
}

impl ConnectedCampaign {
    /// How the run goes on after it was stopped.
    pub(crate) fn how_to_go_on(&self) -> String {
        format!("canvass campaign attach {} URL", self.planned.name)
    }

    /// Runs a plan on workers.
    ///
    /// # Errors
    /// Redis does not take the campaign.
    pub(crate) fn start(
        self,
        plan: Plan,
        source: Box<dyn Source>,
        sinks: Vec<Box<dyn Sink>>,
        before: Continuation,
    ) -> Result<Submission, Failure> {
        let PlannedCampaign {
            redis,
            name,
            identity,
            record,
            memory_octets,
        } = self.planned;
        let note = format!("canvass: campaign {name} on Redis at {}", redis.name());
        let settings = SubmissionSettings {
            campaign: CampaignPlan {
                identity,
                plan: record.encode(),
            },
            budget: Budget {
                octets: memory_octets,
                ..Budget::default()
            },
            notes: Box::new(move |text| message(format_args!("{note}: {text}"))),
        };
        let source: Box<dyn Source> = Box::new(Sendable(source));
        Submission::start(plan, source, sinks, before, self.broker, settings).map_err(|error| {
            match error {
                SubmissionError::Broker(error) => failed(&error),
                error @ SubmissionError::Partial(_) => Failure::usage(error),
                error => Failure::stopped(error),
            }
        })
    }
}
