//! One alert, and the object that receivers are sent.

use std::fmt::Write as _;
use std::time::{Duration, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use siphasher::sip128::{Hasher128, SipHasher13};

use super::digest::Digest;
use crate::line::{span, timestamp};
use crate::state::State;

/// What an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AlertEvent {
    /// A target went down.
    Down,
    /// It is still down.
    Reminder,
    /// It is up again.
    Up,
    /// It was down and is not watched any more.
    Unwatched,
    /// Most targets began to fail at once.
    CutOff,
    /// They answer again.
    Back,
}

/// One alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Alert {
    pub(crate) event: AlertEvent,
    /// When it happened, in nanoseconds since 1970 (UTC).
    pub(crate) at_unix_ns: u64,
    /// When the target went down, or the cut-off began.
    pub(crate) since_unix_ns: u64,
    /// The key of the target; `None` if it is about all of them.
    pub(crate) target: Option<Box<str>>,
    pub(crate) group: Option<Box<str>>,
    pub(crate) from: Option<State>,
    pub(crate) state: Option<State>,
    pub(crate) reason: Option<Box<str>>,
    /// The same for all alerts of one time that a target was down.
    pub(crate) dedup_key: Box<str>,
}

/// What is delivered at a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Message {
    One(Alert),
    Many(Digest),
}

/// The object that webhooks and commands are sent.
#[derive(Serialize)]
pub(crate) struct Body<'a> {
    pub(crate) event: &'static str,
    pub(crate) at: String,
    pub(crate) since: String,
    pub(crate) target: Option<&'a str>,
    pub(crate) group: Option<&'a str>,
    pub(crate) from: Option<&'static str>,
    pub(crate) state: Option<&'static str>,
    pub(crate) reason: Option<&'a str>,
    pub(crate) summary: String,
    pub(crate) dedup_key: &'a str,
    #[serde(flatten)]
    pub(crate) digest: Option<DigestBody<'a>>,
}

/// What only a digest has.
#[derive(Serialize)]
pub(crate) struct DigestBody<'a> {
    /// The number of targets that went down.
    pub(crate) down: u64,
    /// The number of targets that came up.
    pub(crate) up: u64,
    /// The first changes.
    pub(crate) changes: Vec<Body<'a>>,
    /// The number of changes that are not in the list.
    pub(crate) more: u64,
}

impl AlertEvent {
    /// The keyword in the object.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Reminder => "reminder",
            Self::Up => "up",
            Self::Unwatched => "unwatched",
            Self::CutOff => "cut_off",
            Self::Back => "back",
        }
    }

    /// Whether something is wrong, as opposed to over.
    pub(crate) const fn is_firing(self) -> bool {
        matches!(self, Self::Down | Self::Reminder | Self::CutOff)
    }
}

impl Alert {
    /// One sentence for a person.
    pub(crate) fn summary(&self) -> String {
        let target = self.target.as_deref().unwrap_or("this machine");
        let lasted = Duration::from_nanos(self.at_unix_ns.saturating_sub(self.since_unix_ns));
        let mut text = match self.event {
            AlertEvent::Down => format!("{target} is down"),
            AlertEvent::Reminder => format!("{target} is still down after {}", span(lasted)),
            AlertEvent::Up => format!("{target} is up after {} down", span(lasted)),
            AlertEvent::Unwatched => format!("{target} is no longer watched"),
            AlertEvent::CutOff => "most targets fail at once".into(),
            AlertEvent::Back => format!("most targets answer again after {}", span(lasted)),
        };
        if let Some(reason) = &self.reason {
            let _ = write!(text, ": {reason}");
        }
        text
    }

    fn body(&self) -> Body<'_> {
        Body {
            event: self.event.as_str(),
            at: time(self.at_unix_ns),
            since: time(self.since_unix_ns),
            target: self.target.as_deref(),
            group: self.group.as_deref(),
            from: self.from.map(State::as_str),
            state: self.state.map(State::as_str),
            reason: self.reason.as_deref(),
            summary: self.summary(),
            dedup_key: &self.dedup_key,
            digest: None,
        }
    }
}

impl Message {
    /// The alerts in it, as far as they are known.
    pub(crate) fn alerts(&self) -> &[Alert] {
        match self {
            Self::One(alert) => std::slice::from_ref(alert),
            Self::Many(digest) => &digest.first,
        }
    }

    /// The object that receivers are sent.
    pub(crate) fn body(&self) -> Body<'_> {
        match self {
            Self::One(alert) => alert.body(),
            Self::Many(digest) => Body {
                event: "digest",
                at: time(digest.last_unix_ns),
                since: time(digest.first_unix_ns),
                target: None,
                group: digest.common_group(),
                from: None,
                state: None,
                reason: None,
                summary: digest.summary(),
                dedup_key: &digest.dedup_key,
                digest: Some(DigestBody {
                    down: digest.down,
                    up: digest.up,
                    changes: digest.first.iter().map(Alert::body).collect(),
                    more: digest.more(),
                }),
            },
        }
    }

    /// [`Self::body`] in JSON.
    pub(crate) fn json(&self) -> String {
        serde_json::to_string(&self.body()).expect("strings and numbers are JSON")
    }
}

/// The key by which a receiver knows an alert that it has received before.
pub(crate) fn dedup_key(subject: &str, since_unix_ns: u64) -> Box<str> {
    let mut hasher = SipHasher13::new();
    std::hash::Hasher::write(&mut hasher, subject.as_bytes());
    std::hash::Hasher::write(&mut hasher, &since_unix_ns.to_le_bytes());
    format!("{:032x}", hasher.finish128().as_u128()).into()
}

/// RFC 3339 in UTC, with milliseconds.
pub(crate) fn time(unix_ns: u64) -> String {
    timestamp(UNIX_EPOCH + Duration::from_nanos(unix_ns))
}
