//! Whether a target is up: thresholds, second opinions, flapping.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use crate::evidence::Evidence;

/// The number of rounds over which changes between up and down are counted.
const FLAP_ROUNDS: u32 = 40;
/// The number of changes among them from which a target is flapping.
const FLAP_CHANGES_MIN: u32 = 6;
/// The number of rounds without a change after which it is not any more.
const QUIET_ROUNDS: u32 = 20;

/// The state of a target.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It has not been probed often enough, or what its probes need has failed.
    #[default]
    Unknown,
    /// It answers as expected.
    Up,
    /// It does not, and a second opinion has confirmed that.
    Down,
    /// It changes so often that neither is worth an alert.
    Flapping,
}

impl State {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Unknown, Self::Up, Self::Down, Self::Flapping];

    /// The keyword in output lines and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Up => "up",
            Self::Down => "down",
            Self::Flapping => "flapping",
        }
    }
}

/// How many rounds in a row change the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// Bad ones before a second opinion decides whether the target is down.
    pub down: NonZeroU32,
    /// Good ones before a target that was down is up.
    pub up: NonZeroU32,
}

impl Default for Thresholds {
    /// 3 to go down, 2 to come up.
    fn default() -> Self {
        const fn rounds(number: u32) -> NonZeroU32 {
            NonZeroU32::new(number).expect("not zero")
        }
        Self {
            down: rounds(3),
            up: rounds(2),
        }
    }
}

/// The state of one target, and what led to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tracker {
    /// Whether it is up or down, or neither is known, whether or not it is flapping.
    base: State,
    is_flapping: bool,
    /// When the state last changed, in nanoseconds since 1970 (UTC).
    since_unix_ns: Option<u64>,
    /// Good rounds in a row, or bad ones, or those without evidence.
    good: u32,
    bad: u32,
    unclear: u32,
    /// A second opinion from before a restart is asked for again.
    #[serde(skip)]
    opinion: Opinion,
    /// The latest rounds, a bit each: whether the target went up or down in it.
    changes: u64,
    reason: Option<Box<str>>,
}

/// The second opinion of a target whose last rounds were bad.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Opinion {
    /// It has not been asked for.
    #[default]
    None,
    /// It is waited for.
    Asked,
    /// It was bad too.
    Bad,
}

/// What follows from a round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing.
    Stay,
    /// A second opinion is needed before the target can be down.
    Confirm,
    /// Its state has changed.
    Change(Change),
}

/// A change of state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The state before.
    pub from: State,
    /// The state now.
    pub to: State,
    /// Why, if it is not good.
    pub reason: Option<Box<str>>,
}

impl Tracker {
    /// The state.
    pub fn state(&self) -> State {
        if self.is_flapping {
            State::Flapping
        } else {
            self.base
        }
    }

    /// When the state last changed, in nanoseconds since 1970 (UTC).
    pub fn since_unix_ns(&self) -> Option<u64> {
        self.since_unix_ns
    }

    /// Why the last round was not good.
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// Whether the last round was bad though the target is not down.
    pub fn is_suspect(&self) -> bool {
        (self.bad > 0 || self.unclear > 0) && self.base != State::Down
    }

    /// Takes the result of a round. While `is_held`, no second opinion is asked for, and the target
    /// does not go down.
    ///
    /// The second opinion is asked for one round before the last that a target needs to be down, so
    /// that its time does not add to theirs.
    pub fn round(
        &mut self,
        now_unix_ns: u64,
        evidence: Evidence,
        thresholds: &Thresholds,
        is_held: bool,
    ) -> Step {
        self.changes = (self.changes << 1) & ((1 << FLAP_ROUNDS) - 1);
        match evidence {
            Evidence::Good => {
                (self.good, self.bad, self.unclear) = (self.good.saturating_add(1), 0, 0);
                self.opinion = Opinion::None;
                self.reason = None;
            }
            Evidence::Bad(reason) => {
                (self.good, self.bad, self.unclear) = (0, self.bad.saturating_add(1), 0);
                self.reason = Some(reason);
            }
            Evidence::None(_, reason) => {
                self.good = 0;
                self.unclear = self.unclear.saturating_add(1);
                self.reason = Some(reason);
            }
        }
        let is_up = match self.base {
            State::Down => self.good >= thresholds.up.get(),
            _ => self.good > 0,
        };
        if is_up {
            return self.enter(now_unix_ns, State::Up);
        }
        if self.unclear >= thresholds.down.get() {
            return self.enter(now_unix_ns, State::Unknown);
        }
        if self.base == State::Down || self.unclear > 0 || is_held {
            return self.enter(now_unix_ns, self.base);
        }
        let opinion_at = thresholds.down.get().saturating_sub(1).max(1);
        match self.opinion {
            Opinion::None if self.bad >= opinion_at => {
                self.opinion = Opinion::Asked;
                Step::Confirm
            }
            Opinion::Bad if self.bad >= thresholds.down.get() => {
                self.enter(now_unix_ns, State::Down)
            }
            _ => self.enter(now_unix_ns, self.base),
        }
    }

    /// Takes the second opinion, which says nothing if the target has answered meanwhile.
    pub fn opinion(
        &mut self,
        now_unix_ns: u64,
        evidence: Evidence,
        thresholds: &Thresholds,
    ) -> Step {
        if self.opinion != Opinion::Asked {
            return Step::Stay;
        }
        self.opinion = Opinion::None;
        match evidence {
            Evidence::Bad(reason) => {
                self.opinion = Opinion::Bad;
                if self.bad < thresholds.down.get() {
                    return Step::Stay;
                }
                self.reason = Some(reason);
                self.enter(now_unix_ns, State::Down)
            }
            // The rounds were bad only under the load of the sweep, or by one resolver.
            Evidence::Good => {
                self.bad = 0;
                Step::Stay
            }
            Evidence::None(..) => Step::Stay,
        }
    }

    fn enter(&mut self, now_unix_ns: u64, base: State) -> Step {
        let from = self.state();
        if self.base != base {
            let is_known = |state| matches!(state, State::Up | State::Down);
            self.changes |= u64::from(is_known(self.base) && is_known(base));
            self.base = base;
            self.opinion = Opinion::None;
        }
        self.is_flapping = if self.is_flapping {
            self.changes & ((1 << QUIET_ROUNDS) - 1) != 0
        } else {
            self.changes.count_ones() >= FLAP_CHANGES_MIN
        };
        let to = self.state();
        if from == to {
            return Step::Stay;
        }
        self.since_unix_ns = Some(now_unix_ns);
        Step::Change(Change {
            from,
            to,
            reason: self.reason.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Blame;

    /// Feeds rounds (`+` good, `-` bad, `?` unclear) and opinions (`y` good, `n` bad, `u` unclear),
    /// and writes what follows: `.` nothing, `c` confirm, or the first letter of the new state.
    fn run(tracker: &mut Tracker, rounds: &str) -> String {
        let thresholds = Thresholds::default();
        rounds
            .chars()
            .map(|round| {
                let bad = || Evidence::Bad("no".into());
                let none = || Evidence::None(Blame::Resolver, "resolver".into());
                let mut take = |evidence| tracker.round(0, evidence, &thresholds, false);
                let step = match round {
                    '+' => take(Evidence::Good),
                    '-' => take(bad()),
                    '?' => take(none()),
                    'y' => tracker.opinion(0, Evidence::Good, &thresholds),
                    'n' => tracker.opinion(0, bad(), &thresholds),
                    _ => tracker.opinion(0, none(), &thresholds),
                };
                match step {
                    Step::Stay => '.',
                    Step::Confirm => 'c',
                    Step::Change(change) => change.to.as_str().chars().next().unwrap(),
                }
            })
            .collect()
    }

    #[test]
    fn the_state_follows_thresholds_and_opinions() {
        for (rounds, steps, what) in [
            ("+", "u", "the first answer is enough to be up"),
            ("+-+-+-+", "u......", "a bad round now and then is noise"),
            ("+--+--+", "u.c..c.", "two in a row are too"),
            ("+--n-", "u.c.d", "three and a second opinion are not"),
            ("+---n", "u.c.d", "the opinion may come last"),
            ("--n-", ".c.d", "a target that was never up can be down"),
            ("+--y-", "u.c..", "a good opinion starts the count anew"),
            ("+--y--n-", "u.c..c.d", "but only once"),
            ("+--n+-", "u.c...", "an opinion is of the rounds before it"),
            ("+--u-n", "u.c.cd", "an unclear opinion is asked for again"),
            ("+----n", "u.c..d", "one opinion at a time"),
            (
                "+--+n",
                "u.c..",
                "a target that answered meanwhile is not down",
            ),
            ("+--n-+-++", "u.c.d...u", "two good rounds bring it back"),
            ("+--n----", "u.c.d...", "down is down"),
            ("+??+", "u...", "a resolver that hiccups says nothing"),
            (
                "+???+",
                "u..uu",
                "one that stays away says that nothing is known",
            ),
            (
                "+--?-n",
                "u.c..d",
                "bad rounds around an unclear one count on",
            ),
        ] {
            // Up and unknown begin with the same letter, and are told apart by the tests below.
            assert_eq!(run(&mut Tracker::default(), rounds), steps, "{what}");
        }
    }

    #[test]
    fn what_is_unclear_for_long_is_unknown_and_not_down() {
        let mut tracker = Tracker::default();
        run(&mut tracker, "+???");
        assert_eq!(tracker.state(), State::Unknown);
        assert_eq!(tracker.reason(), Some("resolver"));
        run(&mut tracker, "+");
        assert_eq!(tracker.state(), State::Up);
    }

    #[test]
    fn a_target_that_changes_all_the_time_is_flapping_until_it_stops() {
        let mut tracker = Tracker::default();
        // Single bad rounds are no changes.
        let steps = run(&mut tracker, &"+-".repeat(50));
        assert_eq!(
            steps.trim_start_matches('u').trim_matches('.'),
            "",
            "{steps}"
        );
        let steps = run(&mut tracker, &"--n-++".repeat(4));
        assert_eq!(steps.matches('d').count(), 3, "{steps}");
        assert_eq!(steps.matches('u').count(), 2, "{steps}");
        assert_eq!(steps.matches('f').count(), 1, "{steps}");
        assert_eq!(tracker.state(), State::Flapping);
        let steps = run(&mut tracker, &"+".repeat(20));
        assert_eq!(steps.matches('u').count(), 1, "{steps}");
        assert_eq!(tracker.state(), State::Up);
    }

    #[test]
    fn nothing_is_confirmed_while_it_is_held() {
        let (mut tracker, thresholds) = (Tracker::default(), Thresholds::default());
        for _ in 0..9 {
            let bad = Evidence::Bad("no".into());
            let step = tracker.round(0, bad, &thresholds, true);
            assert_eq!(step, Step::Stay);
        }
        assert_eq!(run(&mut tracker, "-n"), "cd");
    }

    #[test]
    fn a_single_bad_round_can_be_the_limit() {
        let mut tracker = Tracker::default();
        let thresholds = Thresholds {
            down: NonZeroU32::MIN,
            ..Thresholds::default()
        };
        let bad = || Evidence::Bad("no".into());
        let step = tracker.round(0, bad(), &thresholds, false);
        assert_eq!(step, Step::Confirm);
        tracker.opinion(0, bad(), &thresholds);
        assert_eq!(tracker.state(), State::Down);
    }
}
