//! What is generated from the command line: completions, manual pages, the version.

use std::fs;
use std::process::Command;

use crate::common::{CANVASS, canvass};

#[test]
fn completions_are_printed_for_each_shell() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let run = canvass(&["completions", shell]).exits(0);
        assert!(run.out.contains("match-status"), "{shell}");
        assert_eq!(run.err, "");
    }
    canvass(&["completions", "bsh"])
        .exits(2)
        .says("[possible values: bash, elvish, fish, powershell, zsh]")
        .says("similar value exists: 'bash'");
}

#[test]
fn bash_takes_its_completions() {
    let script = canvass(&["completions", "bash"]).out;
    let test = format!(
        "{script}\nCOMP_WORDS=(canvass ptr --match) COMP_CWORD=2; _canvass canvass --match ptr; \
         echo \"${{COMPREPLY[@]}}\""
    );
    let output = Command::new("bash").args(["-c", &test]).output().unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout).trim(),
        "--match-status"
    );
}

#[test]
fn each_command_has_a_manual_page_also_in_a_directory_that_is_there() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("share/man1");
    for _ in 0..2 {
        let run = canvass(&["man", path.to_str().unwrap()]).exits(0);
        assert_eq!((run.out, run.err), (String::new(), String::new()));
    }
    for name in [
        "canvass",
        "canvass-ptr",
        "canvass-http",
        "canvass-sweep-silence",
        "canvass-man",
    ] {
        let page = fs::read_to_string(path.join(format!("{name}.1"))).unwrap();
        assert!(
            page.contains(".SH SYNOPSIS") && page.contains("\\-\\-help"),
            "{name}"
        );
    }
    let ptr = fs::read_to_string(path.join("canvass-ptr.1")).unwrap();
    assert!(ptr.contains(".SH OUTPUT") && ptr.contains("\\-\\-forward\\-confirm"));
    canvass(&["man", "/proc/nowhere"])
        .exits(3)
        .says("cannot write manual pages to /proc/nowhere");
}

/// The commit is that of the repository, if there is one and git can be asked.
#[test]
fn the_version_has_the_commit() {
    let run = canvass(&["--version"]).exits(0);
    let expected = format!("canvass {}\n", env!("CANVASS_VERSION"));
    assert_eq!(run.out, expected);
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../.git");
    let has_git = Command::new("git").arg("--version").output().is_ok();
    if has_git && fs::metadata(root).is_ok() {
        let (_, commit) = expected.trim_end().split_once(" (").unwrap();
        let (hash, date) = commit.strip_suffix(')').unwrap().split_once(' ').unwrap();
        assert!(
            hash.len() >= 9 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "{hash}"
        );
        assert!(date.starts_with("20") && date.len() == 10, "{date}");
    }
    assert!(Command::new(CANVASS).arg("-V").status().unwrap().success());
}
