//! The targets that the page about a run names: during the run, and from its lines.

use std::fs;

use crate::common::canvass;
use crate::html::Page;
use crate::peers::closed_port;

/// The page of a run with these arguments, and the page that is made from its lines.
#[track_caller]
fn pages(args: &[&str]) -> [Page; 2] {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (page, lines) = (path("run.html"), path("run.ndjson"));
    let outputs = [
        "-q",
        "--fail-below",
        "0",
        "-f",
        "ndjson",
        "-o",
        &lines,
        "--html",
        &page,
    ];
    canvass(&[args, &outputs].concat()).exits(0);
    let later = canvass(&["report", &lines]).exits(0).out;
    [
        Page::read(folder.path().join("run.html").as_path()),
        Page::of(later),
    ]
}

/// What stands between two texts of a page.
#[track_caller]
fn between<'a>(page: &'a Page, start: &str, end: &str) -> &'a str {
    let at = page.text.rfind(start);
    let rest = &page.text[at.unwrap_or_else(|| panic!("no {start:?} in {}", page.text))..];
    &rest[..rest
        .find(end)
        .unwrap_or_else(|| panic!("no {end:?} in {rest}"))]
}

#[test]
fn failed_and_negative_targets_are_named_by_cause() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("urls.txt");
    let closed = closed_port().port();
    let mut urls: Vec<String> = (0..60)
        .map(|number| format!("http://127.0.0.1:{closed}/closed/{number}"))
        .collect();
    urls.extend(["no url".to_owned(), "https://expired.lab.test/".to_owned()]);
    urls.extend((0..3).map(|number| format!("http://www.lab.test/status/503?{number}")));
    urls.push("http://www.lab.test/delay/300".to_owned());
    urls.extend((0..20).map(|number| format!("http://www.lab.test/?{number}")));
    fs::write(&list, urls.join("\n")).unwrap();
    let list = list.to_str().unwrap();
    let args = ["http", "--lab", "-i", list, "--expect-status", "200-399"];
    for page in pages(&args) {
        let failed = between(
            &page,
            "connect: refused, ECONNREFUSED 60 targets",
            "Negative targets",
        );
        assert_eq!(failed.matches("/closed/").count(), 50);
        for part in [
            "The first 50 are named, and 10 more are not.",
            "target: invalid 1 target",
            "line 61",
            "tls: expired 1 target",
            "https://expired.lab.test/",
        ] {
            assert!(failed.contains(part), "{part:?} is not in {failed}");
        }
        let negative = between(
            &page,
            "expected status 200-399 3 targets",
            "Certificates with",
        );
        assert_eq!(negative.matches("/status/503?").count(), 3);
        page.has("https://expired.lab.test/ line 62 expired");
        let slowest = between(&page, "Slowest targets", "Latency distribution");
        assert!(
            slowest.contains("http://www.lab.test/delay/300"),
            "{slowest}"
        );
        assert!(!slowest.contains("/closed/"), "{slowest}");
    }
}

#[test]
fn statuses_and_balance_have_the_classes_of_codes() {
    let paths = ["", "", "status/301", "status/404", "status/500"];
    let urls = paths.map(|path| format!("http://www.lab.test/{path}"));
    let urls = urls.iter().map(String::as_str);
    let args: Vec<&str> = ["http", "--lab"].into_iter().chain(urls).collect();
    for page in pages(&args) {
        page.has("in 5 = answered 5 + negative 0 + failed 0");
        page.has("answered: 2xx 2 (40 %) 3xx 1 (20 %) 4xx 1 (20 %) 5xx 1 (20 %)");
        for class in ["http2", "http3", "http4", "http5"] {
            let bar = format!("<span class=\"bar {class}\"");
            assert!(
                page.source.matches(&bar).count() >= 2,
                "{class}: {}",
                page.source
            );
        }
    }
}

#[test]
fn a_title_has_list_and_date_and_the_index_leads_to_every_section() {
    let [page, later] = pages(&["ptr", "10.0.0.0/28", "10.1.0.0/28", "--lab"]);
    for (page, list) in [(page, "10.0.0.0/28 and 1 more"), (later, "run.ndjson")] {
        let (title, _) = page.source.split_once("</title>").unwrap();
        let (_, title) = title.split_once("<title>").unwrap();
        assert!(
            title.starts_with(&format!("canvass ptr {list}, 20")),
            "{title}"
        );
        assert!(title.ends_with(" UTC"), "{title}");
        page.has(&format!("canvass ptr {list} 20"));
        let sections = page.source.split("<section id=\"").skip(1);
        for section in sections {
            let id = section.split('"').next().unwrap();
            assert!(page.source.contains(&format!("<a href=\"#{id}\">")), "{id}");
        }
    }
}

#[test]
fn requests_of_one_target_are_one_row() {
    let args = [
        "http",
        "--lab",
        "http://www.lab.test/status/503",
        "--repeat",
        "70",
    ];
    for page in pages(&[&args[..], &["--expect-status", "200"]].concat()) {
        let negative = between(&page, "expected status 200 70 requests", "Latency dist");
        assert_eq!(negative.matches("/status/503").count(), 1);
        assert!(negative.contains("70 requests"), "{negative}");
        assert!(!negative.contains("more are not"), "{negative}");
    }
}
