//! Puts together the lines that workers have kept.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use canvass_journal::FileDisk;
use canvass_report::{Columns, Epoch, Format};
use sha2::{Digest, Sha256};

use super::{Entry, MANIFEST, VERSION};
use crate::args::GatherArgs;
use crate::compressed::{Compression, Compressor};
use crate::decompressed;
use crate::exit::{Exit, Failure};
use crate::files::{self, OutputFile, cannot_write};
use crate::message::message;
use crate::remote::default_journal;
use crate::same_file::NamedFiles;

const READ_OCTETS: usize = 256 * 1024;
/// The faults that are shown.
const FAULTS_SHOWN_MAX: usize = 10;

/// What an index has, in the order of the list.
struct Index {
    /// What all entries have in common is that of the first one.
    entries: Vec<Entry>,
}

/// Checks the files of an index, and writes their lines in order.
pub(crate) fn gather(args: &GatherArgs) -> Result<Exit, Failure> {
    let output = files::unless_stdout(args.output.clone());
    let mut named = NamedFiles::default();
    named.reads("--index", &args.index);
    match &output {
        Some(path) => named.writes("--output", path),
        None => named.writes_stdout(),
    }
    let journal = default_journal(&args.index);
    if journal.exists() || FileDisk::files_beside(&journal)[0].exists() {
        return Err(Failure::usage(format!(
            "{}: its run is not finished: {} is still there",
            args.index.display(),
            journal.display()
        )));
    }
    let index = Index::read(&args.index)?;
    let mut faults = index.gaps();
    let kept = kept(&args.directories, &mut faults)?;
    let mut parts = Vec::new();
    for entry in &index.entries {
        match kept.get(&(entry.file.clone(), entry.sha256.clone())) {
            Some(path) => {
                named.reads("DIR", path);
                parts.push((entry, path));
            }
            None => faults.push(format!("{} is in none of the directories", entry.file)),
        }
    }
    named.check()?;
    // Every file is read twice, so that nothing is written if one of them is damaged.
    for (entry, path) in &parts {
        if let Err(fault) = verify(entry, path) {
            faults.push(fault);
        }
    }
    if !faults.is_empty() {
        return Err(refused(&args.index, &faults));
    }
    write(&index, &parts, output.as_deref())?;
    let (workers, targets) = (index.workers(), index.targets());
    message(format_args!(
        "{targets} targets, each once, in {} parts of {workers} workers",
        parts.len()
    ));
    Ok(Exit::Complete)
}

fn refused(index: &Path, faults: &[String]) -> Failure {
    let shown = faults.iter().take(FAULTS_SHOWN_MAX).cloned();
    let mut text: Vec<String> = shown.collect();
    if faults.len() > text.len() {
        text.push(format!("and {} more", faults.len() - text.len()));
    }
    let text = text.join("; ");
    Failure::stopped(format!("{}: nothing was written: {text}", index.display()))
}

impl Index {
    fn read(path: &Path) -> Result<Self, Failure> {
        let shown = path.display();
        let failed = |error: &dyn std::fmt::Display| Failure::usage(format!("{shown}: {error}"));
        let file = File::open(path).map_err(|error| failed(&error))?;
        let mut entries: Vec<Entry> = Vec::new();
        for (at, line) in decompressed::reader(file).lines().enumerate() {
            let line = line.map_err(|error| failed(&error))?;
            let entry =
                entry(&line).map_err(|error| failed(&format_args!("line {}: {error}", at + 1)))?;
            if let Some(first) = entries.first()
                && (&entry.campaign, &entry.format, entry.columns)
                    != (&first.campaign, &first.format, first.columns)
            {
                let error = format_args!("line {}: it is of another campaign", at + 1);
                return Err(failed(&error));
            }
            entries.push(entry);
        }
        if entries.is_empty() {
            return Err(failed(&"there are no parts in it"));
        }
        entries.sort_by_key(|entry| entry.first);
        Ok(Self { entries })
    }

    /// Where targets are missing or twice.
    fn gaps(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut next = 0;
        for entry in &self.entries {
            if entry.first > next {
                faults.push(format!("targets {next} to {} are missing", entry.first - 1));
            }
            if entry.first < next {
                faults.push(format!("target {} is there twice", entry.first));
            }
            next = next.max(entry.first.saturating_add(entry.targets));
        }
        faults
    }

    fn targets(&self) -> u64 {
        self.entries.iter().map(|entry| entry.targets).sum()
    }

    fn workers(&self) -> usize {
        let workers = self.entries.iter().map(|entry| &*entry.worker);
        workers.collect::<std::collections::HashSet<_>>().len()
    }

    fn look(&self) -> Result<(Format, Columns), Failure> {
        let first = &self.entries[0];
        let format = first.format.parse().map_err(Failure::usage)?;
        Ok((format, first.columns.into()))
    }
}

fn entry(line: &str) -> Result<Entry, String> {
    let value: serde_json::Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let version = value.get("version").and_then(serde_json::Value::as_u64);
    if version != Some(VERSION.into()) {
        let shown = version.map_or("none".into(), |version| version.to_string());
        return Err(format!(
            "it is of version {shown}, and this canvass reads version {VERSION}"
        ));
    }
    serde_json::from_value(value).map_err(|error| error.to_string())
}

/// The files of all manifests, by name and digest. What a crash has left of a last line is left out.
fn kept(
    directories: &[PathBuf],
    faults: &mut Vec<String>,
) -> Result<HashMap<(String, String), PathBuf>, Failure> {
    let mut kept = HashMap::new();
    for directory in directories {
        let failed = |error: io::Error| {
            Failure::usage(format!("cannot read {}: {error}", directory.display()))
        };
        let mut manifests = 0;
        for found in fs::read_dir(directory).map_err(failed)? {
            let path = found.map_err(failed)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if !name.ends_with(MANIFEST) {
                continue;
            }
            manifests += 1;
            let text = fs::read_to_string(&path).map_err(failed)?;
            for line in text
                .split_inclusive('\n')
                .filter(|line| line.ends_with('\n'))
            {
                match entry(line) {
                    Ok(entry) => {
                        let file = directory.join(plain(&entry.file)?);
                        kept.insert((entry.file, entry.sha256), file);
                    }
                    Err(error) => faults.push(format!("{}: {error}", path.display())),
                }
            }
        }
        if manifests == 0 {
            return Err(Failure::usage(format!(
                "{} has no manifest (*{MANIFEST})",
                directory.display()
            )));
        }
    }
    Ok(kept)
}

/// The name of a file, which must not lead elsewhere.
fn plain(name: &str) -> Result<&str, Failure> {
    match Path::new(name).file_name() {
        Some(same) if same == name => Ok(name),
        _ => Err(Failure::usage(format!(
            "a manifest has {name:?}, which is no name of a file"
        ))),
    }
}

/// Checks that a file is what its entry says.
fn verify(entry: &Entry, path: &Path) -> Result<(), String> {
    let failed = |error: io::Error| format!("{}: {error}", path.display());
    let mut file = File::open(path).map_err(failed)?;
    let (mut digest, mut octets) = (Sha256::new(), 0);
    let mut buffer = vec![0; READ_OCTETS];
    loop {
        match file.read(&mut buffer).map_err(failed)? {
            0 => break,
            count => {
                digest.update(&buffer[..count]);
                octets += count as u64;
            }
        }
    }
    if octets != entry.octets || format!("{:x}", digest.finalize()) != entry.sha256 {
        return Err(format!("{} is damaged", path.display()));
    }
    Ok(())
}

fn decompressing(file: File) -> io::Result<impl BufRead> {
    let decoder = zstd::Decoder::new(file)?;
    Ok(BufReader::with_capacity(READ_OCTETS, decoder))
}

fn write(
    index: &Index,
    parts: &[(&Entry, &PathBuf)],
    output: Option<&Path>,
) -> Result<(), Failure> {
    let (file, name) = match output {
        Some(path) => OutputFile::open(path)?.begin()?,
        None => files::begin_stdout()?,
    };
    let written = match output.and_then(Compression::of_name) {
        None => write_to(file, index, parts)?.map(drop),
        Some(compression) => match Compressor::new(compression, file) {
            Ok(compressor) => write_to(compressor, index, parts)?
                .and_then(|mut compressor| compressor.end_frame()),
            Err(error) => Err(error),
        },
    };
    match written {
        // The reader of standard output has seen enough.
        Err(error) if output.is_none() && error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|error| cannot_write(Path::new(&name), error)),
    }
}

/// Writes the header and the lines. The outer error is that of a part.
fn write_to<W: Write>(
    mut writer: W,
    index: &Index,
    parts: &[(&Entry, &PathBuf)],
) -> Result<io::Result<W>, Failure> {
    let (format, columns) = index.look()?;
    let mut header = Vec::new();
    let epoch = Epoch { wall: UNIX_EPOCH };
    format.lines(columns, epoch).header(&mut header);
    if let Err(error) = writer.write_all(&header) {
        return Ok(Err(error));
    }
    for (_, path) in parts {
        let unreadable =
            |error: io::Error| Failure::stopped(format!("{}: {error}", path.display()));
        let file = File::open(path).map_err(unreadable)?;
        let mut reader = decompressing(file).map_err(unreadable)?;
        loop {
            let octets = reader.fill_buf().map_err(unreadable)?;
            if octets.is_empty() {
                break;
            }
            if let Err(error) = writer.write_all(octets) {
                return Ok(Err(error));
            }
            let count = octets.len();
            reader.consume(count);
        }
    }
    Ok(writer.flush().map(|()| writer))
}

#[cfg(test)]
mod tests {
    use canvass_remote::WorkerName;
    use tempfile::TempDir;

    use super::super::{LineLook, PartKeeper};
    use super::*;

    const LOOK: LineLook = LineLook {
        format: Format::Csv,
        columns: Columns::Dns,
    };

    /// Directories of two workers, and an index of what they have kept for targets 0 to 5.
    struct Rig {
        directory: TempDir,
        index: Vec<Vec<u8>>,
    }

    impl Rig {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let campaign = "scan".parse().unwrap();
            let keeper = |name: &str| {
                let worker = WorkerName(name.into());
                let place = directory.path().join(name);
                PartKeeper::new(place, &campaign, &worker, LOOK).unwrap()
            };
            let (mut a, mut b) = (keeper("a"), keeper("b"));
            let index = vec![
                a.keep(2..4, 2, b"two\nthree\n").unwrap(),
                b.keep(4..6, 2, b"four\nfive\n").unwrap(),
                b.keep(0..2, 2, b"zero\none\n").unwrap(),
            ];
            // Made by a worker that was too late.
            a.keep(0..2, 2, b"0\n1\n").unwrap();
            Self { directory, index }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.directory.path().join(name)
        }

        fn gather(&self, workers: &[&str]) -> Result<String, String> {
            fs::write(self.path("index"), self.index.concat()).unwrap();
            let args = GatherArgs {
                directories: workers.iter().map(|name| self.path(name)).collect(),
                index: self.path("index"),
                output: Some(self.path("out")),
            };
            match gather(&args) {
                Ok(_) => Ok(fs::read_to_string(self.path("out")).unwrap()),
                Err(failure) => {
                    assert!(!self.path("out").exists(), "something was written");
                    Err(failure.to_string())
                }
            }
        }
    }

    #[test]
    fn parts_come_in_the_order_of_the_list_whoever_has_made_them() {
        let text = Rig::new().gather(&["a", "b"]).unwrap();
        let (header, lines) = text.split_once('\n').unwrap();
        assert!(header.starts_with("seq,"), "{header}");
        assert_eq!(lines, "zero\none\ntwo\nthree\nfour\nfive\n");
    }

    #[test]
    fn nothing_is_written_unless_every_target_is_there_once() {
        let mut rig = Rig::new();
        let fault = rig.gather(&["a"]).unwrap_err();
        assert!(fault.contains("in none of the directories"), "{fault}");
        let last = rig.index.pop().unwrap();
        let fault = rig.gather(&["a", "b"]).unwrap_err();
        assert!(fault.contains("targets 0 to 1 are missing"), "{fault}");
        rig.index.extend([last.clone(), last]);
        let fault = rig.gather(&["a", "b"]).unwrap_err();
        assert!(fault.contains("target 0 is there twice"), "{fault}");
        rig.index.pop();
        fs::write(rig.path("index.journal"), "").unwrap();
        let fault = rig.gather(&["a", "b"]).unwrap_err();
        assert!(fault.contains("not finished"), "{fault}");
    }

    #[test]
    fn a_damaged_file_and_another_version_are_named() {
        let mut rig = Rig::new();
        let file = rig.path("a/scan.a.00000000.zst");
        let mut octets = fs::read(&file).unwrap();
        *octets.last_mut().unwrap() ^= 1;
        fs::write(&file, octets).unwrap();
        let fault = rig.gather(&["a", "b"]).unwrap_err();
        assert!(fault.contains("00000000.zst is damaged"), "{fault}");
        let text = String::from_utf8(rig.index.concat()).unwrap();
        rig.index = vec![text.replace("\"version\":1", "\"version\":2").into_bytes()];
        let fault = rig.gather(&["a", "b"]).unwrap_err();
        assert!(fault.contains("it is of version 2"), "{fault}");
    }
}
