//! The impairments of the lab.

mod value;

use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;
use rand::RngExt;
use rand::rngs::SmallRng;

pub use value::Percent;

/// The keys of [`Impairments::set`]: each with the name of its value (empty for a switch) and its
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
        "over",
        "HOW",
        "Choose the reply to queries over the rate cap\n\nsilent (the default), refused, or slip: as response rate limiting, which answers every second one \
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

/// The impairments of the lab. The default is none.
///
/// Loss, truncation, forgery, duplication and corruption apply to datagrams only; all others apply
/// to both transports. The services besides DNS support `delay`, `jitter`, `late`, `outage`,
/// `dead`, `tcp_silent` and `tcp_refuse`, for datagrams `loss` and `duplicate` as well, and those
/// that are for services only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Impairments {
    /// The delay of every reply.
    pub delay: Duration,
    /// How far the delay varies in both directions (uniformly, never below 0).
    pub jitter: Duration,
    /// Queries over UDP that are lost.
    pub loss: Percent,
    /// Queries per second and server address. `over` tells how further ones are treated.
    pub rate_cap: Option<NonZeroU32>,
    /// Queries that the rate cap admits at once; a tenth of it by default.
    pub burst: Option<NonZeroU32>,
    /// How queries over the rate cap are treated.
    pub over: OverCap,
    /// Queries over UDP that are answered with TC and no records.
    pub truncate: Percent,
    /// Queries answered with SERVFAIL.
    pub servfail: Percent,
    /// Queries answered with REFUSED.
    pub refused: Percent,
    /// Queries answered with a referral to the servers of the root, by a server that does not
    /// recurse.
    pub referral: Percent,
    /// Every query with an OPT record is answered with FORMERR.
    pub no_edns: bool,
    /// Answers over UDP that follow two forged ones.
    pub forge: Percent,
    /// Replies over UDP that are sent twice.
    pub duplicate: Percent,
    /// Replies that are late.
    pub late: Percent,
    /// The additional delay of late replies.
    pub late_by: Duration,
    /// Replies over UDP that are unreadable.
    pub corrupt: Percent,
    /// Names whose replies are delayed further, always the same ones.
    pub slow: Percent,
    /// The additional delay of these replies.
    pub slow_by: Duration,
    /// Names that are never answered, always the same ones.
    pub never: Percent,
    /// When the outage begins, after the first query.
    pub outage_after: Option<Duration>,
    /// The duration of the outage.
    pub outage: Option<Duration>,
    /// Server addresses that never answer. They do accept TCP connections.
    pub dead: Vec<IpNet>,
    /// Server addresses that answer SERVFAIL to every query.
    pub lying: Vec<IpNet>,
    /// Answers after which a TCP connection is closed.
    pub tcp_close_after: Option<NonZeroU32>,
    /// A query on a TCP connection is read once the one before it has been answered.
    pub tcp_serial: bool,
    /// TCP connections are accepted and never answered.
    pub tcp_silent: bool,
    /// Replies over TCP whose length field is wrong.
    pub tcp_misframe: Percent,
    /// TCP connections are refused.
    pub tcp_refuse: bool,
    /// The time per octet that the services send.
    pub trickle: Option<Duration>,
    /// The services reset a connection after sending this many octets, including those of TLS.
    pub reset_at: Option<u64>,
    /// The services close a connection after sending this many octets, including those of TLS.
    pub close_at: Option<u64>,
    /// How many seconds the time of the services is ahead.
    pub time_skew_s: i64,
    /// The seed of the random numbers. Which names are slow or never answered does not depend on
    /// it.
    pub seed: u64,
}

/// How queries over the rate cap are treated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OverCap {
    /// They are not answered.
    #[default]
    Silent,
    /// They are answered REFUSED.
    Refused,
    /// As with response rate limiting: over UDP every second one is answered with TC and no
    /// records, and the others are not answered. What exceeds the rate counts for 15 s. Streams
    /// are not limited.
    Slip,
}

/// Why an impairment could not be set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImpairmentError {
    /// No impairment has this name.
    #[error("unknown impairment {key:?}")]
    UnknownKey {
        /// The unknown name.
        key: String,
    },
    /// The value is not valid for the key.
    #[error("invalid value {value:?} for {key}: expected {expected}")]
    BadValue {
        /// The impairment.
        key: String,
        /// The invalid value.
        value: String,
        /// The valid values.
        expected: &'static str,
    },
}

impl Default for Impairments {
    fn default() -> Self {
        Self {
            delay: Duration::ZERO,
            jitter: Duration::ZERO,
            loss: Percent::ZERO,
            rate_cap: None,
            burst: None,
            over: OverCap::Silent,
            truncate: Percent::ZERO,
            servfail: Percent::ZERO,
            refused: Percent::ZERO,
            referral: Percent::ZERO,
            no_edns: false,
            forge: Percent::ZERO,
            duplicate: Percent::ZERO,
            late: Percent::ZERO,
            late_by: Duration::from_secs(3),
            corrupt: Percent::ZERO,
            slow: Percent::ZERO,
            slow_by: Duration::from_millis(800),
            never: Percent::ZERO,
            outage_after: None,
            outage: None,
            dead: Vec::new(),
            lying: Vec::new(),
            tcp_close_after: None,
            tcp_serial: false,
            tcp_silent: false,
            tcp_misframe: Percent::ZERO,
            tcp_refuse: false,
            trickle: None,
            reset_at: None,
            close_at: None,
            time_skew_s: 0,
            seed: 0,
        }
    }
}

impl Impairments {
    /// Sets one of the [`KEYS`]. A switch takes an empty value, `true` or `false`; `dead` and
    /// `lying` add a network.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), ImpairmentError> {
        self.try_set(key, value).map_err(|error| match error {
            ValueError::UnknownKey => ImpairmentError::UnknownKey { key: key.into() },
            ValueError::BadValue(expected) => ImpairmentError::BadValue {
                key: key.into(),
                value: value.into(),
                expected,
            },
        })
    }

    fn try_set(&mut self, key: &str, value: &str) -> Result<(), ValueError> {
        match key {
            "delay" => self.delay = value::duration(value)?,
            "jitter" => self.jitter = value::duration(value)?,
            "loss" => self.loss = value.parse()?,
            "rate-cap" => self.rate_cap = Some(count(value)?),
            "burst" => self.burst = Some(count(value)?),
            "over" => {
                self.over = match value {
                    "silent" => OverCap::Silent,
                    "refused" => OverCap::Refused,
                    "slip" => OverCap::Slip,
                    _ => return Err(ValueError::BadValue("silent, refused or slip")),
                }
            }
            "truncate" => self.truncate = value.parse()?,
            "servfail" => self.servfail = value.parse()?,
            "refused" => self.refused = value.parse()?,
            "referral" => self.referral = value.parse()?,
            "no-edns" => self.no_edns = value::switch(value)?,
            "forge" => self.forge = value.parse()?,
            "duplicate" => self.duplicate = value.parse()?,
            "late" => self.late = value.parse()?,
            "late-by" => self.late_by = value::duration(value)?,
            "corrupt" => self.corrupt = value.parse()?,
            "slow" => self.slow = value.parse()?,
            "slow-by" => self.slow_by = value::duration(value)?,
            "never" => self.never = value.parse()?,
            "outage-after" => self.outage_after = Some(value::duration(value)?),
            "outage" => self.outage = Some(value::duration(value)?),
            "dead" => self.dead.push(value::network(value)?),
            "lying" => self.lying.push(value::network(value)?),
            "tcp-close-after" => self.tcp_close_after = Some(count(value)?),
            "tcp-serial" => self.tcp_serial = value::switch(value)?,
            "tcp-silent" => self.tcp_silent = value::switch(value)?,
            "tcp-misframe" => self.tcp_misframe = value.parse()?,
            "tcp-refuse" => self.tcp_refuse = value::switch(value)?,
            "trickle" => self.trickle = Some(value::duration(value)?),
            "reset-at" => self.reset_at = Some(number(value)?),
            "close-at" => self.close_at = Some(number(value)?),
            "time-skew" => self.time_skew_s = value::seconds(value)?,
            "seed" => self.seed = number(value)?,
            _ => return Err(ValueError::UnknownKey),
        }
        Ok(())
    }
}

impl FromStr for Impairments {
    type Err = ImpairmentError;

    /// Parses a list such as `delay=20ms,loss=10%,no-edns`, which may be empty.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut impairments = Self::default();
        for item in text.split(',').filter(|_| !text.is_empty()) {
            let (key, value) = item.split_once('=').unwrap_or((item, ""));
            impairments.set(key, value)?;
        }
        Ok(impairments)
    }
}

/// Why a value could not be set.
enum ValueError {
    UnknownKey,
    BadValue(&'static str),
}

impl From<&'static str> for ValueError {
    fn from(expected: &'static str) -> Self {
        Self::BadValue(expected)
    }
}

/// Varies a delay uniformly by up to `jitter` in both directions, never below 0.
pub(crate) fn jittered(delay: Duration, jitter: Duration, rng: &mut SmallRng) -> Duration {
    if jitter.is_zero() {
        return delay;
    }
    let span_ns = 2 * jitter.as_nanos() as u64;
    let added = Duration::from_nanos(rng.random_range(0..=span_ns));
    (delay + added).saturating_sub(jitter)
}

fn count(text: &str) -> Result<NonZeroU32, ValueError> {
    text.parse()
        .map_err(|_| ValueError::BadValue("a positive integer"))
}

fn number(text: &str) -> Result<u64, ValueError> {
    text.parse()
        .map_err(|_| ValueError::BadValue("an integer from 0 to 2^64 - 1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_can_be_set_and_changes_something() {
        for (key, value_name, _) in KEYS {
            let value = match *value_name {
                "" => "",
                "D" => "17ms",
                "PCT" => "3%",
                "QPS" | "N" | "S" => "9",
                "HOW" => "refused",
                "CIDR" => "127.3.0.0/16",
                other => panic!("{key} has a value of an unknown kind: {other}"),
            };
            let mut impairments = Impairments::default();
            assert_eq!(impairments.set(key, value), Ok(()), "{key}");
            assert_ne!(impairments, Impairments::default(), "{key}");
        }
    }

    #[test]
    fn a_list_reads_as_its_items() {
        let read: Impairments =
            "delay=20ms,loss=10%,no-edns,tcp-serial=true,dead=127.0.0.2,dead=127.0.1.0/24"
                .parse()
                .unwrap();
        assert_eq!(
            read,
            Impairments {
                delay: Duration::from_millis(20),
                loss: "10%".parse().unwrap(),
                no_edns: true,
                tcp_serial: true,
                dead: vec![
                    "127.0.0.2/32".parse().unwrap(),
                    "127.0.1.0/24".parse().unwrap()
                ],
                ..Impairments::default()
            }
        );
        assert_eq!("".parse(), Ok(Impairments::default()));
    }

    #[test]
    fn errors_name_what_was_given() {
        let error = |text: &str| text.parse::<Impairments>().unwrap_err().to_string();
        assert_eq!(error("speed=9"), "unknown impairment \"speed\"");
        assert_eq!(error("delay=9ms,"), "unknown impairment \"\"");
        assert_eq!(
            error("loss=200%"),
            "invalid value \"200%\" for loss: expected a percentage from 0 to 100, such as 10% or 0.5%"
        );
        assert_eq!(
            error("over=loud"),
            "invalid value \"loud\" for over: expected silent, refused or slip"
        );
        for item in [
            "rate-cap=0",
            "delay=5",
            "dead=127.0.0.1/8",
            "no-edns=maybe",
            "seed=-1",
            "reset-at=-1",
            "time-skew=1s",
            "time-skew=99999999999",
        ] {
            assert!(item.parse::<Impairments>().is_err(), "{item}");
        }
    }
}
