//! Pages about comparisons.

use std::time::Duration;

use canvass_model::Time;
use proptest::prelude::*;

use super::{check_form, sections};
use crate::latency::histogram;
use crate::{Answers, Block, Comparison, Difference, Origin, OtherSide, Side, comparison_page};

fn side(name: &str, spans_ns: &[u64], targets: u64) -> Side {
    let mut latency = histogram();
    for &span_ns in spans_ns {
        latency.saturating_record(span_ns);
    }
    let block = |place: u64| Block {
        began: Time::from_nanos(place * 1_000_000_000),
        wall: Duration::from_millis(500 + place),
        cpu: Duration::from_millis(10),
        targets,
        asked_first: place.is_multiple_of(2),
    };
    Side {
        name: name.to_owned(),
        latency_asked_second: latency.clone(),
        latency,
        blocks: (0..4).map(block).collect(),
        ..Side::default()
    }
}

fn comparison(others: &[(&str, u64)]) -> Comparison {
    let spans_ns = [1_000_000, 2_000_000, 900_000];
    Comparison {
        a: side("canvass (udp, window 412)", &spans_ns, 50_000),
        others: others
            .iter()
            .map(|&(name, targets)| OtherSide {
                side: side(name, &spans_ns, targets),
                answers: Answers {
                    same: 7,
                    different: 1,
                    explained: vec![("/etc/hosts".to_owned(), 1)],
                    examples: vec![Difference {
                        target: "<script>alert(1)</script>".to_owned(),
                        a: "a\u{202e}\u{0}b".to_owned(),
                        b: "אבג".to_owned(),
                        reason: Some("/etc/hosts".to_owned()),
                    }],
                    ..Answers::default()
                },
            })
            .collect(),
        listed: 100_000,
        seed: 7,
        processors: None,
        warnings: vec!["the <system> has a cache".to_owned()],
    }
}

#[test]
fn a_comparison_shows_every_pair() {
    let comparison = comparison(&[("getnameinfo, one at a time", 50), ("32 <threads>", 1_500)]);
    let page = comparison_page(&comparison, &Origin::default());
    check_form(&page);
    let all = [
        "sides",
        "ratio",
        "latency",
        "percentiles",
        "blocks",
        "answers",
        "origin",
    ];
    assert_eq!(sections(&page), all);
    assert_eq!(page.matches("<circle").count(), 2);
    assert_eq!(page.matches("<rect class=\"block ").count(), 12);
    for text in [
        "canvass (udp, window 412) ran 1000",
        "1,000×",
        "32 &lt;threads&gt;",
        "the &lt;system&gt; has a cache",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "a\\u{202e}\\u{0}b",
        "100,000 targets",
    ] {
        assert!(page.contains(text), "{text}");
    }
}

#[test]
fn headline_and_plot_of_a_pair_agree_and_no_ratio_is_under_one() {
    let names = ["canvass (udp, window 412)", "the other"];
    for (targets, fast, slow) in [(25_000, 0, 1), (100_000, 1, 0)] {
        let page = comparison_page(&comparison(&[(names[1], targets)]), &Origin::default());
        check_form(&page);
        let ran = format!("{} ran 2.0", names[fast]);
        assert!(
            page.contains(&format!("<p class=\"result\"><bdi>{ran}")),
            "{page}"
        );
        let (_, plot) = page.split_once("<section id=\"ratio\">").unwrap();
        let (plot, _) = plot.split_once("</section>").unwrap();
        let letters = ["A", "B"];
        let sentence = format!("aria-label=\"{} ran 2.0", letters[fast]);
        assert!(plot.contains(&sentence), "{plot}");
        assert!(plot.contains(&format!("times faster than {} (95 %", letters[slow])));
        assert!(
            plot.contains(">2×</text>") && !plot.contains(">0.5×"),
            "{plot}"
        );
    }
}

#[test]
fn a_pair_without_a_conclusion_has_no_dot() {
    let mut failed = comparison(&[("the other", 100)]);
    failed.others[0].side.failed = 390;
    let page = comparison_page(&failed, &Origin::default());
    check_form(&page);
    assert_eq!(page.matches("no conclusion for ").count(), 2);
    assert!(!page.contains("<circle"));
}

#[test]
fn a_comparison_of_little_has_a_page() {
    let nothing = Comparison {
        a: Side {
            name: String::new(),
            latency: histogram(),
            latency_asked_second: histogram(),
            blocks: Vec::new(),
            ..Side::default()
        },
        others: Vec::new(),
        listed: 0,
        seed: 0,
        processors: None,
        warnings: Vec::new(),
    };
    let page = comparison_page(&nothing, &Origin::default());
    check_form(&page);
    assert!(page.contains("There is no other side to compare with."));

    let mut unequal = comparison(&[("b", 0)]);
    unequal.others[0].side.latency = histogram();
    let page = comparison_page(&unequal, &Origin::default());
    check_form(&page);
    assert!(page.contains("no ratio of ") && page.contains("completed no target"));
    assert!(!page.contains("<circle"));

    let many: Vec<(&str, u64)> = (0..20).map(|_| ("one of many", 10)).collect();
    let page = comparison_page(&comparison(&many), &Origin::default());
    check_form(&page);
    assert!(page.contains("13 further sides"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_comparison_has_a_page(
        spans_ns in prop::collection::vec(0..10_000_000_000_000_u64, 0..30),
        targets in (0..1_000_000_000_u64, 0..1_000_u64),
        name in ".{0,80}",
    ) {
        let mut made = comparison(&[(&name, targets.1)]);
        made.a = side(&name, &spans_ns, targets.0);
        check_form(&comparison_page(&made, &Origin::default()));
    }
}
