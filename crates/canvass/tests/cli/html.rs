//! What a person looks at: the page about a run, and the bars of the summary.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::common::{CANVASS, Run, Running, canvass, canvass_reading};
use crate::peers::closed_port;

/// Elements that have no end.
const VOID: [&str; 6] = ["meta", "line", "path", "rect", "circle", "br"];

/// A page that has been read.
pub(crate) struct Page {
    /// As it stands in the file.
    pub(crate) source: String,
    /// What a person reads of it, blanks made one, numbers without their commas.
    pub(crate) text: String,
}

impl Page {
    /// Reads a page, having checked that its tags are well formed, and that it needs nothing but
    /// itself.
    #[track_caller]
    pub(crate) fn read(path: &Path) -> Self {
        Self::of(fs::read_to_string(path).expect("the page is there"))
    }

    /// As [`Self::read`], of the text of a page.
    #[track_caller]
    pub(crate) fn of(source: String) -> Self {
        let mut rest = source
            .strip_prefix("<!DOCTYPE html>")
            .expect("it begins as a page does");
        let mut open: Vec<&str> = Vec::new();
        let mut text = String::new();
        while let Some((before, after)) = rest.split_once('<') {
            if !matches!(open.last(), Some(&"style" | &"title")) {
                text.push_str(before);
            }
            let (tag, behind) = after.split_once('>').expect("a tag ends");
            rest = behind;
            if let Some(name) = tag.strip_prefix('/') {
                assert_eq!(open.pop(), Some(name), "</{name}> ends something else");
                // These stand in the middle of a line; others end one.
                if !["span", "b", "bdi", "code", "a"].contains(&name) {
                    text.push(' ');
                }
                continue;
            }
            let is_whole = tag.ends_with('/');
            let tag = tag.trim_end_matches('/');
            let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
            assert!(!["script", "link", "iframe", "img"].contains(&name));
            assert!(!is_whole || VOID.contains(&name), "<{tag}/>");
            check_attributes(attributes);
            if name == "style" {
                let (style, behind) = rest.split_once("</style>").expect("a style ends");
                for elsewhere in ["url(", "@import", "//"] {
                    assert!(!style.contains(elsewhere), "{elsewhere} in the style");
                }
                rest = behind;
            } else if !is_whole {
                open.push(name);
            }
        }
        assert!(open.is_empty(), "{open:?} have no end");
        let text = [
            ("&lt;", "<"),
            ("&gt;", ">"),
            ("&#39;", "'"),
            ("&quot;", "\""),
            ("&amp;", "&"),
        ]
        .into_iter()
        .fold(text, |text, (escape, plain)| text.replace(escape, plain));
        let words: Vec<String> = text.split_whitespace().map(without_commas).collect();
        let text = words.join(" ");
        Self { source, text }
    }

    #[track_caller]
    pub(crate) fn has(&self, part: &str) {
        assert!(self.text.contains(part), "{part:?} is not in {}", self.text);
    }
}

/// Attributes are quoted, run nothing, and lead nowhere but to places of the same page.
#[track_caller]
fn check_attributes(mut rest: &str) {
    while !rest.trim().is_empty() {
        let (key, after) = rest.split_once("=\"").expect("a value is quoted");
        let (value, after) = after.split_once('"').expect("a quote ends");
        let key = key.trim();
        assert!(!key.starts_with("on") && key != "src", "{key}=\"{value}\"");
        assert!(
            !key.ends_with("href") || value.starts_with('#'),
            "{key}=\"{value}\""
        );
        assert!(!value.contains("//"), "{key}=\"{value}\"");
        rest = after;
    }
}

fn without_commas(word: &str) -> String {
    let number = word.replace(',', "");
    match number.parse::<u64>() {
        Ok(_) => number,
        Err(_) => word.to_owned(),
    }
}

fn place(folder: &TempDir, name: &str) -> (PathBuf, String) {
    let path = folder.path().join(name);
    let shown = path.to_str().unwrap().to_owned();
    (path, shown)
}

/// Runs the command with a page, and reads it; it must have the summary's balance and
/// percentiles.
#[track_caller]
fn run_with_page(args: &[&str]) -> Page {
    let folder = tempfile::tempdir().unwrap();
    let (path, shown) = place(&folder, "run.html");
    let args = [args, &["--html", &shown, "--fail-below", "0", "-v"]].concat();
    let run = canvass(&args).exits(0);
    let page = Page::read(&path);
    assert_has_summary(&page, &run);
    page
}

#[track_caller]
fn assert_has_summary(page: &Page, run: &Run) {
    let [admitted, answered, negative, failed] = run.balance();
    page.has(&format!(
        "in {admitted} = answered {answered} + negative {negative} + failed {failed}"
    ));
    // Without a schedule the response time says nothing more.
    let has_schedule = page.text.contains(" --rate ");
    assert_eq!(page.text.contains("response time"), has_schedule);
    let measures = ["service", "response"];
    for measure in &measures[..if has_schedule { 2 } else { 1 }] {
        let row = run
            .err
            .lines()
            .find(|line| line.trim_start().starts_with(measure) && line.ends_with('s'))
            .unwrap_or_else(|| panic!("no {measure} in {}", run.err));
        let percentiles = Vec::from_iter(row.split_whitespace().skip(1)).join(" ");
        page.has(&format!("{measure} time {percentiles}"));
    }
}

#[test]
fn the_page_of_lookups_has_balance_latencies_resolvers_and_the_command() {
    let page = run_with_page(&["ptr", "10.0.0.0/22", "--lab=delay=2ms,loss=2%,refused=3%"]);
    page.has("canvass ptr");
    page.has("canvass ptr 10.0.0.0/22 --lab=delay=2ms,loss=2%,refused=3% --html ");
    for part in ["NOERROR", "NXDOMAIN", "127.0.0.1:", "over time"] {
        page.has(part);
    }
    page.has(&format!("canvass {}", env!("CARGO_PKG_VERSION")));
    let page = run_with_page(&["dns", "example.net", "gone.example.net", "--lab", "-tMX"]);
    page.has("canvass dns");
    page.has("in 2 = answered 1 + negative 1 + failed 0");
}

#[test]
fn the_page_of_probes_has_phases_and_faults_by_cause() {
    let closed = closed_port();
    let url = format!("http://127.0.0.1:{}/", closed.port());
    let page = run_with_page(&[
        "http",
        "--lab",
        "http://www.lab.test/",
        "http://www.lab.test/status/404",
        "https://www.lab.test/",
        &url,
    ]);
    for part in [
        "canvass http",
        "in 4 = answered 3 + negative 0 + failed 1",
        "404",
        "CONNREFUSED",
        "ECONNREFUSED",
        "connect",
        "tls",
        "first_byte",
    ] {
        page.has(part);
    }
    let address = closed.to_string();
    let page = run_with_page(&[
        "tcp",
        "--lab",
        "www.lab.test:110",
        &address,
        "--talk",
        "banner",
    ]);
    page.has("in 2 = answered 1 + negative 0 + failed 1");
    page.has("MATCHED");
    let page = run_with_page(&["udp", "--lab", "www.lab.test:7", "--retries", "0", &address]);
    page.has("in 2 = answered 1 + negative 0 + failed 1");
    page.has("canvass udp");
}

#[test]
fn what_targets_and_servers_say_is_text_and_nothing_else() {
    let strange = "<script src=//192.0.2.1/x>\"&amp;\u{202e}";
    let page = run_with_page(&["ptr", strange, "10.0.0.1", "--lab"]);
    assert!(page.source.contains("&lt;script src="), "{}", page.source);
    page.has("<script src=//192.0.2.1/x>\"&amp;");
    assert!(!page.source.contains('\u{202e}'));
}

#[test]
fn a_page_of_nothing_is_a_page() {
    let folder = tempfile::tempdir().unwrap();
    let (path, shown) = place(&folder, "run.html");
    canvass_reading(&["ptr", "--lab", "-i", "-", "--html", &shown], "# none\n").exits(0);
    let page = Page::read(&path);
    page.has("No target has an outcome.");
    page.has("in 0 = answered 0 + negative 0 + failed 0");
}

#[test]
fn the_page_of_an_interrupted_run_says_that_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let (path, shown) = place(&folder, "run.html");
    let args = ["ptr", "10.0.0.0/16", "--lab", "--rate", "300"];
    let mut running = Running::start(&[&args[..], &["--html", &shown]].concat());
    running.read_line();
    running.signal(Signal::INT);
    let run = running.end().exits(130);
    let page = Page::read(&path);
    assert_has_summary(&page, &run);
    page.has(&format!(
        "The run was interrupted: {} targets were not admitted.",
        run.remaining()
    ));
}

#[test]
fn secrets_of_the_command_are_not_in_its_page() {
    const SECRET: &str = "s3cret";
    let header = format!("Authorization: Bearer {SECRET}");
    let long_header = format!("--header=Cookie: {SECRET}");
    let joined = format!("-HX-Key: {SECRET}");
    let long_data = format!("--data={SECRET}");
    let joined_data = format!("-d{SECRET}");
    let url = format!("http://me:{SECRET}@www.lab.test/");
    // These are no targets, and what was secret in them is secret still.
    let bad_url = format!("http://me:{SECRET}/{SECRET}@www.lab.test/");
    let no_url = format!("me:{SECRET}@www.lab.test");
    for secret in [
        &["-H", &header][..],
        &["--header", &header],
        &["-kH", &header],
        &[&long_header],
        &[&joined],
        &["-d", SECRET],
        &["--data", SECRET],
        &[&long_data],
        &[&joined_data],
        &[&url],
        &[&bad_url],
        &[&no_url],
    ] {
        let args = [&["http", "--lab", "http://www.lab.test/"], secret].concat();
        let page = run_with_page(&args);
        assert!(!page.source.contains(SECRET), "{args:?}: {}", page.text);
        page.has("***");
        page.has("http://www.lab.test/");
    }
}

#[test]
fn a_page_that_cannot_be_written_is_named_before_anything_is_asked() {
    let path = "/nonexistent/run.html";
    let run = canvass(&["ptr", "10.0.0.1", "--lab", "--html", path])
        .exits(3)
        .says(&format!("cannot write {path}"));
    assert_eq!(run.out, "");
}

#[test]
fn a_page_that_finds_no_room_is_named_and_all_else_is_there() {
    let run = canvass(&["ptr", "10.0.0.1", "--lab", "--html", "/dev/full"])
        .exits(3)
        .says("no space is left to write /dev/full");
    assert_eq!(run.out, "10.0.0.1\tNOERROR\thost-10-0-0-1.example.net.\n");
    assert_eq!(run.balance(), [1, 1, 0, 0]);
}

#[test]
fn a_comparison_has_a_page_and_a_table_for_each_side() {
    let folder = tempfile::tempdir().unwrap();
    let (page, page_shown) = place(&folder, "sides.html");
    let (table, table_shown) = place(&folder, "sides.hgrm");
    let compare = ["compare", "10.0.0.0/24", "--lab", "--against", "tcp"];
    let files = ["--html", &page_shown, "--hgrm", &table_shown];
    let run = canvass(&[&compare[..], &files, &["--budget", "5s", "-f", "ndjson"]].concat());
    let run = run.exits(0);
    let pair = &run.objects()[0];
    let page = Page::read(&page);
    page.has("canvass compare 10.0.0.0/24 --lab --against tcp --html ");
    for side in ["a", "b"] {
        page.has(pair[side]["name"].as_str().unwrap());
    }
    // The verdict is the terminal's.
    let verdict = page.text.split("UTC ").nth(1).unwrap();
    let verdict = &verdict[..verdict.find("interval").expect("it has an interval")];
    let said: String = run
        .err
        .lines()
        .map(|line| line.trim().to_owned() + " ")
        .collect();
    assert!(
        said.contains(verdict.trim()),
        "{verdict:?} is not in {said}"
    );
    let beside = folder.path().join("sides.1.hgrm");
    for (side, path) in [("a", &table), ("b", &beside)] {
        let table = fs::read_to_string(path).expect("each side has its table");
        assert!(table.trim_start().starts_with("Value "), "{table}");
        let (_, behind) = table
            .rsplit_once("Total count")
            .expect("a table is counted");
        let counted = behind.trim_start_matches([' ', '=']).split(']').next();
        let counted: Option<u64> = counted.and_then(|count| count.parse().ok());
        assert_eq!(counted, pair[side]["targets"].as_u64(), "{table}");
    }
    for flag in ["--html", "--hgrm"] {
        let path = "/nonexistent/sides";
        canvass(&[&compare[..], &[flag, path, "--budget", "1s", "-q"]].concat())
            .exits(3)
            .says(&format!("cannot write {path}"));
    }
}

/// The bars of a summary, one a row: the edge, the count, the bar.
#[track_caller]
fn bars<'a>(summary: &'a str, heading: &str) -> Vec<(&'a str, u64, &'a str)> {
    let behind = summary.split_once(heading);
    let behind = behind.unwrap_or_else(|| panic!("no {heading:?} in {summary}"));
    let rows = behind.1.lines().take_while(|line| line.starts_with("  "));
    rows.map(|row| {
        // A span and its unit, a count, and a bar where the count is not 0.
        let unit = row.find('s').expect("a span is in seconds or parts of one") + 1;
        let (edge, rest) = row.split_at(unit);
        let (count, bar) = match rest.trim_start().split_once("  ") {
            Some((count, bar)) => (count, bar),
            None => (rest.trim(), ""),
        };
        let count = count
            .parse()
            .unwrap_or_else(|_| panic!("{row:?} has no count"));
        (edge, count, bar)
    })
    .collect()
}

#[test]
fn the_summary_has_bars_in_line_and_plain_where_no_terminal_is() {
    let run = canvass(&["ptr", "10.0.0.0/22", "--lab=delay=2ms,loss=2%"]).exits(0);
    assert!(!run.err.contains('\x1b'), "{}", run.err);
    let rows = bars(&run.err, "\nservice time up to\n");
    assert_eq!(rows.iter().map(|(_, count, _)| count).sum::<u64>(), 1024);
    let most = rows.iter().map(|(_, count, _)| *count).max().unwrap();
    for (edge, count, bar) in &rows {
        assert_eq!(edge.chars().count(), rows[0].0.chars().count(), "{rows:?}");
        assert_eq!(*count == 0, bar.is_empty(), "{rows:?}");
        // Forty columns of eighths. Every count above 0 has at least one eighth.
        let eighths = (count * 40 * 8 / most).max(u64::from(*count > 0));
        let columns = bar.chars().count() as u64;
        assert_eq!(columns, eighths.div_ceil(8), "{rows:?}");
        assert!(bar.chars().all(|c| ('█'..='▏').contains(&c)), "{rows:?}");
    }
    // On a schedule those who had to wait are what counts.
    let run = canvass(&["ptr", "10.0.0.0/28", "--lab", "--rate", "1000", "-v"]).exits(0);
    let rows = bars(&run.err, "\nresponse time up to\n");
    assert_eq!(rows.iter().map(|(_, count, _)| count).sum::<u64>(), 16);
}

#[test]
fn bars_have_colours_on_a_terminal_unless_they_are_not_wanted() {
    for (no_color, term, coloured) in [
        ("", "xterm", true),
        ("1", "xterm", false),
        ("", "dumb", false),
    ] {
        // util-linux's script(1) gives the command a terminal.
        let typed = format!("{CANVASS} ptr 10.0.0.0/27 --lab --progress never");
        let output = Command::new("script")
            .args(["-qec", &typed, "/dev/null"])
            .env("NO_COLOR", no_color)
            .env("TERM", term)
            .output()
            .expect("script is there");
        assert!(output.status.success());
        let shown = String::from_utf8(output.stdout).unwrap();
        assert!(shown.contains("service time up to"), "{shown}");
        assert_eq!(shown.contains('\x1b'), coloured, "{shown}");
    }
}
