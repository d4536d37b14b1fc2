//! The progress line on a terminal.

use std::time::Duration;

use canvass_model::Verdict;
use canvass_run::Snapshot;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// The interval at which the line is drawn.
pub(crate) const INTERVAL: Duration = Duration::from_millis(250);

/// The progress line: rate, done, in flight, verdicts, estimated time left.
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    pub(crate) fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{msg}") {
            bar.set_style(style);
        }
        Self { bar }
    }

    /// Redraws the line.
    pub(crate) fn draw(&self, run: &Snapshot) {
        let [answered, negative, failed] = Verdict::ALL.map(|verdict| run.tally.verdict(verdict));
        let (done, rate) = (run.tally.total(), run.rate_per_second);
        let total = run.total.or(run.total_estimated);
        let of = total.map_or_else(String::new, |total| {
            let about = if run.total.is_some() { "" } else { "about " };
            let percent = done.min(total) as f64 * 100.0 / total.max(1) as f64;
            format!(" of {about}{total} ({percent:.0} %)")
        });
        let eta = match total {
            Some(total) if rate > 0.0 => {
                let left_s = total.saturating_sub(done) as f64 / rate;
                format!(
                    ", {} left",
                    indicatif::HumanDuration(Duration::from_secs_f64(left_s.min(1e9)))
                )
            }
            _ => String::new(),
        };
        let in_flight = run.in_flight;
        let parked = match run.parked {
            0 => String::new(),
            parked => format!(", {parked} parked"),
        };
        self.bar.set_message(format!(
            "{rate:.0}/s, {done}{of} done, {in_flight} in flight: \
             {answered} answered, {negative} negative, {failed} failed{parked}{eta}"
        ));
        self.bar.tick();
    }

    /// Removes the line.
    pub(crate) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}
