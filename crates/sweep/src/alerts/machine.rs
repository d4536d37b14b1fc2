//! Which alerts there are, and to whom they have still to be sent.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, SystemTime};

use canvass_model::Time;
use serde::{Deserialize, Serialize};

use super::alert::{Alert, AlertEvent, Message, dedup_key};
use super::queue::{Failed, Intake, Next, Queue};
use super::silences::Silences;
use crate::cut_off::CutOffChange;
use crate::notice::{Notice, What};
use crate::state::State;
use crate::wall_clock::unix_ns;

/// What is kept of alerts over a restart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedAlerts {
    /// What is wrong now.
    open: Vec<Incident>,
    /// What each receiver has still to be sent, by its identity.
    undelivered: BTreeMap<String, Vec<Message>>,
}

/// One time that a target is down, or that this machine is cut off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Incident {
    /// The alert that it began with.
    alert: Alert,
    /// Receivers are sent its alerts, as opposed to one in a silence.
    is_announced: bool,
    /// When a reminder is due.
    #[serde(skip)]
    remind_at: Option<Time>,
}

/// The key of a target, or `None` for this machine.
type Subject = Option<Box<str>>;

/// What a receiver is told next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// What is new.
    Messages(Vec<Message>),
    /// All that is wrong now, once more.
    Refresh(Vec<Alert>),
    /// Nothing before this time.
    At(Time),
    /// Nothing until something happens.
    Idle,
}

/// All alerts of a sweep. It is given notices, the time and the results of deliveries, and says what
/// to send.
#[derive(Debug)]
pub(crate) struct Alerts {
    reminder: Option<Duration>,
    silences: Silences,
    open: HashMap<Subject, Incident>,
    receivers: Vec<Receiver>,
    /// The number of alerts taken, and of those that the file of states has.
    taken: u64,
    kept: u64,
}

#[derive(Debug)]
struct Receiver {
    /// What it is known by over a restart.
    identity: String,
    queue: Queue,
    refresh_at: Time,
}

impl Alerts {
    /// No alerts yet. If `is_kept`, an alert is sent only after [`Self::kept`].
    pub(crate) fn new(
        receivers: impl IntoIterator<Item = (String, Intake)>,
        reminder: Option<Duration>,
        is_kept: bool,
    ) -> Self {
        let receiver = |(identity, intake)| Receiver {
            identity,
            queue: Queue::new(intake),
            refresh_at: Time::ZERO,
        };
        Self {
            reminder,
            silences: Silences::default(),
            open: HashMap::new(),
            receivers: receivers.into_iter().map(receiver).collect(),
            taken: 0,
            kept: if is_kept { 0 } else { u64::MAX },
        }
    }

    /// Takes over what there was before a restart.
    pub(crate) fn restore(&mut self, now: Time, mut saved: SavedAlerts) {
        for mut incident in saved.open {
            incident.remind_at = self.reminder.map(|after| now + after);
            let subject = incident.alert.target.clone();
            self.open.insert(subject, incident);
        }
        for receiver in &mut self.receivers {
            match saved.undelivered.remove(&receiver.identity) {
                Some(messages) => receiver.queue.restore(messages),
                // It is new, and is not to receive the end of what it does not know.
                None => {
                    let mut open: Vec<&Incident> = self.open.values().collect();
                    open.retain(|incident| incident.is_announced);
                    open.sort_by_key(|incident| incident.alert.since_unix_ns);
                    for incident in open {
                        receiver.queue.push(now, 0, incident.alert.clone());
                    }
                }
            }
        }
    }

    /// What to keep over a restart, and the number to give to [`Self::kept`] once that is kept.
    pub(crate) fn saved(&self) -> (SavedAlerts, u64) {
        let messages = |one: &Receiver| (one.identity.clone(), one.queue.messages());
        let saved = SavedAlerts {
            open: self.open.values().cloned().collect(),
            undelivered: self.receivers.iter().map(messages).collect(),
        };
        (saved, self.taken)
    }

    /// Alerts up to this number are kept.
    pub(crate) fn kept(&mut self, number: u64) {
        self.kept = self.kept.max(number);
    }

    /// Whether this machine was cut off at the last notice about that.
    pub(crate) fn is_cut_off(&self) -> bool {
        self.open.contains_key(&None)
    }

    /// Replaces the silences.
    pub(crate) fn set_silences(&mut self, silences: Silences) {
        self.silences = silences;
    }

    /// The silences.
    pub(crate) fn silences(&self) -> &Silences {
        &self.silences
    }

    /// Takes a notice, and writes into it whether an alert is sent or silenced.
    pub(crate) fn take(&mut self, now: Time, wall: SystemTime, notice: &mut Notice) {
        let at_unix_ns = unix_ns(notice.at);
        match &mut notice.what {
            What::State {
                target,
                group,
                change,
                lasted,
                alerts,
                silenced,
                ..
            } => {
                *silenced = self.silences.cover(target, group, unix_ns(wall));
                if !*alerts {
                    return;
                }
                let is_down = change.to == State::Down;
                let since_unix_ns = match lasted {
                    // It went down silently: in a maintenance, or behind a gateway.
                    Some(lasted) if is_down && change.from == State::Down => {
                        at_unix_ns.saturating_sub(lasted.as_nanos() as u64)
                    }
                    _ => at_unix_ns,
                };
                let subject = Some(Box::from(&**target));
                let alert = Alert {
                    event: if is_down {
                        AlertEvent::Down
                    } else {
                        AlertEvent::Up
                    },
                    at_unix_ns,
                    since_unix_ns,
                    target: subject.clone(),
                    group: Some(Box::from(&**group)),
                    from: Some(change.from),
                    state: Some(change.to),
                    reason: change.reason.clone(),
                    dedup_key: dedup_key(target, since_unix_ns),
                };
                *alerts = if is_down {
                    self.begin(now, subject, alert, !*silenced)
                } else {
                    self.end(now, &subject, alert)
                };
            }
            What::CutOff {
                change,
                failing,
                in_use,
            } => {
                let is_begin = *change == CutOffChange::Began;
                let alert = Alert {
                    event: if is_begin {
                        AlertEvent::CutOff
                    } else {
                        AlertEvent::Back
                    },
                    at_unix_ns,
                    since_unix_ns: at_unix_ns,
                    target: None,
                    group: None,
                    from: None,
                    state: None,
                    reason: Some(format!("{failing} of {in_use} targets fail").into()),
                    dedup_key: dedup_key("", at_unix_ns),
                };
                if is_begin {
                    self.begin(now, None, alert, true);
                } else {
                    self.end(now, &None, alert);
                }
            }
        }
    }

    /// Begins an incident. Returns whether an alert is sent.
    fn begin(&mut self, now: Time, subject: Subject, alert: Alert, is_announced: bool) -> bool {
        if self.open.contains_key(&subject) {
            return false;
        }
        let incident = Incident {
            alert: alert.clone(),
            is_announced,
            remind_at: self.reminder.map(|after| now + after),
        };
        self.open.insert(subject, incident);
        if is_announced {
            self.taken += 1;
            self.push(now, self.taken, alert);
        }
        is_announced
    }

    /// Ends an incident. Returns whether an alert is sent: only if one said that it began.
    fn end(&mut self, now: Time, subject: &Subject, mut alert: Alert) -> bool {
        let Some(incident) = self.open.remove(subject).filter(|one| one.is_announced) else {
            return false;
        };
        alert.since_unix_ns = incident.alert.since_unix_ns;
        alert.dedup_key = incident.alert.dedup_key;
        self.taken += 1;
        self.push(now, self.taken, alert);
        true
    }

    fn push(&mut self, now: Time, number: u64, alert: Alert) {
        for receiver in &mut self.receivers {
            receiver.queue.push(now, number, alert.clone());
        }
    }

    /// Sends what is due at `now`: reminders, and alerts whose silence is over.
    pub(crate) fn tick(&mut self, now: Time, wall: SystemTime) {
        let wall_unix_ns = unix_ns(wall);
        let mut due = Vec::new();
        for incident in self.open.values_mut() {
            let (Some(target), Some(group)) = (&incident.alert.target, &incident.alert.group)
            else {
                continue;
            };
            let is_over_due = incident.remind_at.is_some_and(|at| now >= at);
            if incident.is_announced && !is_over_due {
                continue;
            }
            if self.silences.cover(target, group, wall_unix_ns) {
                continue;
            }
            let mut alert = incident.alert.clone();
            if incident.is_announced {
                alert.event = AlertEvent::Reminder;
                alert.from = Some(State::Down);
                alert.at_unix_ns = wall_unix_ns;
            }
            incident.is_announced = true;
            incident.remind_at = self.reminder.map(|after| now + after);
            due.push(alert);
        }
        due.sort_by_key(|alert| alert.since_unix_ns);
        for alert in due {
            // A crash before it is kept makes it again, with the same key.
            self.push(now, 0, alert);
        }
    }

    /// Ends the incidents of targets that are not watched any more.
    pub(crate) fn retain(
        &mut self,
        now: Time,
        wall: SystemTime,
        is_watched: impl Fn(&str) -> bool,
    ) {
        let is_gone = |subject: &&Subject| subject.as_deref().is_some_and(|key| !is_watched(key));
        let gone: Vec<Subject> = self.open.keys().filter(is_gone).cloned().collect();
        for subject in gone {
            let began = self.open[&subject].alert.clone();
            let ended = Alert {
                event: AlertEvent::Unwatched,
                at_unix_ns: unix_ns(wall),
                from: Some(State::Down),
                state: Some(State::Unknown),
                reason: None,
                ..began
            };
            self.end(now, &subject, ended);
        }
    }

    /// What to send to a receiver at `now`. [`Self::delivered`] or [`Self::failed`] must follow what
    /// is to be sent.
    pub(crate) fn next(&mut self, receiver: usize, now: Time) -> Delivery {
        let kept = self.kept;
        let Receiver {
            queue, refresh_at, ..
        } = &mut self.receivers[receiver];
        let next = match queue.next(now, kept) {
            Next::Send(messages) => return Delivery::Messages(messages),
            Next::At(at) => return Delivery::At(at),
            Next::Idle => Delivery::Idle,
        };
        if !matches!(queue.intake, Intake::States { .. }) || self.open.is_empty() {
            return next;
        }
        let at = queue.retry_at().max(*refresh_at);
        if now < at {
            return Delivery::At(at);
        }
        let announced = self.open.values().filter(|one| one.is_announced);
        Delivery::Refresh(announced.map(|one| one.alert.clone()).collect())
    }

    /// A receiver has received what it was to be sent. Returns the failures in a row before that.
    pub(crate) fn delivered(&mut self, receiver: usize, now: Time) -> u32 {
        let Receiver {
            queue, refresh_at, ..
        } = &mut self.receivers[receiver];
        if let Intake::States { refresh } = queue.intake {
            *refresh_at = now + refresh;
        }
        let failures = queue.failures();
        queue.delivered();
        failures
    }

    /// A receiver has perhaps not received what it was to be sent.
    pub(crate) fn failed(&mut self, receiver: usize, now: Time, is_refused: bool) -> Failed {
        self.receivers[receiver].queue.failed(now, is_refused)
    }

    /// Makes everything due at once, before the sweep ends.
    pub(crate) fn hurry(&mut self) {
        for receiver in &mut self.receivers {
            receiver.queue.hurry();
        }
    }

    /// The number of messages that a receiver has still to be sent.
    pub(crate) fn waiting(&self, receiver: usize) -> usize {
        self.receivers[receiver].queue.len()
    }
}
