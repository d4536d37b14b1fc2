//! The names of the impairments, with their help.

/// The keys of [`Impairments::set`](super::Impairments::set): each with the name of its value (empty for a switch) and its
/// help, which is an imperative line that fits `canvass lab -h`, and details after an empty line.
pub const KEYS: &[(&str, &str, &str)] = &[
    ("delay", "D", "Delay every reply by D"),
    (
        "jitter",
        "D",
        "Vary the delay by up to D in both directions\n\nUniformly, and never below 0.",
    ),
    ("loss", "PCT", "Lose this share of the queries over UDP"),
    (
        "rate-cap",
        "QPS",
        "Answer at most QPS queries per second\n\nFor each server address.",
    ),
    (
        "burst",
        "N",
        "Let N queries through at once\n\nWith --rate-cap; the default is a tenth of it.",
    ),
    (
        "inflight-cap",
        "N",
        "Hold at most N queries at once\n\nFor each server address. A query is held for as long as its answer is delayed; the same question joins it. Queries beyond \
         are treated as --over says, at once.",
    ),
    (
        "inflight-hold",
        "D",
        "Hold unanswered queries for D [default: 10s]\n\nWith --inflight-cap.",
    ),
    (
        "over",
        "HOW",
        "Choose the reply to queries over a cap\n\nsilent (the default), refused, or slip: as response rate limiting, which answers every second one \
         with TC and the others not at all, over UDP, until the queries of the last 15 s are fewer.",
    ),
    (
        "truncate",
        "PCT",
        "Answer this share over UDP with TC\n\nThe answers have no records.",
    ),
    ("servfail", "PCT", "Answer this share with SERVFAIL"),
    ("refused", "PCT", "Answer this share with REFUSED"),
    (
        "referral",
        "PCT",
        "Answer this share with a referral\n\nTo the servers of the root, as a server does that does not recurse.",
    ),
    (
        "no-edns",
        "",
        "Answer FORMERR to queries with an OPT record",
    ),
    (
        "forge",
        "PCT",
        "Forge two answers to this share over UDP\n\nThey are sent ahead of the answer: one with a wrong id, one with a wrong question.",
    ),
    (
        "duplicate",
        "PCT",
        "Duplicate this share of the replies over UDP",
    ),
    ("late", "PCT", "Delay this share of the replies further"),
    ("late-by", "D", "Delay late replies by D [default: 3s]"),
    (
        "corrupt",
        "PCT",
        "Corrupt this share of the replies over UDP\n\nThey are cut or garbled, and unreadable.",
    ),
    (
        "slow",
        "PCT",
        "Delay the replies for this share of names\n\nIt is always the same names.",
    ),
    ("slow-by", "D", "Delay slow names by D [default: 800ms]"),
    (
        "never",
        "PCT",
        "Answer nothing for this share of the names\n\nIt is always the same names.",
    ),
    (
        "lame",
        "PCT",
        "Answer SERVFAIL late for this share of names\n\nIt is always the same names, as those of a lame delegation are to a recursive resolver.",
    ),
    (
        "lame-by",
        "D",
        "Delay lame names by about D [default: 5s]\n\nEach of them by its own time, from 0.4 to 1.6 times D.",
    ),
    (
        "nxdomain",
        "PCT",
        "Answer NXDOMAIN for this share of reverse names\n\nIt is always the same names.",
    ),
    (
        "service-time",
        "D",
        "Take D for each query over UDP\n\nOne query after the other, for each server address. Others wait in the queue.",
    ),
    (
        "tcp-service-time",
        "D",
        "Take D for each query over TCP\n\nOne query after the other, for each server address.",
    ),
    (
        "freeze",
        "D",
        "Stop for D at the end of each --freeze-every\n\nQueries wait in the queue meanwhile, and replies are sent afterwards.",
    ),
    (
        "freeze-every",
        "D",
        "Stop once in D, with --freeze [default: 1s]\n\nFrom the first query on.",
    ),
    (
        "queue",
        "N",
        "Queue at most N queries over UDP [default: 277]\n\nWith --service-time and --freeze, for each server address. Queries beyond are lost, as in a full \
         receive buffer; the default is that of a socket of Linux.",
    ),
    (
        "outage-after",
        "D",
        "Stop answering D after the first query\n\nThe default with --outage is 0s.",
    ),
    (
        "outage",
        "D",
        "Stop answering for D\n\nThe default with --outage-after is unlimited.",
    ),
    (
        "outage-every",
        "D",
        "Repeat the outage every D\n\nFrom the begin of one to the begin of the next. Without it there is one.",
    ),
    (
        "dead",
        "CIDR",
        "Answer nothing at these addresses (may repeat)",
    ),
    (
        "lying",
        "CIDR",
        "Answer SERVFAIL at these addresses (may repeat)",
    ),
    (
        "tcp-close-after",
        "N",
        "Close a TCP connection after N answers",
    ),
    (
        "tcp-serial",
        "",
        "Answer one query at a time over TCP\n\nThe delay applies to each in turn.",
    ),
    (
        "tcp-silent",
        "",
        "Accept TCP connections and answer nothing",
    ),
    (
        "tcp-misframe",
        "PCT",
        "Send wrong lengths with these replies over TCP",
    ),
    ("tcp-refuse", "", "Listen on UDP only"),
    ("trickle", "D", "Send one octet per D (services)"),
    (
        "reset-at",
        "N",
        "Close with a reset after N octets (services)",
    ),
    ("close-at", "N", "Close after N octets (services)"),
    (
        "time-skew",
        "S",
        "Set the clock S seconds ahead (services)\n\nA negative number sets it back.",
    ),
    ("seed", "N", "Draw at random from this seed [default: 0]"),
];
