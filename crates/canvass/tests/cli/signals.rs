//! Interrupted runs: what was begun is brought to its end and accounted for.

use rustix::process::Signal;

use crate::common::{Run, Running, until};
use crate::peers::Peer;

/// Checks that every target is accounted for: those asked have their line, the others remain.
/// `read` lines were read before the end.
#[track_caller]
fn assert_accounted(run: &Run, read: u64, total: u64) {
    let [admitted, ..] = run.balance();
    assert_eq!(run.out.lines().count() as u64 + read, admitted);
    assert_eq!(run.remaining(), total - admitted);
}

#[test]
fn an_interrupt_drains_what_is_under_way() {
    let mut running = Running::start(&[
        "ptr",
        "10.0.0.0/16",
        "--lab=delay=100ms",
        "--rate",
        "300",
        "-f",
        "ndjson",
    ]);
    running.read_line();
    running.signal(Signal::INT);
    let run = running.end().exits(130);
    assert_accounted(&run, 1, 65_536);
    // Nothing was cut off: what was out was waited for.
    assert_eq!(run.balance()[3], 0);
    assert!(run.remaining() > 60_000);
}

#[test]
fn a_second_interrupt_stops_at_once_and_all_is_still_accounted_for() {
    let peer = Peer::silent();
    let mut running = Running::start(&[
        "ptr",
        "10.0.0.0/16",
        "-r",
        &peer.resolver(),
        "--rate",
        "100",
        "-f",
        "ndjson",
        "--timeout",
        "10m",
        "--deadline",
        "10m",
    ]);
    until("queries to come", || peer.queries() >= 3);
    // One alone waits for the questions under way, which have ten minutes.
    running.signal(Signal::INT);
    until("the end", || {
        running.signal(Signal::INT);
        running.has_ended()
    });
    let run = running.end().exits(130);
    assert_accounted(&run, 0, 65_536);
    let objects = run.objects();
    assert!(objects.len() >= 3);
    for object in objects {
        assert_eq!(
            (&object["status"], &object["error"]["cause"]),
            (&"LOCAL".into(), &"interrupted".into())
        );
    }
}

#[test]
fn a_termination_is_an_interrupt_with_another_number() {
    let mut running = Running::start(&[
        "ptr",
        "10.0.0.0/16",
        "--lab",
        "--rate",
        "300",
        "-f",
        "ndjson",
    ]);
    running.read_line();
    running.signal(Signal::TERM);
    let run = running.end().exits(143);
    assert_accounted(&run, 1, 65_536);
}

#[test]
fn an_interrupt_does_not_wait_for_a_list_that_never_ends() {
    let mut running = Running::start(&["ptr", "--lab"]);
    running.write("10.0.0.1\n");
    running.read_line();
    running.signal(Signal::INT);
    let run = running.end().exits(130);
    assert_eq!(run.balance(), [1, 1, 0, 0]);
    // How long the list would have been is not known.
    assert!(run.err.contains("\ninterrupted\n"), "{}", run.err);
}

/// A run against a resolver that does not answer: each question ends after a second.
fn unanswered(resolver: &str) -> [&str; 10] {
    [
        "ptr",
        "10.0.0.0/16",
        "-r",
        resolver,
        "--rate",
        "100",
        "--timeout",
        "50s",
        "--deadline",
        "1s",
    ]
}

#[test]
fn a_drained_run_ends_by_its_deadline() {
    let peer = Peer::silent();
    let mut running = Running::start(&unanswered(&peer.resolver()));
    until("queries to come", || peer.queries() >= 3);
    running.signal(Signal::INT);
    let run = running.end().exits(130);
    assert_accounted(&run, 0, 65_536);
    assert!(
        run.out.lines().all(|line| line.contains("\tTIMEOUT\t")),
        "{}",
        run.out
    );
}

#[test]
fn a_hangup_ends_a_run_as_a_termination_does() {
    let mut running = Running::start_by(
        &["env", "--default-signal=HUP"],
        &["ptr", "10.0.0.0/16", "--lab", "--rate", "300"],
    );
    running.read_line();
    running.signal(Signal::HUP);
    let run = running.end().exits(129);
    assert_accounted(&run, 1, 65_536);
}

#[test]
fn a_second_hangup_is_not_a_second_interrupt() {
    let peer = Peer::silent();
    let mut running = Running::start_by(
        &["env", "--default-signal=HUP"],
        &unanswered(&peer.resolver()),
    );
    until("queries to come", || peer.queries() >= 3);
    for _ in 0..3 {
        running.signal(Signal::HUP);
    }
    let run = running.end().exits(129);
    assert_accounted(&run, 0, 65_536);
    assert!(run.out.lines().all(|line| line.contains("\tTIMEOUT\t")));
}

#[test]
fn a_hangup_that_was_ignored_before_stays_ignored() {
    let mut running = Running::start_by(&["env", "--ignore-signal=HUP"], &["ptr", "--lab"]);
    running.write("10.0.0.1\n");
    running.read_line();
    running.signal(Signal::HUP);
    running.write("10.0.0.2\n");
    running.read_line();
    running.close_input();
    running.end().exits(0);
}

#[test]
fn an_interrupt_ends_a_background_job_of_a_script_too() {
    let mut running = Running::start_by(
        &["env", "--ignore-signal=INT"],
        &["ptr", "10.0.0.0/16", "--lab", "--rate", "300"],
    );
    running.read_line();
    running.signal(Signal::INT);
    assert_accounted(&running.end().exits(130), 1, 65_536);
}
