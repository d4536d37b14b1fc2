//! The progress of a run on standard error.

use std::cell::Cell;
use std::io;
use std::time::{Duration, Instant};

use canvass_model::Verdict;
use canvass_run::Snapshot;
use jiff::SignedDuration;

use crate::message::message;
use crate::{screen, terminal};

/// The interval at which the line is drawn.
pub(crate) const INTERVAL: Duration = Duration::from_millis(250);
/// The interval of lines where none can be drawn.
const LINE_INTERVAL: Duration = Duration::from_secs(10);
/// No longer time is estimated, in seconds.
const LEFT_MAX_S: f64 = 1e8;

/// The progress of a run: done, rate, estimated time left, verdicts, in flight.
pub(crate) enum Progress {
    /// A line on a terminal that is drawn again and again.
    Drawn,
    /// Lines in a file, the last one at this time.
    Lines(Cell<Option<Instant>>),
}

impl Progress {
    pub(crate) fn new() -> Self {
        match terminal::moves_cursor(&io::stderr()) {
            true => Self::Drawn,
            false => Self::Lines(Cell::default()),
        }
    }

    /// Draws the line, or writes one if it is time. A run that is stopping has no time left.
    pub(crate) fn show(&self, run: &Snapshot, is_stopping: bool) {
        let parts = Parts::of(run, is_stopping);
        match self {
            Self::Drawn => screen::draw(parts.line(terminal::columns(io::stderr()) - 1)),
            Self::Lines(last) => {
                let is_due = |last: Instant| last.elapsed() >= LINE_INTERVAL;
                if last.get().is_none_or(is_due) {
                    last.set(Some(Instant::now()));
                    message(parts.line(usize::MAX));
                }
            }
        }
    }

    /// Removes the line.
    pub(crate) fn clear(&self) {
        screen::erase();
    }
}

/// The parts of the line in order. Those with the highest rank are left out first, those with 0 never.
struct Parts(Vec<(u8, String)>);

impl Parts {
    fn of(run: &Snapshot, is_stopping: bool) -> Self {
        let (done, rate) = (run.tally.total(), run.rate_per_second);
        let total = run.total.or(run.total_estimated);
        let of = |total: u64| {
            let about = if run.total.is_some() { "" } else { "about " };
            format!("{done} of {about}{total} done")
        };
        let mut parts = vec![
            (0, total.map_or_else(|| format!("{done} done"), of)),
            (1, format!("{rate:.0}/s")),
        ];
        if let Some(total) = total {
            let percent = done.min(total) as f64 * 100.0 / total.max(1) as f64;
            parts.push((8, format!("{percent:.0} %")));
        }
        if let (Some(total), false) = (total, is_stopping || rate <= 0.0) {
            let left_s = (total.saturating_sub(done) as f64 / rate).min(LEFT_MAX_S);
            let left = SignedDuration::from_secs(left_s.ceil() as i64);
            parts.push((2, format!("{left:#} left")));
        }
        let ranks = [
            (Verdict::Answered, 6),
            (Verdict::Negative, 5),
            (Verdict::Failed, 3),
        ];
        for (verdict, rank) in ranks {
            let number = run.tally.verdict(verdict);
            parts.push((rank, format!("{number} {}", verdict.as_str())));
        }
        if run.parked > 0 {
            parts.push((4, format!("{} parked", run.parked)));
        }
        parts.push((7, format!("{} in flight", run.in_flight)));
        Self(parts)
    }

    /// The line, of as many parts as it has room for.
    fn line(mut self, columns_max: usize) -> String {
        loop {
            let line = self.0.iter().map(|(_, text)| &**text).collect::<Vec<_>>();
            let line = line.join(", ");
            let rank = self.0.iter().map(|(rank, _)| *rank).max().unwrap_or(0);
            if line.len() <= columns_max || rank == 0 {
                return line;
            }
            self.0.retain(|(other, _)| *other != rank);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_important_parts_are_left_out_first() {
        let parts = |columns_max| {
            let parts = [
                (0, "5 of 9 done"),
                (1, "3/s"),
                (3, "0 failed"),
                (2, "2s left"),
            ];
            Parts(parts.map(|(rank, text)| (rank, text.to_owned())).into()).line(columns_max)
        };
        for (columns_max, line) in [
            (35, "5 of 9 done, 3/s, 0 failed, 2s left"),
            (34, "5 of 9 done, 3/s, 2s left"),
            (20, "5 of 9 done, 3/s"),
            (3, "5 of 9 done"),
        ] {
            assert_eq!(parts(columns_max), line);
        }
    }
}
