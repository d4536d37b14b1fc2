//! Makes the plan of a worker.

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use canvass_proto::talk::Script;
use canvass_queue::parse_resolver;
use clap::{CommandFactory, FromArgMatches};
use tempfile::TempDir;

use super::flags::{self, FileValue, Travel};
use super::{Argument, COMMANDS, FileContent, TravellingPlan};
use crate::args::Cli;
use crate::credentials::{PASSWORD, USER};
use crate::exit::Failure;
use crate::plan::{Site, Work, work};
use crate::remote::own_caps::OwnCaps;

/// The directory of files that have travelled: its owner's alone.
const DIRECTORY_MODE: u32 = 0o700;

/// What a worker sets by itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct OwnSettings {
    /// Values of --resolver; the campaign's own without any.
    pub resolvers: Vec<String>,
    pub credentials: Option<PathBuf>,
    /// A client certificate and its key.
    pub identity: Option<(PathBuf, PathBuf)>,
    pub threads: Option<u16>,
    pub caps: OwnCaps,
    /// Whether user and password are in the environment.
    pub environment_has_credentials: bool,
}

/// Makes the plan of a worker.
///
/// # Errors
/// This worker cannot take part, and why.
pub(crate) fn unpack(packed: &TravellingPlan, own: &OwnSettings) -> Result<Work, Failure> {
    if !COMMANDS.contains(&&*packed.command) {
        return Err(Failure::usage(format!(
            "workers do not run canvass {}",
            packed.command
        )));
    }
    // Files are read while the plan is made, and not later.
    let directory = tempfile::Builder::new()
        .prefix("canvass-")
        .permissions(Permissions::from_mode(DIRECTORY_MODE))
        .tempdir()
        .map_err(|error| Failure::stopped(format!("cannot create a directory: {error}")))?;
    let words = words(packed, own, &directory)?;
    let parsed = Cli::command()
        .try_get_matches_from(words)
        .and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = parsed.map_err(|error| {
        let text = error.to_string();
        let first = text.lines().next().unwrap_or_default();
        Failure::usage(format!("its arguments are not valid: {first}"))
    })?;
    let work = work(cli.command, Site::Worker(packed.lab.as_ref()))?;
    if packed.needs_resolvers && work.plan.resolvers().is_empty() {
        return Err(Failure::usage(
            "it needs a resolver, and this machine has none; give this worker one with --resolver",
        ));
    }
    Ok(work)
}

/// The command line of a worker.
fn words(
    packed: &TravellingPlan,
    own: &OwnSettings,
    directory: &TempDir,
) -> Result<Vec<OsString>, Failure> {
    let mut words: Vec<OsString> = vec!["canvass".into(), packed.command.clone().into()];
    words.push("--quiet".into());
    let mut add = |flag: &str, value: &Path| {
        let mut word = OsString::from(format!("--{flag}="));
        word.push(value);
        words.push(word);
    };
    if let Some(threads) = own.threads {
        add("threads", Path::new(&threads.to_string()));
    }
    for (flag, cap) in own.caps.beside(packed) {
        add(flag, Path::new(&cap.to_string()));
    }
    for resolver in &own.resolvers {
        add("resolver", Path::new(resolver));
    }
    let replaces_resolvers = !own.resolvers.is_empty() || packed.lab.is_some();
    let mut switches = Vec::new();
    for (index, argument) in packed.arguments.iter().enumerate() {
        if !argument.may_travel() {
            return Err(Failure::usage(format!(
                "its argument --{} is not for workers",
                argument.flag()
            )));
        }
        if argument.flag() == "resolver" && replaces_resolvers {
            continue;
        }
        match argument {
            Argument::Switch(flag) => switches.push(flag.as_str()),
            Argument::Value { flag, value } => add(flag, Path::new(value)),
            Argument::File { flag, file } => {
                let value = file.written(directory.path(), index)?;
                add(flag, Path::new(&value));
            }
            Argument::OwnOfWorker(flag) => match own.file(flag) {
                Some(path) => add(flag, path),
                None => switches.extend(own.instead(flag, &packed.command)?),
            },
        }
    }
    if let (Some(path), true) = (&own.credentials, may_use_credentials(packed)) {
        add("credentials", path);
    }
    let switches = switches.into_iter().map(|flag| format!("--{flag}").into());
    words.extend(switches);
    Ok(words)
}

/// Whether credentials may be used though no flag names their file: by `--basic`, or by a script.
fn may_use_credentials(packed: &TravellingPlan) -> bool {
    let has = |flag: &str| packed.arguments.iter().any(|one| one.flag() == flag);
    !has("credentials") && (has("basic") || has("talk"))
}

impl OwnSettings {
    /// The file of this worker in place of one of the submitter.
    fn file(&self, flag: &str) -> Option<&Path> {
        match (flag, &self.identity) {
            ("credentials", _) => self.credentials.as_deref(),
            ("cert", Some((chain, _))) => Some(chain),
            ("key", Some((_, key))) => Some(key),
            _ => None,
        }
    }

    /// The switch that has the same effect where this worker has no file.
    fn instead(&self, flag: &str, command: &str) -> Result<Option<&'static str>, Failure> {
        match (flag, command) {
            ("credentials", "http") if self.environment_has_credentials => Ok(Some("basic")),
            // A script takes those of the environment by itself.
            ("credentials", "tcp" | "udp") if self.environment_has_credentials => Ok(None),
            ("credentials", "check") => Err(Failure::usage(
                "it uses credentials, and this worker has none; give it some with --credentials FILE",
            )),
            ("credentials", _) => Err(Failure::usage(format!(
                "it uses credentials, and this worker has none; give it some with --credentials FILE, \
                 or in {USER} and {PASSWORD}"
            ))),
            _ => Err(Failure::usage(
                "it presents a client certificate, and this worker has none; give it one with --cert \
                 and --key",
            )),
        }
    }
}

impl Argument {
    /// The name of the flag.
    pub(super) fn flag(&self) -> &str {
        match self {
            Self::Switch(flag) | Self::OwnOfWorker(flag) => flag,
            Self::Value { flag, .. } | Self::File { flag, .. } => flag,
        }
    }

    /// Whether a submitter sends such an argument. Another one could make a worker write a file, or read
    /// one of its own and send it.
    fn may_travel(&self) -> bool {
        let travel = flags::of(self.flag());
        match self {
            Self::Switch(_) => travel == Travel::AsIs,
            Self::OwnOfWorker(_) => travel == Travel::OwnOfWorker,
            Self::Value { value, .. } => match travel {
                Travel::AsIs | Travel::Header | Travel::Proxy => true,
                Travel::Content(form) => form.is_no_file(value),
                _ => false,
            },
            Self::File { file, .. } => match travel {
                Travel::Content(FileValue::AfterAt) => file.is_between("@", ""),
                Travel::Content(FileValue::Script) => {
                    file.is_between("", "") || file.after.starts_with('#') && file.before.is_empty()
                }
                Travel::Content(_) => file.is_between("", ""),
                _ => false,
            },
        }
    }
}

impl FileValue {
    /// Whether a value names no file, whatever files there are.
    fn is_no_file(self, value: &str) -> bool {
        match self {
            Self::Path => false,
            Self::AfterAt => !value.starts_with('@'),
            Self::Script => Script::preset(value).is_some(),
            Self::Resolver => parse_resolver(value).is_ok(),
        }
    }
}

impl FileContent {
    fn is_between(&self, before: &str, after: &str) -> bool {
        self.before == before && self.after == after
    }

    /// Writes the file into a directory of its own, and returns the value of the flag.
    fn written(&self, directory: &Path, index: usize) -> Result<OsString, Failure> {
        // The name is for messages alone, and must not lead elsewhere.
        let name = Path::new(&self.name).file_name();
        let place = directory.join(index.to_string());
        let path = place.join(name.unwrap_or("file".as_ref()));
        fs::create_dir(&place)
            .and_then(|()| fs::write(&path, &self.octets))
            .map_err(|error| {
                Failure::stopped(format!("cannot write {}: {error}", path.display()))
            })?;
        let mut value = OsString::from(&self.before);
        value.push(path);
        value.push(&self.after);
        Ok(value)
    }
}
