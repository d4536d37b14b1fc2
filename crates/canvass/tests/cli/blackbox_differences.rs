//! Where canvass differs from blackbox_exporter 0.23, and why.

/// Times, which are never the same.
pub(crate) const TIMES: [&str; 4] = [
    "probe_dns_duration_seconds",
    "probe_dns_lookup_time_seconds",
    "probe_duration_seconds",
    "probe_http_duration_seconds",
];

/// Gauges that blackbox_exporter has since 0.26 and 0.28.
pub(crate) const ADDED: [&str; 2] = ["probe_tls_cipher_info", "probe_failed_due_to_bytes"];

/// A difference of one module.
pub(crate) struct Known {
    pub module: &'static str,
    /// How the series begin.
    pub series: &'static str,
}

/// Each difference, with its reason.
pub(crate) const KNOWN: [Known; 4] = [
    // Since 0.28 the gauge is there once there is a connection.
    Known {
        module: "tls_connect",
        series: "probe_failed_due_to_regex",
    },
    Known {
        module: "tcp_connect_example",
        series: "probe_failed_due_to_regex",
    },
    Known {
        module: "tcp_ip4",
        series: "probe_failed_due_to_regex",
    },
    // A body that is not compressed, since the module does not ask for that, is a failure for both.
    // blackbox_exporter counts what its decompressor has not taken from it.
    Known {
        module: "http_gzip",
        series: "probe_http_uncompressed_body_length",
    },
];
