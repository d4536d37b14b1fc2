//! The live line on a terminal.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use canvass_queue::Ledger;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::collector::Counters;

/// How often the line is drawn.
pub const INTERVAL: Duration = Duration::from_millis(250);
/// How fast the rate forgets, a drawing.
const RATE_WEIGHT: f64 = 0.3;

/// The live line: rate, done, in flight, how it went, how long it will take.
pub struct Progress {
    bar: ProgressBar,
    counters: Arc<Counters>,
    ledger: Arc<Ledger>,
    total: Option<u64>,
    last: (Instant, u64),
    rate: Option<f64>,
}

impl Progress {
    pub fn new(total: Option<u64>, counters: Arc<Counters>, ledger: Arc<Ledger>) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{msg}") {
            bar.set_style(style);
        }
        Self {
            bar,
            counters,
            ledger,
            total,
            last: (Instant::now(), 0),
            rate: None,
        }
    }

    /// Draws the line anew.
    pub fn draw(&mut self) {
        let [answered, negative, failed] = [
            &self.counters.answered,
            &self.counters.negative,
            &self.counters.failed,
        ]
        .map(|counter| counter.load(Ordering::Relaxed));
        let done = answered + negative + failed;
        let (before, done_before) = self.last;
        let span_s = before.elapsed().as_secs_f64();
        if span_s > 0.0 {
            let now = done.saturating_sub(done_before) as f64 / span_s;
            self.rate = Some(
                self.rate
                    .map_or(now, |rate| rate + (now - rate) * RATE_WEIGHT),
            );
            self.last = (Instant::now(), done);
        }
        let rate = self.rate.unwrap_or(0.0);
        let of = self
            .total
            .map_or_else(String::new, |total| format!(" of {total}"));
        let eta = match self.total {
            Some(total) if rate > 0.0 => {
                let left_s = total.saturating_sub(done) as f64 / rate;
                format!(
                    ", {} left",
                    indicatif::HumanDuration(Duration::from_secs_f64(left_s.min(1e9)))
                )
            }
            _ => String::new(),
        };
        let in_flight = self.ledger.in_flight();
        self.bar.set_message(format!(
            "{rate:.0}/s, {done}{of} done, {in_flight} in flight: \
             {answered} answered, {negative} negative, {failed} failed{eta}"
        ));
        self.bar.tick();
    }

    /// Takes the line away.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}
