//! What a round trip takes without a queue, and when answers are due.

use std::time::Duration;

use crate::upstream::epoch::Epoch;

/// The first answers, whose median has to do until an epoch is judged.
const ANSWERED_FIRST: u32 = 8;
/// The fewest answers whose median is significant.
const ANSWERED_MIN: u32 = 16;
/// Answers that may queue at the peer, in packets, before the queue counts as its limit.
const QUEUE_MAX: f64 = 256.0;
/// Answers are queued if they take longer than three times the usual time and this. The usual time
/// is the least of many, so that of a resolver whose answers vary is lower than most.
const QUEUE_SPAN: Duration = Duration::from_millis(10);
/// The same on streams, whose answers also wait for this side to read them: a busy loop comes to a
/// stream late.
const QUEUE_SPAN_STREAM: Duration = Duration::from_millis(25);
/// How many times the least one the usual time of a stream may become: more is a queue of our own.
const STREAM_TIMES_MAX: u64 = 4;
/// The answers of an epoch are due when a round trip and a quarter has passed, or the time within
/// which most were answered, and this.
const DUE_MARGIN: Duration = Duration::from_millis(2);
const MOST_PERCENTAGE: u32 = 90;
const MOST_MEDIANS_MAX: u64 = 4;

/// What a round trip takes without a queue.
#[derive(Debug)]
pub(super) struct UsualTime {
    datagrams: bool,
    /// The least median of an epoch, in ns.
    median_ns: Option<u64>,
    /// The least that it ever was.
    least_ns: Option<u64>,
    /// Whether that is of an epoch that was judged.
    is_settled: bool,
    /// Answers counted as the first ones.
    answered_first: u32,
    /// The time within which most round trips of the last epoch ended, in ns.
    most_ns: u64,
}

impl UsualTime {
    /// Of datagrams, or of queries on streams.
    pub(super) fn new(datagrams: bool) -> Self {
        Self {
            datagrams,
            median_ns: None,
            least_ns: None,
            is_settled: false,
            answered_first: 0,
            most_ns: 0,
        }
    }

    /// In ns; `None` until there was an answer.
    pub(super) fn median_ns(&self) -> Option<u64> {
        self.median_ns
    }

    /// How long after the end of an epoch most of its answers are due.
    pub(super) fn due(&self) -> Option<Duration> {
        let median_ns = self.median_ns?;
        let most_ns = self.most_ns.clamp(median_ns, median_ns * MOST_MEDIANS_MAX);
        let due_ns = most_ns.max(median_ns + median_ns / 4);
        Some(Duration::from_nanos(due_ns) + DUE_MARGIN)
    }

    /// An answer was received in this epoch. Until one is judged, the median of the first answers
    /// has to do: later ones may have waited for those before them.
    pub(super) fn on_answer(&mut self, epoch: &Epoch) {
        if !self.is_settled && self.answered_first < ANSWERED_FIRST {
            self.answered_first += 1;
            self.median_ns = epoch.round_trips.median_ns();
            self.learn_most(epoch);
        }
    }

    /// An epoch is judged.
    pub(super) fn learn(&mut self, epoch: &Epoch) {
        self.learn_most(epoch);
        if epoch.answered < ANSWERED_MIN {
            return;
        }
        // That of the first answers is a rough one. On a stream it is kept if it is lower: the later
        // ones may have waited in line.
        let is_kept = self.is_settled || !self.datagrams;
        let known = self.median_ns.filter(|_| is_kept);
        let median = epoch.round_trips.median_ns();
        self.median_ns = known.into_iter().chain(median).min();
        self.least_ns = self.least_ns.into_iter().chain(self.median_ns).min();
        self.is_settled = true;
    }

    /// It is another from now on, if it is known.
    pub(super) fn set(&mut self, median_ns: Option<u64>) {
        let Some(mut median_ns) = median_ns else {
            return;
        };
        if !self.datagrams {
            let least_ns = *self.least_ns.get_or_insert(median_ns);
            median_ns = median_ns.min(least_ns * STREAM_TIMES_MAX);
        }
        self.median_ns = Some(median_ns);
    }

    fn learn_most(&mut self, epoch: &Epoch) {
        if let Some(most_ns) = epoch.round_trips.percentile_ns(MOST_PERCENTAGE) {
            self.most_ns = most_ns;
        }
    }

    /// Whether answers that took this long had queued up, with so many delivered per second.
    pub(super) fn is_exceeded_by(&self, median_ns: Option<u64>, delivered: f64) -> bool {
        let (Some(median_ns), Some(usual_ns)) = (median_ns, self.median_ns) else {
            return false;
        };
        let over_ns = median_ns.saturating_sub(usual_ns);
        let in_line = delivered * over_ns as f64 / 1e9;
        let span = if self.datagrams {
            QUEUE_SPAN
        } else {
            QUEUE_SPAN_STREAM
        };
        over_ns > usual_ns * 2 + span.as_nanos() as u64
            || self.datagrams && in_line > QUEUE_MAX && over_ns > usual_ns
    }

    /// Whether answers took more than twice as long.
    pub(super) fn is_doubled_by(&self, median_ns: Option<u64>) -> bool {
        matches!((median_ns, self.median_ns), (Some(median), Some(usual)) if median > usual * 2)
    }
}
