//! Files of the user: none is destroyed by a command that is refused, or that cannot begin.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::common::{CANVASS, Run, canvass};

const LIST: &str = "10.0.0.1\n10.0.0.2\n";

/// A directory with a list and other names of it.
fn directory() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    fs::write(at("list"), LIST).unwrap();
    fs::hard_link(at("list"), at("hard")).unwrap();
    symlink("list", at("soft")).unwrap();
    fs::create_dir(at("sub")).unwrap();
    directory
}

/// Runs the command in a directory, with standard input and output as they are given.
fn run_in(directory: &Path, args: &[&str], stdin: Stdio, stdout: Stdio) -> Run {
    let child = Command::new(CANVASS)
        .args(args)
        .current_dir(directory)
        .stdin(stdin)
        .stdout(stdout)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let output = child.wait_with_output().unwrap();
    Run {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Checks that a command is refused, that the message has these parts, and that nothing was written.
#[track_caller]
fn refused(args: &[&str], parts: &[&str]) {
    let directory = directory();
    let run = run_in(directory.path(), args, Stdio::null(), Stdio::piped()).exits(2);
    assert_untouched(directory.path());
    for part in parts {
        assert!(run.err.contains(part), "{part:?} is not in {}", run.err);
    }
    assert_eq!(run.out, "");
}

#[track_caller]
fn assert_untouched(directory: &Path) {
    assert_eq!(fs::read_to_string(directory.join("list")).unwrap(), LIST);
    let count = |path: &Path| fs::read_dir(path).unwrap().count();
    assert_eq!(count(directory), 4);
    assert_eq!(count(&directory.join("sub")), 0);
}

#[test]
fn an_output_that_is_the_list_by_any_name_is_refused() {
    for name in ["list", "./list", "sub/../list", "hard", "soft"] {
        for flag in ["--output", "--html", "--hlog", "--hgrm"] {
            let args = ["ptr", "--lab", "-q", "-i", "list", flag, name];
            refused(&args, &[&format!("{flag} {name}"), "--input list"]);
        }
    }
    refused(
        &[
            "compare",
            "--lab",
            "--against",
            "tcp",
            "-i",
            "list",
            "-o",
            "hard",
        ],
        &["--output hard", "--input list"],
    );
}

#[test]
fn an_output_that_is_any_file_read_is_refused() {
    for (command, flag, value) in [
        ("ptr", "--exclude", "list"),
        ("ptr", "--resolver", "list"),
        ("tcp", "--credentials", "list"),
        ("http", "--data", "@list"),
    ] {
        refused(
            &[command, "10.0.0.9", flag, value, "-o", "soft"],
            &["--output soft", &format!("{flag} list")],
        );
    }
    let directory = directory();
    let at = |name: &str| directory.path().join(name);
    let talk = "[{send: 'a'}]\n";
    fs::write(at("script"), talk).unwrap();
    let args = ["tcp", "10.0.0.9:1", "--talk", "script", "-o", "script"];
    run_in(directory.path(), &args, Stdio::null(), Stdio::piped())
        .exits(2)
        .says("--output script would overwrite the file that --talk script reads");
    assert_eq!(fs::read_to_string(at("script")).unwrap(), talk);
    // A preset is no file, whatever is called so.
    fs::write(at("time"), "").unwrap();
    let args = [
        "udp",
        "127.0.0.1",
        "--lab",
        "-q",
        "--talk",
        "time",
        "-o",
        "time",
    ];
    run_in(directory.path(), &args, Stdio::null(), Stdio::piped()).exits(0);
}

#[test]
fn certificates_and_keys_are_kept() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let (ca, client) = (at("ca.pem"), at("client.pem"));
    let mut lab = crate::common::Running::start(&[
        "lab",
        "--listen",
        "127.0.0.1:0",
        "--serve",
        "https",
        "--ca-out",
        &ca,
        "--client-out",
        &client,
    ]);
    lab.read_line();
    lab.read_line();
    let kept = [&ca, &client].map(|path| fs::read(path).unwrap());
    for (flags, input) in [
        (&["--cacert", &*ca][..], &ca),
        (&["--cert", &client, "--key", &client], &client),
    ] {
        let args = [&["http", "https://127.0.0.1:9/", "-o", input][..], flags].concat();
        canvass(&args)
            .exits(2)
            .says(&format!("{} {input}", flags[0]));
    }
    assert_eq!([&ca, &client].map(|path| fs::read(path).unwrap()), kept);
    canvass(&[
        "lab",
        "--serve",
        "https",
        "--ca-out",
        &ca,
        "--client-out",
        &ca,
    ])
    .exits(2)
    .says("--ca-out")
    .says("--client-out");
}

#[test]
fn standard_input_and_output_count_where_they_are_files() {
    let directory = directory();
    let list = || Stdio::from(File::open(directory.path().join("list")).unwrap());
    let append = |name: &str| {
        let file = File::options()
            .append(true)
            .open(directory.path().join(name));
        Stdio::from(file.unwrap())
    };
    for name in ["list", "hard", "/dev/stdin", "/proc/self/fd/0"] {
        let args = ["ptr", "--lab", "-q", "-o", name];
        run_in(directory.path(), &args, list(), Stdio::piped())
            .exits(2)
            .says(&format!("--output {name} would overwrite"))
            .says("standard input");
        assert_untouched(directory.path());
    }
    let args = ["ptr", "--lab", "-q", "-i", "list"];
    run_in(directory.path(), &args, Stdio::null(), append("soft"))
        .exits(2)
        .says("standard output");
    run_in(directory.path(), &args[..3], list(), append("hard"))
        .exits(2)
        .says("standard output");
    assert_untouched(directory.path());
    // Standard input is not a list where there are targets, and then it does no harm.
    let args = ["ptr", "10.0.0.1", "--lab", "-q", "-o", "sub/lines"];
    run_in(directory.path(), &args, list(), Stdio::piped()).exits(0);
}

#[test]
fn two_outputs_to_the_same_file_are_refused() {
    for (one, other) in [("new", "new"), ("new", "sub/../new"), ("hard", "soft")] {
        for flag in ["--html", "--hlog", "--hgrm"] {
            let args = ["ptr", "10.0.0.1", "--lab", "-q", "-o", one, flag, other];
            refused(
                &args,
                &[&format!("--output {one}"), &format!("{flag} {other}")],
            );
        }
    }
    // The second table.
    refused(
        &[
            "ptr",
            "10.0.0.1",
            "--lab",
            "--hgrm",
            "a.hgrm",
            "-o",
            "a.response.hgrm",
        ],
        &[
            "--output a.response.hgrm",
            "--hgrm, second file a.response.hgrm",
        ],
    );
    refused(
        &[
            "compare",
            "10.0.0.1",
            "--lab",
            "--against",
            "tcp",
            "--hgrm",
            "a",
            "--html",
            "a.1",
        ],
        &["--html a.1", "--hgrm, second file a.1"],
    );
    let directory = directory();
    let lines = || File::create(directory.path().join("lines")).unwrap();
    let args = ["ptr", "10.0.0.1", "--lab", "-q", "-o", "lines"];
    run_in(directory.path(), &args, Stdio::null(), lines().into())
        .exits(2)
        .says("standard output")
        .says("--output lines");
    // The same output by its other name.
    let args = ["ptr", "10.0.0.1", "--lab", "-q", "-o", "/dev/stdout"];
    run_in(directory.path(), &args, Stdio::null(), lines().into()).exits(0);
    let written = fs::read_to_string(directory.path().join("lines")).unwrap();
    assert_eq!(written, "10.0.0.1\tNOERROR\thost-10-0-0-1.example.net.\n");
}

#[test]
fn standard_output_is_free_for_a_page_if_the_lines_go_elsewhere_and_is_appended_to() {
    let directory = directory();
    let args = ["ptr", "10.0.0.1", "--lab", "-q", "--html", "/dev/stdout"];
    let page = directory.path().join("page");
    let append = || {
        let file = File::options().create(true).append(true).open(&page);
        Stdio::from(file.unwrap())
    };
    fs::write(&page, "before\n").unwrap();
    run_in(directory.path(), &args, Stdio::null(), append())
        .exits(2)
        .says("--html /dev/stdout");
    let args = [&args[..], &["-o", "lines"]].concat();
    run_in(directory.path(), &args, Stdio::null(), append()).exits(0);
    let written = fs::read_to_string(&page).unwrap();
    assert!(written.starts_with("before\n<!DOCTYPE html>"), "{written}");
    assert!(written.ends_with("</html>\n"));
}

#[test]
fn a_body_that_would_overwrite_another_file_is_refused() {
    for args in [
        ["--save", "sub", "-o", "sub/0.body"],
        ["--save", "sub", "--html", "sub/../sub/7-2.body"],
        ["--save", "sub/new", "-o", "sub/new/0.body"],
    ] {
        let all = [&["http", "http://127.0.0.1:9/", "-q"][..], &args].concat();
        refused(&all, &["--save sub", args[3]]);
    }
    let directory = directory();
    symlink("../list", directory.path().join("sub/3.body")).unwrap();
    let args = ["http", "--lab", "-i", "list", "--save", "sub"];
    run_in(directory.path(), &args, Stdio::null(), Stdio::piped())
        .exits(2)
        .says("--save sub would overwrite the file of --input list");
    let list = fs::read_to_string(directory.path().join("list")).unwrap();
    assert_eq!(list, LIST);
}

#[test]
fn a_page_does_not_overwrite_what_it_is_made_from() {
    for flag in ["-o", "--html"] {
        refused(
            &["report", "list", flag, "soft"],
            &["report list", "--output soft"],
        );
    }
}

#[test]
fn what_is_no_regular_file_may_be_input_and_output() {
    let args = ["ptr", "-q", "--lab", "-i", "/dev/null", "-o", "/dev/null"];
    canvass(&[&args[..], &["--html", "/dev/null", "--hlog", "/dev/null"]].concat()).exits(0);
}

#[test]
fn nothing_is_written_before_the_plan_is_valid() {
    for args in [
        &["ptr", "10.0.0.1", "--exclude", "nonsense", "-o", "new"][..],
        &["ptr", "10.0.0.1", "--exclude", "nonsense", "-o", "hard"],
        &[
            "ptr", "-i", "missing", "--lab", "-o", "new", "--hgrm", "newer",
        ],
        &[
            "ptr", "10.0.0.1", "-r", "nonsense", "--html", "new", "--hlog", "newer",
        ],
        &["ptr", "10.0.0.300", "--lab", "--strict", "-o", "hard"],
        &[
            "http",
            "http://127.0.0.1/",
            "--save",
            "new",
            "-i",
            "missing",
        ],
        &[
            "http",
            "http://127.0.0.1/",
            "--save",
            "new",
            "--ports",
            "nonsense",
        ],
        &[
            "http",
            "http://127.0.0.1/",
            "--save",
            "new",
            "--cacert",
            "list",
        ],
        &["tcp", "127.0.0.1:1", "--talk", "nonsense", "-o", "new"],
        &[
            "compare",
            "-i",
            "/dev/null",
            "--lab",
            "--against",
            "tcp",
            "-o",
            "new",
        ],
        &[
            "compare",
            "10.0.0.300",
            "--lab",
            "--against",
            "tcp",
            "--html",
            "hard",
        ],
        &["compare", "10.0.0.1", "-r", "127.0.0.1:9", "--hlog", "new"],
        &["report", "list", "-o", "new"],
    ] {
        refused(args, &[]);
    }
}

#[test]
fn an_output_that_cannot_be_opened_leaves_the_others_as_they_were() {
    let directory = directory();
    let page = directory.path().join("page.html");
    fs::write(&page, "a page").unwrap();
    for flag in ["--html", "--hlog", "--hgrm"] {
        let args = [
            "ptr",
            "10.0.0.1",
            "--lab",
            "-o",
            "page.html",
            flag,
            "none/x",
        ];
        run_in(directory.path(), &args, Stdio::null(), Stdio::piped())
            .exits(3)
            .says("cannot write none/x");
        assert_eq!(fs::read_to_string(&page).unwrap(), "a page");
    }
}
