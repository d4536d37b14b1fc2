//! The page about a run, made from what the run wrote.

use std::fs;
use std::path::Path;

use crate::common::{Run, canvass, canvass_reading};
use crate::peers::closed_port;

/// A run that wrote its lines and its interval log into a folder.
struct Written {
    folder: tempfile::TempDir,
    run: Run,
}

impl Written {
    /// Runs the command; what it exits with depends on what it meets.
    fn by(args: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let (lines, log) = (path("run.ndjson"), path("run.hlog"));
        let output = ["-v", "-f", "ndjson", "-o", &lines, "--hlog", &log];
        let run = canvass(&[args, &output, &["--fail-below", "0"]].concat()).exits(0);
        Self { folder, run }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// The text of the page made from one of its files.
    #[track_caller]
    fn page(&self, name: &str) -> String {
        let report = canvass(&["report", &self.path(name)]).exits(0);
        assert_eq!(report.err, "");
        text(&report.out)
    }

    /// The balance as the summary has it.
    fn balance(&self) -> String {
        let [admitted, answered, negative, failed] = self.run.balance();
        format!("in {admitted} = answered {answered} + negative {negative} + failed {failed}")
    }

    /// What the summary's latency table has for `measure`: its percentiles, blanks made one.
    #[track_caller]
    fn percentiles_of(&self, measure: &str) -> String {
        let row =
            self.run.err.lines().find(|line| {
                line.split_whitespace().next() == Some(measure) && line.ends_with('s')
            });
        let row = row.unwrap_or_else(|| panic!("no {measure} in {}", self.run.err));
        Vec::from_iter(row.split_whitespace().skip(1)).join(" ")
    }
}

/// What a person reads of a page: no tags, no style, blanks made one, no separators in numbers.
fn text(page: &str) -> String {
    assert!(page.starts_with("<!DOCTYPE html>"), "this is no page");
    let mut text = String::new();
    let body = page.split_once("</style>").expect("a page has a style").1;
    for part in body.split('<') {
        let inner = part.split_once('>').map_or(part, |(_, inner)| inner);
        text.push_str(inner);
        // Parts of a word stand in elements that follow each other without a blank.
        if !part.starts_with("/span>") && !part.starts_with("span") {
            text.push(' ');
        }
    }
    let text = text
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&");
    let words: Vec<String> = text
        .split_whitespace()
        .map(|word| {
            let number = word.replace(',', "");
            if number.parse::<u64>().is_ok() {
                number
            } else {
                word.to_owned()
            }
        })
        .collect();
    words.join(" ")
}

#[track_caller]
fn has(page: &str, part: &str) {
    assert!(page.contains(part), "{part:?} is not in {page}");
}

#[test]
fn the_page_about_lookups_has_what_the_summary_had() {
    let written = Written::by(&["ptr", "10.0.0.0/21", "--lab=delay=2ms,loss=2%,refused=3%"]);
    let page = written.page("run.ndjson");
    has(&page, "canvass ptr");
    has(&page, &written.balance());
    has(&page, &written.percentiles_of("service"));
    for status in ["NOERROR", "NXDOMAIN"] {
        has(&page, status);
    }
    has(&page, "127.0.0.1:");
    has(&page, "read from ");
    has(&page, "run.ndjson");
    // What only the run itself knew.
    has(&page, "Not in this file");
}

#[test]
fn the_page_about_probes_has_their_phases_and_faults() {
    let closed = closed_port();
    let written = Written::by(&[
        "http",
        "--lab",
        "http://www.lab.test/",
        "http://www.lab.test/status/404",
        "https://www.lab.test/",
        &format!("http://127.0.0.1:{}/", closed.port()),
    ]);
    let page = written.page("run.ndjson");
    has(&page, "canvass http");
    has(&page, &written.balance());
    for measure in ["service", "connect", "first_byte"] {
        has(&page, &written.percentiles_of(measure));
    }
    has(&page, "404");
    let written = Written::by(&[
        "tcp",
        &format!("127.0.0.1:{}", closed.port()),
        &format!("127.0.0.2:{}", closed.port()),
    ]);
    let page = written.page("run.ndjson");
    has(&page, "canvass tcp");
    has(&page, "in 2 = answered 0 + negative 0 + failed 2");
    has(&page, "CONNREFUSED");
    has(&page, "ECONNREFUSED");
    has(&page, &written.percentiles_of("connect"));
}

#[test]
fn an_interval_log_has_latency_and_says_what_it_lacks() {
    let written = Written::by(&["ptr", "10.0.0.0/21", "--lab=delay=2ms,loss=2%"]);
    let page = written.page("run.hlog");
    has(&page, "canvass ptr");
    has(&page, &written.percentiles_of("service"));
    has(&page, "Not in this file");
    assert!(!page.contains(&written.balance()), "{page}");
}

#[test]
fn response_times_are_those_of_a_schedule_in_either_file() {
    for (rate, has_schedule) in [(&[][..], false), (&["--rate", "500"], true)] {
        let written = Written::by(&[&["ptr", "10.0.0.0/25", "--lab=delay=1ms"], rate].concat());
        for name in ["run.ndjson", "run.hlog"] {
            let page = written.page(name);
            assert_eq!(
                page.contains("response time"),
                has_schedule,
                "{name}: {page}"
            );
            if has_schedule {
                has(&page, &written.percentiles_of("response"));
            }
        }
    }
}

#[test]
fn a_file_may_be_cut_off_and_the_rest_is_shown() {
    let written = Written::by(&["ptr", "10.0.0.0/24", "--lab"]);
    for name in ["run.ndjson", "run.hlog"] {
        let mut file = fs::read(written.path(name)).unwrap();
        file.truncate(file.len() - 20);
        let cut = written.path("cut");
        fs::write(&cut, &file).unwrap();
        let lines = file.iter().filter(|octet| **octet == b'\n').count();
        let report = canvass(&["report", &cut]).exits(0).says(&format!(
            "canvass: warning: 1 line of the file could not be read and is left out; the first is \
             line {}: ",
            lines + 1
        ));
        has(&text(&report.out), "1 line of the file could not be read");
        if name == "run.ndjson" {
            has(&text(&report.out), "in 255 = answered ");
        }
    }
}

#[test]
fn the_page_goes_where_it_is_asked_for() {
    let written = Written::by(&["ptr", "10.0.0.0/30", "--lab"]);
    let lines = written.path("run.ndjson");
    let page = canvass(&["report", &lines]).exits(0).out;
    for flag in ["-o", "--output", "--html"] {
        let path = written.path("page.html");
        let report = canvass(&["report", &lines, flag, &path]).exits(0);
        assert_eq!((&*report.out, &*report.err), ("", ""));
        assert!(fs::read_to_string(&path).unwrap() == page, "{flag}");
        fs::remove_file(&path).unwrap();
    }
    let read = canvass_reading(&["report", "-"], fs::read(&lines).unwrap()).exits(0);
    has(&text(&read.out), "read from standard input");
    canvass(&["report", &lines, "-o", "/nonexistent/page.html"])
        .exits(3)
        .says("cannot write /nonexistent/page.html");
    if Path::new("/dev/full").exists() {
        canvass(&["report", &lines, "-o", "/dev/full"])
            .exits(3)
            .says("no space is left to write /dev/full");
    }
}

#[test]
fn what_is_no_output_of_a_run_is_refused_by_name() {
    let written = Written::by(&["ptr", "10.0.0.0/30", "--lab"]);
    canvass(&["report", "/nonexistent/run.ndjson"])
        .exits(2)
        .says("cannot read /nonexistent/run.ndjson");
    canvass(&["report", "/"]).exits(2).says("cannot read /");
    let refused = |text: &str, reason: &str| {
        let path = written.path("other");
        fs::write(&path, text).unwrap();
        let report = canvass(&["report", &path]).exits(2);
        assert_eq!(report.out, "");
        report.says(&path).says(reason);
    };
    refused("", "is empty");
    for (format, name) in [("csv", "CSV"), ("text", "text")] {
        let lines = canvass(&["ptr", "10.0.0.0/30", "--lab", "-f", format]).exits(0);
        refused(
            &lines.out,
            &format!("holds {name}; only ndjson (-f ndjson) and HdrHistogram"),
        );
    }
    let page = canvass(&["report", &written.path("run.ndjson")])
        .exits(0)
        .out;
    refused(&page, "holds an HTML page");
    refused(
        "{\"a\":{\"name\":\"canvass\"},\"b\":{\"name\":\"getnameinfo\"},\"ratio\":null}\n",
        "holds a comparison",
    );
    refused("{\"seq\":0}\n", "no line of ");
    refused(
        "Tag=db,0.000,1.000,2.0,HISTFAAA\n",
        "its tag \"db\" is none of canvass's",
    );
    canvass(&["report"]).exits(2);
}
