//! Settings in the environment: `CANVASS_OPT_` and the name of a flag.

use std::ffi::OsString;

use clap::{Arg, Command};

use super::flags::{self, Form};
use super::{Origin, Precedence, Setting, Value};
use crate::exit::Failure;

const PREFIX: &str = "CANVASS_OPT_";

/// The variable of a flag.
fn variable(flag: &str) -> String {
    format!(
        "{PREFIX}{}",
        flag.to_ascii_uppercase().replace(['-', '.'], "_")
    )
}

/// The settings for a command. Those of flags that only other commands have are ignored.
pub(super) fn settings(
    cli: &Command,
    name: &str,
    variables: impl Iterator<Item = (OsString, OsString)>,
) -> Result<Vec<Setting>, Failure> {
    let command = cli.find_subcommand(name);
    let mut settings = Vec::new();
    for (variable_name, text) in variables {
        let Some(variable_name) = variable_name
            .to_str()
            .filter(|name| name.starts_with(PREFIX))
        else {
            continue;
        };
        let origin = Origin::Variable(variable_name.to_owned());
        let is_of = |flag: &&Arg| {
            flag.get_long()
                .is_some_and(|name| variable(name) == variable_name)
        };
        let Some(flag) = command.and_then(|command| flags::of(command).find(is_of)) else {
            let all: Vec<String> = flags::all(cli).into_iter().map(variable).collect();
            if all.iter().any(|known| known == variable_name) {
                continue;
            }
            let known = all.iter().map(String::as_str);
            return Err(Failure::usage(flags::unknown(
                "variable",
                variable_name,
                known,
            )));
        };
        let text = text
            .into_string()
            .map_err(|_| origin.error("it is not UTF-8"))?;
        // As of a variable that is not there.
        if text.is_empty() {
            continue;
        }
        settings.push(Setting {
            flag: flag.get_long().unwrap_or_default().to_owned(),
            value: value(Form::of(flag), &text).map_err(|what| origin.error(what))?,
            origin,
            precedence: Precedence::Environment,
        });
    }
    Ok(settings)
}

fn value(form: Form, text: &str) -> Result<Value, String> {
    let on = match text.to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        "1" | "yes" | "on" if form == Form::Switch => Some(true),
        "0" | "no" | "off" if form == Form::Switch => Some(false),
        _ => None,
    };
    match (form, on) {
        (Form::Switch | Form::Optional, Some(on)) => form.switched(on),
        (Form::Many, _) => form.of_texts(text.lines().map(str::to_owned).collect(), true),
        _ => form.of_texts(vec![text.to_owned()], false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_read_as_its_flag_needs_it() {
        let texts = |texts: &[&str]| {
            Ok(Value::Values(
                texts.iter().map(ToString::to_string).collect(),
            ))
        };
        for (form, text, expected) in [
            (Form::Switch, "1", Ok(Value::On)),
            (Form::Switch, "Yes", Ok(Value::On)),
            (Form::Switch, "off", Ok(Value::Off)),
            (
                Form::Switch,
                "maybe",
                Err("it takes no value: true or false".to_owned()),
            ),
            (Form::Optional, "true", Ok(Value::On)),
            (Form::Optional, "1", texts(&["1"])),
            (Form::One, "true", texts(&["true"])),
            (Form::Many, "a b\nc", texts(&["a b", "c"])),
        ] {
            assert_eq!(value(form, text), expected, "{form:?} {text}");
        }
    }
}
