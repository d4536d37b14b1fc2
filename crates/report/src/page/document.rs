//! The frame of every page.

use std::fmt::{self, Write};

use super::text::escaped;

const CSS: &str = include_str!("page.css");

/// The page with this title and what `body` appends.
pub(super) fn document(title: &str, body: impl FnOnce(&mut String) -> fmt::Result) -> String {
    let mut out = String::new();
    write_document(title, body, &mut out).expect("a String takes every character");
    out
}

/// Appends a section with a heading.
pub(super) fn section(
    id: &str,
    heading: &str,
    out: &mut String,
    body: impl FnOnce(&mut String) -> fmt::Result,
) -> fmt::Result {
    writeln!(out, "<section id=\"{id}\">\n<h2>{}</h2>", escaped(heading))?;
    body(out)?;
    out.push_str("</section>\n");
    Ok(())
}

/// Appends a figure, which is not broken across pages in print.
pub(super) fn figure(
    out: &mut String,
    body: impl FnOnce(&mut String) -> fmt::Result,
) -> fmt::Result {
    out.push_str("<figure>\n");
    body(out)?;
    out.push_str("</figure>\n");
    Ok(())
}

/// Appends the warnings, if there are any.
pub(super) fn write_warnings(warnings: &[String], out: &mut String) -> fmt::Result {
    if warnings.is_empty() {
        return Ok(());
    }
    out.push_str("<aside class=\"warnings\"><b>Warnings</b>\n<ul>\n");
    for warning in warnings.iter().take(WARNINGS_MAX) {
        writeln!(
            out,
            "<li>{}</li>",
            super::text::foreign(warning, super::text::TEXT_CHARS_MAX)
        )?;
    }
    if let Some(more) = warnings.len().checked_sub(WARNINGS_MAX + 1) {
        writeln!(out, "<li>and {} more</li>", more + 1)?;
    }
    out.push_str("</ul></aside>\n");
    Ok(())
}

/// The maximum number of warnings shown.
const WARNINGS_MAX: usize = 50;

fn write_document(
    title: &str,
    body: impl FnOnce(&mut String) -> fmt::Result,
    out: &mut String,
) -> fmt::Result {
    writeln!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <meta name=\"color-scheme\" content=\"light dark\"/>\n\
         <title>{}</title>\n<style>\n{CSS}</style>\n</head>\n<body>\n<main>",
        escaped(title)
    )?;
    body(out)?;
    out.push_str("</main>\n</body>\n</html>\n");
    Ok(())
}
