//! Where a comparison is written.

use std::io::{self, BufWriter, IsTerminal};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use canvass_report::{
    Comparison, Format, Origin, Side, comparison_csv, comparison_ndjson, comparison_page,
    comparison_text, write_percentile_table,
};

use crate::exit::Failure;
use crate::say::say;
use crate::{command_line, files, terminal};

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
    /// Sees that everything can be written, before anything is measured.
    pub fn check(&self) -> Result<(), Failure> {
        [&self.path, &self.hgrm, &self.html]
            .into_iter()
            .try_for_each(|path| files::check_writable(path.as_deref()))
    }

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
        files::write_to(self.path.as_deref(), &bytes)?;
        if let Some(path) = &self.hgrm {
            files::write(path, &table(&comparison.a)?)?;
            for (number, other) in comparison.others.iter().enumerate() {
                files::write(&beside(path, number + 1), &table(&other.side)?)?;
            }
        }
        if let Some(path) = &self.html {
            let origin = Origin {
                command: Some(command_line::own()),
                version: Some(env!("CARGO_PKG_VERSION").to_owned()),
                file: None,
                began: Some(self.began),
            };
            files::write(path, comparison_page(comparison, &origin).as_bytes())?;
        }
        Ok(())
    }
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
