//! Runs on the workers of a Redis: `--workers`, `canvass worker` and `canvass campaign`.
//!
//! `travel` sends the plan, `record` is what Redis keeps of a campaign beside its chunks, `submit` runs a
//! command on workers, `crew` is a worker, `campaigns` lists, continues and cancels, and `parts` keeps lines
//! where they were made. `connection` is the way to a Redis.

mod campaigns;
mod choice;
mod connection;
mod crew;
mod listed;
mod names;
mod own_caps;
mod parts;
mod record;
mod redis_url;
mod submit;
mod travel;

pub(crate) use campaigns::{attached, cancel, list};
pub(crate) use canvass_remote::CampaignName;
pub(crate) use crew::work;
pub(crate) use names::WorkerLabel;
pub(crate) use parts::gather;
pub(crate) use redis_url::{RedisUrl, failed};
pub(crate) use submit::{CampaignRequest, PlannedCampaign, default_journal};
