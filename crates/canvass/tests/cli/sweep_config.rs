//! `canvass sweep CONFIG`: checks of the file, modules, maintenance, reading it again.

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::common::{Run, Running, canvass, until};
use crate::name_servers::NameServer;
use crate::probe_peers::{TcpPeer, read_line};

const ZONE: &str = "\
$TTL 300
@ SOA ns host 1 3600 600 86400 300
@ NS ns
ns A 192.0.2.53
@ MX 10 mail
mail A 192.0.2.25
";
/// Nobody is asked for a name.
const NO_RESOLVER: [&str; 2] = ["-r", "127.0.0.1:9"];

/// A web server that is well while the flag is set.
fn page(is_well: &Arc<AtomicBool>) -> TcpPeer<()> {
    let is_well = Arc::clone(is_well);
    TcpPeer::serve(move |mut stream: TcpStream| {
        while !read_line(&mut stream).trim_ascii().is_empty() {}
        let body = match is_well.load(Ordering::SeqCst) {
            true => "all is well",
            false => "an ERROR",
        };
        let length = body.len();
        // A sweep that ends closes its connections.
        let _ = write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
    })
}

/// A directory with a configuration, and a sweep that may run by it.
struct Configured {
    directory: TempDir,
}

impl Configured {
    fn new(text: &str) -> Self {
        let this = Self {
            directory: tempfile::tempdir().unwrap(),
        };
        this.write("sweep.toml", text);
        this
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn check(&self, args: &[&str]) -> Run {
        let path = self.path("sweep.toml");
        let first = ["sweep", path.to_str().unwrap()];
        canvass(&[&first, &NO_RESOLVER[..], args].concat())
    }

    /// Starts a sweep of the configuration, or of a list, with its messages in a file.
    fn start(&self, targets: &[&str]) -> Running {
        let redirected = format!("exec \"$@\" 2>{}", self.path("messages").display());
        let wrapper = ["sh", "-c", &redirected, "sh"];
        let flags = ["sweep", "-f", "ndjson", "--threads", "1"];
        Running::start_by(&wrapper, &[&flags[..], &NO_RESOLVER, targets].concat())
    }

    fn start_config(&self) -> Running {
        self.start(&[self.path("sweep.toml").to_str().unwrap()])
    }

    fn messages(&self) -> String {
        fs::read_to_string(self.path("messages")).unwrap_or_default()
    }

    fn until_said(&self, words: &str) {
        until(words, || self.messages().contains(words));
    }
}

/// The next line of a sweep.
#[track_caller]
fn change(sweep: &mut Running) -> Value {
    serde_json::from_str(&sweep.read_line()).unwrap()
}

/// Asserts where a target went, and returns the line.
#[track_caller]
fn assert_change(line: Value, target: &str, to: &str) -> Value {
    assert_eq!(
        (&line["target"], &line["to"]),
        (&target.into(), &to.into()),
        "{line}"
    );
    line
}

/// A group of one target that is probed ten times a second.
fn group(name: &str, target: &str, more: &str) -> String {
    format!(
        "[[groups]]\nname = \"{name}\"\ntargets = [\"{target}\"]\ninterval = \"100ms\"\n\
         down_after = 1\nup_after = 1\n{more}\n"
    )
}

#[test]
fn a_configuration_is_checked_whole_before_anything_is_sent() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/sweep-example.toml");
    let run = canvass(&["sweep", "--check", example, "-r", "127.0.0.1:9"]).exits(0);
    assert_eq!((&*run.out, &*run.err), ("9 targets in 6 groups\n", ""));

    let configured = Configured::new(&group("a", "tcp://127.0.0.1:1", "modul = \"x\""));
    let place = format!(
        "canvass: {}:7:1: unknown key \"modul\"; did you mean module?",
        configured.path("sweep.toml").display()
    );
    for args in [&["--check"][..], &["--once"], &[]] {
        configured.check(args).exits(2).says(&place);
    }
    configured.write("sweep.toml", &group("a", "tcp://127.0.0.1:1", ""));
    for (args, words) in [
        (&["-i", "list"][..], "--input is for a list"),
        (&["--shard", "1/2"], "--shard is for a list"),
        (&["tcp://127.0.0.1:2"], "has all targets: give no others"),
        (&["--check", "--once"], "cannot be used with"),
        (&["--credentials", "/nonexistent"], "/nonexistent"),
    ] {
        configured.check(args).exits(2).says(words);
    }
    let none = configured.path("none.toml");
    let run = canvass(&["sweep", none.to_str().unwrap(), "-r", "127.0.0.1:9"]);
    run.exits(2).says("none.toml: cannot read it");
}

#[test]
fn a_list_is_checked_too() {
    let configured = Configured::new("");
    configured.write("list", "tcp://127.0.0.1:1\ntcp://127.0.0.1:2\n");
    let list = configured.path("list");
    let args = [
        "sweep",
        "--check",
        "-r",
        "127.0.0.1:9",
        "-i",
        list.to_str().unwrap(),
    ];
    assert_eq!(canvass(&args).exits(0).out, "2 targets\n");
    configured.write("list", "tcp://127.0.0.1:1\ntcp://127.0.0.1\n");
    canvass(&args).exits(2).says("line 2");
}

#[test]
fn modules_judge_pages_and_answers_and_the_reason_says_what_was_seen() {
    let is_well = Arc::new(AtomicBool::new(true));
    let page = page(&is_well);
    let named = NameServer::bind(&[("sweep.test", ZONE)]);
    let web = format!("http://{}/", page.target());
    let mx = format!("dns://{}/sweep.test?type=MX", named.resolver());
    let a = format!("dns://{}/mail.sweep.test", named.resolver());
    let configured = Configured::new(&format!(
        "[modules.page]\nexpect_status = 200\nexpect_not_body = \"ERR\\\\w+\"\n\
         max_latency = {{ total = \"1m\" }}\n\
         [modules.mx]\nanswers_min = 1\nanswers_contain = \"10 MAIL.sweep.test.\"\n\
         [modules.a]\nanswers_equal = [\"192.0.2.25\", \"192.0.2.26\"]\n{}{}{}",
        group("web", &web, "module = \"page\"\nlabels = { team = \"a\" }"),
        group("mx", &mx, "module = \"mx\""),
        group("a", &a, "module = \"a\""),
    ));
    let mut sweep = configured.start_config();
    let mut first = [change(&mut sweep), change(&mut sweep), change(&mut sweep)];
    first.sort_by_key(|line| line["group"].to_string());
    let [of_a, of_mx, of_web] = first;
    let of_a = assert_change(of_a, &a, "down");
    assert_eq!(
        of_a["reason"],
        "expected the answer 192.0.2.25, 192.0.2.26, seen 192.0.2.25"
    );
    assert_change(of_mx, &mx, "up");
    let of_web = assert_change(of_web, &web, "up");
    assert_eq!(of_web["labels"]["team"], "a");
    is_well.store(false, Ordering::SeqCst);
    let down = assert_change(change(&mut sweep), &web, "down");
    assert_eq!(
        down["reason"],
        "expected no body matching /ERR\\w+/, seen \"ERROR\""
    );
    assert_eq!(
        (&down["alert"], &down["maintenance"]),
        (&true.into(), &false.into())
    );
    is_well.store(true, Ordering::SeqCst);
    assert_change(change(&mut sweep), &web, "up");
    sweep.signal(Signal::INT);
    sweep.end().exits(130);
}

#[test]
fn a_broken_file_is_refused_and_a_good_one_keeps_states() {
    let is_well = Arc::new(AtomicBool::new(true));
    let (one, two) = (page(&is_well), page(&is_well));
    let [web, other] = [&one, &two].map(|peer| format!("http://{}/", peer.target()));
    let module = "[modules.page]\nexpect_status = 200\n";
    let first = group("web", &web, "module = \"page\"");
    let configured = Configured::new(&format!("{module}{first}"));
    let mut sweep = configured.start_config();
    assert_change(change(&mut sweep), &web, "up");

    let place = format!("{}:", configured.path("sweep.toml").display());
    let refused = "the sweep goes on with the targets as before";
    for (text, error) in [
        (
            format!("{module}{first}what = 1\n"),
            "10:1: unknown key \"what\"",
        ),
        (format!("{module}follow = \"1\"\n{first}"), "3:10: "),
        (
            format!("{module}{first}{first}"),
            "11:8: there is a group \"web\" already",
        ),
    ] {
        configured.write("sweep.toml", &text);
        sweep.signal(Signal::HUP);
        configured.until_said(&format!("canvass: {place}{error}"));
        assert!(configured.messages().contains(refused));
    }

    // The first target is up already, so only the second one changes.
    configured.write("list.txt", &format!("# the other\n{other}\n"));
    let list = "[[groups]]\nname = \"list\"\nfiles = [\"list.txt\"]\nmodule = \"page\"\ninterval = \"100ms\"\n";
    configured.write("sweep.toml", &format!("{module}{first}{list}"));
    sweep.signal(Signal::HUP);
    configured.until_said("canvass: read again: 2 targets");
    let line = assert_change(change(&mut sweep), &other, "up");
    assert_eq!(line["group"], "list");
    is_well.store(false, Ordering::SeqCst);

    // Nothing has to be said when a file has changed.
    configured.write("list.txt", &format!("{other}\ntcp://127.0.0.1:1\n"));
    configured.until_said("list.txt:2: \"tcp://127.0.0.1:1\": module \"page\" is for endpoints of");
    configured.write("list.txt", "# none\n");
    configured.until_said("canvass: read again: 1 target\n");
    sweep.signal(Signal::INT);
    let run = sweep.end().exits(130);
    assert!(!run.out.contains("\"to\":\"up\""), "{}", run.out);
    let summary = configured.messages();
    assert!(
        summary.contains("targets  unknown 0  up 1  down 0"),
        "{summary}"
    );
}

#[test]
fn a_hangup_reads_a_list_again() {
    let is_well = Arc::new(AtomicBool::new(true));
    let (one, two) = (page(&is_well), page(&is_well));
    let [first, second] = [&one, &two].map(|peer| format!("http://{}/", peer.target()));
    let configured = Configured::new("");
    configured.write("list", &format!("{first}\n"));
    let list = configured.path("list");
    let args = ["--interval", "100ms", "-i", list.to_str().unwrap()];
    let mut sweep = configured.start(&args);
    assert_change(change(&mut sweep), &first, "up");
    for bad in ["htps://127.0.0.1/\n", ""] {
        configured.write("list", bad);
        let before = configured.messages().len();
        sweep.signal(Signal::HUP);
        until("the refusal", || {
            configured.messages()[before..].contains("the sweep goes on")
        });
    }
    configured.write("list", &format!("{second}\n{first}\n"));
    sweep.signal(Signal::HUP);
    assert_change(change(&mut sweep), &second, "up");
    sweep.signal(Signal::TERM);
    sweep.end().exits(143);
}

#[test]
fn a_hangup_ends_a_sweep_of_arguments() {
    let is_well = Arc::new(AtomicBool::new(true));
    let page = page(&is_well);
    let target = format!("http://{}/", page.target());
    let configured = Configured::new("");
    let mut sweep = configured.start(&["--interval", "100ms", &target]);
    assert_change(change(&mut sweep), &target, "up");
    sweep.signal(Signal::HUP);
    sweep.end().exits(129);
}

#[test]
fn in_maintenance_states_change_in_silence() {
    let is_well = Arc::new(AtomicBool::new(true));
    let page = page(&is_well);
    let target = format!("http://{}/", page.target());
    let module = "[modules.page]\nexpect_body = \"well\"\n";
    let text = format!("{module}{}", group("web", &target, "module = \"page\""));
    let window = "[[maintenance]]\ngroups = [\"web\"]\ntimezone = \"Europe/Berlin\"\n\
                  from = \"00:00\"\nto = \"24:00\"\n";
    let configured = Configured::new(&format!("{text}{window}"));
    let mut sweep = configured.start_config();
    assert_change(change(&mut sweep), &target, "up");
    is_well.store(false, Ordering::SeqCst);
    let down = assert_change(change(&mut sweep), &target, "down");
    assert_eq!(
        (&down["alert"], &down["maintenance"]),
        (&false.into(), &true.into())
    );
    // The window is gone, and the target still down.
    configured.write("sweep.toml", &text);
    sweep.signal(Signal::HUP);
    let still = assert_change(change(&mut sweep), &target, "down");
    assert_eq!(
        (&still["from"], &still["alert"]),
        (&"down".into(), &true.into())
    );
    assert_eq!(still["maintenance"], false);
    sweep.signal(Signal::INT);
    sweep.end().exits(130);
}

#[test]
fn one_round_probes_as_the_modules_say() {
    let is_well = Arc::new(AtomicBool::new(false));
    let page = page(&is_well);
    let target = format!("http://{}/", page.target());
    let module = "[modules.page]\nexpect_body = \"well\"\n";
    let text = format!("{module}{}", group("web", &target, "module = \"page\""));
    let configured = Configured::new(&text);
    let once = ["--once", "--fail-below", "100", "-f", "ndjson"];
    let run = configured.check(&once).exits(1);
    assert_eq!(run.balance(), [1, 0, 1, 0]);
    is_well.store(true, Ordering::SeqCst);
    configured.check(&once).exits(0);
}
