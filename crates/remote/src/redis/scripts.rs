//! The scripts.
//!
//! Each says what it needs, so Redis refuses one that it cannot run before it has changed anything: one
//! that writes on a read-only replica, and one that takes more memory when there is none. Those that free
//! memory or keep a lease run then, too.

use std::sync::LazyLock;

use redis::Script;

/// A script from its file, behind the names and functions that all have.
macro_rules! script {
    ($flags:literal, $file:literal) => {
        LazyLock::new(|| {
            Script::new(concat!(
                "#!lua",
                $flags,
                "\n",
                include_str!("scripts/names.lua"),
                include_str!("scripts/campaign.lua"),
                include_str!(concat!("scripts/", $file, ".lua")),
            ))
        })
    };
}

pub(super) type Lazy = LazyLock<Script>;

/// The only one that need not find the campaign.
pub(super) static BEGIN: Lazy = LazyLock::new(|| {
    Script::new(concat!(
        "#!lua\n",
        include_str!("scripts/names.lua"),
        include_str!("scripts/begin.lua"),
    ))
});

pub(super) static PUBLISH: Lazy = script!("", "publish");
pub(super) static CLAIM: Lazy = script!("", "claim");

/// The memory for its result is taken before it runs.
pub(super) static COMMIT: Lazy = LazyLock::new(|| {
    Script::new(concat!(
        "#!lua flags=allow-oom\n",
        include_str!("scripts/names.lua"),
        include_str!("scripts/commit_gone.lua"),
        include_str!("scripts/campaign.lua"),
        include_str!("scripts/commit.lua"),
    ))
});

pub(super) static SET_PHASE: Lazy = script!(" flags=allow-oom", "set_phase");
pub(super) static REMOVE: Lazy = script!(" flags=allow-oom", "remove");
pub(super) static WITHDRAW: Lazy = script!(" flags=allow-oom", "withdraw");
pub(super) static HEARTBEAT: Lazy = script!(" flags=allow-oom", "heartbeat");
pub(super) static RELEASE: Lazy = script!(" flags=allow-oom", "release");
pub(super) static ACKNOWLEDGE: Lazy = script!(" flags=allow-oom", "acknowledge");
pub(super) static RENEW: Lazy = script!(" flags=allow-oom", "renew");
pub(super) static LEAVE: Lazy = script!(" flags=allow-oom", "leave");

pub(super) static HELD: Lazy = script!(" flags=no-writes", "held");
pub(super) static DELIVERIES: Lazy = script!(" flags=no-writes", "deliveries");
pub(super) static OPEN_CHUNKS: Lazy = script!(" flags=no-writes", "open_chunks");
pub(super) static PUBLISHED: Lazy = script!(" flags=no-writes", "published");
pub(super) static WORKERS: Lazy = script!(" flags=no-writes", "workers");
