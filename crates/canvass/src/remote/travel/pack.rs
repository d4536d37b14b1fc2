//! Reads a command line for workers.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use canvass_queue::parse_resolver;
use canvass_run::Plan;

use super::flags::{self, FileValue, Travel};
use super::{Argument, FileContent, TravellingPlan};
use crate::command_line;
use crate::exit::Failure;
use crate::journal::{GivenFlag, GivenFlags};
use crate::lab::LabPeers;
use crate::plan::{ModuleFiles, dig, module_files, script_file};

/// The largest file that travels, in octets. Redis has it once for each campaign.
const FILE_OCTETS_MAX: u64 = 64 << 20;
/// Headers that are credentials, or parts of the names of such.
const SECRET_HEADERS: [&str; 8] = [
    "authorization",
    "cookie",
    "token",
    "secret",
    "password",
    "api-key",
    "apikey",
    "session",
];

/// What is packed besides the flags.
pub(crate) struct Packing<'a> {
    pub plan: &'a Plan,
    pub lab: Option<LabPeers>,
    pub keep_parts: Option<String>,
}

/// Packs the plan of a command line.
///
/// # Errors
/// A flag cannot be used with workers, or a file cannot be read.
pub(crate) fn pack(given: &GivenFlags, packing: Packing<'_>) -> Result<TravellingPlan, Failure> {
    let mut arguments = Vec::new();
    if let Some(lab) = &packing.lab
        && !lab.resolver.ip().is_loopback()
    {
        return Err(refused("lab", "it is reached on this machine only"));
    }
    for flag in &given.flags {
        if flag.is_positional {
            arguments.extend(of_targets(flag, given)?);
        } else {
            add(flag, &mut arguments)?;
        }
    }
    if given.command == "tcp" {
        add_module_files(given, &mut arguments)?;
    }
    Ok(TravellingPlan {
        command: given.command.clone(),
        arguments,
        lab: packing.lab,
        needs_resolvers: !packing.plan.resolvers().is_empty(),
        keep_parts: packing.keep_parts,
    })
}

/// What the targets say that is not a target: `@ADDR` in lookups, and the types of `canvass dns`.
fn of_targets(positional: &GivenFlag, given: &GivenFlags) -> Result<Vec<Argument>, Failure> {
    let is_given = |name: &str| given.flags.iter().any(|flag| flag.name == name);
    if !["ptr", "dns"].contains(&&*given.command) {
        return Ok(Vec::new());
    }
    let mut targets: Vec<String> = positional
        .values
        .iter()
        .map(|value| value.to_string_lossy().into_owned())
        .collect();
    let mut arguments = Vec::new();
    for resolver in dig::take_resolvers(&mut targets) {
        let argument = of_value("resolver", &resolver, FileValue::Resolver)?;
        arguments.push(argument);
    }
    if given.command == "dns" && !is_given("type") {
        let types = dig::take_types(&mut targets, is_given("input"));
        arguments.extend(types.iter().map(|one| value("type", &one.to_string())));
    }
    Ok(arguments)
}

fn add(flag: &GivenFlag, arguments: &mut Vec<Argument>) -> Result<(), Failure> {
    let name = flag.name.as_str();
    if flag.is_switch && !flag.values.iter().any(|value| value == "true") {
        return Ok(());
    }
    let travel = flags::of(name);
    match travel {
        Travel::Stays => return Ok(()),
        Travel::Refused(why) => return Err(refused(name, why)),
        Travel::OwnOfWorker => {
            arguments.push(Argument::OwnOfWorker(name.to_owned()));
            return Ok(());
        }
        Travel::AsIs if flag.is_switch => {
            arguments.push(Argument::Switch(name.to_owned()));
            return Ok(());
        }
        Travel::AsIs | Travel::Content(_) | Travel::Header | Travel::Proxy => {}
    }
    for given in &flag.values {
        let text = given.to_str();
        let text = text.ok_or_else(|| refused(name, "its value is not UTF-8"))?;
        match travel {
            Travel::Header => check_header(text)?,
            Travel::Proxy if command_line::without_credentials(text) != text => {
                return Err(refused(
                    name,
                    "credentials stay where they are; give each worker a proxy in its environment, \
                     and use --proxy-from-environment",
                ));
            }
            Travel::Content(form) => {
                arguments.push(of_value(name, text, form)?);
                continue;
            }
            _ => {}
        }
        arguments.push(value(name, text));
    }
    Ok(())
}

/// Credentials do not travel in headers either.
fn check_header(text: &str) -> Result<(), Failure> {
    let Some((name, content)) = text.split_once(':') else {
        return Ok(());
    };
    let lower_case = name.to_ascii_lowercase();
    let is_secret = SECRET_HEADERS.iter().any(|part| lower_case.contains(part));
    if !is_secret || content.trim().is_empty() {
        return Ok(());
    }
    Err(refused(
        &format!("header {name}"),
        "credentials stay where they are; with --basic, each worker sends its own user and password",
    ))
}

/// The files that a module of blackbox_exporter names, as the flags that they stand for. Flags that are
/// given count more.
fn add_module_files(given: &GivenFlags, arguments: &mut Vec<Argument>) -> Result<(), Failure> {
    let script = given.flags.iter().find(|flag| flag.name == "talk");
    let Some(script) = script.and_then(|flag| flag.values.last()?.to_str()) else {
        return Ok(());
    };
    let ModuleFiles {
        authority,
        has_identity,
        has_source,
    } = module_files(script)?;
    if has_source {
        return Err(refused(
            "talk",
            "its source_ip_address is about this machine",
        ));
    }
    let is_given = |name: &str| given.flags.iter().any(|flag| flag.name == name);
    if let (Some(path), false) = (authority, is_given("cacert")) {
        arguments.push(file("cacert", &path, "", "")?);
    }
    if has_identity && !is_given("cert") {
        arguments.extend(["cert", "key"].map(|flag| Argument::OwnOfWorker(flag.into())));
    }
    Ok(())
}

fn of_value(flag: &str, text: &str, form: FileValue) -> Result<Argument, Failure> {
    match form {
        FileValue::Path => file(flag, Path::new(text), "", ""),
        FileValue::AfterAt => match text.strip_prefix('@') {
            Some(path) => file(flag, Path::new(path), "@", ""),
            None => Ok(value(flag, text)),
        },
        FileValue::Resolver if parse_resolver(text).is_ok() => Ok(value(flag, text)),
        FileValue::Resolver => file(flag, Path::new(text), "", ""),
        FileValue::Script if canvass_proto::talk::Script::preset(text).is_some() => {
            Ok(value(flag, text))
        }
        FileValue::Script => {
            let (path, module) = script_file(text);
            let after = module.map_or(String::new(), |module| format!("#{module}"));
            file(flag, Path::new(path), "", &after)
        }
    }
}

fn value(flag: &str, value: &str) -> Argument {
    Argument::Value {
        flag: flag.to_owned(),
        value: value.to_owned(),
    }
}

fn file(flag: &str, path: &Path, before: &str, after: &str) -> Result<Argument, Failure> {
    let cannot = |what: &dyn std::fmt::Display| {
        Failure::usage(format!("--{flag}: cannot read {}: {what}", path.display()))
    };
    let found = fs::metadata(path).map_err(|error| cannot(&error))?;
    if found.len() > FILE_OCTETS_MAX {
        return Err(cannot(&"it is too large to be sent to workers"));
    }
    let octets = fs::read(path).map_err(|error| cannot(&error))?;
    let name = path.file_name().unwrap_or(OsStr::new("file"));
    Ok(Argument::File {
        flag: flag.to_owned(),
        file: FileContent {
            name: name.to_string_lossy().into_owned(),
            octets,
            before: before.to_owned(),
            after: after.to_owned(),
        },
    })
}

fn refused(flag: &str, why: &str) -> Failure {
    Failure::usage(format!("--{flag} cannot be used with --workers: {why}"))
}
