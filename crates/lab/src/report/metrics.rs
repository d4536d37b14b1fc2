//! Counters and delay histograms that one thread writes and any thread reads.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::histogram::{Histogram, HistogramSummary};

/// An enum of counters, declared with [`counters!`].
pub(crate) trait Counter: Copy {
    /// The number of counters.
    const COUNT: usize;
    /// Counts what could not be sent.
    const SEND_ERRORS: Self;

    fn index(self) -> usize;
}

/// The counters and histograms of a running server. Only one thread may write.
#[derive(Debug)]
pub(crate) struct Metrics<C> {
    counts: Box<[AtomicU64]>,
    delay: Histogram,
    delay_error: Histogram,
    counter: PhantomData<C>,
}

impl<C: Counter> Metrics<C> {
    pub(crate) fn new() -> Self {
        Self {
            counts: (0..C::COUNT).map(|_| AtomicU64::new(0)).collect(),
            delay: Histogram::new(),
            delay_error: Histogram::new(),
            counter: PhantomData,
        }
    }

    pub(crate) fn add(&self, counter: C) {
        self.add_many(counter, 1);
    }

    pub(crate) fn add_many(&self, counter: C, many: u64) {
        // A load and a store suffice because there is only one writer.
        let count = &self.counts[counter.index()];
        count.store(count.load(Ordering::Relaxed) + many, Ordering::Relaxed);
    }

    pub(crate) fn count(&self, counter: C) -> u64 {
        self.counts[counter.index()].load(Ordering::Relaxed)
    }

    /// Records the delay that was applied, and the one that was planned.
    pub(crate) fn add_delay(&self, applied: Duration, planned: Duration) {
        self.delay.record(applied);
        self.delay_error.record(applied.abs_diff(planned));
    }

    /// The delays that were applied, and by how much they differed from those planned.
    pub(crate) fn delays(&self) -> [HistogramSummary; 2] {
        [&self.delay, &self.delay_error].map(Histogram::summary)
    }
}

/// Declares an enum of counters and the struct of their values in a report. Each counter has its
/// variant, its field, its label in the printed report and, where it differs, the label for a
/// count of 1.
macro_rules! counters {
    (
        $(#[$counter_doc:meta])* $Counter:ident;
        $(#[$counts_doc:meta])* $Counts:ident;
        $($(#[$doc:meta])* $variant:ident, $field:ident, $label:literal $(, $one:literal)?;)*
    ) => {
        $(#[$counter_doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum $Counter { $($variant),* }

        impl $crate::report::Counter for $Counter {
            const COUNT: usize = [$(Self::$variant),*].len();
            const SEND_ERRORS: Self = Self::SendErrors;

            fn index(self) -> usize {
                self as usize
            }
        }

        $(#[$counts_doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $Counts { $($(#[$doc])* pub $field: u64),* }

        impl $Counts {
            fn read(metrics: &$crate::report::Metrics<$Counter>) -> Self {
                Self { $($field: metrics.count($Counter::$variant)),* }
            }

            /// The counters that are not zero, each with its label.
            fn labelled(&self) -> impl Iterator<Item = (u64, &'static str)> {
                [$({
                    let label = $label;
                    $(let label = if self.$field == 1 { $one } else { label };)?
                    (self.$field, label)
                }),*]
                .into_iter()
                .filter(|(count, _)| *count > 0)
            }
        }
    };
}

pub(super) use counters;
