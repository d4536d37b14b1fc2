//! `canvass report`: the page about a run, made from what the run has written.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;

use canvass_report::{ReadRun, read_run, run_page};

use crate::args::ReportArgs;
use crate::exit::{Exit, Failure};
use crate::say::say;

/// Octets of a file that are read at once.
const BUFFER_BYTES: usize = 256 * 1024;

/// Reads a run's output and writes its page.
pub fn report(args: &ReportArgs) -> Result<Exit, Failure> {
    let run = read(&args.file)?;
    if let Some(bad) = run.bad_lines() {
        say(format_args!("canvass: warning: {}", bad.warning()));
    }
    let page = run_page(&run.report());
    match &args.output {
        Some(path) => std::fs::write(path, page).map_err(|error| {
            Failure::stopped(format!("cannot write {}: {error}", path.display()))
        })?,
        None => write_out(page.as_bytes())?,
    }
    Ok(Exit::Complete)
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

fn write_out(page: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout();
    match out.write_all(page).and_then(|()| out.flush()) {
        // Whoever read it has gone, and that is a quiet end.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::stopped(format!(
            "cannot write standard output: {error}"
        ))),
        _ => Ok(()),
    }
}
