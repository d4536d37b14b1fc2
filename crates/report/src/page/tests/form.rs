//! Checks that hold for every page, with a small HTML parser.

use std::collections::HashSet;

/// Elements that have no end.
const VOID: [&str; 7] = ["meta", "line", "path", "rect", "circle", "br", "link"];
/// Text that must not be in a page without external resources.
const NEVER: [&str; 4] = ["<script", "@import", "url(", "<link"];
/// Text that must not be in a tag. A URL may be the name of a target, but leads nowhere.
const NEVER_IN_TAGS: [&str; 4] = ["http://", "https://", "src=", "javascript:"];
/// Attributes whose numbers place something.
const PLACES: [&str; 13] = [
    "d", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "width", "height", "viewBox", "style",
];

/// Panics where `page` is not well formed, fetches something, or has a number that is none.
pub(super) fn check_form(page: &str) {
    for never in NEVER {
        assert!(!page.contains(never), "{never} in {page}");
    }
    let mut open: Vec<&str> = Vec::new();
    let mut ids = HashSet::new();
    let mut links = Vec::new();
    let mut rest = page
        .strip_prefix("<!DOCTYPE html>")
        .expect("a document type");
    while let Some(start) = rest.find('<') {
        check_text(&rest[..start]);
        let end = start + rest[start..].find('>').expect("the end of a tag");
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        for never in NEVER_IN_TAGS {
            assert!(!tag.contains(never), "{never} in <{tag}>");
        }
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(
                open.pop(),
                Some(name),
                "what was opened is not what is closed"
            );
            continue;
        }
        let (tag, closed) = match tag.strip_suffix('/') {
            Some(tag) => (tag, true),
            None => (tag, false),
        };
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        assert!(
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric()),
            "<{tag}>"
        );
        assert!(!closed || VOID.contains(&name), "<{tag}/>");
        for (key, value) in attributes_of(attributes) {
            assert!(!key.starts_with("on"), "<{tag}>");
            match key {
                "id" => assert!(ids.insert(value.to_owned()), "{value} twice"),
                "href" => links.push(value.strip_prefix('#').expect("a place in the page")),
                _ if PLACES.contains(&key) => check_numbers(value),
                _ => {}
            }
        }
        if name == "style" {
            let end = rest.find("</style>").expect("the end of the style");
            assert!(
                !rest[..end].contains("//"),
                "the style names a place elsewhere"
            );
            rest = &rest[end..];
        }
        if !closed {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?} are not closed");
    for link in links {
        assert!(ids.contains(link), "there is no {link}");
    }
    check_drawings(page);
}

fn attributes_of(mut rest: &str) -> Vec<(&str, &str)> {
    let mut attributes = Vec::new();
    while !rest.trim().is_empty() {
        let (key, after) = rest.split_once("=\"").expect("a quoted attribute");
        let (value, after) = after.split_once('"').expect("the end of an attribute");
        attributes.push((key.trim(), value));
        rest = after;
    }
    attributes
}

fn check_text(text: &str) {
    for (place, _) in text.match_indices('&') {
        let entity = text[place + 1..].split(';').next().unwrap();
        assert!(
            ["amp", "lt", "gt", "quot", "#39"].contains(&entity),
            "&{entity}"
        );
    }
    let breaking = text
        .chars()
        .find(|&c| c != '\n' && (c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c)));
    assert_eq!(breaking, None, "{text:?}");
}

fn check_numbers(value: &str) {
    for word in ["NaN", "inf", "e-", "e+"] {
        assert!(!value.contains(word), "{value}");
    }
    let numbers = value.split(|c: char| !(c.is_ascii_digit() || c == '.' || c == '-'));
    for number in numbers.filter(|number| number.chars().any(|c| c.is_ascii_digit())) {
        let number = number.trim_start_matches(|c: char| c == '-' && number.len() == 1);
        let read: f64 = number
            .parse()
            .unwrap_or_else(|_| panic!("{number} in {value}"));
        assert!(read.abs() < 1e5, "{value}");
    }
}

/// Every drawing that is not an ornament says what it is, and its labels stand beside each other.
fn check_drawings(page: &str) {
    let charts = page.matches("<svg class=\"chart\"").count();
    assert_eq!(page.matches("role=\"img\" aria-label=\"").count(), charts);
    for (length_px, hidden) in [(220.0, "wide"), (560.0, "narrow")] {
        for chart in page.split("<svg class=\"chart\"").skip(1) {
            let chart = chart.split("</svg></div>").next().unwrap();
            let boxes: Vec<_> = chart
                .split("<text ")
                .skip(1)
                .filter_map(|text| box_of(text, length_px, hidden))
                .collect();
            for (place, one) in boxes.iter().enumerate() {
                for other in &boxes[place + 1..] {
                    let apart =
                        one.0 >= other.1 || other.0 >= one.1 || (one.2 - other.2).abs() >= 12.0;
                    assert!(apart, "{one:?} {other:?} at {length_px}");
                }
            }
        }
    }
}

/// The extent of a label and its height; `None` if it is hidden.
fn box_of(text: &str, length_px: f64, hidden: &str) -> Option<(f64, f64, f64, String)> {
    let (attributes, rest) = text.split_once('>').unwrap();
    let shown = rest.split('<').next().unwrap().to_owned();
    let value = |key: &str| {
        let all = attributes_of(attributes);
        all.iter().find(|(found, _)| *found == key).unwrap().1
    };
    let classes: Vec<&str> = value("class").split(' ').collect();
    if classes.contains(&hidden) || classes.contains(&"on") {
        return None;
    }
    let x = value("x");
    let at = match x.strip_suffix('%') {
        Some(share) => share.parse::<f64>().unwrap() / 100.0 * length_px,
        None => x.parse().unwrap(),
    };
    let width = shown.chars().count() as f64 * 0.62 * 12.0;
    let from = match classes[0] {
        "b" => at,
        "m" => at - width / 2.0,
        _ => at - width,
    };
    Some((from, from + width, value("y").parse().unwrap(), shown))
}
