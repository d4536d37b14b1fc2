//! Writes `docs/FAULTS.md` from the tables of this crate.
//!
//! Run it with `cargo run -p canvass-report --example faults`.

use std::io;
use std::path::Path;

use canvass_report::faults_markdown;

fn main() -> io::Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/FAULTS.md");
    std::fs::write(path, faults_markdown())
}
