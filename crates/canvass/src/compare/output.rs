//! The outputs of a comparison.

use std::io::{self, IsTerminal};
use std::os::fd::AsFd;

use canvass_report::{
    Comparison, Format, Layout, Origin, Side, comparison_csv, comparison_ndjson, comparison_page,
    comparison_text, path_beside, write_percentile_table,
};

use crate::ascii::readable;
use crate::compressed::Compression;
use crate::exit::Failure;
use crate::files::{self, OutputFile};
use crate::message::message;
use crate::outputs::Outputs;
use crate::terminal;

/// The names of the percentile tables of the other sides, beside that of canvass.
pub(crate) const OTHER_TABLES: [&str; 2] = ["1", "2"];

/// The outputs of a comparison, open, and their formats.
pub(super) struct Output {
    /// `None` for standard output.
    lines: Option<OutputFile>,
    format: Format,
    /// A table for each side, or none.
    tables: Vec<OutputFile>,
    html: Option<OutputFile>,
    quiet: bool,
    origin: Origin,
}

impl Output {
    /// Opens the files before anything is measured. `others` is the number of other sides.
    pub(super) fn open(
        outputs: &Outputs,
        others: usize,
        quiet: bool,
        origin: Origin,
    ) -> Result<Self, Failure> {
        let mut tables = Vec::new();
        if let Some(path) = &outputs.hgrm {
            tables.push(OutputFile::open(path)?);
            for number in &OTHER_TABLES[..others] {
                tables.push(OutputFile::open(&path_beside(path, number))?);
            }
        }
        Ok(Self {
            lines: OutputFile::open_if_named(outputs.lines.as_deref())?,
            format: outputs.format,
            tables,
            html: OutputFile::open_if_named(outputs.html.as_deref())?,
            quiet,
            origin,
        })
    }

    /// Writes the comparison to every output. With a machine-readable format, the text goes to
    /// standard error.
    ///
    /// # Errors
    /// The first output that cannot be written. The others are written all the same.
    pub(super) fn write(self, comparison: &Comparison) -> Result<(), Failure> {
        let bytes = match self.format {
            Format::Text if self.lines.is_none() => {
                let text = comparison_text(comparison, layout(&io::stdout()));
                readable(&text).as_bytes().to_vec()
            }
            Format::Text => comparison_text(comparison, Layout::WIDE).into_bytes(),
            Format::Ndjson => comparison_ndjson(comparison),
            Format::Csv => comparison_csv(comparison),
        };
        if !self.quiet && self.format != Format::Text {
            message(comparison_text(comparison, layout(&io::stderr())).trim_end());
        }
        let mut written = write_lines(self.lines, bytes);
        let sides =
            std::iter::once(&comparison.a).chain(comparison.others.iter().map(|other| &other.side));
        for (file, side) in self.tables.into_iter().zip(sides) {
            written = written.and(file.replace(&table(side)));
        }
        if let Some(file) = self.html {
            let page = comparison_page(comparison, &self.origin);
            written = written.and(file.replace(page.as_bytes()));
        }
        written
    }
}

/// Tables fit a terminal, and have all of their columns elsewhere.
fn layout(stream: &(impl IsTerminal + AsFd)) -> Layout {
    match stream.is_terminal() {
        true => terminal::layout(stream, false),
        false => Layout::WIDE,
    }
}

fn write_lines(file: Option<OutputFile>, bytes: Vec<u8>) -> Result<(), Failure> {
    let compression = file
        .as_ref()
        .and_then(|file| Compression::of_name(file.path()));
    let bytes = match compression {
        Some(compression) => compression
            .compress(&bytes)
            .map_err(|error| Failure::stopped(format!("cannot compress the output: {error}")))?,
        None => bytes,
    };
    files::write_file_or_stdout(file, &bytes)
}

fn table(side: &Side) -> Vec<u8> {
    let mut out = Vec::new();
    write_percentile_table(&side.latency, &mut out).expect("a Vec takes every byte");
    out
}
