//! `canvass report`: creates the HTML page of a run from its output.

use std::fs::File;
use std::io;
use std::path::Path;

use canvass_report::{ReadRun, read_run, run_page};

use crate::args::ReportArgs;
use crate::decompressed;
use crate::exit::{Exit, Failure};
use crate::files::{self, OutputFile};
use crate::message::message;
use crate::same_file::NamedFiles;

/// Reads a run's output and writes its page.
pub(crate) fn report(args: &ReportArgs) -> Result<Exit, Failure> {
    let output = files::unless_stdout(args.output.clone());
    let mut files = NamedFiles::default();
    if reads_stdin(&args.file) {
        files.reads_stdin();
    } else {
        files.reads("report", &args.file);
    }
    files.writes_stdout();
    if let Some(output) = &output {
        files.writes("--output", output);
    }
    files.check()?;
    let run = read(&args.file)?;
    if let Some(bad) = run.bad_lines() {
        message(format_args!("canvass: warning: {}", bad.warning()));
    }
    let page = run_page(&run.report());
    let output = OutputFile::open_if_named(output.as_deref())?;
    files::write_file_or_stdout(output, page.as_bytes())?;
    Ok(Exit::Complete)
}

fn reads_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

fn read(path: &Path) -> Result<ReadRun, Failure> {
    if reads_stdin(path) {
        let input = decompressed::reader(io::stdin());
        return read_run(input, "standard input").map_err(Failure::usage);
    }
    let name = path.display().to_string();
    let file =
        File::open(path).map_err(|error| Failure::usage(format!("cannot read {name}: {error}")))?;
    read_run(decompressed::reader(file), &name).map_err(Failure::usage)
}
