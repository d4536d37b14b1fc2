//! `canvass sweep --modules --listen`: probes on request.

use std::net::TcpListener;

use crate::blackbox_rig::Bench;
use crate::common::{LabChild, canvass, until};
use crate::exporter_rig::{Exporter, ModulesFile, begin, get};
use crate::nginx::Nginx;
use crate::peers::closed_port;
use crate::sweep_listen::{Sweep, assert_promtool_accepts};
use crate::sweep_rig::{Files, INTERVAL_MS, due_us};

const MODULES: &str = "
modules:
  http_2xx: {prober: http, timeout: 5s}
  tcp: {prober: tcp, timeout: 5s}
  dns: {prober: dns, dns: {query_name: www.lab.test, query_type: A}}
  patient: {prober: tcp, timeout: 110s, tcp: {query_response: [{expect: never}]}}
  secret:
    prober: http
    http:
      headers: {Host: a.test, X-Key: hunter2}
      basic_auth: {username: me, password: hunter2}
      proxy_url: http://me:hunter2@127.0.0.1:9
      body: hunter2
";

#[test]
fn refusals_are_those_of_blackbox_exporter() {
    let bench = Bench::new("unused");
    for (path, fields) in [
        ("/probe", ""),
        ("/probe?module=nothing&target=a", ""),
        (
            "/probe?module=nothing",
            "X-Prometheus-Scrape-Timeout-Seconds: soon\r\n",
        ),
        ("/probe?module=http_default&target=", ""),
        ("/probe?module=http_default&target=&target=a", ""),
        (
            "/probe?module=http_default",
            "X-Prometheus-Scrape-Timeout-Seconds: soon\r\n",
        ),
        ("/logs?id=100", ""),
    ] {
        bench.compare_refusal(path, fields);
    }
}

#[test]
fn without_targets_it_is_an_exporter_and_reads_no_input() {
    let nginx = Nginx::start();
    let page = nginx.url("127.0.0.1", "/page");
    let modules = ModulesFile::new(MODULES);
    // Its standard input stays open.
    let exporter = Exporter::start(&modules.path(), &[]);
    // The default module, and the first of several targets.
    let closed = closed_port();
    let path = format!("/probe?target={page}&target={closed}");
    let response = exporter.get(&path, "").ok();
    let content_type = "text/plain; version=0.0.4; charset=utf-8";
    assert_eq!(response.field("content-type"), content_type);
    assert!(
        response.body.contains("\nprobe_success 1\n"),
        "{response:?}"
    );
    assert_promtool_accepts(&response.body);
    let path = format!("/probe?module=tcp&target={closed}");
    let response = exporter
        .get(&path, "Accept: application/openmetrics-text\r\n")
        .ok();
    assert_eq!(response.field("content-type"), content_type);
    assert!(
        response.body.contains("\nprobe_success 0\n"),
        "{response:?}"
    );
    let targets = exporter.get("/metrics/targets", "").ok().body;
    assert!(!targets.contains("probe_success"), "{targets}");
    assert_promtool_accepts(&exporter.get("/metrics", "").ok().body);
    exporter.end().exits(143);
}

#[test]
fn the_name_server_of_the_lab_is_probed() {
    let lab = LabChild::start(&[]);
    let modules = ModulesFile::new(MODULES);
    let exporter = Exporter::start(&modules.path(), &[]);
    let path = format!("/probe?module=dns&target={}", lab.resolver());
    let metrics = exporter.get(&path, "").ok().body;
    for line in ["\nprobe_success 1\n", "\nprobe_dns_query_succeeded 1\n"] {
        assert!(metrics.contains(line), "{metrics}");
    }
}

#[test]
fn a_probe_beside_a_sweep_takes_the_host_name_and_the_time_of_the_scraper() {
    let nginx = Nginx::start();
    let page = nginx.url("127.0.0.1", "/page");
    let modules = ModulesFile::new(MODULES);
    let exporter = Exporter::start(&modules.path(), &[&page]);
    until("a round of the sweep", || {
        let targets = exporter.get("/metrics/targets", "").ok().body;
        targets.contains("probe_success")
    });
    let path = format!("/probe?target={page}&hostname=b.test&debug=true");
    let limit = "X-Prometheus-Scrape-Timeout-Seconds: 3\r\n";
    let text = exporter.get(&path, limit).ok().body;
    for part in [
        "Logs for the probe:\n",
        "for at most 2.4",
        "\n\n\n\nMetrics that would have been returned:\n# HELP",
        "\n\n\n\nModule configuration:\n",
        "probe_success 1\n",
    ] {
        assert!(text.contains(part), "{part:?} in {text}");
    }
    let path = format!("/probe?module=secret&target={page}&hostname=b.test");
    let refused = exporter.get(&path, "");
    assert_eq!(refused.status, 400);
    assert!(
        refused.body.contains("URL-parameter 'hostname' (b.test)"),
        "{refused:?}"
    );
}

#[test]
fn the_latest_probes_and_the_modules_are_shown_without_secrets() {
    let modules = ModulesFile::new(MODULES);
    let exporter = Exporter::start(&modules.path(), &[]);
    let target = format!("http://you:hunter2@{}/", closed_port());
    let mut shown = String::new();
    for path in ["/", "/logs", "/config"] {
        shown += &exporter.get(path, "").ok().body;
    }
    assert!(shown.contains("href=\"/logs\""), "{shown}");
    for module in ["http_2xx", "secret"] {
        let path = format!("/probe?module={module}&target={target}&debug=true");
        shown += &exporter.get(&path, "").ok().body;
    }
    let list = exporter.get("/logs", "").ok();
    assert_eq!(list.field("content-type"), "text/html; charset=utf-8");
    assert!(
        list.body.contains("Failure") && list.body.contains("/logs?id=1"),
        "{list:?}"
    );
    let text = exporter.get("/logs?id=1", "").ok();
    assert_eq!(text.field("content-type"), "text/plain; charset=utf-8");
    assert!(text.body.starts_with("Logs for the probe:\n"), "{text:?}");
    let by_target = exporter.get(&format!("/logs?module=secret&target={target}"), "");
    assert_eq!(by_target.ok().body, text.body);
    shown += &(list.body + &text.body);
    modules.write("modules: {a: {http: {basic_auth: hunter2}}}");
    let refused = exporter.request("POST", "/-/reload", "");
    assert_eq!(refused.status, 500);
    shown += &refused.body;
    let run = exporter.end();
    shown += &run.err;
    assert!(shown.contains("\"X-Key\": \"<secret>\""), "{shown}");
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn a_scrape_that_goes_away_ends_its_probe() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let modules = ModulesFile::new(MODULES);
    let exporter = Exporter::start(&modules.path(), &[]);
    let under_way = || exporter.metric("canvass_probe_requests_under_way");
    let path = format!(
        "/probe?module=patient&target={}",
        silent.local_addr().unwrap()
    );
    let client = begin(exporter.address, "GET", &path, "");
    until("the probe", || under_way() == 1.0);
    drop(client);
    until("its end", || under_way() == 0.0);
    let list = exporter.get("/logs?id=0", "").ok().body;
    assert!(list.contains("the client has gone away"), "{list}");
}

#[test]
fn many_slow_probes_move_no_due_time_and_further_ones_are_turned_away() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = format!("tcp://{}", closed_port());
    let files = Files::new(&[&target]);
    let modules = ModulesFile::new(MODULES);
    let lines = files.path("lines");
    let list = files.path("list");
    let interval = format!("{INTERVAL_MS}ms");
    let more = [
        "-i",
        &list,
        "-o",
        &lines,
        "-f",
        "ndjson",
        "--interval",
        &interval,
    ];
    let exporter = Exporter::start(&modules.path(), &more);
    let path = format!(
        "/probe?module=patient&target={}",
        silent.local_addr().unwrap()
    );
    let clients: Vec<_> = (0..128)
        .map(|_| begin(exporter.address, "GET", &path, ""))
        .collect();
    until("as many probes as there may be", || {
        exporter.metric("canvass_probe_requests_under_way") == 128.0
    });
    let refused = exporter.get(&path, "");
    assert_eq!((refused.status, refused.field("retry-after")), (503, "1"));
    assert_eq!(
        exporter.metric("canvass_probe_requests_turned_away_total"),
        1.0
    );
    let before = files.probes().len();
    until("ten more rounds", || files.probes().len() >= before + 10);
    drop(clients);
    let probes = files.probes();
    for due in due_us(&probes).values() {
        for pair in due.windows(2) {
            let rounds = (pair[1] - pair[0]) as f64 / (INTERVAL_MS * 1_000) as f64;
            // The times of a line are rounded to microseconds.
            assert!(
                (rounds - rounds.round()).abs() < 0.001 && rounds >= 0.999,
                "{due:?}"
            );
        }
    }
}

#[test]
fn others_can_have_only_listed_targets_probed() {
    let nginx = Nginx::start();
    let page = nginx.url("127.0.0.1", "/page");
    let port = nginx
        .url("127.0.0.1", "")
        .trim_start_matches("http://")
        .to_owned();
    let modules = ModulesFile::new(MODULES);
    let exporter = Exporter::start_on("0.0.0.0", &modules.path(), &[&page]);
    for (module, target, status) in [
        ("http_2xx", page.as_str(), 200),
        ("http_2xx", page.trim_start_matches("http://"), 200),
        ("http_2xx", &nginx.url("127.0.0.1", "/status"), 403),
        ("tcp", &port, 200),
        ("tcp", &closed_port().to_string(), 403),
        ("tcp", "nonsense", 403),
    ] {
        let response = exporter.get(&format!("/probe?module={module}&target={target}"), "");
        assert_eq!(response.status, status, "{module} {target} {response:?}");
        assert_eq!(response.body.contains("--probe-targets"), status == 403);
    }
    exporter.end().says("is not a loopback address");
    let any = ["--probe-targets", "any"];
    let exporter = Exporter::start_on("0.0.0.0", &modules.path(), &any);
    let path = format!("/probe?module=tcp&target={port}");
    exporter.get(&path, "").ok();
    exporter.end().says("--probe-targets any");
    let listed = ["--probe-targets", "listed"];
    let exporter = Exporter::start(&modules.path(), &listed);
    assert_eq!(exporter.get(&path, "").status, 403);
}

#[test]
fn modules_are_checked_and_need_a_listener() {
    let modules = ModulesFile::new(MODULES);
    let path = modules.path();
    let sweep = |more: &[&str]| canvass(&[&["sweep", "--modules", &path][..], more].concat());
    let run = sweep(&["--check"]).exits(0);
    assert_eq!(run.out, "5 modules\n");
    let run = sweep(&["--check", "tcp://127.0.0.1:9", "-r", "127.0.0.1:9"]).exits(0);
    assert_eq!(run.out, "1 target, 5 modules\n");
    sweep(&[]).exits(2).says("--listen");
    sweep(&["--once"]).exits(2);
    canvass(&["sweep", "--probe-targets", "any", "tcp://127.0.0.1:9"]).exits(2);
    modules.write("modules:\n  a:\n    prober: http\n    htpp: {}\n");
    sweep(&["--check"]).exits(2).says("line 4");
    sweep(&["--listen", "127.0.0.1:0"]).exits(2).says("line 4");
}

#[test]
fn a_sweep_without_modules_says_so() {
    let sweep = Sweep::start();
    for path in ["/probe?target=a", "/logs", "/config"] {
        let response = get(sweep.address, path, "");
        assert_eq!(response.status, 404);
        assert!(response.body.contains("--modules"), "{response:?}");
    }
}
