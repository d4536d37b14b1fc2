//! Which settings become words of a command line.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory};

use super::{CONFIG, Setting, WithDefaults, flags};
use crate::args::Cli;
use crate::command_line;
use crate::exit::Failure;

/// How the parser takes a command line.
enum Parsed {
    Right,
    /// These arguments are missing.
    Lacks(BTreeSet<String>),
    Conflict,
    /// Anything else is wrong, which the text says.
    Wrong(String),
}

/// Adds those of `settings`, whose order is that of their precedence, that go with the words of the user.
/// `given` is what was found in those.
pub(super) fn merge(
    words: Vec<OsString>,
    name: &str,
    given: &ArgMatches,
    mut settings: Vec<Setting>,
) -> Result<WithDefaults, Failure> {
    let mut cli = Cli::command();
    cli.build();
    let command = cli.find_subcommand(name);
    settings.retain(|setting| {
        let flag = command.and_then(|command| flags::find(command, &setting.flag));
        let source = flag.and_then(|flag| given.value_source(flag.get_id().as_str()));
        source != Some(ValueSource::CommandLine)
    });
    let mut merged = Merged {
        at: place_of_command(&words, name),
        words,
        taken: Vec::new(),
    };
    let mut lacking = match merged.parse(&[]) {
        Parsed::Right => BTreeSet::new(),
        Parsed::Lacks(missing) => missing,
        // What is wrong is the user's own.
        Parsed::Conflict | Parsed::Wrong(_) => return Ok(merged.end()),
    };
    // A setting may need another one that comes later.
    let mut waiting = settings;
    loop {
        let before = waiting.len();
        let mut left = Vec::new();
        for setting in waiting {
            match merged.parse(&[&setting]) {
                Parsed::Right => {
                    lacking.clear();
                    merged.taken.push(setting);
                }
                Parsed::Lacks(missing) if missing.is_subset(&lacking) => {
                    lacking = missing;
                    merged.taken.push(setting);
                }
                Parsed::Lacks(_) => left.push(setting),
                Parsed::Conflict => merged.check_conflict(&setting)?,
                Parsed::Wrong(what) => return Err(setting.error(what)),
            }
        }
        if left.is_empty() || left.len() == before {
            return Ok(merged.end());
        }
        waiting = left;
    }
}

/// The words of the user, with settings that go with them.
struct Merged {
    words: Vec<OsString>,
    /// The place behind the name of the command.
    at: usize,
    taken: Vec<Setting>,
}

impl Merged {
    fn with<'a>(&self, settings: impl IntoIterator<Item = &'a Setting>) -> Vec<OsString> {
        let (before, after) = self.words.split_at(self.at);
        let defaults = settings.into_iter().flat_map(Setting::words);
        let words = before.iter().cloned().chain(defaults);
        words.chain(after.iter().cloned()).collect()
    }

    /// Parses what was taken so far, and further settings.
    fn parse(&self, more: &[&Setting]) -> Parsed {
        parse(
            self.with(self.taken.iter().chain(more.iter().copied())),
            more,
        )
    }

    /// Checks that a setting is in conflict with the words of the user or a setting that counts more, and
    /// not with its like.
    fn check_conflict(&self, setting: &Setting) -> Result<(), Failure> {
        let precedence = setting.precedence;
        let above = self
            .taken
            .iter()
            .filter(|taken| taken.precedence > precedence);
        let words = self.with(above.chain([setting]));
        if matches!(parse(words, &[setting]), Parsed::Conflict) {
            return Ok(());
        }
        let mut beside = self
            .taken
            .iter()
            .filter(|taken| taken.precedence == precedence);
        let other = beside.find(|taken| {
            let words = self.with([*taken, setting]);
            matches!(parse(words, &[setting]), Parsed::Conflict)
        });
        Err(setting.error(match other {
            Some(other) => format!("it cannot be used with {}, of {}", other.flag, other.origin),
            None => "it cannot be used with the others".into(),
        }))
    }

    fn end(self) -> WithDefaults {
        WithDefaults {
            words: self.with(&self.taken),
            taken: self.taken,
        }
    }
}

fn parse(words: Vec<OsString>, more: &[&Setting]) -> Parsed {
    let Err(error) = Cli::command().try_get_matches_from(words) else {
        return Parsed::Right;
    };
    match error.kind() {
        ErrorKind::ArgumentConflict => Parsed::Conflict,
        ErrorKind::MissingRequiredArgument => {
            let missing = match error.get(ContextKind::InvalidArg) {
                Some(ContextValue::Strings(missing)) => missing.iter().cloned().collect(),
                _ => BTreeSet::new(),
            };
            Parsed::Lacks(missing)
        }
        _ if more.iter().any(|setting| is_secret(setting)) => {
            Parsed::Wrong("its value is not valid".into())
        }
        _ => Parsed::Wrong(shown(&error.to_string())),
    }
}

/// Whether the value of a setting must not be shown: it may have credentials.
fn is_secret(setting: &Setting) -> bool {
    setting.words().iter().any(|word| {
        let word = word.to_string_lossy();
        command_line::without_secrets(&word) != word
    })
}

/// What the parser says, in one line, without its advice.
fn shown(text: &str) -> String {
    let text = text.strip_prefix("error: ").unwrap_or(text);
    let ends = ["\nUsage:", "\nFor more information"];
    let end = ends.iter().filter_map(|end| text.find(end)).min();
    let words: Vec<&str> = text[..end.unwrap_or(text.len())]
        .split_whitespace()
        .collect();
    words.join(" ")
}

/// The place behind the name of the command, before which there are only flags of all commands.
fn place_of_command(words: &[OsString], name: &str) -> usize {
    let option = format!("--{CONFIG}");
    let is_command = |(at, word): &(usize, &OsString)| {
        *at > 0 && *word == OsStr::new(name) && words[at - 1] != OsStr::new(&option)
    };
    let found = words.iter().enumerate().find(is_command);
    found.map_or(words.len(), |(at, _)| at + 1)
}
