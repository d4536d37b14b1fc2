//! Refuses command lines in which an output is also an input, or two outputs are one file.
//!
//! Only regular files can be destroyed: a terminal, a FIFO or `/dev/null` may be both.

use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::os::unix::fs::{DirEntryExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::defaults;
use crate::exit::Failure;

/// The system gives up after as many symbolic links (path_resolution(7)).
const LINKS_MAX: u32 = 40;

/// The files that a command line names, each with the flag that names it. A configuration with defaults for
/// flags is among them from the start.
pub(crate) struct NamedFiles {
    inputs: Vec<NamedFile>,
    outputs: Vec<NamedFile>,
    /// The directory of `--save`.
    bodies: Option<PathBuf>,
}

struct NamedFile {
    /// As it is shown: the flag and the path.
    shown: String,
    path: PathBuf,
}

/// Two paths with equal identities are the same regular file, now or once it is created.
#[derive(PartialEq, Eq)]
enum Identity {
    Existing { device: u64, inode: u64 },
    Missing(PathBuf),
}

impl Default for NamedFiles {
    fn default() -> Self {
        let mut files = Self {
            inputs: Vec::new(),
            outputs: Vec::new(),
            bodies: None,
        };
        if let Some(config) = defaults::config_read() {
            files.reads("--config", config);
        }
        files
    }
}

impl NamedFiles {
    /// Adds a file that is read.
    pub(crate) fn reads(&mut self, flag: &str, path: impl AsRef<Path>) {
        self.inputs.push(NamedFile::new(flag, path.as_ref()));
    }

    /// Adds standard input.
    pub(crate) fn reads_stdin(&mut self) {
        let file = NamedFile::descriptor("standard input", "/proc/self/fd/0");
        self.inputs.push(file);
    }

    /// Adds a file that is written.
    pub(crate) fn writes(&mut self, flag: &str, path: impl AsRef<Path>) {
        self.outputs.push(NamedFile::new(flag, path.as_ref()));
    }

    /// Adds standard output, which the caller of the command may have directed to a file.
    pub(crate) fn writes_stdout(&mut self) {
        let file = NamedFile::descriptor("standard output", "/proc/self/fd/1");
        self.outputs.push(file);
    }

    /// Adds a directory in which files called `SEQ.body` and `SEQ-REPEAT.body` are written.
    pub(crate) fn writes_bodies(&mut self, directory: impl Into<PathBuf>) {
        self.bodies = Some(directory.into());
    }

    /// The files that are read, each with its flag.
    pub(crate) fn inputs(&self) -> impl Iterator<Item = &str> {
        self.inputs.iter().map(|file| &*file.shown)
    }

    /// The files that are written, each with its flag.
    pub(crate) fn outputs(&self) -> impl Iterator<Item = &str> {
        self.outputs.iter().map(|file| &*file.shown)
    }

    /// Checks that no output is an input or another output.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let identities = |files: &[NamedFile]| -> Vec<Option<Identity>> {
            files.iter().map(|file| identity(&file.path)).collect()
        };
        let (inputs, outputs) = (identities(&self.inputs), identities(&self.outputs));
        for (at, output) in outputs.iter().enumerate() {
            if output.is_none() {
                continue;
            }
            let shown = &self.outputs[at];
            if let Some(same) = inputs.iter().position(|input| input == output) {
                let input = &self.inputs[same];
                return Err(Failure::usage(format!(
                    "{shown} would overwrite the file that {input} reads"
                )));
            }
            if let Some(same) = outputs[..at].iter().position(|other| other == output) {
                let other = &self.outputs[same];
                return Err(Failure::usage(format!(
                    "{other} and {shown} are the same file; each output needs one of its own"
                )));
            }
        }
        match &self.bodies {
            Some(directory) => self.check_bodies(directory, &inputs, &outputs),
            None => Ok(()),
        }
    }

    /// Checks that no file of the command line is in the place of a body.
    fn check_bodies(
        &self,
        directory: &Path,
        inputs: &[Option<Identity>],
        outputs: &[Option<Identity>],
    ) -> Result<(), Failure> {
        let refuse = |file: &NamedFile| {
            Err(Failure::usage(format!(
                "--save {} would overwrite the file of {file}",
                directory.display()
            )))
        };
        let files = || {
            let inputs = self.inputs.iter().zip(inputs);
            inputs.chain(self.outputs.iter().zip(outputs))
        };
        let place = resolved(directory, LINKS_MAX);
        for (file, identity) in files() {
            let path = resolved(&file.path, LINKS_MAX);
            let is_body = path.file_name().is_some_and(is_body_name);
            if identity.is_some() && is_body && path.parent() == Some(&place) {
                return refuse(file);
            }
        }
        // Bodies of an earlier run may be links to a file elsewhere. There may be very many, so only
        // those are looked at whose inode is that of a file.
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            if !is_body_name(&entry.file_name()) {
                continue;
            }
            let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
            let may_be = |other: &Option<Identity>| match other {
                Some(Identity::Existing { inode, .. }) => is_link || *inode == entry.ino(),
                Some(Identity::Missing(_)) => is_link,
                None => false,
            };
            for (file, other) in files().filter(|(_, other)| may_be(other)) {
                if identity(&entry.path()) == *other {
                    return refuse(file);
                }
            }
        }
        Ok(())
    }
}

impl NamedFile {
    fn new(flag: &str, path: &Path) -> Self {
        Self {
            shown: format!("{flag} {}", path.display()),
            path: path.to_owned(),
        }
    }

    /// The file of a descriptor, by its link in proc_pid_fd(5).
    fn descriptor(name: &str, link: &str) -> Self {
        let path = PathBuf::from(link);
        let shown = match path.read_link() {
            Ok(file) => format!("{name} ({})", file.display()),
            Err(_) => name.to_owned(),
        };
        Self { shown, path }
    }
}

impl fmt::Display for NamedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

/// `None` if it is not a regular file.
fn identity(path: &Path) -> Option<Identity> {
    match path.metadata() {
        Ok(file) if file.is_file() => Some(Identity::Existing {
            device: file.dev(),
            inode: file.ino(),
        }),
        Ok(_) => None,
        Err(_) => Some(Identity::Missing(resolved(path, LINKS_MAX))),
    }
}

/// The absolute path without links, as far as it exists, and the rest as it is.
fn resolved(path: &Path, links_left: u32) -> PathBuf {
    if let Ok(path) = path.canonicalize() {
        return path;
    }
    let parent = match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => return path.to_owned(),
    };
    // A link to what does not exist yet: writing creates what it leads to.
    match (path.read_link(), path.file_name()) {
        (Ok(target), _) if links_left > 0 => resolved(&parent.join(target), links_left - 1),
        (_, Some(name)) => resolved(parent, links_left).join(name),
        (_, None) => path.to_owned(),
    }
}

/// Whether `--save` may write a file of this name.
fn is_body_name(name: &OsStr) -> bool {
    let Some(stem) = name.to_str().and_then(|name| name.strip_suffix(".body")) else {
        return false;
    };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match stem.split_once('-') {
        Some((seq, repeat)) => is_number(seq) && is_number(repeat),
        None => is_number(stem),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// Whether these are refused, and what the message says.
    fn refused(inputs: &[&Path], outputs: &[&Path], bodies: Option<&Path>) -> Option<String> {
        let mut files = NamedFiles::default();
        inputs.iter().for_each(|path| files.reads("--input", path));
        outputs
            .iter()
            .for_each(|path| files.writes("--output", path));
        bodies
            .iter()
            .for_each(|directory| files.writes_bodies(directory));
        files.check().err().map(|failure| failure.to_string())
    }

    #[test]
    fn a_file_is_the_same_by_any_name() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::write(at("list"), "192.0.2.1\n").unwrap();
        fs::hard_link(at("list"), at("hard")).unwrap();
        symlink("list", at("soft")).unwrap();
        symlink("soft", at("softer")).unwrap();
        symlink("new", at("dangling")).unwrap();
        symlink("loop", at("loop")).unwrap();
        fs::create_dir(at("dir")).unwrap();
        for name in ["list", "hard", "soft", "softer", "dir/../list", "./list"] {
            let text = refused(&[&at("list")], &[&at(name)], None).expect(name);
            assert!(
                text.contains("--input") && text.contains("--output"),
                "{text}"
            );
            assert!(text.contains(name), "{text}");
        }
        for (one, other) in [
            ("new", "new"),
            ("dangling", "new"),
            ("no/new", "dir/../no/new"),
        ] {
            assert!(
                refused(&[], &[&at(one), &at(other)], None).is_some(),
                "{one}"
            );
        }
        for (one, other) in [("new", "newer"), ("loop", "new"), ("dir/new", "new")] {
            assert_eq!(refused(&[], &[&at(one), &at(other)], None), None, "{one}");
        }
    }

    #[test]
    fn what_is_no_regular_file_may_be_shared() {
        let null = Path::new("/dev/null");
        assert_eq!(refused(&[null], &[null, null], None), None);
    }

    #[test]
    fn a_body_overwrites_no_other_file() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::create_dir(at("bodies")).unwrap();
        fs::write(at("list"), "http://192.0.2.1/\n").unwrap();
        let (list, bodies) = (at("list"), at("bodies"));
        for name in ["3.body", "10-2.body"] {
            let body = bodies.join(name);
            assert!(refused(&[], &[&body], Some(&bodies)).is_some());
            for make in [fs::hard_link::<&Path, &Path>, |from, to| symlink(from, to)] {
                make(&list, &body).unwrap();
                let text = refused(&[&list], &[], Some(&bodies)).unwrap();
                assert!(
                    text.contains("--save") && text.contains("--input"),
                    "{text}"
                );
                fs::remove_file(&body).unwrap();
            }
        }
        symlink(at("new"), bodies.join("5.body")).unwrap();
        assert!(refused(&[], &[&at("new")], Some(&bodies)).is_some());
        // A directory that does not exist yet.
        assert!(refused(&[], &[&at("new/0.body")], Some(&at("./new"))).is_some());
        for name in [
            "lines",
            "body",
            "x.body",
            "1-.body",
            "-1.body",
            "1-2-3.body",
        ] {
            assert_eq!(refused(&[], &[&bodies.join(name)], Some(&bodies)), None);
        }
    }
}
