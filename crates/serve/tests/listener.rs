//! A listener in front of a sweep of the lab, over real sockets.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use canvass_lab::{Lab, LabConfig};
use canvass_run::{Job, Plan, Source, TargetKind, arguments};
use canvass_serve::{Listener, Server, reloads};
use canvass_sweep::{AlertPlan, Notice, Sweep, SweepPlans, Thresholds, WatchedTarget};
use crossbeam_channel::{Receiver, unbounded};

/// The listener serves this many connections at once.
const CLIENTS_MAX: usize = 256;

/// A sweep of addresses whose names the lab knows, and its listener.
struct Served {
    sweep: Option<Sweep>,
    server: Option<Server>,
    address: SocketAddr,
    notices: Receiver<Notice>,
    _lab: Lab,
}

impl Served {
    /// Watches the first `count` addresses of `cidr`, the `n`th one under the key `key(n)`.
    fn start(cidr: &str, count: usize, interval: Duration, key: fn(usize) -> String) -> Self {
        let lab = Lab::start(LabConfig::default()).unwrap();
        let kind = TargetKind::Ptr {
            forward_confirm: false,
        };
        let plan = Plan::builder(kind)
            .resolvers([lab.address()])
            .build()
            .unwrap();
        let mut source = arguments([cidr.to_owned()], &plan.target_options()).unwrap();
        let mut jobs: Vec<Job> = Vec::new();
        while jobs.len() < count && source.next(count - jobs.len(), &mut jobs).unwrap() {}
        jobs.truncate(count);
        let targets = jobs
            .into_iter()
            .enumerate()
            .map(|(number, job)| WatchedTarget {
                key: key(number).into(),
                group: if number % 2 == 0 { "even" } else { "odd" }.into(),
                module: None,
                labels: None,
                target: job.target,
                spec: job.spec,
                resolver: None,
                line: job.line,
                interval,
                jitter: Duration::ZERO,
                thresholds: Thresholds::default(),
                assertions: None,
                depends_on: None,
                in_maintenance: number == 0,
            });
        let (sender, notices) = unbounded();
        let no_alerts = AlertPlan {
            receivers: Vec::new(),
            timeout: Duration::from_secs(1),
            reminder: None,
            silences: None,
            messages: unbounded().0,
        };
        let plans = SweepPlans::new(plan, no_alerts);
        let sweep = Sweep::start(plans, targets, None, Vec::new(), sender).unwrap();
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = Listener::bind(any, ["status.example.net".to_owned()]).unwrap();
        let address = listener.address();
        Self {
            server: Some(listener.serve(sweep.reader(), None, reloads().0).unwrap()),
            sweep: Some(sweep),
            address,
            notices,
            _lab: lab,
        }
    }

    /// Waits until `count` targets have changed their state.
    fn wait_for_changes(&self, count: usize) {
        self.notices.iter().take(count).for_each(drop);
    }

    fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).unwrap()
    }

    /// The response to a request for `path`, with `fields` after the host.
    fn get(&self, path: &str, fields: &str) -> String {
        exchange(
            self.connect(),
            &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{fields}\r\n"),
        )
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.server.take());
        if let Some(sweep) = self.sweep.take() {
            sweep.stop_handle().abort();
            sweep.join();
        }
    }
}

fn exchange(mut stream: TcpStream, request: &str) -> String {
    stream.write_all(request.as_bytes()).unwrap();
    let mut response = Vec::new();
    stream.read_to_end(&mut response).unwrap();
    String::from_utf8_lossy(&response).into_owned()
}

#[track_caller]
fn assert_has(response: &str, parts: &[&str]) {
    for part in parts {
        let begins: String = response.chars().take(4_000).collect();
        assert!(response.contains(part), "{part:?} is missing in:\n{begins}");
    }
}

fn plain(number: usize) -> String {
    format!("target-{number}")
}

#[test]
fn metrics_and_the_page_show_what_the_sweep_has_found() {
    let served = Served::start("10.0.0.0/28", 16, Duration::from_millis(200), plain);
    served.wait_for_changes(16);
    let own = served.get("/metrics", "");
    assert_has(
        &own,
        &[
            "HTTP/1.1 200 OK",
            "content-type: text/plain; version=0.0.4",
            "canvass_targets{state=\"up\"} 14\n",
            // The lab has no name for two of them.
            "canvass_targets{state=\"down\"} 2\n",
            "canvass_rounds_total{fate=\"begun\"} ",
            "canvass_probes_total{run=\"rounds\",verdict=\"answered\"} ",
            "canvass_round_lag_seconds_bucket{run=\"rounds\",le=\"+Inf\"} ",
            "\nprocess_open_fds ",
        ],
    );
    let targets = served.get("/metrics/targets", "");
    let labels = "target=\"target-3\",group=\"odd\",module=\"ptr\"";
    assert_has(
        &targets,
        &[
            &format!("probe_success{{{labels}}} 1\n"),
            &format!("canvass_target_state{{{labels},state=\"up\"}} 1\n"),
            &format!("canvass_target_state{{{labels},state=\"down\"}} 0\n"),
            &format!("canvass_target_phase_duration_seconds{{{labels},phase=\"dns\"}} "),
            "canvass_target_in_maintenance{target=\"target-0\",group=\"even\",module=\"ptr\"} 1\n",
            "canvass_group_phase_duration_seconds_bucket{group=\"odd\",phase=\"dns\",le=\"+Inf\"} ",
        ],
    );
    // Nothing connects, and there is no certificate.
    for absent in ["phase=\"connect\"", "certificate"] {
        assert!(!targets.contains(absent), "{absent}");
    }
    let even = served.get("/metrics/targets?group=even", "");
    assert_eq!(even.matches("\nprobe_success{").count(), 8);
    assert!(!even.contains("group=\"odd\""));
    let page = served.get("/", "");
    assert_has(
        &page,
        &["<span class=\"state up\">up</span>", "target-15", "NOERROR"],
    );
    let target = served.get("/target?key=target-0", "");
    assert_has(&target, &["maintenance", "Last probe", "dns "]);
    assert_has(&served.get("/target?key=target-16", ""), &["404 Not Found"]);
    for path in ["/-/healthy", "/-/ready"] {
        assert_has(&served.get(path, ""), &["200 OK"]);
    }
    assert_has(&served.get("/other", ""), &["404 Not Found"]);
}

#[test]
fn a_scraper_that_prefers_it_gets_protobuf() {
    let served = Served::start("10.0.0.0/28", 16, Duration::from_millis(200), plain);
    served.wait_for_changes(1);
    let accept = "Accept: application/vnd.google.protobuf;\
                  proto=io.prometheus.client.MetricFamily;encoding=delimited,text/plain;q=0.5\r\n";
    for path in ["/metrics", "/metrics/targets"] {
        let response = served.get(path, accept);
        assert_has(
            &response,
            &["content-type: application/vnd.google.protobuf;"],
        );
        assert!(!response.contains("# TYPE"));
    }
}

#[test]
fn twenty_thousand_targets_are_in_pages() {
    let served = Served::start(
        "10.0.0.0/17",
        20_000,
        Duration::from_secs(86_400),
        |number| format!("target-{number:05}"),
    );
    let first = served.get("/", "");
    assert_has(&first, &["20000 targets", "Page 1 of 100", "target-00000"]);
    let rows = |page: &str| {
        page.matches("<td class=\"text\"><a href=\"/target?key=target-")
            .count()
    };
    assert_eq!(rows(&first), 200);
    let last = served.get("/?page=100", "");
    assert_has(&last, &["Page 100 of 100", "target-19999"]);
    // A page that is not there is the last one.
    assert_has(&served.get("/?page=101", ""), &["Page 100 of 100"]);
    let found = served.get("/?q=TARGET-0123&group=odd&state=", "");
    assert_has(&found, &["5 targets", "target-01231", "target-01239"]);
    assert_eq!(rows(&found), 5);
    let none = served.get("/?state=flapping", "");
    assert_has(&none, &["0 targets"]);
    let targets = served.get("/metrics/targets", "");
    assert_eq!(targets.matches("\ncanvass_target_state{").count(), 80_000);
    assert!(targets.len() < 20_000 * 500, "{} octets", targets.len());
}

#[test]
fn text_of_targets_is_escaped() {
    let served = Served::start("10.0.0.0/31", 2, Duration::from_millis(100), |number| {
        format!("<b a=\"{number}\">\\&\n")
    });
    served.wait_for_changes(2);
    let page = served.get("/?q=%3Cb%20a%3D%22", "");
    assert_has(
        &page,
        &[
            "&lt;b a=&quot;1&quot;&gt;\\&amp;",
            "value=\"&lt;b a=&quot;\"",
        ],
    );
    assert!(!page.contains("<b "));
    let targets = served.get("/metrics/targets", "");
    assert_has(&targets, &[r#"target="<b a=\"1\">\\&\n","#]);
}

#[test]
fn a_target_is_probed_when_its_form_is_sent() {
    // Its first round is hours away.
    let served = Served::start("10.0.0.0/31", 2, Duration::from_secs(86_400), plain);
    let post = |fields: &str, body: &str| {
        let request = format!(
            "POST /target HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{fields}Content-Type: \
             application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        exchange(served.connect(), &request)
    };
    let page = post("", "key=target-1");
    assert_has(&page, &["200 OK", "NOERROR", " reply ", "state unknown"]);
    assert_has(&post("", "key=10.0.0.1"), &["404 Not Found"]);
    let elsewhere = post("Origin: http://a.example.org\r\n", "key=target-1");
    assert_has(&elsewhere, &["403 Forbidden"]);
    assert_has(&served.get("/api/silences", ""), &["{\"silences\":[]}"]);
}

#[test]
fn requests_for_other_hosts_are_refused() {
    let served = Served::start("10.0.0.0/31", 2, Duration::from_secs(60), plain);
    let ask = |host: &str, path: &str| {
        let request = format!("GET {path} HTTP/1.1\r\n{host}Connection: close\r\n\r\n");
        exchange(served.connect(), &request)
    };
    for path in ["/", "/metrics", "/metrics/targets", "/-/healthy", "/other"] {
        let rebound = ask("Host: rebound.example.org\r\n", path);
        assert_has(&rebound, &["421 Misdirected Request"]);
        assert_has(&ask("", path), &["400 Bad Request"]);
    }
    let host = format!("Host: {}\r\n", served.address);
    let page = ask(&host, "/");
    assert_has(
        &page,
        &[
            "200 OK",
            "content-security-policy: default-src 'none';",
            "x-content-type-options: nosniff",
        ],
    );
    assert!(!page.contains("access-control"));
    assert_has(&ask("Host: status.example.net\r\n", "/"), &["200 OK"]);
}

#[test]
fn a_header_that_is_too_large_is_refused() {
    let served = Served::start("10.0.0.0/31", 2, Duration::from_secs(60), plain);
    let large = format!("X-Large: {}\r\n", "x".repeat(20_000));
    assert_has(
        &served.get("/", &large),
        &["431 Request Header Fields Too Large"],
    );
    let many = "X-Many: x\r\n".repeat(100);
    assert_has(
        &served.get("/", &many),
        &["431 Request Header Fields Too Large"],
    );
}

#[test]
fn clients_beyond_the_maximum_wait_for_a_place() {
    let served = Served::start("10.0.0.0/28", 16, Duration::from_millis(200), plain);
    let mut silent: Vec<TcpStream> = (0..CLIENTS_MAX).map(|_| served.connect()).collect();
    let mut waiting = served.connect();
    let request = b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    waiting.write_all(request).unwrap();
    // Targets are probed meanwhile.
    served.wait_for_changes(16);
    waiting.set_nonblocking(true).unwrap();
    let error = waiting.read(&mut [0; 1]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
    waiting.set_nonblocking(false).unwrap();
    silent.pop();
    let mut response = String::new();
    waiting.read_to_string(&mut response).unwrap();
    assert_has(&response, &["200 OK", "canvass is healthy"]);
}

#[test]
fn a_client_that_sends_nothing_does_not_delay_the_end() {
    let mut served = Served::start("10.0.0.0/31", 2, Duration::from_secs(60), plain);
    let mut silent = served.connect();
    let mut halfway = served.connect();
    halfway.write_all(b"GET / HTTP/1.1\r\nHost: ").unwrap();
    assert_has(&served.get("/-/ready", ""), &["200 OK"]);
    served.server.take().unwrap().stop();
    let mut rest = Vec::new();
    silent.read_to_end(&mut rest).unwrap();
    assert!(rest.is_empty());
    assert!(TcpStream::connect(served.address).is_err());
}
