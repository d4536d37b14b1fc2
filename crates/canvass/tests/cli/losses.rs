//! Where queries were lost: each kind of loss is made to happen, counted as that kind alone, and the
//! summary names the flag or setting to look at.

use std::fs;
use std::sync::{Arc, OnceLock};

use rustix::process::{Pid, Signal, kill_process};

use crate::common::{LabChild, Run, Running, canvass, until};
use crate::peers::{NAME, PTR, Peer, closed_port, reply};

const KINDS: [&str; 7] = [
    "local send error",
    "kernel drop",
    "refused",
    "silence",
    "late reply",
    "icmp",
    "mismatched",
];

/// The kinds in the summary's line of losses.
#[track_caller]
fn losses(run: &Run) -> Vec<&'static str> {
    let line = run
        .err
        .lines()
        .find_map(|line| line.strip_prefix("losses: "));
    let line = line.unwrap_or_else(|| panic!("no losses in:\n{}", run.err));
    let kind_of = |part: &str| {
        let (name, count) = part.rsplit_once(' ')?;
        let kind = KINDS.into_iter().find(|kind| *kind == name)?;
        count
            .parse()
            .is_ok_and(|count: u64| count > 0)
            .then_some(kind)
    };
    let kinds = line
        .split(", ")
        .map(|part| kind_of(part).unwrap_or_else(|| panic!("{part} is no count of a loss")));
    kinds.collect()
}

/// Checks that these kinds of loss occurred and no other, and that the first names what to look at.
#[track_caller]
fn assert_lost(run: Run, kinds: &[&str], look_at: &str) {
    assert_eq!(losses(&run), kinds, "{}", run.err);
    let row = run
        .err
        .lines()
        .find(|line| line.trim_start().starts_with(kinds[0]) && line.contains("look at"));
    let row = row.unwrap_or_else(|| panic!("no row for {} in:\n{}", kinds[0], run.err));
    assert!(row.ends_with(&format!("look at {look_at}")), "{row}");
}

fn ask(resolvers: &[&str], more: &[&str]) -> Run {
    let mut args = vec![
        "ptr",
        "10.0.0.1",
        "-v",
        "--transport",
        "udp",
        "--threads",
        "1",
    ];
    args.extend(resolvers.iter().flat_map(|resolver| ["-r", resolver]));
    args.extend(more);
    canvass(&args)
}

fn answer(query: &[u8]) -> Vec<u8> {
    reply(query, 0, &[(PTR, NAME)])
}

#[test]
fn silence() {
    let mut first = true;
    let peer = Peer::udp(move |query| {
        let is_dropped = std::mem::take(&mut first);
        (!is_dropped).then(|| answer(query)).into_iter().collect()
    });
    let run = ask(&[&peer.resolver()], &[]).exits(0);
    assert_lost(run, &["silence"], "--rate-per-resolver");
}

#[test]
fn late_replies() {
    // After the first attempt has timed out, and before the second one has.
    let lab = LabChild::start(&["--late", "100%", "--late-by", "1500ms"]);
    let run = ask(&[&lab.resolver()], &["--timeout", "1s"]).exits(0);
    assert_lost(run, &["late reply"], "--timeout");
}

#[test]
fn refusals() {
    let mut first = true;
    let peer = Peer::udp(move |query| {
        let is_refused = std::mem::take(&mut first);
        vec![if is_refused {
            reply(query, 5, &[])
        } else {
            answer(query)
        }]
    });
    let run = ask(&[&peer.resolver()], &[]).exits(0);
    assert_lost(run, &["refused"], "--rate-per-resolver");
}

#[test]
fn icmp_errors() {
    let closed = closed_port().to_string();
    let run = ask(&[&closed], &["--retries", "1"]).exits(1);
    assert_lost(run, &["icmp"], "--resolver");
}

#[test]
fn mismatched_messages() {
    let peer = Peer::udp(|query| {
        let mut forged = answer(query);
        forged[0] ^= 1;
        vec![forged, answer(query)]
    });
    let run = ask(&[&peer.resolver()], &[]).exits(0);
    assert_lost(run, &["mismatched"], "--transport tcp");
}

/// More datagrams than any receive buffer that a run asks for has room for.
const FLOOD: usize = 12_000;

#[test]
fn replies_that_the_kernel_drops() {
    let process = Arc::new(OnceLock::<Pid>::new());
    let stopped = Arc::clone(&process);
    let mut first = true;
    let peer = Peer::udp(move |query| {
        if !std::mem::take(&mut first) {
            return vec![answer(query)];
        }
        // Its answer comes last, when the buffer is full of messages with another id.
        let pid = *stopped.wait();
        let _ = kill_process(pid, Signal::STOP);
        until("it to stop", || state_of(pid) == 'T');
        let mut other = answer(query);
        other[0] ^= 1;
        other.resize(1_200, 0);
        let mut all = vec![other; FLOOD];
        all.push(answer(query));
        all
    });
    let resolver = peer.resolver();
    let args = [
        "ptr",
        "10.0.0.1",
        "-v",
        "-r",
        &resolver,
        "--transport",
        "udp",
    ];
    let mut running = Running::start(&[&args[..], &["--threads", "1"]].concat());
    let pid = running.pid();
    process.set(pid).unwrap();
    until("datagrams to be dropped", || {
        drops_from(peer.address.port()) > 0
    });
    until("the flood to end", {
        let mut before = 0;
        move || {
            let now = drops_from(peer.address.port());
            std::mem::replace(&mut before, now) == now
        }
    });
    kill_process(pid, Signal::CONT).unwrap();
    let run = running.end().exits(0).says("net.core.rmem_max");
    assert_lost(run, &["kernel drop", "mismatched"], "net.core.rmem_max");
}

/// The state of a process, as in proc_pid_stat(5).
fn state_of(pid: Pid) -> char {
    let path = format!("/proc/{}/stat", pid.as_raw_nonzero());
    let stat = fs::read_to_string(path).unwrap_or_default();
    let state = stat
        .rsplit(") ")
        .next()
        .and_then(|rest| rest.chars().next());
    state.unwrap_or('?')
}

/// The datagrams that the kernel dropped on sockets that are connected to this port of 127.0.0.1.
fn drops_from(port: u16) -> u64 {
    let remote = format!("0100007F:{port:04X}");
    let table = fs::read_to_string("/proc/net/udp").unwrap();
    let lines = table.lines().filter_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        (words.get(2) == Some(&&*remote)).then(|| words.last().unwrap().parse::<u64>().unwrap())
    });
    lines.sum()
}
