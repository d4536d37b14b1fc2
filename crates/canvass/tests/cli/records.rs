//! Records of every type, as BIND serves them: canvass prints what dig prints, and what it prints
//! reads back as the same zone.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::canvass_reading;
use crate::name_servers::NameServer;

const ZONE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/records.zone");
const ORIGIN: &str = "records.test";
/// Names that dig 9.18 does not know: RFC 9461 §5.
const NEWER_THAN_DIG: [(&str, &str); 1] = [("key7=", "dohpath=")];

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
    let named = NameServer::bind(&[(ORIGIN, &fs::read_to_string(ZONE).unwrap())]);
    let questions = questions();
    let list: String = questions
        .iter()
        .map(|(name, record_type)| format!("{name} {record_type}\n"))
        .collect();
    let resolver = named.resolver();
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
