//! The keys of a campaign.

use crate::CampaignName;

/// The set of the names of all campaigns. It is in another hash slot than they are.
pub(super) const CAMPAIGNS: &str = "canvass:campaigns";

/// The keys that every script has, in the order in which `names.lua` takes them.
const SHARED: [&str; 12] = [
    "state",
    "queue",
    "chunks",
    "epochs",
    "losses",
    "deliveries",
    "results",
    "committed",
    "workers",
    "shares",
    "lives",
    "wake",
];

/// The keys of one campaign.
pub(super) struct Keys {
    /// Those that every script has.
    pub(super) shared: Vec<String>,
    /// These, and the plan.
    pub(super) all: Vec<String>,
    pub(super) plan: String,
    pub(super) state: String,
    pub(super) deliveries: String,
    pub(super) results: String,
    pub(super) wake: String,
}

impl Keys {
    pub(super) fn new(name: &CampaignName) -> Self {
        let key = |part: &str| format!("canvass:{{{name}}}:{part}");
        let shared: Vec<String> = SHARED.map(key).into();
        let all = shared.iter().cloned().chain([key("plan")]).collect();
        Self {
            shared,
            all,
            plan: key("plan"),
            state: key("state"),
            deliveries: key("deliveries"),
            results: key("results"),
            wake: key("wake"),
        }
    }
}
