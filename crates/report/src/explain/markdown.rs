//! The table of faults as a page.

use std::fmt::Write;

use canvass_model::{Cause, Errno};

use super::{Explanation, errno_explanation, network_errnos, phase_words, statuses};

/// The page `docs/FAULTS.md`: every status, cause and errno, with what to look at next.
pub fn faults_markdown() -> String {
    let mut out = String::new();
    write_page(&mut out).expect("a String takes every character");
    out
}

const INTRODUCTION: &str = "\
# Faults

What `status`, `error.cause` and `error.errno` mean, and what to look at next. `canvass explain \
WORD` prints the same on a terminal: it takes an errno by name or number, a cause, or a status.

This page is written by `cargo run -p canvass-report --example docs`.

- [Statuses](#statuses)
- [Causes](#causes), [by phase](#causes-by-phase)
- [Errnos that connections meet](#errnos-that-connections-meet)
- [Other errnos](#other-errnos)

A fault has a phase, a cause, and the system's own number where the system said something. A fault \
of this machine has status `LOCAL` and is never counted against a peer.
";

fn write_page(out: &mut String) -> std::fmt::Result {
    out.push_str(INTRODUCTION);
    writeln!(
        out,
        "\n## Statuses\n\nHTTP statuses are numbers, and stand for themselves.\n\n\
         | status | meaning | what to look at next |\n|---|---|---|"
    )?;
    for status in statuses::all() {
        writeln!(
            out,
            "| `{}` | {} | {} |",
            status.name,
            cell(status.meaning),
            cell(status.look)
        )?;
    }
    writeln!(
        out,
        "\n## Causes\n\n| cause | meaning | shows up in | what to look at next |\n|---|---|---|---|"
    )?;
    let causes = Cause::ALL.map(super::cause_explanation);
    for cause in &causes {
        write_row(out, &format!("`{}`", cause.name), cause)?;
    }
    writeln!(
        out,
        "\n### Causes by phase\n\n| cause | in | what to look at next |\n|---|---|---|"
    )?;
    for cause in &causes {
        for (phase, look) in cause.look_by_phase {
            writeln!(out, "| `{}` | {phase} | {} |", cause.name, cell(look))?;
        }
    }
    writeln!(
        out,
        "\n## Errnos that connections meet\n\n\
         | errno | meaning | shows up in | what to look at next |\n|---|---|---|---|"
    )?;
    for entry in network_errnos::all() {
        if let Some(errno) = Errno::from_name(entry.name) {
            write_errno(out, errno)?;
        }
    }
    writeln!(
        out,
        "\n## Other errnos\n\n| errno | meaning | what to look at next |\n|---|---|---|"
    )?;
    for errno in Errno::all().filter(|errno| network_errnos::find(*errno).is_none()) {
        write_errno(out, errno)?;
    }
    Ok(())
}

fn write_errno(out: &mut String, errno: Errno) -> std::fmt::Result {
    match errno_explanation(errno) {
        Some(told) => write_row(out, &format!("`{}` {}", told.name, errno.0), &told),
        None => Ok(()),
    }
}

fn write_row(out: &mut String, name: &str, told: &Explanation) -> std::fmt::Result {
    write!(out, "| {name} | {} |", cell(told.meaning))?;
    if !told.phases.is_empty() {
        write!(out, " {} |", phase_words(told.phases))?;
    }
    writeln!(out, " {} |", cell(told.look))
}

/// Text in a table: a bar would end the cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn the_page_in_docs_is_what_is_rendered() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/FAULTS.md");
        let page = std::fs::read_to_string(&path).unwrap();
        assert!(
            page == faults_markdown(),
            "docs/FAULTS.md is out of date: run cargo run -p canvass-report --example docs"
        );
    }

    #[test]
    fn every_row_has_as_many_cells_as_its_heading() {
        let page = faults_markdown();
        let mut cells = None;
        for line in page.lines() {
            if !line.starts_with('|') {
                cells = None;
                continue;
            }
            let bars = line.replace("\\|", "").matches('|').count();
            assert_eq!(*cells.get_or_insert(bars), bars, "{line}");
        }
        for errno in Errno::all() {
            assert!(
                page.contains(&format!("`{errno}` {} |", errno.0)),
                "{errno}"
            );
        }
    }
}
