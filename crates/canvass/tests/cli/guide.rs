//! The scripts that the guide shows, each against the peer it is for.

use serde_json::Value;

use crate::probing::{canvass_as, only};

const LAB: (&str, &str) = ("canvass", "secret");

fn talk(credentials: Option<(&str, &str)>, name: &str, target: &str) -> Value {
    let path = format!(
        "{}/../../docs/scripts/{name}.yaml",
        env!("CARGO_MANIFEST_DIR")
    );
    only(canvass_as(
        credentials,
        &["tcp", "--lab", "-f", "ndjson", "--talk", &path, target],
    ))
}

#[test]
fn every_script_of_the_guide_meets_its_peer() {
    for (name, credentials, port, captures) in [
        ("fortune", None, 8378, 1),
        ("line", None, 8377, 1),
        ("reverse", None, 8377, 2),
        ("checker", Some(LAB), 8379, 0),
        ("half", None, 7, 1),
        ("stls", None, 110, 0),
    ] {
        let object = talk(credentials, name, &format!("www.lab.test:{port}"));
        assert_eq!(object["status"], "MATCHED", "{name}: {object}");
        let found = object["captures"].as_object().unwrap().len();
        assert!(found >= captures, "{name}: {object}");
    }
}

#[test]
fn the_checkers_no_is_no_match() {
    let object = talk(Some(("canvass", "wrong")), "checker", "www.lab.test:8379");
    assert_eq!(object["status"], "UNMATCHED", "{object}");
    assert_eq!(object["outcome"], "negative");
}

#[test]
fn no_script_of_the_guide_is_left_out() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/scripts");
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "checker.yaml",
            "fortune.yaml",
            "half.yaml",
            "line.yaml",
            "reverse.yaml",
            "stls.yaml"
        ]
    );
}
