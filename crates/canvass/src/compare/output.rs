//! The outputs of a comparison.

use std::io;
use std::path::PathBuf;
use std::time::SystemTime;

use canvass_report::{
    Comparison, Format, Side, comparison_csv, comparison_ndjson, comparison_page, comparison_text,
    path_beside, write_percentile_table,
};

use crate::exit::Failure;
use crate::message::message;
use crate::{command_line, files, terminal};

/// The outputs of a comparison, and their formats.
pub(super) struct Output {
    pub path: Option<PathBuf>,
    pub format: Format,
    pub hgrm: Option<PathBuf>,
    pub html: Option<PathBuf>,
    pub quiet: bool,
    pub began: SystemTime,
}

impl Output {
    /// Checks that all files can be written, before anything is measured.
    pub(super) fn check(&self) -> Result<(), Failure> {
        [&self.path, &self.hgrm, &self.html]
            .into_iter()
            .try_for_each(|path| files::check_writable(path.as_deref()))
    }

    /// Writes the comparison. With a machine-readable format, the text goes to standard error.
    pub(super) fn write(&self, comparison: &Comparison) -> Result<(), Failure> {
        let bytes = match self.format {
            Format::Text => {
                let colour = self.path.is_none() && terminal::use_colour(&io::stdout());
                comparison_text(comparison, colour).into_bytes()
            }
            Format::Ndjson => comparison_ndjson(comparison),
            Format::Csv => comparison_csv(comparison),
        };
        if !self.quiet && self.format != Format::Text {
            let colour = terminal::use_colour(&io::stderr());
            message(comparison_text(comparison, colour).trim_end());
        }
        files::write_file_or_stdout(self.path.as_deref(), &bytes)?;
        if let Some(path) = &self.hgrm {
            files::write(path, &table(&comparison.a)?)?;
            for (number, other) in comparison.others.iter().enumerate() {
                files::write(
                    &path_beside(path, &(number + 1).to_string()),
                    &table(&other.side)?,
                )?;
            }
        }
        if let Some(path) = &self.html {
            let origin = command_line::origin(self.began);
            files::write(path, comparison_page(comparison, &origin).as_bytes())?;
        }
        Ok(())
    }
}

fn table(side: &Side) -> Result<Vec<u8>, Failure> {
    let mut out = Vec::new();
    write_percentile_table(&side.latency, &mut out)
        .map_err(|error| Failure::stopped(format!("cannot write a percentile table: {error}")))?;
    Ok(out)
}
