//! What a person sees on a terminal: progress, lines and summary together, Ctrl-C, colours, ASCII.

use crate::common::{CANVASS, Running, canvass, until};
use crate::peers::Peer;
use crate::terminal_rig::{CTRL_C, CTRL_Z, Terminal};
use rustix::process::Signal;

/// Half a thousand targets in two thirds of a second, during which the progress line is drawn twice.
const SHARED: [&str; 5] = ["ptr", "10.0.0.0/23", "--lab", "--rate", "800"];

#[test]
fn progress_and_lines_share_a_terminal_and_no_progress_is_left() {
    for columns in [80, 60] {
        let mut terminal = Terminal::start(columns, &SHARED);
        terminal.wait_for(" of 512 done, ");
        let shown = terminal.end().exits_clean(0);
        assert_eq!(shown.rows_with("10.0."), 512, "{:#?}", shown.rows);
        assert_eq!(shown.raw.matches(".example.net.\r\n").count(), 480);
        assert_eq!(
            shown.rows_with("in 512 = answered 480 + negative 32 + failed 0"),
            1
        );
        // Lines of targets with two names are long; nothing else is.
        let is_line = |row: &String| row.starts_with("10.0.");
        assert!(shown.wrapped.iter().all(is_line), "{:#?}", shown.wrapped);
    }
}

#[test]
fn nothing_is_left_when_the_terminal_changes_its_size() {
    let mut terminal = Terminal::start(80, &SHARED);
    terminal.wait_for(" of 512 done, ");
    terminal.resize(60);
    let shown = terminal.end().exits_clean(0);
    assert_eq!(shown.rows_with("10.0."), 512, "{:#?}", shown.rows);
}

#[test]
fn nothing_is_left_when_the_run_is_stopped_and_goes_on() {
    let mut terminal = Terminal::start(80, &SHARED);
    terminal.wait_for(" of 512 done, ");
    terminal.press(CTRL_Z);
    until("the run to stop", || terminal.is_stopped());
    terminal.write_beside("\n[1]+  Stopped\n");
    terminal.go_on();
    let shown = terminal.end().exits_clean(0);
    assert_eq!(shown.rows_with("10.0."), 512, "{:#?}", shown.rows);
    assert_eq!(shown.rows_with("[1]+  Stopped"), 1);
}

#[test]
fn messages_are_written_above_the_progress_line() {
    let args = [&SHARED[..], &["-o", "/dev/null", "--trace"]].concat();
    let mut terminal = Terminal::start(80, &args);
    terminal.wait_for(" of 512 done, ");
    let shown = terminal.end().exits_clean(0);
    assert_eq!(shown.rows_with("10.0."), 512, "{:#?}", shown.rows);
}

/// A run whose targets are never answered.
fn unanswered<'a>(peer: &'a str, deadline: &'a str) -> [&'a str; 10] {
    let rate = "200";
    [
        "ptr",
        "10.0.0.0/16",
        "-r",
        peer,
        "--rate",
        rate,
        "--timeout",
        "10m",
        "--deadline",
        deadline,
    ]
}

#[test]
fn the_first_ctrl_c_says_what_is_waited_for() {
    let peer = Peer::silent();
    let resolver = peer.resolver();
    for more in [&[][..], &["--progress", "never"]] {
        let args = [&unanswered(&resolver, "500ms")[..], more].concat();
        let before = peer.queries();
        let mut terminal = Terminal::start(80, &args);
        // So many that what an event loop has under way was sampled meanwhile.
        until("queries to come", || peer.queries() >= before + 20);
        terminal.press(CTRL_C);
        let shown = terminal.end().exits_clean(130);
        let said = shown
            .rows
            .iter()
            .find_map(|row| row.strip_prefix("stopping; "));
        let (in_flight, rest) = said.unwrap().split_once(' ').unwrap();
        assert!(in_flight.parse::<u64>().unwrap() > 0);
        assert_eq!(rest, "in flight, at most 500ms; Ctrl-C again to abandon");
        assert_eq!(shown.rows_with("stopping; "), 1);
        assert_eq!(shown.rows_with("interrupted; remaining "), 1);
    }
}

#[test]
fn the_second_ctrl_c_abandons_what_is_in_flight() {
    let peer = Peer::silent();
    let mut terminal = Terminal::start(80, &unanswered(&peer.resolver(), "10m"));
    until("queries to come", || peer.queries() >= 3);
    terminal.press(CTRL_C);
    terminal.wait_for("at most 600s; Ctrl-C again to abandon");
    terminal.press(CTRL_C);
    let shown = terminal.end().exits_clean(130);
    assert_eq!(shown.rows_with("interrupted; remaining "), 1);
    assert_eq!(shown.rows_with("  LOCAL "), 1, "{:#?}", shown.rows);
}

#[test]
fn who_sees_no_terminal_is_told_of_a_stop_if_he_asks_and_nobody_with_q() {
    let peer = Peer::silent();
    let resolver = peer.resolver();
    let args = unanswered(&resolver, "300ms");
    for (flag, is_told) in [("--threads=1", false), ("-v", true)] {
        let before = peer.queries();
        let mut running = Running::start(&[&args[..], &[flag]].concat());
        until("queries to come", || peer.queries() >= before + 3);
        running.signal(Signal::INT);
        let run = running.end().exits(130);
        assert_eq!(run.err.contains("stopping; "), is_told, "{}", run.err);
    }
    let before = peer.queries();
    let mut terminal = Terminal::start(80, &[&args[..], &["-q", "-o", "/dev/null"]].concat());
    until("queries to come", || peer.queries() >= before + 3);
    terminal.press(CTRL_C);
    let shown = terminal.end();
    assert_eq!((shown.code, &*shown.raw), (Some(130), "^C"));
}

/// One target of each class.
const CLASSES: [&str; 7] = [
    "http",
    "--lab",
    "http://www.lab.test/",
    "http://www.lab.test/redirect/1",
    "http://www.lab.test/status/404",
    "http://www.lab.test/status/503",
    "http://nxdomain.lab.test/",
];

#[test]
fn statuses_have_the_colour_of_their_class_unless_colours_are_not_wanted() {
    let shown = Terminal::start(80, &CLASSES).end().exits_clean(1);
    for (status, colour) in [
        ("200", 32),
        ("302", 36),
        ("404", 33),
        ("503", 31),
        ("NXDOMAIN", 31),
    ] {
        let word = format!("\x1b[{colour}m{status}\x1b[0m");
        assert_eq!(
            shown.raw.matches(&word).count(),
            2,
            "{status}: {}",
            shown.raw
        );
    }
    for environment in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let shown = Terminal::start_in(80, &[environment], &CLASSES).end();
        assert!(!shown.raw.contains("\x1b["), "{}", shown.raw);
        assert!(shown.raw.contains("\t200\t"));
    }
    // No colours where no terminal is.
    assert!(!canvass(&CLASSES).out.contains('\x1b'));
}

#[test]
fn a_locale_without_utf_8_gets_ascii_on_the_terminal_and_in_the_summary() {
    let args = ["dns", "müller.lab.test", "--lab", "-v"];
    let locale = [("LC_ALL", ""), ("LC_CTYPE", ""), ("LANG", "C")];
    let shown = Terminal::start_in(60, &locale, &args).end().exits_clean(0);
    assert!(shown.raw.is_ascii(), "{}", shown.raw);
    assert_eq!(
        shown.rows_with("m\\u{fc}ller.lab.test"),
        1,
        "{:#?}",
        shown.rows
    );
    assert!(shown.raw.contains("####"));

    // Lines that a program may read are as they always are.
    for format in ["text", "ndjson"] {
        let output = std::process::Command::new(CANVASS)
            .args(args)
            .args(["-f", format])
            .envs(locale)
            .output()
            .unwrap();
        let out = String::from_utf8(output.stdout).unwrap();
        assert!(out.contains("müller.lab.test"), "{out}");
        assert!(output.stderr.is_ascii());
    }
}

#[test]
fn a_few_targets_have_a_summary_of_a_few_lines() {
    let targets = [
        "http",
        "--lab",
        "http://www.lab.test/",
        "http://www.lab.test:81/",
    ];
    let run = canvass(&targets).exits(1);
    let rows: Vec<&str> = run.err.lines().collect();
    assert_eq!(rows[0], "in 2 = answered 1 + negative 0 + failed 1");
    assert_eq!(rows[1], "status: 200 ×1, CONNREFUSED ×1");
    assert!(
        rows[2].starts_with("connect refused (ECONNREFUSED) ×1: "),
        "{rows:#?}"
    );
    assert!(rows[3].starts_with("service time: p50 "), "{rows:#?}");
    assert!(rows[4].starts_with("lab: "), "{rows:#?}");
    assert_eq!(rows.len(), 5, "{rows:#?}");
    let whole = canvass(&[&targets[..], &["-v"]].concat()).err;
    for part in [
        "\nstatus\n",
        "faults by phase",
        "p99.9",
        "\nattempts: ",
        "\n  http on ",
    ] {
        assert!(whole.contains(part), "{part:?} is not in {whole}");
    }
}

#[test]
fn progress_is_written_as_lines_where_none_can_be_drawn() {
    let args = [&SHARED[..], &["-o", "/dev/null", "--progress", "always"]].concat();
    let run = canvass(&args).exits(0);
    assert_eq!(run.err.matches(" of 512 done, ").count(), 1, "{}", run.err);
    assert!(!run.err.contains('\x1b'));
}
