//! Reading the files of a sweep again: by `/-/reload`, by a signal, and when they change.

use std::fs;

use rustix::process::Signal;

use crate::common::until;
use crate::exporter_rig::{Exporter, ModulesFile};
use crate::peers::closed_port;

const OLD: &str = "modules: {old: {prober: tcp}}";
const NEW: &str = "modules: {new: {prober: tcp}}";
const BROKEN: &str = "modules: {new: {prober: tcp, tpc: {}}}";
const SUCCESSFUL: &str = "canvass_config_last_reload_successful";
const SUCCEEDED: &str = "canvass_config_last_reload_success_timestamp_seconds";

/// Whether it has a module.
fn has(exporter: &Exporter, module: &str) -> bool {
    let modules = exporter.get("/config", "").ok().body;
    modules.contains(&format!("\"{module}\""))
}

#[test]
fn a_request_is_answered_when_the_reload_is_done() {
    let modules = ModulesFile::new(OLD);
    let exporter = Exporter::start(&modules.path(), &[]);
    let started = exporter.metric(SUCCEEDED);
    assert_eq!(exporter.metric(SUCCESSFUL), 1.0);
    modules.write(BROKEN);
    let refused = exporter.request("POST", "/-/reload", "");
    assert_eq!(refused.status, 500);
    let text = "failed to reload config: ";
    assert!(
        refused.body.starts_with(text) && refused.body.contains("tpc"),
        "{refused:?}"
    );
    assert!(has(&exporter, "old"));
    assert_eq!(exporter.metric(SUCCESSFUL), 0.0);
    assert_eq!(exporter.metric(SUCCEEDED), started);
    modules.write(NEW);
    exporter.request("PUT", "/-/reload", "").ok();
    assert!(has(&exporter, "new") && !has(&exporter, "old"));
    assert_eq!(exporter.metric(SUCCESSFUL), 1.0);
    assert!(exporter.metric(SUCCEEDED) > started);
    let unknown = exporter.get("/probe?module=old&target=a", "");
    assert_eq!(unknown.status, 400);
    assert_eq!(exporter.metric("canvass_module_unknown_total"), 1.0);
    let run = exporter.end().exits(143);
    assert!(
        run.err.contains("canvass: read again: 1 module\n"),
        "{}",
        run.err
    );
}

#[test]
fn only_a_post_of_no_page_elsewhere_reloads() {
    let modules = ModulesFile::new(OLD);
    let exporter = Exporter::start(&modules.path(), &[]);
    modules.write(BROKEN);
    for method in ["GET", "DELETE"] {
        let refused = exporter.request(method, "/-/reload", "");
        assert_eq!((refused.status, refused.field("allow")), (405, "POST, PUT"));
    }
    for fields in [
        "Origin: http://status.example.org\r\n",
        "Sec-Fetch-Site: cross-site\r\n",
    ] {
        assert_eq!(exporter.request("POST", "/-/reload", fields).status, 403);
        assert_eq!(
            exporter.get("/probe?module=old&target=a", fields).status,
            403
        );
    }
    assert_eq!(exporter.metric(SUCCESSFUL), 1.0);
    let own = format!(
        "Origin: http://{}\r\nSec-Fetch-Site: same-origin\r\n",
        exporter.address
    );
    assert_eq!(exporter.request("POST", "/-/reload", &own).status, 500);
}

#[test]
fn the_list_and_the_modules_are_read_again_together() {
    let modules = ModulesFile::new(OLD);
    let directory = tempfile::tempdir().unwrap();
    let list = directory.path().join("list");
    let endpoints = [1, 2].map(|_| format!("tcp://{}\n", closed_port()));
    fs::write(&list, &endpoints[0]).unwrap();
    let exporter = Exporter::start(&modules.path(), &["-i", list.to_str().unwrap()]);
    // A bad list refuses the modules too.
    modules.write(NEW);
    fs::write(&list, "nonsense\n").unwrap();
    assert_eq!(exporter.request("POST", "/-/reload", "").status, 500);
    assert!(has(&exporter, "old"));
    fs::write(&list, endpoints.concat()).unwrap();
    exporter.request("POST", "/-/reload", "").ok();
    assert!(has(&exporter, "new"));
    let page = exporter.get("/", "").ok().body;
    for endpoint in &endpoints {
        assert!(page.contains(endpoint.trim_end()), "{page}");
    }
}

#[test]
fn a_signal_or_a_change_of_the_file_reloads_modules() {
    let modules = ModulesFile::new(OLD);
    let mut exporter = Exporter::start(&modules.path(), &[]);
    modules.write(NEW);
    exporter.running.signal(Signal::HUP);
    until("the new module", || has(&exporter, "new"));
    modules.write(OLD);
    until("the old module", || has(&exporter, "old"));
    assert!(!exporter.running.has_ended());
}
