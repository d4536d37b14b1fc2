//! Records of every type, as BIND serves them: canvass prints what dig prints, and what it prints
//! reads back as the same zone.

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::common::{PATIENCE, canvass_reading};
use crate::peers::closed_port;

const ZONE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/records.zone");
const ORIGIN: &str = "records.test";
/// Ports tried before one is found that nobody took in the meantime.
const PORT_TRIES: usize = 10;
/// How long to wait before asking again whether it answers.
const PAUSE: Duration = Duration::from_millis(50);
/// Names that dig 9.18 does not know: RFC 9461 §5.
const NEWER_THAN_DIG: [(&str, &str); 1] = [("key7=", "dohpath=")];

/// A BIND that serves [`ZONE`].
struct Named {
    child: Child,
    address: SocketAddr,
    _directory: TempDir,
}

impl Named {
    #[track_caller]
    fn start() -> Self {
        (0..PORT_TRIES)
            .find_map(|_| Self::start_on(closed_port()))
            .expect("named does not start: see its messages above")
    }

    /// `None` when somebody else took the port.
    fn start_on(address: SocketAddr) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().display();
        let (ip, port) = (address.ip(), address.port());
        let configuration = directory.path().join("named.conf");
        let text = format!(
            "options {{ directory \"{path}\"; pid-file \"{path}/pid\"; \
             session-keyfile \"{path}/key\"; listen-on port {port} {{ {ip}; }}; \
             listen-on-v6 {{ none; }}; recursion no; dnssec-validation no; }};\n\
             controls {{ }};\n\
             zone \"{ORIGIN}\" {{ type primary; file \"{ZONE}\"; check-names ignore; }};\n"
        );
        fs::write(&configuration, text).unwrap();
        let child = Command::new("/usr/sbin/named")
            .arg("-fc")
            .arg(&configuration)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("named is missing: scripts/test-deps installs what the tests need");
        let mut named = Self {
            child,
            address,
            _directory: directory,
        };
        named.answers().then_some(named)
    }

    /// Waits until it serves the zone; `false` if it ended instead.
    fn answers(&mut self) -> bool {
        let begun = Instant::now();
        while self.dig(ORIGIN, "SOA").is_empty() {
            assert!(begun.elapsed() < PATIENCE, "named does not answer");
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            std::thread::sleep(PAUSE);
        }
        true
    }

    /// The data that dig shows for a name and a type.
    fn dig(&self, name: &str, record_type: &str) -> Vec<String> {
        let server = format!("@{}", self.address.ip());
        let port = self.address.port().to_string();
        let output = Command::new("dig")
            .args([&server, "-p", &port, "+noall", "+answer", "+nosplit"])
            .args(["+norec", "+time=1", "+tries=1", name, record_type])
            .output()
            .expect("dig is missing: scripts/test-deps installs what the tests need");
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines()
            .filter(|line| line.starts_with(name))
            .map(|line| {
                // Owner, TTL, class and type, with blanks and tabs between them.
                let mut rest = line;
                for _ in 0..4 {
                    rest = rest.split_once([' ', '\t']).map_or("", |(_, rest)| rest);
                    rest = rest.trim_start();
                }
                rest.to_owned()
            })
            .collect()
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        // It may have ended by itself, and then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The records of a zone file as named-checkzone writes them, one for each line.
#[track_caller]
fn read_back(file: &Path) -> BTreeSet<String> {
    let output = Command::new("/usr/bin/named-checkzone")
        .args(["-i", "none", "-k", "ignore", "-D", "-o", "-", ORIGIN])
        .arg(file)
        .output()
        .expect("named-checkzone is missing: scripts/test-deps installs what the tests need");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{output:?}");
    text.lines()
        .filter(|line| !line.starts_with(';'))
        .map(str::to_owned)
        .collect()
}

/// The names and types of [`ZONE`].
fn questions() -> Vec<(String, String)> {
    let zone = fs::read_to_string(ZONE).unwrap();
    let records = zone.lines().filter(|line| !line.starts_with('$'));
    records
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let name = match words.next()? {
                "@" => ORIGIN.to_owned(),
                label => format!("{label}.{ORIGIN}"),
            };
            Some((name, words.next()?.to_owned()))
        })
        .collect()
}

#[test]
fn records_of_every_type_are_those_of_dig_and_read_back() {
    let named = Named::start();
    let questions = questions();
    let list: String = questions
        .iter()
        .map(|(name, record_type)| format!("{name} {record_type}\n"))
        .collect();
    let resolver = named.address.to_string();
    let run = canvass_reading(&["dns", "-r", &resolver, "-f", "ndjson", "-q"], list).exits(0);
    let lines = run.whole(questions.len() as u64);
    let mut zone = String::new();
    for line in &lines {
        let seq = line["seq"].as_u64().unwrap() as usize;
        let (name, record_type) = &questions[seq];
        let answers = line["answers"].as_array().unwrap();
        let shown: Vec<String> = answers
            .iter()
            .map(|answer| answer["data"].as_str().unwrap().to_owned())
            .collect();
        let mut expected = named.dig(name, record_type);
        for data in &mut expected {
            for (theirs, ours) in NEWER_THAN_DIG {
                *data = data.replace(theirs, ours);
            }
        }
        assert_eq!(shown, expected, "{name} {record_type}");
        for answer in answers {
            let (owner, data) = (&answer["name"], &answer["data"]);
            let (owner, data) = (owner.as_str().unwrap(), data.as_str().unwrap());
            let (ttl, shown_type) = (&answer["ttl"], answer["type"].as_str().unwrap());
            zone.push_str(&format!("{owner} {ttl} IN {shown_type} {data}\n"));
        }
    }
    let directory = tempfile::tempdir().unwrap();
    let file: PathBuf = directory.path().join("ours.zone");
    fs::write(&file, zone).unwrap();
    assert_eq!(read_back(&file), read_back(Path::new(ZONE)));
}
