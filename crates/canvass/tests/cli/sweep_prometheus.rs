//! Prometheus scrapes a sweep, and has the values.

use std::fs;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::common::until;
use crate::nginx::free_port;
use crate::sweep_listen::{Sweep, get};

/// A Prometheus. It is killed when this goes out of scope.
pub(crate) struct Prometheus {
    child: Child,
    address: SocketAddr,
    _directory: TempDir,
}

impl Prometheus {
    /// One that scrapes a sweep.
    fn start(scraped: SocketAddr, more: &[&str]) -> Self {
        Self::start_with(scraped, "", more)
    }

    /// As [`Self::start`], with further lines for each of its jobs.
    pub(crate) fn start_with(scraped: SocketAddr, lines: &str, more: &[&str]) -> Self {
        let job = |name: &str, path: &str| {
            format!(
                "  - job_name: {name}\n    metrics_path: {path}\n    honor_labels: true\n    \
                 {lines}static_configs:\n      - targets: ['{scraped}']\n"
            )
        };
        let configuration = format!(
            "global:\n  scrape_interval: 200ms\n  scrape_timeout: 200ms\nscrape_configs:\n{}{}",
            job("canvass", "/metrics"),
            job("targets", "/metrics/targets")
        );
        Self::configured(&configuration, more)
    }

    pub(crate) fn configured(configuration: &str, more: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("prometheus.yml");
        fs::write(&path, configuration).expect("it can be written");
        let address: SocketAddr = ([127, 0, 0, 1], free_port()).into();
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", path.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                directory.path().join("data").display()
            ))
            .arg(format!("--web.listen-address={address}"))
            .args(more)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("prometheus is installed (scripts/test-deps)");
        Self {
            child,
            address,
            _directory: directory,
        }
    }

    /// The result of an instant query; empty while there is none. Its characters stand in a URL as
    /// they are.
    fn query(&self, query: &str) -> Vec<Value> {
        let body = get(self.address, &format!("/api/v1/query?query={query}"));
        let answer: Value = body
            .and_then(|body| serde_json::from_str(&body).ok())
            .unwrap_or_default();
        answer["data"]["result"]
            .as_array()
            .cloned()
            .unwrap_or_default()
    }

    /// Waits until a query has this many results, and returns them.
    pub(crate) fn wait_for(&self, query: &str, count: usize) -> Vec<Value> {
        let mut results = Vec::new();
        until(query, || {
            results = self.query(query);
            results.len() == count
        });
        results
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The value of the result with this label.
pub(crate) fn value<'a>(results: &'a [Value], label: &str, is: &str) -> &'a str {
    let one = results.iter().find(|result| result["metric"][label] == is);
    one.and_then(|one| one["value"][1].as_str())
        .unwrap_or_else(|| panic!("{label}={is} is missing in {results:?}"))
}

#[test]
fn prometheus_has_the_values_of_targets() {
    let sweep = Sweep::start();
    let prometheus = Prometheus::start(sweep.address, &[]);
    let successes = prometheus.wait_for("probe_success", 2);
    assert_eq!(value(&successes, "target", &sweep.open), "1");
    assert_eq!(value(&successes, "target", &sweep.closed), "0");
    // The label is the sweep's, not that of the scrape.
    assert!(successes.iter().all(|one| one["metric"]["module"] == "tcp"));
    let states = prometheus.wait_for("canvass_target_state==1", 2);
    assert_eq!(value(&states, "state", "up"), "1");
    assert_eq!(value(&states, "state", "down"), "1");
    prometheus.wait_for("canvass_group_probe_duration_seconds_count", 1);
    prometheus.wait_for("canvass_build_info", 1);
}

#[test]
fn prometheus_with_native_histograms_has_them() {
    let sweep = Sweep::start();
    let native = ["--enable-feature=native-histograms"];
    let prometheus = Prometheus::start(sweep.address, &native);
    let successes = prometheus.wait_for("probe_success", 2);
    assert_eq!(value(&successes, "target", &sweep.open), "1");
    assert_eq!(value(&successes, "target", &sweep.closed), "0");
    // A native histogram is one series under the plain name.
    for histogram in [
        "canvass_group_probe_duration_seconds",
        "canvass_round_lag_seconds",
    ] {
        let results = prometheus.wait_for(histogram, 1);
        assert!(results[0]["histogram"].is_array(), "{results:?}");
    }
    let rounds = prometheus.wait_for("canvass_rounds_total", 3);
    assert_eq!(value(&rounds, "fate", "missed"), "0");
}
