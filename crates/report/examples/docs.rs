//! Writes what is generated of `docs/`: all of `FAULTS.md`, and the tables of fields in
//! `FORMATS.md`.
//!
//! Run it with `cargo run -p canvass-report --example docs`.

use std::fs;
use std::io;
use std::path::Path;

use canvass_report::{faults_markdown, formats_markdown};

fn main() -> io::Result<()> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    fs::write(docs.join("FAULTS.md"), faults_markdown())?;
    let formats = docs.join("FORMATS.md");
    let page = fs::read_to_string(&formats)?;
    fs::write(formats, formats_markdown(&page))
}
