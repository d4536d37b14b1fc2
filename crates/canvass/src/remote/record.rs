//! What Redis keeps of a campaign besides its chunks: the plan for workers, and what its submitter needs to
//! be run again.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::names::WorkerLabel;
use super::travel::TravellingPlan;
use crate::exit::Failure;
use crate::journal::GivenFlags;

/// The version of this program. Another one may take the same arguments for something else.
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Flags that are given anew when a command is run again.
const GIVEN_ANEW: [&str; 5] = ["workers", "workers-ca", "campaign", "journal", "resume"];

/// A campaign as its submitter describes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct CampaignRecord {
    pub plan: TravellingPlan,
    pub submitter: SubmitterRecord,
    /// When it began, in seconds since 1970 by the submitter's clock. Workers take the oldest first.
    pub began_unix_s: u64,
}

/// How a submitter was started, without credentials.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct SubmitterRecord {
    pub machine: String,
    pub directory: PathBuf,
    pub output: PathBuf,
    pub journal: PathBuf,
    /// The arguments, without those for Redis, the campaign and the journal.
    pub words: Vec<String>,
    /// Shows that who wrote the words has the journal.
    seal: String,
}

/// Why a record cannot be read.
#[derive(Debug, PartialEq, thiserror::Error)]
pub(crate) enum RecordError {
    #[error("the plan is of canvass {0}, and this is {VERSION}")]
    Version(String),
    #[error("the plan cannot be read: {0}")]
    Damaged(postcard::Error),
}

impl CampaignRecord {
    pub(crate) fn new(plan: TravellingPlan, submitter: SubmitterRecord) -> Self {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            plan,
            submitter,
            began_unix_s: since_1970.unwrap_or_default().as_secs(),
        }
    }

    /// The record as octets. The version stands first, so that every version can read it.
    pub(crate) fn encode(&self) -> Vec<u8> {
        postcard::to_stdvec(&(VERSION, self)).expect("a record can be saved")
    }

    pub(crate) fn decode(octets: &[u8]) -> Result<Self, RecordError> {
        let (version, rest): (String, _) =
            postcard::take_from_bytes(octets).map_err(RecordError::Damaged)?;
        if version != VERSION {
            return Err(RecordError::Version(version));
        }
        postcard::from_bytes(rest).map_err(RecordError::Damaged)
    }
}

impl SubmitterRecord {
    /// Records a command line. `salt` is that of the journal.
    ///
    /// # Errors
    /// The directory is not known, or a value is not UTF-8.
    pub(crate) fn new(
        given: &GivenFlags,
        output: &Path,
        journal: &Path,
        salt: &str,
    ) -> Result<Self, Failure> {
        let directory = std::env::current_dir()
            .map_err(|error| Failure::stopped(format!("no current directory: {error}")))?;
        let words = words(given)?;
        Ok(Self {
            machine: WorkerLabel::of_machine().to_string(),
            output: absolute(&directory, output),
            journal: absolute(&directory, journal),
            seal: seal(&words, salt),
            directory,
            words,
        })
    }

    /// Whether the words are of the submitter that has begun this journal. Whoever can write to Redis could
    /// put other words there, for a person to run.
    pub(crate) fn is_sealed_by(&self, salt: &str) -> bool {
        self.seal == seal(&self.words, salt)
    }
}

fn absolute(directory: &Path, path: &Path) -> PathBuf {
    directory.join(path)
}

/// The arguments, each a word.
fn words(given: &GivenFlags) -> Result<Vec<String>, Failure> {
    let mut words = vec![given.command.clone()];
    let mut targets = Vec::new();
    for flag in &given.flags {
        let name = flag.name.as_str();
        if GIVEN_ANEW.contains(&name) {
            continue;
        }
        for value in &flag.values {
            let value = value.to_str().ok_or_else(|| {
                Failure::usage(format!("--workers: {name} has a value that is not UTF-8"))
            })?;
            match (flag.is_positional, flag.is_switch) {
                (true, _) => targets.push(value.to_owned()),
                (_, true) if value == "true" => words.push(format!("--{name}")),
                (_, true) => {}
                _ => words.push(format!("--{name}={value}")),
            }
        }
    }
    if !targets.is_empty() {
        words.push("--".into());
        words.append(&mut targets);
    }
    Ok(words)
}

/// A keyed digest of the words. The salt stands on both sides, so that nothing can be appended.
fn seal(words: &[String], salt: &str) -> String {
    let mut digest = Sha256::new();
    digest.update(salt);
    for word in words {
        digest.update((word.len() as u64).to_be_bytes());
        digest.update(word);
    }
    digest.update(salt);
    format!("{:x}", digest.finalize())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::args::Cli;

    fn given(line: &str) -> GivenFlags {
        let words = std::iter::once("canvass").chain(line.split(' '));
        GivenFlags::of(&Cli::command().try_get_matches_from(words).unwrap())
    }

    fn record(line: &str) -> CampaignRecord {
        let given = given(line);
        let submitter =
            SubmitterRecord::new(&given, Path::new("a"), Path::new("/j"), "salt").unwrap();
        let plan = TravellingPlan {
            command: given.command,
            arguments: Vec::new(),
            lab: None,
            needs_resolvers: true,
            keep_parts: None,
        };
        CampaignRecord::new(plan, submitter)
    }

    #[test]
    fn a_record_is_read_again_and_one_of_another_version_is_named() {
        let record = record("ptr 192.0.2.1 -o a --workers redis://me:hunter2@192.0.2.9");
        let octets = record.encode();
        assert_eq!(CampaignRecord::decode(&octets).as_ref(), Ok(&record));
        assert!(!String::from_utf8_lossy(&octets).contains("hunter2"));
        let other = postcard::to_stdvec(&("9.8.7", 5_u32)).unwrap();
        let error = CampaignRecord::decode(&other).unwrap_err().to_string();
        assert_eq!(
            error,
            format!("the plan is of canvass 9.8.7, and this is {VERSION}")
        );
        assert!(CampaignRecord::decode(&octets[..20]).is_err());
    }

    #[test]
    fn a_command_is_run_again_with_the_same_arguments() {
        let line = "dns --workers=redis://192.0.2.9 -t A,MX -q --shuffle=5 --exclude 192.0.2.0/24 \
                    -o out --journal j -- example.net";
        let submitter = record(line).submitter;
        let again = submitter.words.join(" ");
        assert!(again.ends_with(" -- example.net"), "{again}");
        assert!(
            !again.contains("redis") && !again.contains("journal="),
            "{again}"
        );
        let flags = |line: &str| -> Vec<_> {
            let flags = given(line).flags.into_iter();
            let kept = flags.filter(|flag| !GIVEN_ANEW.contains(&&*flag.name));
            kept.map(|flag| (flag.name, flag.values)).collect()
        };
        assert_eq!(flags(&again), flags(line));
        assert!(submitter.output.is_absolute());
    }

    #[test]
    fn words_of_somebody_else_are_recognised() {
        let mut submitter = record("ptr 192.0.2.1 -o a").submitter;
        assert!(submitter.is_sealed_by("salt"));
        assert!(!submitter.is_sealed_by("pepper"));
        submitter.words.push("--html=/home/me/.profile".into());
        assert!(!submitter.is_sealed_by("salt"));
    }
}
