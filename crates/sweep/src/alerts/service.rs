//! The threads that deliver alerts: one per receiver, and one for what is due by time.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use canvass_model::Time;
use crossbeam_channel::Sender;

use super::machine::{Alerts, Delivery, SavedAlerts};
use super::plan::AlertPlan;
use super::queue::{DeliveryError, Failed};
use super::receiver::Deliver;
use super::silences::{Silences, SilencesError};
use crate::file_stamp::FileStamp;
use crate::notice::Notice;

/// How often it is looked for reminders and for other silences.
const TICK: Duration = Duration::from_millis(250);
/// How long the end of a sweep waits for alerts to be delivered.
const STOP_WAIT: Duration = Duration::from_secs(2);

/// The alerts of a sweep and the threads that deliver them, which end with it.
pub(crate) struct Alerting {
    shared: Arc<Shared>,
    receivers: Vec<String>,
    messages: Sender<String>,
    /// The file of silences.
    path: Option<PathBuf>,
}

struct Shared {
    inner: Mutex<Inner>,
    /// There is something to deliver, or the sweep ends.
    changed: Condvar,
    /// A thread has ended.
    ended: Condvar,
    began: Instant,
}

struct Inner {
    alerts: Alerts,
    is_stopping: bool,
    /// The threads of receivers that have not ended.
    delivering: usize,
}

impl Alerting {
    /// Starts the threads. With `is_kept`, an alert is delivered after [`Self::kept`], and
    /// `saved` are the alerts that were kept before.
    pub(crate) fn start(
        plan: AlertPlan,
        is_kept: bool,
        saved: Option<SavedAlerts>,
    ) -> io::Result<Self> {
        let identified = plan.receivers.iter();
        let identified = identified.map(|one| (one.identity.clone(), one.intake()));
        let mut alerts = Alerts::new(identified, plan.reminder, is_kept);
        saved
            .into_iter()
            .for_each(|saved| alerts.restore(Time::ZERO, saved));
        let shared = Arc::new(Shared {
            inner: Mutex::new(Inner {
                alerts,
                is_stopping: false,
                delivering: plan.receivers.len(),
            }),
            changed: Condvar::new(),
            ended: Condvar::new(),
            began: Instant::now(),
        });
        let path = plan.silences.clone();
        let mut clock = ClockWork {
            shared: Arc::clone(&shared),
            messages: plan.messages.clone(),
            path: plan.silences,
            seen: None,
        };
        clock.read_silences();
        let thread = || thread::Builder::new();
        thread().name("alerts".into()).spawn(move || clock.run())?;
        let mut receivers = Vec::new();
        for (index, receiver) in plan.receivers.into_iter().enumerate() {
            let name = receiver.to_string();
            receivers.push(name.clone());
            let shared = Arc::clone(&shared);
            let messages = plan.messages.clone();
            let (kind, timeout) = (receiver.kind, plan.timeout);
            let work = move || {
                let work = ReceiverWork {
                    receiver: kind.connect(timeout),
                    shared,
                    index,
                    name,
                    messages,
                };
                work.run();
            };
            thread().name("alert".into()).spawn(work)?;
        }
        Ok(Self {
            shared,
            receivers,
            messages: plan.messages,
            path,
        })
    }

    /// Takes what has changed, and writes into it whether an alert is sent or silenced.
    pub(crate) fn take(&self, notices: &mut [Notice]) {
        if notices.is_empty() {
            return;
        }
        let mut inner = self.shared.lock();
        let (now, wall) = (self.shared.now(), SystemTime::now());
        for notice in notices {
            inner.alerts.take(now, wall, notice);
        }
        self.shared.changed.notify_all();
    }

    /// What to keep over a restart, and the number to give to [`Self::kept`] once that is kept.
    pub(crate) fn saved(&self) -> (SavedAlerts, u64) {
        self.shared.lock().alerts.saved()
    }

    /// Alerts up to this number are kept, so they can be sent.
    pub(crate) fn kept(&self, number: u64) {
        self.shared.lock().alerts.kept(number);
        self.shared.changed.notify_all();
    }

    /// Whether this machine was cut off when the alerts were kept.
    pub(crate) fn is_cut_off(&self) -> bool {
        self.shared.lock().alerts.is_cut_off()
    }

    /// Ends the alerts of targets that are not watched any more.
    pub(crate) fn retain(&self, is_watched: impl Fn(&str) -> bool) {
        let now = self.shared.now();
        let mut inner = self.shared.lock();
        inner.alerts.retain(now, SystemTime::now(), is_watched);
        self.shared.changed.notify_all();
    }

    /// The silences.
    pub(crate) fn silences(&self) -> Silences {
        self.shared.lock().alerts.silences().clone()
    }

    /// Whether there is a file of silences.
    pub(crate) fn keeps_silences(&self) -> bool {
        self.path.is_some()
    }

    /// Changes the silences, in their file and here.
    pub(crate) fn change_silences<T>(
        &self,
        change: impl FnOnce(&mut Silences) -> T,
    ) -> Result<T, SilencesError> {
        let path = self.path.as_deref().ok_or(SilencesError::NoFile)?;
        let (result, silences) = Silences::change(path, SystemTime::now(), |silences| {
            (change(silences), silences.clone())
        })?;
        self.shared.lock().alerts.set_silences(silences);
        Ok(result)
    }

    /// Ends the threads when all is delivered, or after a short time: one that hangs then is left
    /// behind. Alerts that are not delivered are sent by the next sweep, if states are kept.
    pub(crate) fn stop(&self, is_kept: bool) {
        let mut inner = self.shared.lock();
        inner.is_stopping = true;
        inner.alerts.hurry();
        self.shared.changed.notify_all();
        let ended = &self.shared.ended;
        let is_delivering = |inner: &mut Inner| inner.delivering > 0;
        let waited = ended.wait_timeout_while(inner, STOP_WAIT, is_delivering);
        let (inner, _) = waited.unwrap_or_else(PoisonError::into_inner);
        for (index, name) in self.receivers.iter().enumerate() {
            let waiting = inner.alerts.waiting(index);
            if waiting > 0 {
                let fate = if is_kept {
                    "kept for the next sweep"
                } else {
                    "lost"
                };
                let _ = self.messages.try_send(format!(
                    "{name}: alerts that were not delivered: {waiting} ({fate})"
                ));
            }
        }
    }
}

impl Drop for Alerting {
    fn drop(&mut self) {
        self.shared.lock().is_stopping = true;
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Time {
        Time::ZERO + self.began.elapsed()
    }

    /// Waits for a change, until `until` if there is one.
    fn wait<'a>(&self, inner: MutexGuard<'a, Inner>, until: Option<Time>) -> MutexGuard<'a, Inner> {
        match until {
            None => {
                let waited = self.changed.wait(inner);
                waited.unwrap_or_else(PoisonError::into_inner)
            }
            Some(until) => {
                let left = until.since(self.now());
                let waited = self.changed.wait_timeout(inner, left);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        }
    }
}

/// The thread of one receiver.
struct ReceiverWork {
    shared: Arc<Shared>,
    receiver: Box<dyn Deliver>,
    index: usize,
    name: String,
    messages: Sender<String>,
}

impl ReceiverWork {
    fn run(self) {
        let mut inner = self.shared.lock();
        loop {
            let next = inner.alerts.next(self.index, self.shared.now());
            let is_stopping = inner.is_stopping;
            let result = match next {
                Delivery::Messages(messages) => {
                    drop(inner);
                    self.receiver.deliver(&messages)
                }
                Delivery::Refresh(alerts) if !is_stopping => {
                    drop(inner);
                    self.receiver.refresh(&alerts)
                }
                Delivery::At(until) if !is_stopping => {
                    inner = self.shared.wait(inner, Some(until));
                    continue;
                }
                // What is not kept yet is about to be.
                Delivery::Idle if !is_stopping || inner.alerts.waiting(self.index) > 0 => {
                    inner = self.shared.wait(inner, None);
                    continue;
                }
                Delivery::Refresh(_) | Delivery::At(_) | Delivery::Idle => break,
            };
            inner = self.shared.lock();
            self.take_result(&mut inner, result);
        }
        inner.delivering -= 1;
        self.shared.ended.notify_all();
    }

    fn take_result(&self, inner: &mut Inner, result: Result<(), DeliveryError>) {
        let (index, name) = (self.index, &self.name);
        let now = self.shared.now();
        let message = match result {
            Ok(()) => match inner.alerts.delivered(index, now) {
                0 => return,
                failures => format!("{name}: an alert was delivered after {failures} failures"),
            },
            Err(error) => match inner.alerts.failed(index, now, error.is_refused) {
                Failed::Retried(1) => format!(
                    "{name}: cannot deliver an alert, and will try again: {}",
                    error.message
                ),
                Failed::Retried(_) => return,
                Failed::Dropped => {
                    format!(
                        "{name}: refuses an alert, which is dropped: {}",
                        error.message
                    )
                }
            },
        };
        let _ = self.messages.try_send(message);
    }
}

/// The thread for what is due by time.
struct ClockWork {
    shared: Arc<Shared>,
    messages: Sender<String>,
    /// The file of silences, and as what it was last seen.
    path: Option<PathBuf>,
    seen: Option<FileStamp>,
}

impl ClockWork {
    fn run(mut self) {
        let mut due = self.shared.now() + TICK;
        loop {
            let mut inner = self.shared.lock();
            while !inner.is_stopping && self.shared.now() < due {
                inner = self.shared.wait(inner, Some(due));
            }
            if inner.is_stopping {
                return;
            }
            drop(inner);
            self.read_silences();
            let now = self.shared.now();
            self.shared.lock().alerts.tick(now, SystemTime::now());
            self.shared.changed.notify_all();
            due = now + TICK;
        }
    }

    /// Reads the file of silences if it has changed. If it cannot be read, those before stay.
    fn read_silences(&mut self) {
        let Some(path) = &self.path else { return };
        let stamp = FileStamp::of(path);
        if stamp == self.seen {
            return;
        }
        self.seen = stamp;
        match Silences::read(path) {
            Ok(silences) => self.shared.lock().alerts.set_silences(silences),
            Err(error) => {
                let _ = self.messages.try_send(format!("silences: {error}"));
            }
        }
    }
}
