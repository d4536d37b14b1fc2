//! Where a comparison is written.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use canvass_report::{
    Comparison, Format, Origin, Side, comparison_csv, comparison_ndjson, comparison_page,
    comparison_text, write_percentile_table,
};

use crate::exit::Failure;
use crate::say::say;
use crate::{command_line, terminal};

/// Where a comparison is written, and in which forms.
pub struct Output {
    pub path: Option<PathBuf>,
    pub format: Format,
    pub hgrm: Option<PathBuf>,
    pub html: Option<PathBuf>,
    pub quiet: bool,
    pub began: SystemTime,
}

impl Output {
    /// Writes the comparison. What a person reads is on standard error where the output is for a
    /// program.
    pub fn write(&self, comparison: &Comparison) -> Result<(), Failure> {
        let to_terminal = self.path.is_none() && io::stdout().is_terminal();
        let bytes = match self.format {
            Format::Text => {
                comparison_text(comparison, to_terminal && terminal::wants_colour()).into_bytes()
            }
            Format::Ndjson => comparison_ndjson(comparison),
            Format::Csv => comparison_csv(comparison),
        };
        if !self.quiet && self.format != Format::Text {
            let colour = io::stderr().is_terminal() && terminal::wants_colour();
            say(comparison_text(comparison, colour).trim_end());
        }
        self.write_lines(&bytes)?;
        if let Some(path) = &self.hgrm {
            write_file(path, &table(&comparison.a)?)?;
            for (number, other) in comparison.others.iter().enumerate() {
                write_file(&beside(path, number + 1), &table(&other.side)?)?;
            }
        }
        if let Some(path) = &self.html {
            let origin = Origin {
                command: Some(command_line::own()),
                version: Some(env!("CARGO_PKG_VERSION").to_owned()),
                file: None,
                began: Some(self.began),
            };
            write_file(path, comparison_page(comparison, &origin).as_bytes())?;
        }
        Ok(())
    }

    fn write_lines(&self, bytes: &[u8]) -> Result<(), Failure> {
        let Some(path) = &self.path else {
            let mut out = io::stdout();
            return match out.write_all(bytes).and_then(|()| out.flush()) {
                // The reader is gone, and that is no error.
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::stopped(
                    format!("cannot write standard output: {error}"),
                )),
                _ => Ok(()),
            };
        };
        write_file(path, bytes)
    }
}

/// Writes a whole file.
fn write_file(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    File::create(path)
        .and_then(|mut file| file.write_all(bytes))
        .map_err(|error| Failure::stopped(format!("cannot write {}: {error}", path.display())))
}

fn table(side: &Side) -> Result<Vec<u8>, Failure> {
    let mut out = BufWriter::new(Vec::new());
    write_percentile_table(&side.latency, &mut out)
        .and_then(|()| Ok(out.into_inner()?))
        .map_err(|error| Failure::stopped(format!("cannot write a percentile table: {error}")))
}

/// `run.hgrm` gives `run.1.hgrm` for the first of the other sides.
fn beside(path: &Path, number: usize) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!(".{number}"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}
