//! Limits of this machine, each made to happen: by a system call that strace makes fail, by a network
//! namespace with a firewall or with few ports, by an output that is not read. What is refused is sent
//! later, the summary names the limit, and no peer is blamed.

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::common::{CANVASS, LabChild, Run, Running, distinct, in_time, until};
use crate::http_peers::{Server, ok};
use crate::nginx::free_port;
use crate::peers::closed_port;
use crate::probe_peers::{TcpPeer, UdpHost};
use crate::sweep_listen::get;

const STRACE: [&str; 5] = ["strace", "-f", "-qq", "-o", "/dev/null"];
/// How long a reader stalls.
const STALL: Duration = Duration::from_millis(1_500);

/// Runs `program` with the command and its arguments behind its own.
#[track_caller]
fn run_by(program: &[&str], args: &[&str]) -> Run {
    let mut child = Command::new(program[0]);
    child
        .args(&program[1..])
        .arg(CANVASS)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let output = in_time("the end", move || {
        child.output().expect("scripts/test-deps installs it")
    });
    Run {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs the command while system calls fail: `injection` is what `strace -e inject=` takes. Calls are
/// counted for each thread.
#[track_caller]
fn run_with(injection: &str, args: &[&str]) -> Run {
    let (call, _) = injection.split_once(':').unwrap();
    let trace = format!("trace={call}");
    let inject = format!("inject={injection}");
    run_by(
        &[&STRACE[..], &["-e", &trace, "-e", &inject]].concat(),
        args,
    )
}

/// Checks that the run was slower at most, and that the summary names the error and its limit.
#[track_caller]
fn assert_only_slower(run: Run, errno: &str, limit: &str) -> Run {
    let run = run.exits(0);
    let words = format!("with {errno}");
    let warning = run
        .err
        .lines()
        .find(|line| line.starts_with("warning: ") && line.contains(&words));
    let warning = warning.unwrap_or_else(|| panic!("{errno} is not in:\n{}", run.err));
    assert!(warning.contains(limit), "{limit} is not in {warning}");
    assert!(warning.contains("the peers are not the cause"), "{warning}");
    for blame in [
        "benched",
        "dead",
        "socket errors",
        "connections by tcp failed",
    ] {
        assert!(!run.err.contains(blame), "{blame} in:\n{}", run.err);
    }
    for nothing in ["silence", "icmp", "late reply", "kernel drop"] {
        assert!(!run.err.contains(nothing), "{nothing} in:\n{}", run.err);
    }
    run
}

const ULIMIT: &str = "ulimit -n";
const PORTS: &str = "net.ipv4.ip_local_port_range";
const FIREWALL: &str = "net.netfilter.nf_conntrack_max";

/// What a system call for a socket may return, and the limit to look at.
const OF_SOCKETS: [(&str, &str); 4] = [
    ("EMFILE", ULIMIT),
    ("ENFILE", "fs.file-max"),
    ("ENOBUFS", "net.core.wmem_max"),
    ("ENOMEM", "net.ipv4.udp_mem"),
];
const OF_SENDS: [(&str, &str); 4] = [
    ("ENOBUFS", "net.core.wmem_max"),
    ("ENOMEM", "net.ipv4.udp_mem"),
    ("EAGAIN", "net.core.wmem_default"),
    ("EPERM", FIREWALL),
];

#[test]
fn queries_that_the_system_refuses_are_sent_later() {
    let lab = LabChild::start(&[]);
    let resolver = lab.resolver();
    for transport in ["udp", "tcp"] {
        let args = ["ptr", "10.0.0.0/25", "-r", &resolver, "--threads", "1"];
        let args = [&args[..], &["--transport", transport]].concat();
        for (call, limits) in [("socket", &OF_SOCKETS), ("sendto", &OF_SENDS)] {
            for (errno, limit) in limits {
                // For a stream that would block, the system says when it is writable again.
                if (transport, *errno) == ("tcp", "EAGAIN") {
                    continue;
                }
                let run = run_with(&format!("{call}:error={errno}:when=1..4"), &args);
                let run = assert_only_slower(run, errno, limit);
                assert_eq!(run.balance()[0], 128);
                run.says("attempts: 1.00 per target");
            }
        }
        let run = run_with("connect:error=EPERM:when=1..4", &args);
        assert_only_slower(run, "EPERM", FIREWALL);
    }
    let args = ["ptr", "10.0.0.0/25", "-r", &resolver, "--threads", "1"];
    for (call, errno) in [("bind", "EADDRINUSE"), ("bind", "EADDRNOTAVAIL")] {
        let run = run_with(&format!("{call}:error={errno}:when=1..4"), &args);
        assert_only_slower(run, errno, PORTS);
    }
}

#[test]
fn probes_that_the_system_refuses_are_sent_later() {
    let peer = TcpPeer::saying(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let url = format!("http://{}/", peer.address);
    let target = peer.target();
    let host = UdpHost::start(1, 0, |octets, _| octets.to_vec());
    let echo = host.address.to_string();
    for args in [
        &["tcp", &target][..],
        &["http", &url],
        &["udp", &echo, "--talk", "echo"],
    ] {
        let args = [args, &["--threads", "1"]].concat();
        for (errno, limit) in OF_SOCKETS {
            let run = run_with(&format!("socket:error={errno}:when=1..3"), &args);
            assert_only_slower(run, errno, limit);
        }
        for errno in ["EPERM", "ENOBUFS"] {
            let run = run_with(&format!("connect:error={errno}:when=1..3"), &args);
            assert_only_slower(run, errno, "");
        }
        if args[0] == "tcp" {
            // The second call finds out whether it is a port that is missing, or an address.
            let run = run_with("connect:error=EADDRNOTAVAIL:when=1", &args);
            assert_only_slower(run, "EADDRNOTAVAIL", PORTS);
            continue;
        }
        for (errno, limit) in OF_SENDS.into_iter().filter(|(errno, _)| *errno != "EAGAIN") {
            let run = run_with(&format!("sendto:error={errno}:when=1..3"), &args);
            assert_only_slower(run, errno, limit);
        }
    }
}

#[test]
fn names_are_looked_up_later_too() {
    let lab = LabChild::start(&[]);
    let resolver = lab.resolver();
    let peer = TcpPeer::serve(drop);
    let target = format!("www.lab.test:{}", peer.address.port());
    let args = ["tcp", &target, "-r", &resolver, "--threads", "1"];
    // libc needs descriptors too. Without any, nothing leaves this machine.
    let by_libc = [
        "tcp",
        "nosuch.test:80",
        "--resolve",
        "system",
        "-f",
        "ndjson",
    ];
    let object = run_with("socket:error=EMFILE", &by_libc).exits(1).whole(1);
    assert_eq!(object[0]["status"], "LOCAL", "{}", object[0]);
    assert_eq!(object[0]["error"]["cause"], "descriptors", "{}", object[0]);
    for (injection, errno, limit) in [
        ("socket:error=EMFILE:when=1..3", "EMFILE", ULIMIT),
        ("sendto:error=EPERM:when=1..3", "EPERM", FIREWALL),
        ("sendto:error=ENOBUFS:when=1..3", "ENOBUFS", "wmem_max"),
    ] {
        let run = run_with(injection, &args);
        assert_only_slower(run, errno, limit);
    }
}

#[test]
fn what_the_system_keeps_refusing_is_a_fault_of_this_machine() {
    let peer = TcpPeer::serve(drop);
    let target = peer.target();
    let host = UdpHost::start(1, 0, |octets, _| octets.to_vec());
    let echo = host.address.to_string();
    for (injection, errno, args) in [
        ("connect:error=EPERM", "EPERM", &["tcp", &target][..]),
        (
            "sendto:error=EPERM",
            "EPERM",
            &["udp", &echo, "--talk", "echo"],
        ),
        (
            "sendto:error=ENOBUFS",
            "ENOBUFS",
            &["udp", &echo, "--talk", "echo"],
        ),
        (
            "socket:error=EMFILE",
            "EMFILE",
            &["tcp", &target, "--deadline", "1s"],
        ),
    ] {
        let flags = ["--threads", "1", "-f", "ndjson"];
        let run = run_with(injection, &[args, &flags].concat()).exits(1);
        let objects = run.whole(1);
        assert_eq!(objects[0]["status"], "LOCAL", "{}", objects[0]);
        assert_eq!(objects[0]["error"]["errno"], errno, "{}", objects[0]);
        run.says(&format!("with {errno}"));
    }
}

/// Runs a script as root of a network namespace, with the command in `$canvass` and its arguments in
/// `"$@"`; `None` if this user cannot make one.
#[track_caller]
fn in_namespace(script: &str, args: &[&str]) -> Option<Run> {
    let can_isolate = Command::new("unshare").args(["-rn", "true"]).status();
    if !can_isolate.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: this user cannot make a network namespace");
        return None;
    }
    let script = format!("set -e; canvass=$1; shift; ip link set lo up; {script}");
    Some(run_by(&["unshare", "-rn", "sh", "-c", &script, "sh"], args))
}

/// Starts a lab on port 5300 of the namespace, and ends it with the script.
const LAB: &str = "dir=$(mktemp -d); \"$canvass\" lab --listen 127.0.0.1:5300 >$dir/lab 2>&1 & \
    trap \"kill $!; wait $! || true; rm -r $dir\" EXIT; \
    until grep -q listening $dir/lab; do :; done; ";
/// Rules of a firewall for what leaves.
const FILTER: &str = "nft add table inet f; \
    nft add chain inet f out '{ type filter hook output priority 0; }'; nft add rule inet f out ";

#[test]
fn a_firewall_that_drops_some_queries_slows_the_run_down() {
    let rule = "udp dport 5300 limit rate over 400/second burst 20 packets drop; ";
    let script = [LAB, FILTER, rule, "\"$canvass\" \"$@\""].concat();
    let args = [
        "ptr",
        "10.0.0.0/23",
        "-r",
        "127.0.0.1:5300",
        "--transport",
        "udp",
    ];
    if let Some(run) = in_namespace(&script, &args) {
        let run = assert_only_slower(run, "EPERM", FIREWALL);
        assert_eq!(run.balance()[0], 512);
        run.says("attempts: 1.00 per target");
    }
}

#[test]
fn a_firewall_that_drops_every_query_ends_the_run() {
    let script = [FILTER, "meta l4proto udp drop; \"$canvass\" \"$@\""].concat();
    let args = ["ptr", "10.0.0.0/16", "-r", "127.0.0.1", "-f", "ndjson"];
    if let Some(run) = in_namespace(&script, &args) {
        let run = run
            .exits(3)
            .says("this machine cannot send queries (EPERM)")
            .says(FIREWALL);
        assert!(!run.err.contains("no resolver answer"), "{}", run.err);
        let objects = run.objects();
        assert!(objects.len() < 1000, "{}", objects.len());
        let statuses: Vec<_> = distinct(&objects, "status").into_iter().collect();
        assert_eq!(statuses, ["LOCAL"]);
        run.balance();
    }
}

#[test]
fn local_ports_that_are_used_up_are_waited_for() {
    let range = "echo 40000 40019 >/proc/sys/net/ipv4/ip_local_port_range; ";
    let script = [LAB, range, "\"$canvass\" \"$@\""].concat();
    // A resolver takes a port or two for datagrams, so those of the last ones find none.
    let mut args = vec!["ptr", "10.0.0.0/24", "--transport", "udp"];
    let resolvers: Vec<String> = (1..=24).map(|n| format!("127.0.0.{n}:5300")).collect();
    args.extend(resolvers.iter().flat_map(|resolver| ["-r", resolver]));
    let everywhere = script.replace("--listen 127.0.0.1", "--listen 0.0.0.0");
    if let Some(run) = in_namespace(&everywhere, &args) {
        let run = assert_only_slower(run, "EADDRINUSE", PORTS);
        assert_eq!(run.balance()[0], 256);
    }
    // More connections to one host than there are ports. A port is used again a second later.
    let script = script.replace("&1 &", "&1 --serve http=5380 &");
    let urls = vec!["http://127.0.0.1:5380/delay/50"; 30];
    let args = [&["http", "--per-host", "30"][..], &urls].concat();
    if let Some(run) = in_namespace(&script, &args) {
        let run = assert_only_slower(run, "EADDRNOTAVAIL", PORTS);
        assert_eq!(run.balance()[0], 30);
    }
}

#[test]
fn an_output_that_is_not_read_holds_the_run_up() {
    let lab = LabChild::start(&[]);
    let resolver = lab.resolver();
    // While the list is asked, and after that.
    for (list, targets) in [("10.0.0.0/16", 65_536), ("10.0.0.0/21", 2_048)] {
        let mut running = Running::start(&["ptr", list, "-r", &resolver, "-f", "ndjson"]);
        let began = Instant::now();
        until("the reader to have stalled", || began.elapsed() >= STALL);
        assert!(!running.has_ended());
        let run = running.end().exits(0);
        assert_eq!(run.balance()[0], targets);
        run.whole(targets);
        run.says("for its output: the reader of standard output or the disk of -o was the limit");
    }
}

/// Starts the command as [`run_with`] runs it. It is not a child of strace, so signals reach it.
fn start_with(injection: &str, args: &[&str]) -> Running {
    let (call, _) = injection.split_once(':').unwrap();
    let (trace, inject) = (format!("trace={call}"), format!("inject={injection}"));
    let strace = [&STRACE[..], &["-D", "-e", &trace, "-e", &inject]].concat();
    Running::start_by(&strace, args)
}

#[test]
fn the_listener_of_a_sweep_accepts_again_when_there_are_descriptors() {
    let address: SocketAddr = ([127, 0, 0, 1], free_port()).into();
    let peer = TcpPeer::serve(drop);
    let target = format!("tcp://{}", peer.address);
    let listen = address.to_string();
    let args = ["sweep", &target, "--interval", "200ms", "-r", "127.0.0.1:9"];
    let args = [&args[..], &["--listen", &listen]].concat();
    let mut sweep = start_with("accept4:error=EMFILE:when=1..3", &args);
    assert!(sweep.read_line().contains(" up "));
    let metrics = in_time("an answer", move || get(address, "/metrics"));
    let metrics = metrics.expect("it answers");
    assert!(
        metrics.contains("\ncanvass_listener_accept_errors_total 3.0\n"),
        "{metrics}"
    );
}

#[test]
fn an_alert_waits_for_a_descriptor() {
    let hook = Server::saying(ok(""));
    let target = format!("tcp://{}", closed_port());
    let args = ["sweep", &target, "--interval", "200ms", "-r", "127.0.0.1:9"];
    let alert = ["--down-after", "1", "--alert-webhook", &hook.url("/")];
    let mut sweep = start_with("socket:error=EMFILE:when=1", &[&args[..], &alert].concat());
    assert!(sweep.read_line().contains(" down "));
    hook.wait_for_requests(1);
    sweep.signal(Signal::INT);
    sweep.end().exits(130).says("Too many open files");
}

#[test]
fn a_sweep_does_not_call_a_target_down_for_a_limit_of_this_machine() {
    let peer = TcpPeer::serve(drop);
    let target = format!("tcp://{}", peer.address);
    let args = [
        "sweep",
        &target,
        "--once",
        "-r",
        "127.0.0.1:9",
        "--threads",
        "1",
    ];
    for injection in ["connect:error=EPERM", "socket:error=EMFILE"] {
        let args = [&args[..], &["--deadline", "1s"]].concat();
        let run = run_with(injection, &args);
        assert!(!run.out.contains(" down "), "{}", run.out);
    }
}
