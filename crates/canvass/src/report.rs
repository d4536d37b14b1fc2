//! `canvass report`: creates the HTML page of a run from its output.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use canvass_report::{ReadRun, read_run, run_page};

use crate::args::ReportArgs;
use crate::exit::{Exit, Failure};
use crate::files;
use crate::message::message;

/// Octets per read.
const BUFFER_BYTES: usize = 256 * 1024;

/// Reads a run's output and writes its page.
pub(crate) fn report(args: &ReportArgs) -> Result<Exit, Failure> {
    let output = files::unless_stdout(args.output.clone());
    if let Some(output) = &output
        && is_same(&args.file, output)
    {
        return Err(Failure::usage(format!(
            "the page would overwrite {}, from which it is made",
            output.display()
        )));
    }
    let run = read(&args.file)?;
    if let Some(bad) = run.bad_lines() {
        message(format_args!("canvass: warning: {}", bad.warning()));
    }
    let page = run_page(&run.report());
    files::write_file_or_stdout(output.as_deref(), page.as_bytes())?;
    Ok(Exit::Complete)
}

/// Whether both paths are the same file.
fn is_same(one: &Path, other: &Path) -> bool {
    let identity = |path: &Path| path.metadata().map(|file| (file.dev(), file.ino())).ok();
    identity(one).is_some_and(|one| identity(other) == Some(one))
}

fn read(path: &Path) -> Result<ReadRun, Failure> {
    let (input, name): (Box<dyn BufRead>, String) = if path == Path::new("-") {
        (Box::new(io::stdin().lock()), "standard input".into())
    } else {
        let name = path.display().to_string();
        let file = File::open(path)
            .map_err(|error| Failure::usage(format!("cannot read {name}: {error}")))?;
        (Box::new(BufReader::with_capacity(BUFFER_BYTES, file)), name)
    };
    read_run(input, &name).map_err(Failure::usage)
}
