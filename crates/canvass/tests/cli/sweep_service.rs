//! `canvass sweep` as a service: the unit in docs/systemd, and what the service manager is told.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::process::Command;

use rustix::process::Signal;

use crate::common::{CANVASS, Running, in_time};
use crate::sweep_rig::{Files, Service, next_change};

const UNIT: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../docs/systemd/canvass-sweep.service"
);
const INSTALLED: &str = "/usr/local/bin/canvass";

/// What the service manager receives next.
#[track_caller]
fn receive(socket: &UnixDatagram) -> String {
    let socket = socket.try_clone().unwrap();
    in_time("a notification", move || {
        let mut text = [0; 64];
        let length = socket.recv(&mut text).unwrap();
        str::from_utf8(&text[..length]).unwrap().trim().to_owned()
    })
}

#[test]
fn a_service_manager_is_notified_of_the_begin_of_reloads_and_of_the_end() {
    let service = Service::start();
    let url = service.url();
    let files = Files::new(&[&url]);
    let path = files.path("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    let variable = format!("NOTIFY_SOCKET={path}");
    let mut running = files.sweep_by(&["env", &variable], &[]);
    assert_eq!(receive(&socket), "READY=1");
    next_change(&mut running);
    running.signal(Signal::HUP);
    let reloading = receive(&socket);
    let since_us = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=");
    assert!(
        since_us.is_some_and(|since| since.parse::<u64>().is_ok()),
        "{reloading}"
    );
    assert_eq!(receive(&socket), "READY=1");
    running.signal(Signal::TERM);
    assert_eq!(receive(&socket), "STOPPING=1");
    running.end().exits(143);
    // A socket that is not there ends nothing.
    fs::remove_file(&path).unwrap();
    let mut running = files.sweep_by(&["env", &variable], &[]);
    next_change(&mut running);
    running.signal(Signal::INT);
    let run = running.end().exits(130);
    run.says("cannot notify the service manager");
}

#[test]
fn the_command_of_the_unit_runs() {
    let service = Service::start();
    let url = service.url();
    let files = Files::new(&[&url]);
    let unit = fs::read_to_string(UNIT).unwrap().replace("\\\n", " ");
    let command = unit
        .lines()
        .find_map(|line| line.strip_prefix("ExecStart="));
    let command = command.unwrap();
    let directory = files.directory();
    fs::create_dir(directory.join("canvass")).unwrap();
    let endpoints = directory.join("canvass/endpoints.txt");
    fs::rename(files.path("list"), endpoints).unwrap();
    let root = directory.to_str().unwrap();
    let command = command.replace("%E", root).replace("%S", root);
    let args = command.strip_prefix(INSTALLED).unwrap();
    let mut args: Vec<&str> = args.split_whitespace().collect();
    args.extend(["-r", "127.0.0.1:1"]);
    let interval = args.iter().position(|arg| *arg == "--interval").unwrap();
    args[interval + 1] = "200ms";
    let mut running = Running::start(&args);
    assert_eq!(next_change(&mut running)["to"], "up");
    running.signal(Signal::TERM);
    let run = running.end().exits(143);
    assert_eq!((&*run.out, &*run.err), ("", ""));
    assert!(directory.join("canvass/state.json").exists());
    assert!(directory.join("canvass/probes.ndjson.zst").exists());
}

#[test]
fn the_unit_is_valid_and_confined() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("canvass-sweep.service");
    let unit = fs::read_to_string(UNIT).unwrap();
    // The program that it names must be there.
    fs::write(&path, unit.replace(INSTALLED, CANVASS)).unwrap();
    let Ok(output) = Command::new("systemd-analyze")
        .arg("verify")
        .arg(&path)
        .output()
    else {
        eprintln!("SKIPPED: there is no systemd-analyze");
        return;
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
    // An exposure of up to 2.0 of 10.
    let output = Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--threshold=20"])
        .arg(&path)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
}
