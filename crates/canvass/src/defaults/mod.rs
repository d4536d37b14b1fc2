//! Defaults for flags, from a configuration and from the environment.
//!
//! They become words of the command line, before those of the user. Which of them: only what the parser
//! accepts beside what the user has given. So a default gives way to the flag itself and to one that it
//! conflicts with, and is left out where the flag that it needs is missing.

mod file;
mod flags;
mod merge;
mod variables;

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use clap::{ArgMatches, Command, CommandFactory};

use crate::args::Cli;
use crate::command_line;
use crate::exit::Failure;
use file::ConfigFile;

pub(crate) use file::config_read;

/// The flags that say where the configuration is.
pub(crate) const CONFIG: &str = "config";
pub(crate) const NO_CONFIG: &str = "no-config";

/// A default for a flag.
#[derive(Clone, Debug)]
struct Setting {
    /// The long name of the flag.
    flag: String,
    value: Value,
    origin: Origin,
    precedence: Precedence,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    /// The flag is not given, whatever a setting that counts less says.
    Off,
    /// The flag is given without a value.
    On,
    /// The flag is given with each of these values.
    Values(Vec<String>),
}

/// Where a setting is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Origin {
    /// A file, and the line in it.
    File(PathBuf, usize),
    /// A variable of the environment.
    Variable(String),
}

/// Which of two settings counts: the greater one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Precedence {
    /// For all commands.
    File,
    /// For one command.
    FileOfCommand,
    Environment,
}

/// A command line with defaults.
pub(crate) struct WithDefaults {
    /// All words, the name of the program first.
    pub words: Vec<OsString>,
    taken: Vec<Setting>,
}

/// Adds defaults to a command line.
///
/// # Errors
/// A setting is not one of a flag, or has a value that the flag does not take.
pub(crate) fn add_to(words: Vec<OsString>) -> Result<WithDefaults, Failure> {
    let without = |words| WithDefaults {
        words,
        taken: Vec::new(),
    };
    // Does not fail where a default is missing.
    let lenient = Cli::command().ignore_errors(true);
    let Ok(matches) = lenient.try_get_matches_from(&words) else {
        return Ok(without(words));
    };
    let Some((name, given)) = matches.subcommand() else {
        return Ok(without(words));
    };
    let mut cli = Cli::command();
    cli.build();
    let command = cli.find_subcommand(name);
    let has_flags = command.is_some_and(|command| flags::of(command).next().is_some());
    // Not there if the parser has stopped before.
    let is_off = given.get_one::<bool>(NO_CONFIG) == Some(&true);
    // The flags of a command do not go with those of a command below it.
    let is_below = given.subcommand().is_some();
    if !has_flags || is_below || is_off {
        return Ok(without(words));
    }
    let settings = settings(&cli, name, given.get_one::<PathBuf>(CONFIG))?;
    merge::merge(words, name, given, settings)
}

/// All settings for a command, one for each flag.
fn settings(cli: &Command, name: &str, file: Option<&PathBuf>) -> Result<Vec<Setting>, Failure> {
    let mut settings = match ConfigFile::find(file.cloned())? {
        Some(file) => file.settings(cli, name)?,
        None => Vec::new(),
    };
    settings.extend(variables::settings(cli, name, env::vars_os())?);
    settings.sort_by_key(|setting| std::cmp::Reverse(setting.precedence));
    let mut flags = std::collections::HashSet::new();
    settings.retain(|setting| flags.insert(setting.flag.clone()));
    settings.retain(|setting| setting.value != Value::Off);
    Ok(settings)
}

impl WithDefaults {
    /// The defaults that were added and where they are from, for a user who wants to know.
    pub(crate) fn message(&self, matches: &ArgMatches) -> Option<String> {
        let (_, given) = matches.subcommand()?;
        let wants = given.try_get_one::<bool>("verbose").ok().flatten();
        if self.taken.is_empty() || wants != Some(&true) {
            return None;
        }
        let shown: Vec<String> = self.taken.iter().map(ToString::to_string).collect();
        Some(format!("defaults: {}", shown.join("; ")))
    }
}

impl Setting {
    /// The setting as words of a command line.
    fn words(&self) -> Vec<OsString> {
        let flag = &self.flag;
        match &self.value {
            Value::Off => Vec::new(),
            Value::On => vec![format!("--{flag}").into()],
            Value::Values(values) => {
                let words = values
                    .iter()
                    .map(|value| format!("--{flag}={value}").into());
                words.collect()
            }
        }
    }

    fn error(&self, what: impl fmt::Display) -> Failure {
        self.origin.error(format_args!("{}: {what}", self.flag))
    }
}

impl fmt::Display for Setting {
    /// The words, without what is secret, and where they are from.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for word in self.words() {
            let word = word.to_string_lossy();
            write!(f, "{} ", command_line::without_secrets(&word))?;
        }
        write!(f, "({})", self.origin)
    }
}

impl Origin {
    fn error(&self, what: impl fmt::Display) -> Failure {
        Failure::usage(format_args!("{self}: {what}"))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
            Self::Variable(name) => f.write_str(name),
        }
    }
}
