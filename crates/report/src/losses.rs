//! Where packets were lost, and what to look at for each kind of loss.

use canvass_model::{Losses, ShardReport};

/// One kind of loss.
pub(crate) struct Loss {
    pub(crate) name: &'static str,
    pub(crate) meaning: &'static str,
    /// The flag or setting of the kernel that it depends on.
    pub(crate) look_at: &'static str,
    of: fn(&Losses) -> u64,
}

/// All kinds, in the order in which they are shown.
pub(crate) const LOSSES: [Loss; 7] = [
    Loss {
        name: "local send error",
        meaning: "this machine's system refused to send a query or to open a socket; it was repeated",
        look_at: "the limit that a warning names for each error",
        of: |losses| losses.local_send_errors,
    },
    Loss {
        name: "kernel drop",
        meaning: "this machine's kernel dropped a reply because a socket buffer was full",
        look_at: "net.core.rmem_max",
        of: |losses| losses.kernel_drops,
    },
    Loss {
        name: "refused",
        meaning: "a resolver answered REFUSED",
        look_at: "--rate-per-resolver",
        of: |losses| losses.refused,
    },
    Loss {
        name: "silence",
        meaning: "no reply to an attempt was ever received",
        look_at: "--rate-per-resolver",
        of: |losses| losses.silence,
    },
    Loss {
        name: "late reply",
        meaning: "the reply arrived after its attempt had timed out; it still counted",
        look_at: "--timeout",
        of: |losses| losses.late_replies,
    },
    Loss {
        name: "icmp",
        meaning: "a router, the resolver or a missing route here says that it cannot be reached",
        look_at: "--resolver",
        of: |losses| losses.icmp,
    },
    Loss {
        name: "mismatched",
        meaning: "a message that fits no open query, such as a duplicate or a forgery, was dropped",
        look_at: "--transport tcp",
        of: |losses| losses.mismatched,
    },
];

impl Loss {
    /// How often it occurred in all shards.
    pub(crate) fn sum(&self, shards: &[ShardReport]) -> u64 {
        shards.iter().map(|shard| (self.of)(&shard.losses)).sum()
    }
}
