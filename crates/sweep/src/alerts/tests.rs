//! The alerts on a clock of their own.

use std::time::{Duration, SystemTime};

use canvass_model::Time;

use super::alert::{Alert, AlertEvent, Message};
use super::machine::{Alerts, Delivery};
use super::queue::{Failed, Intake, MESSAGES_MAX};
use super::silences::{Silence, SilenceScope, Silences};
use crate::cut_off::CutOffChange;
use crate::notice::{Notice, What};
use crate::state::{Change, State};

/// A webhook's intake.
const WEBHOOK: Intake = Intake::Messages;
const ALERTMANAGER: Intake = Intake::States {
    refresh: Duration::from_secs(60),
};

/// Alerts of one receiver with a clock that both their times follow.
struct Bench {
    alerts: Alerts,
    now: Duration,
    is_kept: bool,
}

impl Bench {
    fn new(intake: Intake) -> Self {
        Self::with(intake, None, false)
    }

    fn with(intake: Intake, reminder: Option<Duration>, is_kept: bool) -> Self {
        Self {
            alerts: Alerts::new([("it".to_owned(), intake)], reminder, is_kept),
            now: Duration::ZERO,
            is_kept,
        }
    }

    /// Begins anew with what was kept, as after a crash.
    fn restart(&mut self, intake: Intake) {
        let (saved, _) = self.alerts.saved();
        let saved = serde_json::to_string(&saved).unwrap();
        let mut again = Self::with(intake, None, self.is_kept);
        again
            .alerts
            .restore(self.time(), serde_json::from_str(&saved).unwrap());
        self.alerts = again.alerts;
    }

    fn pass(&mut self, ms: u64) {
        self.now += Duration::from_millis(ms);
    }

    fn time(&self) -> Time {
        Time::ZERO + self.now
    }

    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000) + self.now
    }

    /// Takes a change of state. Returns whether an alert is sent, and whether it is silenced.
    fn change(&mut self, target: &str, from: State, to: State) -> (bool, bool) {
        let mut notice = Notice {
            at: self.wall(),
            what: What::State {
                target: target.into(),
                group: "mail".into(),
                change: Change {
                    from,
                    to,
                    reason: (to == State::Down).then(|| "refused".into()),
                },
                lasted: None,
                alerts: true,
                silenced: false,
                labels: None,
                in_maintenance: false,
            },
        };
        self.alerts.take(self.time(), self.wall(), &mut notice);
        match notice.what {
            What::State {
                alerts, silenced, ..
            } => (alerts, silenced),
            What::CutOff { .. } => panic!("a state"),
        }
    }

    fn down(&mut self, target: &str) -> (bool, bool) {
        self.change(target, State::Up, State::Down)
    }

    fn up(&mut self, target: &str) -> (bool, bool) {
        self.change(target, State::Down, State::Up)
    }

    fn cut_off(&mut self, change: CutOffChange) {
        let mut notice = Notice {
            at: self.wall(),
            what: What::CutOff {
                change,
                failing: 60,
                in_use: 100,
            },
        };
        self.alerts.take(self.time(), self.wall(), &mut notice);
    }

    fn tick(&mut self) {
        self.alerts.tick(self.time(), self.wall());
    }

    fn next(&mut self) -> Delivery {
        self.alerts.next(0, self.time())
    }

    /// What is to be sent now.
    #[track_caller]
    fn sending(&mut self) -> Vec<Message> {
        match self.next() {
            Delivery::Messages(messages) => messages,
            other => panic!("{other:?}"),
        }
    }

    /// Delivers all that can be sent now, as events and targets.
    fn deliver_all(&mut self) -> Vec<String> {
        let mut all = Vec::new();
        while let Delivery::Messages(messages) = self.next() {
            all.extend(messages.iter().map(shown));
            self.alerts.delivered(0, self.time());
        }
        all
    }

    fn fail(&mut self) -> Failed {
        self.alerts.failed(0, self.time(), false)
    }
}

fn shown(message: &Message) -> String {
    match message {
        Message::One(alert) => {
            let target = alert.target.as_deref().unwrap_or("all");
            format!("{} {target}", alert.event.as_str())
        }
        Message::Many(digest) => format!(
            "digest {} down {} up {} listed",
            digest.down,
            digest.up,
            digest.first.len()
        ),
    }
}

fn one(message: &Message) -> &Alert {
    match message {
        Message::One(alert) => alert,
        Message::Many(_) => panic!("one alert"),
    }
}

#[test]
fn a_recovery_follows_its_down_with_the_same_key() {
    let mut bench = Bench::new(WEBHOOK);
    assert_eq!(bench.down("a"), (true, false));
    let [down] = &bench.sending()[..] else {
        panic!("one message")
    };
    let down = one(down).clone();
    bench.alerts.delivered(0, bench.time());
    bench.pass(60_000);
    assert_eq!(bench.up("a"), (true, false));
    let up = one(&bench.sending()[0]).clone();
    assert_eq!((down.event, up.event), (AlertEvent::Down, AlertEvent::Up));
    assert_eq!(down.dedup_key, up.dedup_key);
    assert_eq!(up.summary(), "a is up after 1m 0s down");
    bench.alerts.delivered(0, bench.time());
    // The next time has another.
    bench.pass(60_000);
    bench.down("a");
    assert_ne!(one(&bench.sending()[0]).dedup_key, down.dedup_key);
}

#[test]
fn one_that_goes_down_twice_without_coming_up_is_one_alert() {
    let mut bench = Bench::new(WEBHOOK);
    assert_eq!(bench.down("a"), (true, false));
    assert_eq!(
        bench.change("a", State::Flapping, State::Down),
        (false, false)
    );
    assert_eq!(bench.deliver_all(), ["down a"]);
}

#[test]
fn what_fails_is_tried_again_ever_more_slowly_and_keeps_the_order() {
    let mut bench = Bench::new(WEBHOOK);
    bench.down("a");
    bench.up("a");
    let mut waits = Vec::new();
    for failures in 1..=11 {
        let sending = bench.sending();
        assert_eq!(sending.iter().map(shown).collect::<Vec<_>>(), ["down a"]);
        assert_eq!(bench.fail(), Failed::Retried(failures));
        let Delivery::At(at) = bench.next() else {
            panic!("it waits")
        };
        let wait = at.since(bench.time());
        bench.now += wait;
        waits.push(wait.as_secs());
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    assert_eq!(bench.deliver_all(), ["down a", "up a"]);
}

#[test]
fn what_is_refused_for_ever_does_not_hold_up_the_rest() {
    let mut bench = Bench::new(WEBHOOK);
    bench.down("a");
    bench.up("a");
    for failures in 1..=4 {
        bench.sending();
        assert_eq!(
            bench.alerts.failed(0, bench.time(), true),
            Failed::Retried(failures)
        );
        bench.pass(300_000);
    }
    bench.sending();
    assert_eq!(bench.alerts.failed(0, bench.time(), true), Failed::Dropped);
    assert_eq!(bench.deliver_all(), ["up a"]);
}

#[test]
fn an_alert_waits_for_its_state_to_be_kept() {
    let mut bench = Bench::with(WEBHOOK, None, true);
    bench.down("a");
    assert_eq!(bench.next(), Delivery::Idle);
    let (_, number) = bench.alerts.saved();
    bench.down("b");
    bench.alerts.kept(number);
    assert_eq!(bench.deliver_all(), ["down a"]);
    bench.alerts.kept(number + 1);
    assert_eq!(bench.deliver_all(), ["down b"]);
}

#[test]
fn a_crash_changes_no_key_and_loses_no_alert() {
    for intake in [WEBHOOK, ALERTMANAGER] {
        let mut bench = Bench::with(intake, None, true);
        for number in 0..20 {
            bench.down(&number.to_string());
        }
        let (_, number) = bench.alerts.saved();
        bench.alerts.kept(number);
        bench.pass(5_000);
        let before = bench.sending();
        // It was sent, and the crash comes before that is kept.
        bench.restart(intake);
        assert_eq!(bench.sending(), before);
        bench.alerts.delivered(0, bench.time());
        let down_key = match &before[0] {
            Message::One(alert) => alert.dedup_key.clone(),
            Message::Many(digest) => digest.first[0].dedup_key.clone(),
        };
        bench.restart(intake);
        bench.up("0");
        bench.alerts.kept(u64::MAX);
        assert_eq!(one(&bench.sending()[0]).dedup_key, down_key);
    }
}

#[test]
fn a_receiver_that_is_new_is_sent_what_is_down() {
    let mut bench = Bench::new(WEBHOOK);
    bench.down("a");
    bench.down("b");
    bench.deliver_all();
    bench.up("b");
    let (saved, _) = bench.alerts.saved();
    let receivers = ["it", "another"].map(|name| (name.to_owned(), WEBHOOK));
    bench.alerts = Alerts::new(receivers, None, false);
    bench.alerts.restore(bench.time(), saved);
    assert_eq!(bench.deliver_all(), ["up b"]);
    let Delivery::Messages(messages) = bench.alerts.next(1, bench.time()) else {
        panic!("a message")
    };
    assert_eq!(messages.iter().map(shown).collect::<Vec<_>>(), ["down a"]);
    assert_eq!(bench.up("a"), (true, false));
    assert_eq!(
        bench.up("c"),
        (false, false),
        "nothing said that it was down"
    );
}

#[test]
fn many_changes_at_once_are_one_alert() {
    let mut bench = Bench::new(WEBHOOK);
    for number in 0..10 {
        bench.down(&number.to_string());
    }
    assert_eq!(bench.deliver_all().len(), 10);
    bench.pass(4_000);
    for number in 10..100 {
        bench.down(&number.to_string());
    }
    let Delivery::At(at) = bench.next() else {
        panic!("it waits for more")
    };
    assert_eq!(at.since(bench.time()), Duration::from_secs(5));
    bench.pass(5_000);
    bench.up("99");
    let [Message::Many(digest)] = &bench.sending()[..] else {
        panic!("a digest")
    };
    assert_eq!((digest.down, digest.up, digest.more()), (90, 1, 41));
    assert_eq!(digest.first[0].target.as_deref(), Some("10"));
    assert_eq!(digest.first.len(), 50);
    let summary = "91 changes: 90 down, 1 up: 10, 11, 12, 13, 14 and 86 more";
    assert_eq!(digest.summary(), summary);
    let json: serde_json::Value =
        serde_json::from_str(&Message::Many(digest.clone()).json()).unwrap();
    assert_eq!(json["event"], "digest");
    assert_eq!(json["changes"].as_array().unwrap().len(), 50);
    assert_eq!(json["more"], 41);
    // Later ones are alerts of their own again.
    bench.alerts.delivered(0, bench.time());
    bench.pass(6_000);
    bench.down("99");
    assert_eq!(bench.deliver_all(), ["down 99"]);
}

#[test]
fn a_digest_that_may_have_been_seen_does_not_grow() {
    let mut bench = Bench::new(WEBHOOK);
    for number in 0..20 {
        bench.down(&number.to_string());
    }
    bench.pass(5_000);
    let first = bench.sending();
    for number in 20..40 {
        bench.down(&number.to_string());
    }
    bench.fail();
    bench.pass(10_000);
    assert_eq!(bench.sending(), first);
    bench.alerts.delivered(0, bench.time());
    assert_eq!(bench.deliver_all(), ["digest 20 down 0 up 20 listed"]);
}

#[test]
fn a_full_queue_counts_what_it_cannot_hold() {
    let mut bench = Bench::new(WEBHOOK);
    bench.down("first");
    bench.sending();
    for number in 0..3 * MESSAGES_MAX {
        bench.down(&number.to_string());
        bench.pass(1_000);
        assert!(bench.alerts.waiting(0) <= MESSAGES_MAX);
    }
    bench.alerts.delivered(0, bench.time());
    let mut all = bench.deliver_all();
    all.retain(|message| !message.starts_with("down"));
    let folded = (3 * MESSAGES_MAX - all.len()) as u64;
    assert!(folded > 0);
    assert!(all[0].starts_with("digest"), "{all:?}");
    assert_eq!(all.len(), 1);
}

#[test]
fn a_reminder_comes_while_it_is_down_and_none_waits_twice() {
    let mut bench = Bench::with(WEBHOOK, Some(Duration::from_secs(3_600)), false);
    bench.down("a");
    bench.tick();
    assert_eq!(bench.deliver_all(), ["down a"]);
    for _ in 0..2 {
        bench.pass(3_599_000);
        bench.tick();
        assert_eq!(bench.next(), Delivery::Idle);
        bench.pass(1_000);
        bench.tick();
        assert_eq!(bench.deliver_all(), ["reminder a"]);
    }
    // One that could not be sent makes no others, and is dropped once it is up.
    for _ in 0..3 {
        bench.pass(3_600_000);
        bench.tick();
    }
    assert_eq!(bench.alerts.waiting(0), 1);
    bench.up("a");
    assert_eq!(bench.deliver_all(), ["up a"]);
    bench.pass(3_600_000);
    bench.tick();
    assert_eq!(bench.next(), Delivery::Idle);
}

#[test]
fn a_silence_holds_an_alert_back_until_it_is_over() {
    let mut bench = Bench::new(WEBHOOK);
    let until = bench.wall() + Duration::from_secs(60);
    let mut silences = Silences::default();
    let group = SilenceScope::parse("group:mail");
    silences.add(Silence::new(group, until).unwrap());
    bench.alerts.set_silences(silences);
    assert_eq!(bench.down("a"), (false, true));
    assert_eq!(bench.down("b"), (false, true));
    bench.pass(59_000);
    // Nobody was told that it was down.
    assert_eq!(bench.up("b"), (false, true));
    bench.tick();
    assert_eq!(bench.next(), Delivery::Idle);
    bench.pass(1_000);
    bench.tick();
    assert_eq!(bench.deliver_all(), ["down a"]);
    assert_eq!(bench.up("a"), (true, false));
    assert_eq!(bench.deliver_all(), ["up a"]);
}

#[test]
fn a_cut_off_is_one_alert_and_goes_on_over_a_crash() {
    let mut bench = Bench::new(WEBHOOK);
    bench.cut_off(CutOffChange::Began);
    assert!(bench.alerts.is_cut_off());
    let began = one(&bench.sending()[0]).clone();
    assert_eq!(
        began.summary(),
        "most targets fail at once: 60 of 100 targets fail"
    );
    bench.alerts.delivered(0, bench.time());
    bench.restart(WEBHOOK);
    assert!(bench.alerts.is_cut_off());
    bench.cut_off(CutOffChange::Ended);
    let ended = one(&bench.sending()[0]).clone();
    assert_eq!(ended.event, AlertEvent::Back);
    assert_eq!(ended.dedup_key, began.dedup_key);
}

#[test]
fn one_that_is_not_watched_any_more_is_closed() {
    let mut bench = Bench::new(WEBHOOK);
    bench.down("a");
    bench.down("b");
    bench.cut_off(CutOffChange::Began);
    bench.deliver_all();
    bench
        .alerts
        .retain(bench.time(), bench.wall(), |key| key == "a");
    assert_eq!(bench.deliver_all(), ["unwatched b"]);
    assert!(bench.alerts.is_cut_off());
}

#[test]
fn alertmanager_is_sent_what_is_firing_again() {
    let mut bench = Bench::with(ALERTMANAGER, Some(Duration::from_secs(10)), false);
    assert_eq!(bench.next(), Delivery::Idle);
    for number in 0..100 {
        bench.down(&number.to_string());
    }
    let sending = bench.sending();
    assert_eq!(sending.len(), 100, "it makes its own digest");
    bench.alerts.delivered(0, bench.time());
    bench.up("7");
    assert_eq!(bench.deliver_all(), ["up 7"]);
    bench.pass(30_000);
    bench.tick();
    let Delivery::At(at) = bench.next() else {
        panic!("it has no reminders")
    };
    assert_eq!(at.since(bench.time()), Duration::from_secs(30));
    bench.pass(30_000);
    let Delivery::Refresh(alerts) = bench.next() else {
        panic!("a refresh")
    };
    assert_eq!(alerts.len(), 99);
    bench.fail();
    let Delivery::At(at) = bench.next() else {
        panic!("a failure waits")
    };
    assert_eq!(at.since(bench.time()), Duration::from_secs(1));
}
