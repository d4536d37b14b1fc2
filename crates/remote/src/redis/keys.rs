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
    pub(super) shared: Vec<String>,
    pub(super) plan: String,
    pub(super) state: String,
    pub(super) deliveries: String,
    pub(super) wake: String,
}

impl Keys {
    pub(super) fn new(name: &CampaignName) -> Self {
        let key = |part: &str| format!("canvass:{{{name}}}:{part}");
        Self {
            shared: SHARED.map(key).into(),
            plan: key("plan"),
            state: key("state"),
            deliveries: key("deliveries"),
            wake: key("wake"),
        }
    }
}
