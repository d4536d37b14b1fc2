//! The configuration: keys for all commands, and a table for each command.

use std::env;
use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use canvass_model::suggestion;
use clap::{Arg, Command};
use toml::de::{DeTable, DeValue};

use super::flags::{self, Form};
use super::{CONFIG, Origin, Precedence, Setting, Value};
use crate::exit::Failure;

/// A configuration that was read.
pub(super) struct ConfigFile {
    path: PathBuf,
    text: String,
}

/// The path of the configuration that this process has read.
static READ: OnceLock<PathBuf> = OnceLock::new();

/// The configuration that was read, which no output may overwrite.
pub(crate) fn config_read() -> Option<&'static Path> {
    READ.get().map(PathBuf::as_path)
}

/// The usual place, if the environment tells where that is (XDG Base Directory Specification).
fn usual_path() -> Option<PathBuf> {
    let directory = env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
    // A relative path is to be ignored.
    let directory = directory.filter(|path| path.is_absolute());
    let directory = directory.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".config")));
    Some(directory?.join("canvass/config.toml"))
}

impl ConfigFile {
    /// Reads the file that was named, or that in the usual place if it is there.
    pub(super) fn find(named: Option<PathBuf>) -> Result<Option<Self>, Failure> {
        let is_named = named.is_some();
        let Some(path) = named.or_else(usual_path) else {
            return Ok(None);
        };
        match fs::read_to_string(&path) {
            Ok(text) => {
                READ.get_or_init(|| path.clone());
                Ok(Some(Self { path, text }))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && !is_named => Ok(None),
            Err(error) => {
                let flag = if is_named { "--" } else { "" };
                let path = path.display();
                Err(Failure::usage(format!(
                    "{flag}{CONFIG}: cannot read {path}: {error}"
                )))
            }
        }
    }

    /// The settings for a command. Keys are checked for all commands, values for this one.
    pub(super) fn settings(&self, cli: &Command, name: &str) -> Result<Vec<Setting>, Failure> {
        let document = DeTable::parse(&self.text).map_err(|error| {
            let message = error.message().trim().replace('\n', "; ");
            self.origin(&error.span().unwrap_or_default())
                .error(message)
        })?;
        let mut settings = Vec::new();
        let command = cli.find_subcommand(name);
        for (key, value) in document.get_ref() {
            let origin = self.origin(&key.span());
            let key = &**key.get_ref();
            if let DeValue::Table(table) = value.get_ref() {
                let Some(command) = cli.find_subcommand(key) else {
                    return Err(origin.error(unknown_table(key, cli)));
                };
                self.check_keys(command, table)?;
                if key == name {
                    settings.extend(self.of_command(command, table)?);
                }
                continue;
            }
            let all = flags::all(cli);
            if !all.contains(key) {
                return Err(origin.error(flags::unknown("key", key, all)));
            }
            if let Some(flag) = command.and_then(|command| flags::find(command, key)) {
                let value = value.get_ref();
                settings.push(setting(flag, value, origin, Precedence::File)?);
            }
        }
        Ok(settings)
    }

    fn check_keys(&self, command: &Command, table: &DeTable<'_>) -> Result<(), Failure> {
        let name = command.get_name();
        let unknown = table
            .keys()
            .find(|key| flags::find(command, key.get_ref()).is_none());
        let Some(key) = unknown else { return Ok(()) };
        let known = flags::of(command).filter_map(Arg::get_long);
        let what = flags::unknown(&format!("key of [{name}]"), key.get_ref(), known);
        Err(self.origin(&key.span()).error(what))
    }

    fn of_command(&self, command: &Command, table: &DeTable<'_>) -> Result<Vec<Setting>, Failure> {
        let settings = table.iter().filter_map(|(key, value)| {
            let flag = flags::find(command, key.get_ref())?;
            let origin = self.origin(&key.span());
            Some(setting(
                flag,
                value.get_ref(),
                origin,
                Precedence::FileOfCommand,
            ))
        });
        settings.collect()
    }

    fn origin(&self, span: &Range<usize>) -> Origin {
        let before = self.text.get(..span.start).unwrap_or(&self.text);
        Origin::File(self.path.clone(), before.matches('\n').count() + 1)
    }
}

fn unknown_table(name: &str, cli: &Command) -> String {
    let commands: Vec<&str> = cli.get_subcommands().map(Command::get_name).collect();
    let hint = suggestion(name, commands.iter().copied());
    format!(
        "unknown table [{name}]{hint}; a table is for one of {}",
        commands.join(", ")
    )
}

fn setting(
    flag: &Arg,
    from: &DeValue<'_>,
    origin: Origin,
    precedence: Precedence,
) -> Result<Setting, Failure> {
    let name = flag.get_long().unwrap_or_default();
    let value = value(Form::of(flag), from);
    Ok(Setting {
        flag: name.to_owned(),
        value: value.map_err(|what| origin.error(format_args!("{name}: {what}")))?,
        origin,
        precedence,
    })
}

fn value(form: Form, value: &DeValue<'_>) -> Result<Value, String> {
    match value {
        DeValue::Boolean(on) => form.switched(*on),
        DeValue::Array(array) => {
            let texts = array.iter().map(|one| scalar(one.get_ref()));
            form.of_texts(texts.collect::<Result<_, _>>()?, true)
        }
        one => form.of_texts(vec![scalar(one)?], false),
    }
}

fn scalar(value: &DeValue<'_>) -> Result<String, String> {
    match value {
        DeValue::String(text) => Ok(text.to_string()),
        DeValue::Integer(number) => Ok(number.to_string()),
        DeValue::Float(number) => Ok(number.to_string()),
        DeValue::Datetime(time) => Ok(time.to_string()),
        DeValue::Boolean(_) | DeValue::Array(_) | DeValue::Table(_) => {
            Err("expected a string, a number, or a list of them".into())
        }
    }
}
