//! The frame of every page: title, style, header, index and sections.

use std::fmt::{self, Write};

use super::text::{TITLE_CHARS_MAX, calendar, escaped, foreign, moment, shortened};
use crate::Origin;

const CSS: &str = include_str!("page.css");

/// The sections of a page, as they are written.
#[derive(Default)]
pub(super) struct Sections {
    out: String,
    index: Vec<(&'static str, String)>,
}

impl Sections {
    /// Appends a section with a heading, to which the index leads.
    pub(super) fn add(
        &mut self,
        id: &'static str,
        heading: &str,
        body: impl FnOnce(&mut String) -> fmt::Result,
    ) -> fmt::Result {
        let out = &mut self.out;
        writeln!(out, "<section id=\"{id}\">\n<h2>{}</h2>", escaped(heading))?;
        body(out)?;
        out.push_str("</section>\n");
        self.index.push((id, heading.to_owned()));
        Ok(())
    }
}

/// The page about what `command` did, with the results above the index, and the sections below it.
pub(super) fn document(
    command: &str,
    origin: &Origin,
    results: impl FnOnce(&mut String) -> fmt::Result,
    body: impl FnOnce(&mut Sections) -> fmt::Result,
) -> String {
    let mut out = String::new();
    write_document(command, origin, results, body, &mut out)
        .expect("a String takes every character");
    out
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
            foreign(warning, super::text::TEXT_CHARS_MAX)
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
    command: &str,
    origin: &Origin,
    results: impl FnOnce(&mut String) -> fmt::Result,
    body: impl FnOnce(&mut Sections) -> fmt::Result,
    out: &mut String,
) -> fmt::Result {
    writeln!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <meta name=\"color-scheme\" content=\"light dark\"/>\n\
         <title>{}</title>\n<style>\n{CSS}</style>\n</head>\n<body>\n<main>",
        escaped(&title(command, origin))
    )?;
    let mut sections = Sections::default();
    body(&mut sections)?;
    write_header(command, origin, out)?;
    results(out)?;
    if sections.index.len() > 1 {
        write_index(&sections.index, out)?;
    }
    out.push_str(&sections.out);
    out.push_str("</main>\n</body>\n</html>\n");
    Ok(())
}

/// What was asked of which list, and when, as plain text.
fn title(command: &str, origin: &Origin) -> String {
    let mut title = shortened(&format!("canvass {command}"), TITLE_CHARS_MAX);
    if let Some(list) = list(origin) {
        title.push_str(&format!(" {}", shortened(list, TITLE_CHARS_MAX)));
    }
    if let Some(began) = origin.began {
        title.push_str(&format!(", {}", moment(began)));
    }
    title
}

fn write_header(command: &str, origin: &Origin, out: &mut String) -> fmt::Result {
    let command = shortened(&format!("canvass {command}"), TITLE_CHARS_MAX);
    write!(out, "<header>\n<h1><bdi>{}</bdi>", escaped(&command))?;
    if let Some(list) = list(origin) {
        let list = escaped(&shortened(list, TITLE_CHARS_MAX));
        write!(out, " <span class=\"list\"><bdi>{list}</bdi></span>")?;
    }
    out.push_str("</h1>\n");
    if let Some(began) = origin.began {
        writeln!(out, "<p class=\"when\">{}</p>", calendar(began))?;
    }
    out.push_str("</header>\n");
    Ok(())
}

/// The list, or the name of the file that the page was made from, which does not name the list.
fn list(origin: &Origin) -> Option<&str> {
    let file = || origin.file.as_deref()?.rsplit('/').next();
    origin.list.as_deref().or_else(file)
}

fn write_index(index: &[(&str, String)], out: &mut String) -> fmt::Result {
    out.push_str("<nav aria-label=\"Sections\">\n");
    for (id, heading) in index {
        writeln!(out, "<a href=\"#{id}\">{}</a>", escaped(heading))?;
    }
    out.push_str("</nav>\n");
    Ok(())
}
