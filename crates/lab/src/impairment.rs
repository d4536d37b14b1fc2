//! The impairments of the lab.

mod keys;
mod value;

use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;
use rand::RngExt;
use rand::rngs::SmallRng;

pub use keys::KEYS;
pub use value::Percent;

/// The datagrams that a receive buffer of Linux holds by default: 212,992 octets, of which a short
/// one takes 768.
const QUEUE_DEFAULT: NonZeroU32 = NonZeroU32::new(277).unwrap();

/// The impairments of the lab. The default is none.
///
/// Loss, truncation, forgery, duplication, corruption and the service time apply to datagrams only; all others apply
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
    /// Queries that are held at once per server address. `over` tells how further ones are treated.
    pub inflight_cap: Option<NonZeroU32>,
    /// How long queries that are never answered are held.
    pub inflight_hold: Duration,
    /// How queries over either cap are treated.
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
    /// Names that are answered late with SERVFAIL, always the same ones, none of which is among
    /// those that are never answered.
    pub lame: Percent,
    /// The mean of their additional delays.
    pub lame_by: Duration,
    /// Names of reverse lookups that do not exist, always the same ones, none of which is among
    /// those that are lame or never answered.
    pub nxdomain: Percent,
    /// The time that each query over UDP takes, one after the other, per server address.
    pub service_time: Option<Duration>,
    /// The time that each query over TCP takes, one after the other, per server address.
    pub tcp_service_time: Option<Duration>,
    /// How long the servers stop at the end of each `freeze_every`.
    pub freeze: Option<Duration>,
    /// The time from one stop to the next, counted from the first query.
    pub freeze_every: Duration,
    /// Queries over UDP that wait for a busy or stopped server at once, per server address.
    pub queue: NonZeroU32,
    /// When the outage begins, after the first query.
    pub outage_after: Option<Duration>,
    /// The duration of the outage.
    pub outage: Option<Duration>,
    /// The time from the begin of an outage to that of the next one. Without it there is one.
    pub outage_every: Option<Duration>,
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
    /// The seed of the random numbers. Which names are slow, lame, missing or never answered
    /// does not depend on it.
    pub seed: u64,
}

/// How queries over the rate cap or the in-flight cap are treated.
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
            inflight_cap: None,
            inflight_hold: Duration::from_secs(10),
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
            lame: Percent::ZERO,
            lame_by: Duration::from_secs(5),
            nxdomain: Percent::ZERO,
            service_time: None,
            tcp_service_time: None,
            freeze: None,
            freeze_every: Duration::from_secs(1),
            queue: QUEUE_DEFAULT,
            outage_after: None,
            outage: None,
            outage_every: None,
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
            "inflight-cap" => self.inflight_cap = Some(count(value)?),
            "inflight-hold" => self.inflight_hold = value::duration(value)?,
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
            "lame" => self.lame = value.parse()?,
            "lame-by" => self.lame_by = value::duration(value)?,
            "nxdomain" => self.nxdomain = value.parse()?,
            "service-time" => self.service_time = Some(value::duration(value)?),
            "tcp-service-time" => self.tcp_service_time = Some(value::duration(value)?),
            "freeze" => self.freeze = Some(value::duration(value)?),
            "freeze-every" => self.freeze_every = value::duration(value)?,
            "queue" => self.queue = count(value)?,
            "outage-after" => self.outage_after = Some(value::duration(value)?),
            "outage" => self.outage = Some(value::duration(value)?),
            "outage-every" => self.outage_every = Some(value::duration(value)?),
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
mod tests;
