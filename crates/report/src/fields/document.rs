//! The tables of fields as documentation.

use std::fmt::Write;

use super::{Field, Table, common, details, host, http, lookup, talk};
use crate::Columns;

/// The page `docs/FORMATS.md` with its tables of fields generated anew. `page` is the page as it
/// is: the text after each line `<!-- fields: NAME -->`, up to the line `<!-- end -->`, is
/// replaced by the table called NAME. A NAME that does not exist has an empty table.
pub fn formats_markdown(page: &str) -> String {
    let mut out = String::new();
    let mut lines = page.split_inclusive('\n');
    while let Some(line) = lines.next() {
        out.push_str(line);
        let Some(name) = line.trim_end().strip_prefix(BEGIN) else {
            continue;
        };
        let name = name.trim_end_matches(CLOSE);
        write_section(&mut out, name).expect("a String takes every character");
        if let Some(end) = lines.find(|line| line.trim_end() == END) {
            out.push_str(end);
        }
    }
    out
}

const BEGIN: &str = "<!-- fields: ";
const CLOSE: &str = " -->";
const END: &str = "<!-- end -->";

fn write_section(out: &mut String, name: &str) -> std::fmt::Result {
    let tables: &[&[Field]] = match name {
        "all probes" => &[
            common::Start::FIELDS,
            common::Ending::FIELDS,
            common::Times::FIELDS,
            lookup::Time::FIELDS,
            common::End::FIELDS,
            common::Expectation::FIELDS,
            common::Recheck::FIELDS,
        ],
        "error" => &[common::Error::FIELDS],
        "ptr and dns" => &[
            lookup::Question::FIELDS,
            lookup::Answer::FIELDS,
            details::Details::FIELDS,
        ],
        "ede" => &[details::Ede::FIELDS],
        "answers" => &[lookup::ResourceRecord::FIELDS],
        "phases of ptr and dns" => &[lookup::Phases::FIELDS],
        "phases of http, tcp and udp" => &[host::Phases::FIELDS],
        "http" => &[
            http::Answer::FIELDS,
            http::Body::FIELDS,
            http::Extras::FIELDS,
        ],
        "headers" => &[http::HeaderLine::FIELDS],
        "favicon" => &[http::Icon::FIELDS],
        "redirects" => &[http::Redirect::FIELDS],
        "tcp and udp" => &[talk::Answer::FIELDS],
        "replies" => &[talk::Reply::FIELDS],
        "tls" => &[host::Tls::FIELDS],
        "addresses" => &[host::Address::FIELDS],
        "csv" => return write_columns(out),
        _ => &[],
    };
    let mut rows = tables.iter().copied().flatten().peekable();
    if rows.peek().is_some() {
        writeln!(out, "\n| key | type | meaning |\n|---|---|---|")?;
    }
    for field in rows {
        let null = if field.is_nullable { " or null" } else { "" };
        let presence = if field.is_conditional {
            ", or no key"
        } else {
            ""
        };
        writeln!(
            out,
            "| `{}` | {}{null}{presence} | {} |",
            field.key,
            field.type_name,
            field.documentation.replace('|', "\\|")
        )?;
    }
    writeln!(out)
}

fn write_columns(out: &mut String) -> std::fmt::Result {
    for (probes, columns) in [
        ("`ptr` and `dns`", Columns::Dns),
        ("`http`", Columns::Http),
        ("`tcp` and `udp`", Columns::Talk),
        ("`check`", Columns::Endpoints),
    ] {
        let names = columns.names().join(",");
        writeln!(out, "\n{probes}:\n\n```text\n{names}\n```")?;
    }
    writeln!(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn the_tables_in_docs_are_generated_from_the_fields() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/FORMATS.md");
        let page = std::fs::read_to_string(&path).unwrap();
        assert!(
            page == formats_markdown(&page),
            "docs/FORMATS.md is out of date: run cargo run -p canvass-report --example docs"
        );
        assert_eq!(page.matches(BEGIN).count(), 16);
        assert_eq!(page.matches(END).count(), 16);
    }

    #[test]
    fn every_warning_is_in_the_docs() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/FORMATS.md");
        let page = std::fs::read_to_string(&path).unwrap();
        for warning in canvass_model::HttpWarning::ALL {
            let row = format!("| `{warning}` | ");
            assert!(page.contains(&row), "{warning}");
        }
    }

    #[test]
    fn the_text_between_markers_is_replaced() {
        let page = "a\n<!-- fields: replies -->\nold\n<!-- end -->\nb\n";
        let made = formats_markdown(page);
        assert!(
            made.starts_with("a\n<!-- fields: replies -->\n\n| key |"),
            "{made}"
        );
        assert!(made.ends_with(" |\n\n<!-- end -->\nb\n"), "{made}");
        assert!(!made.contains("old"));
        assert_eq!(formats_markdown(&made), made);
    }

    #[test]
    fn every_field_is_documented_once_by_a_phrase() {
        for fields in [
            common::Start::FIELDS,
            lookup::Answer::FIELDS,
            http::Answer::FIELDS,
        ] {
            for field in fields {
                assert!(!field.documentation.ends_with('.'), "{}", field.key);
            }
        }
    }
}
