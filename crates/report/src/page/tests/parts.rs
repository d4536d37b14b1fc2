//! What the parts of the page about a run show, and when they are there.

use canvass_model::{ShardReport, Status, Verdict};

use super::{Run, check_form, hosts, mixed, run_page, sections, shard};
use crate::fixture;

#[test]
fn targets_are_named_and_their_text_leads_nowhere() {
    let mut outcomes = hosts();
    outcomes.push(fixture::http_unexpected());
    let run = Run::of(&outcomes);
    let page = run_page(&run.report());
    check_form(&page);
    for section in ["failed", "negative", "certificates", "slowest"] {
        assert!(sections(&page).contains(&section), "{section}");
        assert!(
            page.contains(&format!("<a href=\"#{section}\">")),
            "{section}"
        );
    }
    assert!(page.contains("<bdi>https://expired.example.net/</bdi> <small>line 3</small>"));
    // An interval log names none.
    let page = run_page(&run.logged());
    assert!(!sections(&page).contains(&"failed") && page.contains("the names of targets"));
}

#[test]
fn targets_of_an_earlier_part_of_a_run_are_missing_and_that_is_said() {
    let mut run = Run::of(&mixed());
    run.tally.record_all(&mixed());
    let page = run_page(&run.report());
    check_form(&page);
    assert!(page.contains("the names of some targets that failed or were negative"));
}

#[test]
fn response_time_is_apart_only_if_there_was_a_schedule() {
    let mut outcomes = hosts();
    assert!(!run_page(&Run::of(&outcomes).report()).contains("response"));
    outcomes[0].job.due = Some(outcomes[0].due);
    let page = run_page(&Run::of(&outcomes).report());
    check_form(&page);
    for text in [
        "<dt>response p50</dt>",
        "<b>response time</b>",
        "<b>service time</b>",
    ] {
        assert!(page.contains(text), "{text}");
    }
    // Where nothing was sent there is nothing else.
    let page = run_page(&Run::of(&[fixture::local_failure()]).report());
    assert!(page.contains("<b>response time</b>") && !page.contains("<b>service time</b>"));
}

#[test]
fn a_phase_that_was_not_reached_or_took_no_time_is_left_out() {
    let page = run_page(&Run::of(&[fixture::http_answered(), fixture::tcp_refused()]).report());
    for phase in ["connect", "first_byte", "transfer"] {
        assert!(page.contains(&format!("phase-{phase}\"")), "{phase}");
    }
    let (_, body) = page.split_once("</style>").unwrap();
    for phase in ["wait", "dns", "resolve", "tls"] {
        assert!(!body.contains(&format!("phase-{phase}\"")), "{phase}");
        assert!(!body.contains(&format!("<b>{phase}</b>")), "{phase}");
    }
}

#[test]
fn a_title_has_the_list_and_the_start() {
    let run = Run::of(&mixed());
    let mut report = run.report();
    let title = "<title>canvass ptr list.txt, 2026-01-02 03:04:05 UTC</title>";
    assert!(run_page(&report).contains(title));
    report.origin.list = None;
    report.origin.file = Some("a/folder/run.ndjson".to_owned());
    let title = "<title>canvass ptr run.ndjson, 2026-01-02 03:04:05 UTC</title>";
    assert!(run_page(&report).contains(title));
}

#[test]
fn a_table_without_losses_is_folded_away() {
    let run = Run::of(&mixed());
    let mut shards = [shard(4)];
    let page = |shards: &[ShardReport]| {
        let mut report = run.report();
        report.shards = Some(shards);
        let page = run_page(&report);
        check_form(&page);
        page
    };
    assert!(page(&shards).contains("<summary>No query was lost</summary>"));
    shards[0].losses.silence = 3;
    let page = page(&shards);
    assert!(
        page.contains("<summary>6 places where none was lost</summary>"),
        "{page}"
    );
}

#[test]
fn the_balance_is_drawn_in_proportion() {
    let run = Run::of(&[
        fixture::ptr_answered(),
        fixture::ptr_answered(),
        fixture::ptr_answered(),
        fixture::ptr_timeout(),
    ]);
    let page = run_page(&run.report());
    assert_eq!(run.tally.verdict(Verdict::Negative), 0);
    for segment in [
        "<span class=\"bar answered\" style=\"width:75.00%\"><b>answered</b></span>",
        "<span class=\"bar failed\" style=\"width:25.00%\"><b>failed</b></span>",
    ] {
        assert!(page.contains(segment), "{segment}");
    }
    assert!(!page.contains("<span class=\"bar negative\" style=\"width:0"));
    // Without a code there are no classes of codes.
    assert!(!page.contains("<p class=\"classes\">"));
}

#[test]
fn answers_of_http_servers_have_the_colours_of_their_classes() {
    let mut outcomes = vec![fixture::http_answered(); 6];
    outcomes[0].status = Status::Http(404);
    outcomes[1].status = Status::Http(503);
    outcomes.extend([fixture::http_unexpected(), fixture::http_expired()]);
    let page = run_page(&Run::of(&outcomes).report());
    check_form(&page);
    for class in ["http2", "http4", "http5", "unmet http5", "failed"] {
        let bar = format!("<span class=\"bar {class}\"");
        assert!(page.contains(&bar), "{class}");
        assert!(
            page.contains(&format!("<path class=\"area stack {class}\"")),
            "{class}"
        );
    }
    assert!(!page.contains("<path class=\"area stack answered\""));
}
