//! The flags of a command line, as a journal binds them.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use clap::{ArgMatches, Command, CommandFactory};

use crate::args::Cli;

/// The command of a command line and all its flags with their values, also those that have defaults.
#[derive(Clone, Debug)]
pub(crate) struct GivenFlags {
    pub command: String,
    pub flags: Vec<GivenFlag>,
}

/// A flag and its values, or positional arguments.
#[derive(Clone, Debug)]
pub(crate) struct GivenFlag {
    /// The long name without dashes, or what clap calls the positional arguments.
    pub name: String,
    pub is_positional: bool,
    pub is_switch: bool,
    pub values: Vec<OsString>,
}

impl GivenFlags {
    /// The flags of the command that was parsed.
    pub(crate) fn of(matches: &ArgMatches) -> Self {
        let cli = Cli::command();
        let Some((name, matches)) = matches.subcommand() else {
            return Self {
                command: String::new(),
                flags: Vec::new(),
            };
        };
        let flags = cli
            .find_subcommand(name)
            .into_iter()
            .flat_map(Command::get_arguments);
        let flags = flags.filter_map(|flag| {
            let id = flag.get_id().as_str();
            let raw = matches.try_get_raw(id).ok().flatten();
            let values: Vec<OsString> = raw.into_iter().flatten().map(Into::into).collect();
            (!values.is_empty()).then(|| GivenFlag {
                name: flag.get_long().unwrap_or(id).to_owned(),
                is_positional: flag.is_positional(),
                is_switch: !flag.get_action().takes_values(),
                values,
            })
        });
        Self {
            command: name.to_owned(),
            flags: flags.collect(),
        }
    }
}

impl GivenFlags {
    /// The value of a flag that is given, the last one if there are several.
    pub(crate) fn last_value(&self, name: &str) -> Option<&OsStr> {
        let flag = self.flags.iter().find(|flag| flag.name == name)?;
        flag.values.last().map(OsString::as_os_str)
    }
}

impl GivenFlag {
    /// The values as octets that tell them from any others.
    pub(crate) fn octets(&self) -> Vec<u8> {
        let mut octets = Vec::new();
        for value in &self.values {
            octets.extend_from_slice(value.as_bytes());
            octets.push(0);
        }
        octets
    }
}
