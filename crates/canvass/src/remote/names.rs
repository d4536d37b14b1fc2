//! The names of campaigns and of workers.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use canvass_remote::{CampaignName, WorkerName};
use sha2::{Digest, Sha256};

/// The length of a name.
const CHARS_MAX: usize = 64;
/// The length of the part of a default name that is from the output.
const STEM_CHARS_MAX: usize = 40;
/// The length of the part that is from the journal: it tells runs apart.
const SUFFIX_CHARS: usize = 8;

/// What a worker is called by a person: letters, digits, `.`, `_` and `-`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WorkerLabel(Box<str>);

/// The name of a run that has none: that of its output, and what tells its journal from others.
pub(crate) fn derived_name(output: &Path, identity: &str) -> CampaignName {
    let name = output.file_name().unwrap_or_default().to_string_lossy();
    let stem = name.split('.').find(|part| !part.is_empty());
    let stem: String = stem
        .unwrap_or("run")
        .chars()
        .map(|char| if is_allowed(char) { char } else { '-' })
        .take(STEM_CHARS_MAX)
        .collect();
    let name = format!("{stem}-{}", &identity[..SUFFIX_CHARS]);
    name.parse().expect("it has no other characters")
}

/// What tells the run of a journal from any other, also after it was resumed. `salt` is that of the
/// journal, which remains unknown.
pub(crate) fn identity(salt: &str) -> String {
    format!("{:x}", Sha256::digest(format!("campaign {salt}")))
}

impl WorkerLabel {
    /// The name of this machine.
    pub(crate) fn of_machine() -> Self {
        // As in gethostname(2).
        let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let name: String = name.chars().filter(|char| is_allowed(*char)).collect();
        match name.is_empty() {
            true => Self("worker".into()),
            false => Self(name.chars().take(CHARS_MAX).collect()),
        }
    }

    /// The name of this incarnation of this process.
    pub(crate) fn incarnation(&self) -> WorkerName {
        let (process, random) = (std::process::id(), rand::random::<u32>());
        WorkerName(format!("{}-{process}-{random:08x}", self.0).into())
    }
}

fn is_allowed(char: char) -> bool {
    char.is_ascii_alphanumeric() || "._-".contains(char)
}

impl FromStr for WorkerLabel {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() || text.len() > CHARS_MAX || !text.chars().all(is_allowed) {
            return Err("expected 1 to 64 letters, digits and characters of ._-");
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for WorkerLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_derived_name_is_a_name_and_the_same_for_the_same_journal() {
        let identity = identity("0123");
        for (output, stem) in [
            ("names.ndjson.zst", "names"),
            ("/srv/a b/ünamed.csv", "-named"),
            (".hidden", "hidden"),
            ("...", "run"),
            (&"x".repeat(300), &"x".repeat(STEM_CHARS_MAX)),
        ] {
            let name = derived_name(Path::new(output), &identity);
            assert_eq!(name.to_string(), format!("{stem}-{}", &identity[..8]));
        }
        assert!(!identity.contains("0123"));
    }

    #[test]
    fn a_name_has_no_other_characters() {
        for bad in ["", "a b", "a:b", "a/b", "{a}", "ä", &"a".repeat(65)] {
            assert!(bad.parse::<WorkerLabel>().is_err(), "{bad}");
        }
        let name = WorkerLabel::of_machine();
        assert_ne!(name.incarnation(), name.incarnation());
    }
}
