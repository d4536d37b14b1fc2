//! Which flags may have a default, and the forms of its value.

use std::collections::BTreeSet;

use canvass_model::suggestion;
use clap::{Arg, ArgAction, Command};

use super::{CONFIG, NO_CONFIG, Value};

/// Flags that have no default: those that say where defaults are, and those that end the command.
const WITHOUT: [&str; 4] = [CONFIG, NO_CONFIG, "help", "version"];

/// What a flag takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Switch,
    /// A value, which may be left out.
    Optional,
    One,
    Many,
}

/// The flags of a command that may have a default.
pub(super) fn of(command: &Command) -> impl Iterator<Item = &Arg> {
    let has_default = |flag: &&Arg| flag.get_long().is_some_and(|name| !WITHOUT.contains(&name));
    command.get_arguments().filter(has_default)
}

/// The flag of this long name.
pub(super) fn find<'a>(command: &'a Command, name: &str) -> Option<&'a Arg> {
    of(command).find(|flag| flag.get_long() == Some(name))
}

/// The long names of the flags of all commands.
pub(super) fn all(cli: &Command) -> BTreeSet<&str> {
    let commands = cli.get_subcommands();
    commands.flat_map(of).filter_map(Arg::get_long).collect()
}

/// What is wrong with a name that is none of these. They are too many to list.
pub(super) fn unknown<'a>(
    what: &str,
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> String {
    let hint = suggestion(name, known);
    match hint.is_empty() {
        true => format!("unknown {what} {name:?}: no flag has this name (see canvass COMMAND -h)"),
        false => format!("unknown {what} {name:?}{hint}"),
    }
}

impl Form {
    pub(super) fn of(flag: &Arg) -> Self {
        let least = flag.get_num_args().map_or(1, |range| range.min_values());
        match flag.get_action() {
            action if !action.takes_values() => Self::Switch,
            _ if least == 0 => Self::Optional,
            ArgAction::Append => Self::Many,
            _ => Self::One,
        }
    }

    /// The value that `true` and `false` mean.
    pub(super) fn switched(self, on: bool) -> Result<Value, String> {
        match (self, on) {
            (Self::Switch | Self::Optional, true) => Ok(Value::On),
            (Self::Switch | Self::Optional, false) => Ok(Value::Off),
            (Self::One | Self::Many, _) => Err(format!("it takes a value, and {on} is none")),
        }
    }

    /// The value that these texts mean. `is_list` tells whether they were given as a list.
    pub(super) fn of_texts(self, texts: Vec<String>, is_list: bool) -> Result<Value, String> {
        match (self, is_list) {
            (Self::Switch, _) => Err("it takes no value: true or false".into()),
            (Self::Optional | Self::One, true) => Err("it takes one value, not a list".into()),
            _ if texts.is_empty() => Ok(Value::Off),
            _ => Ok(Value::Values(texts)),
        }
    }
}
