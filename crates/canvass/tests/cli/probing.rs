//! Probes of hosts: how they are run, and what their lines must be like.

use std::path::Path;

use serde_json::Value;

use crate::common::{CANVASS, PATIENCE, Run, canvass};

/// The user that the lab knows.
pub(crate) const USER: &str = "canvass";
/// That user's password.
pub(crate) const PASSWORD: &str = "secret";

/// The phases of a probe of a host, in the order of its life.
const PHASES: [&str; 6] = [
    "wait",
    "resolve",
    "connect",
    "tls",
    "first_byte",
    "transfer",
];

/// Runs a probe of one target, and gives its line.
#[track_caller]
pub(crate) fn probe(args: &[&str]) -> Value {
    only(canvass(&[args, &["-f", "ndjson"]].concat()))
}

/// As [`probe`], with this user and password in the environment.
#[track_caller]
pub(crate) fn probe_as(user: &str, password: &str, args: &[&str]) -> Value {
    only(canvass_as(
        Some((user, password)),
        &[args, &["-f", "ndjson"]].concat(),
    ))
}

/// Runs the command with a user and a password in the environment, or with none there.
pub(crate) fn canvass_as(credentials: Option<(&str, &str)>, args: &[&str]) -> Run {
    let mut command = assert_cmd::Command::new(CANVASS);
    command
        .args(args)
        .timeout(PATIENCE)
        .env_remove("CANVASS_USER")
        .env_remove("CANVASS_PASSWORD");
    if let Some((user, password)) = credentials {
        command
            .env("CANVASS_USER", user)
            .env("CANVASS_PASSWORD", password);
    }
    let output = command.output().expect("the command can be run");
    Run {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).expect("output is UTF-8"),
        err: String::from_utf8(output.stderr).expect("messages are UTF-8"),
    }
}

/// The only line of a run, having checked what holds for every line, and that the exit status
/// fits it.
#[track_caller]
pub(crate) fn only(run: Run) -> Value {
    let object = run.whole(1).remove(0);
    run.balance();
    assert_line(&object);
    run.exits(i32::from(object["outcome"] != "answered"));
    object
}

/// Checks what holds for every line of a probe of a host.
#[track_caller]
pub(crate) fn assert_line(object: &Value) {
    let phases = &object["phases_ms"];
    let spans: Vec<Option<f64>> = PHASES.iter().map(|phase| phases[*phase].as_f64()).collect();
    let reached: Vec<f64> = spans.iter().copied().flatten().collect();
    match object["latency_ms"].as_f64() {
        // Each is rounded to the nanosecond.
        Some(latency_ms) => assert!(
            (reached.iter().sum::<f64>() - latency_ms).abs() < 1e-5,
            "{object}"
        ),
        None => assert!(reached.is_empty(), "{object}"),
    }
    assert_eq!(
        object["error"].is_null(),
        object["outcome"] != "failed",
        "{object}"
    );
    for key in ["expected", "seen"] {
        let is_negative = object["outcome"] == "negative";
        assert_eq!(object[key].is_string(), is_negative, "{object}");
    }
    if let Some(phase) = object["error"]["phase"].as_str()
        && phase != "target"
    {
        assert!(phases[phase].is_number(), "{object}");
        // An earlier attempt may have come further, and TLS may begin in the middle of a
        // conversation.
        if phase == "tls" || object["attempts"] != 1 {
            return;
        }
        let place = PHASES.iter().position(|known| *known == phase).unwrap();
        assert!(
            spans[place + 1..].iter().all(Option::is_none),
            "phases behind the one that failed: {object}"
        );
    }
}

/// The phases that a probe reached, besides `wait`.
pub(crate) fn reached(object: &Value) -> Vec<&'static str> {
    let is_number = |phase: &&&str| object["phases_ms"][**phase].is_number();
    PHASES[1..].iter().filter(is_number).copied().collect()
}

/// `status`, and `phase`, `cause` and `errno` of the error; nothing for what is null.
pub(crate) fn verdict(object: &Value) -> [&str; 4] {
    let error = &object["error"];
    [
        &object["status"],
        &error["phase"],
        &error["cause"],
        &error["errno"],
    ]
    .map(|value| value.as_str().unwrap_or_default())
}

/// Writes a script into a directory, and gives its path.
pub(crate) fn script(directory: &Path, name: &str, text: &str) -> String {
    let path = directory.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}
