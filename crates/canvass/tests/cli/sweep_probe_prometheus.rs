//! Prometheus scrapes `/probe` with the relabelling that is usual for blackbox_exporter.

use std::net::SocketAddr;

use crate::exporter_rig::{Exporter, ModulesFile};
use crate::nginx::Nginx;
use crate::peers::closed_port;
use crate::sweep_prometheus::{Prometheus, value};

const MODULES: &str = "modules: {http_2xx: {prober: http, timeout: 5s}}";

fn configuration(exporter: SocketAddr, targets: &[&str]) -> String {
    let targets = targets.join("', '");
    format!(
        "global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: blackbox
    metrics_path: /probe
    params: {{module: [http_2xx]}}
    static_configs:
      - targets: ['{targets}']
    relabel_configs:
      - source_labels: [__address__]
        target_label: __param_target
      - source_labels: [__param_target]
        target_label: instance
      - target_label: __address__
        replacement: {exporter}
"
    )
}

/// Prometheus asks for text, or for protobuf with native histograms.
fn assert_prometheus_has_the_values(more: &[&str]) {
    let nginx = Nginx::start();
    let (good, bad) = (
        nginx.url("127.0.0.1", "/page"),
        nginx.url("127.0.0.1", "/none"),
    );
    let closed = format!("http://{}/", closed_port());
    let modules = ModulesFile::new(MODULES);
    let exporter = Exporter::start(&modules.path(), &[]);
    let configuration = configuration(exporter.address, &[&good, &bad, &closed]);
    let prometheus = Prometheus::configured(&configuration, more);
    let successes = prometheus.wait_for("probe_success", 3);
    for (target, success) in [(&good, "1"), (&bad, "0"), (&closed, "0")] {
        assert_eq!(value(&successes, "instance", target), success, "{target}");
    }
    let statuses = prometheus.wait_for("probe_http_status_code", 3);
    for (target, status) in [(&good, "200"), (&bad, "404"), (&closed, "0")] {
        assert_eq!(value(&statuses, "instance", target), status, "{target}");
    }
    let phases = "probe_http_duration_seconds{phase=\"connect\"}";
    prometheus.wait_for(phases, 3);
    // It was the exporter that was scraped, without an error.
    let up = prometheus.wait_for("up", 3);
    assert_eq!(value(&up, "instance", &closed), "1");
}

#[test]
fn prometheus_has_the_values_of_probes() {
    assert_prometheus_has_the_values(&[]);
}

#[test]
fn prometheus_with_native_histograms_has_the_values_of_probes() {
    assert_prometheus_has_the_values(&["--enable-feature=native-histograms"]);
}
