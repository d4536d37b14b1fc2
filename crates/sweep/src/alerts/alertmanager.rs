//! Alerts to Prometheus's Alertmanager, by version 2 of its API.
//!
//! Alertmanager takes an alert for resolved at its `endsAt`. So what is firing is sent again and
//! again with an end in the future, as Prometheus does, and what is over with an end that has
//! passed. It groups, repeats and silences by itself.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use ureq::http::Uri;

use super::alert::{Alert, Message, time};
use super::http::Client;
use super::queue::DeliveryError;
use super::receiver::Deliver;
use crate::wall_clock::unix_ns;

/// How often what is firing is sent again.
pub(crate) const REFRESH: Duration = Duration::from_secs(60);
/// How long after the last time an alert is firing; a few lost deliveries do not resolve it.
const FIRING: Duration = Duration::from_secs(4 * 60);
/// The maximum number of alerts in one request.
const ALERTS_MAX: usize = 1_000;

/// Sends alerts to Alertmanager.
pub(crate) struct Alertmanager {
    client: Client,
}

/// An alert of Alertmanager's API.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Posted<'a> {
    labels: BTreeMap<&'static str, &'a str>,
    annotations: BTreeMap<&'static str, String>,
    starts_at: String,
    ends_at: String,
}

impl Alertmanager {
    pub(crate) fn new(url: Uri, timeout: Duration) -> Self {
        Self {
            client: Client::new(url, timeout),
        }
    }

    fn post<'a>(&self, alerts: impl Iterator<Item = &'a Alert>) -> Result<(), DeliveryError> {
        let ends_at = unix_ns(std::time::SystemTime::now() + FIRING);
        let posted: Vec<Posted<'_>> = alerts.map(|one| Posted::new(one, ends_at)).collect();
        posted.chunks(ALERTS_MAX).try_for_each(|some| {
            let body = serde_json::to_string(some).expect("strings are JSON");
            self.client.post(&body)
        })
    }
}

impl<'a> Posted<'a> {
    /// The same labels make it the same alert to Alertmanager. One that is firing ends at
    /// `ends_unix_ns` unless it is sent again.
    fn new(alert: &'a Alert, ends_unix_ns: u64) -> Self {
        let mut labels = BTreeMap::new();
        let name = match &alert.target {
            Some(target) => {
                labels.insert("target", &**target);
                "CanvassTargetDown"
            }
            None => "CanvassCutOff",
        };
        labels.insert("alertname", name);
        if let Some(group) = &alert.group {
            labels.insert("group", group);
        }
        let mut annotations = BTreeMap::new();
        annotations.insert("summary", alert.summary());
        annotations.insert("dedup_key", alert.dedup_key.to_string());
        if let Some(reason) = &alert.reason {
            annotations.insert("reason", reason.to_string());
        }
        let ends_at = match alert.event.is_firing() {
            true => ends_unix_ns,
            false => alert.at_unix_ns,
        };
        Self {
            labels,
            annotations,
            starts_at: time(alert.since_unix_ns),
            ends_at: time(ends_at),
        }
    }
}

impl Deliver for Alertmanager {
    fn deliver(&self, messages: &[Message]) -> Result<(), DeliveryError> {
        self.post(messages.iter().flat_map(Message::alerts))
    }

    fn refresh(&self, alerts: &[Alert]) -> Result<(), DeliveryError> {
        self.post(alerts.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::super::alert::AlertEvent;
    use super::*;
    use crate::state::State;

    #[test]
    fn an_alert_starts_and_ends() {
        let second = 1_000_000_000;
        let down = Alert {
            event: AlertEvent::Down,
            at_unix_ns: 1_800_000_000 * second,
            since_unix_ns: 1_800_000_000 * second,
            target: Some("tcp://a.example.net:25".into()),
            group: Some("mail".into()),
            from: Some(State::Up),
            state: Some(State::Down),
            reason: Some("refused".into()),
            dedup_key: "k".into(),
        };
        let json = serde_json::to_value(Posted::new(&down, 1_800_000_240 * second)).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "labels": {
                    "alertname": "CanvassTargetDown",
                    "target": "tcp://a.example.net:25",
                    "group": "mail",
                },
                "annotations": {
                    "summary": "tcp://a.example.net:25 is down: refused",
                    "reason": "refused",
                    "dedup_key": "k",
                },
                "startsAt": "2027-01-15T08:00:00.000Z",
                "endsAt": "2027-01-15T08:04:00.000Z",
            })
        );
        let up = Alert {
            event: AlertEvent::Up,
            at_unix_ns: 1_800_000_060 * second,
            ..down
        };
        let json = serde_json::to_value(Posted::new(&up, 0)).unwrap();
        assert_eq!(json["startsAt"], "2027-01-15T08:00:00.000Z");
        assert_eq!(json["endsAt"], "2027-01-15T08:01:00.000Z");
    }
}
