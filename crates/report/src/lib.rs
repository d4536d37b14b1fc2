//! Outcomes out: line formats, latency histograms, the summary.
