//! What one receiver has still to be sent, in order.

use std::collections::VecDeque;
use std::time::Duration;

use canvass_model::Time;

use super::alert::{Alert, AlertEvent, Message};
use super::digest::Digest;

/// The maximum number of messages that wait for a receiver.
pub(crate) const MESSAGES_MAX: usize = 1_024;
/// More alerts than these in [`BURST_WINDOW`] become a digest.
const BURST_MAX: usize = 10;
const BURST_WINDOW: Duration = Duration::from_secs(5);
/// The waits before another attempt: the first, and the longest.
const BACKOFF_MIN: Duration = Duration::from_secs(1);
const BACKOFF_MAX: Duration = Duration::from_secs(300);
/// How often a message is sent to a receiver that refuses it, and would refuse it for ever.
const REFUSALS_MAX: u32 = 5;
/// The maximum number of messages in one delivery to a receiver that takes several.
const BATCH_MAX: usize = 500;

/// What a receiver can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Intake {
    /// One message at a time; many changes at once become a digest.
    Messages,
    /// Many alerts at a time. It forgets what is not sent again after so long.
    States { refresh: Duration },
}

/// Why a delivery failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeliveryError {
    pub(crate) message: String,
    /// The receiver refuses this message, whenever it is sent.
    pub(crate) is_refused: bool,
}

/// What follows from a failed delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failed {
    /// It is tried again; how often that was so in a row.
    Retried(u32),
    /// It was refused too often and is dropped.
    Dropped,
}

/// What to send now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// These, at once.
    Send(Vec<Message>),
    /// Nothing before this time.
    At(Time),
    /// Nothing until something happens.
    Idle,
}

/// The messages that one receiver has still to be sent.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) intake: Intake,
    waiting: VecDeque<Waiting>,
    /// The number of messages at the front that are being sent.
    in_flight: usize,
    /// When the latest alerts came.
    latest: VecDeque<Time>,
    failures: u32,
    retry_at: Time,
}

#[derive(Debug)]
struct Waiting {
    message: Message,
    /// The number of its last alert, which must be in the file of states before it is sent.
    number: u64,
    not_before: Time,
    /// The receiver may have seen it, so it cannot change.
    is_begun: bool,
}

impl Queue {
    pub(crate) fn new(intake: Intake) -> Self {
        Self {
            intake,
            waiting: VecDeque::new(),
            in_flight: 0,
            latest: VecDeque::new(),
            failures: 0,
            retry_at: Time::ZERO,
        }
    }

    /// Adds what was not delivered before a restart. It may have been received all the same.
    pub(crate) fn restore(&mut self, messages: Vec<Message>) {
        self.waiting
            .extend(messages.into_iter().map(|message| Waiting {
                message,
                number: 0,
                not_before: Time::ZERO,
                is_begun: true,
            }));
    }

    /// The number of messages.
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// The messages, in order.
    pub(crate) fn messages(&self) -> Vec<Message> {
        self.waiting.iter().map(|one| one.message.clone()).collect()
    }

    /// The failures in a row.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    /// Adds an alert, which may be sent once `number` is kept.
    pub(crate) fn push(&mut self, now: Time, number: u64, alert: Alert) {
        let is_of = |one: &Waiting, target| match &one.message {
            Message::One(other) => other.target == target,
            Message::Many(digest) => digest.first.iter().any(|other| other.target == target),
        };
        match alert.event {
            AlertEvent::Reminder => {
                let is_state = matches!(self.intake, Intake::States { .. });
                if is_state
                    || self
                        .waiting
                        .iter()
                        .any(|one| is_of(one, alert.target.clone()))
                {
                    return;
                }
            }
            // What is over needs no reminder.
            AlertEvent::Up | AlertEvent::Unwatched => self.waiting.retain(|one| {
                let is_reminder = |other: &Alert| {
                    other.event == AlertEvent::Reminder && other.target == alert.target
                };
                one.is_begun || !matches!(&one.message, Message::One(other) if is_reminder(other))
            }),
            AlertEvent::Down | AlertEvent::CutOff | AlertEvent::Back => {}
        }
        let is_full = self.waiting.len() >= MESSAGES_MAX;
        match self.intake {
            // What is still firing is sent again before it is forgotten.
            Intake::States { .. } if is_full => {}
            Intake::States { .. } => self.append(number, alert),
            Intake::Messages => {
                while self
                    .latest
                    .front()
                    .is_some_and(|at| now.since(*at) > BURST_WINDOW)
                {
                    self.latest.pop_front();
                }
                self.latest.push_back(now);
                if self.latest.len() > BURST_MAX {
                    self.latest.pop_front();
                    self.fold(now + BURST_WINDOW, number, alert);
                } else if is_full {
                    self.fold(now, number, alert);
                } else {
                    self.append(number, alert);
                }
            }
        }
    }

    fn append(&mut self, number: u64, alert: Alert) {
        self.waiting.push_back(Waiting {
            message: Message::One(alert),
            number,
            not_before: Time::ZERO,
            is_begun: false,
        });
    }

    /// Adds an alert to a digest of all that the receiver cannot have seen yet.
    fn fold(&mut self, not_before: Time, number: u64, alert: Alert) {
        let begun = self.waiting.iter().take_while(|one| one.is_begun).count();
        let mut digest = Digest::new(alert.at_unix_ns);
        let mut at = not_before;
        for one in self.waiting.drain(begun..) {
            match one.message {
                Message::One(alert) => digest.add(alert),
                // The first of them: a digest takes in everything before it.
                Message::Many(earlier) => (digest, at) = (earlier, one.not_before),
            }
        }
        digest.add(alert);
        self.waiting.push_back(Waiting {
            message: Message::Many(digest),
            number,
            not_before: at,
            is_begun: false,
        });
    }

    /// What to send at `now`, if alerts up to the number `kept` are in the file of states.
    /// [`Self::delivered`] or [`Self::failed`] must follow a [`Next::Send`].
    pub(crate) fn next(&mut self, now: Time, kept: u64) -> Next {
        let Some(first) = self.waiting.front() else {
            return Next::Idle;
        };
        if first.number > kept {
            return Next::Idle;
        }
        let at = first.not_before.max(self.retry_at);
        if now < at {
            return Next::At(at);
        }
        let max = match self.intake {
            Intake::Messages => 1,
            Intake::States { .. } => BATCH_MAX,
        };
        let ready = self.waiting.iter_mut().take(max);
        let ready = ready.take_while(|one| one.number <= kept && one.not_before <= now);
        let messages: Vec<Message> = ready
            .map(|one| {
                one.is_begun = true;
                one.message.clone()
            })
            .collect();
        self.in_flight = messages.len();
        Next::Send(messages)
    }

    /// The earliest time at which something may be sent again after a failure.
    pub(crate) fn retry_at(&self) -> Time {
        self.retry_at
    }

    /// What was to be sent has been received.
    pub(crate) fn delivered(&mut self) {
        self.waiting.drain(..std::mem::take(&mut self.in_flight));
        self.failures = 0;
        self.retry_at = Time::ZERO;
    }

    /// What was to be sent has perhaps not been received.
    pub(crate) fn failed(&mut self, now: Time, is_refused: bool) -> Failed {
        self.failures = self.failures.saturating_add(1);
        if is_refused && self.failures >= REFUSALS_MAX {
            self.delivered();
            return Failed::Dropped;
        }
        self.in_flight = 0;
        let factor = 2_u32.saturating_pow(self.failures - 1);
        self.retry_at = now + BACKOFF_MIN.saturating_mul(factor).min(BACKOFF_MAX);
        Failed::Retried(self.failures)
    }

    /// Sends what is waiting at once, for the last time.
    pub(crate) fn hurry(&mut self) {
        self.retry_at = Time::ZERO;
        for one in &mut self.waiting {
            one.not_before = Time::ZERO;
        }
    }
}
