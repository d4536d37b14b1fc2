//! The plan of the alerts of `canvass sweep`.

use std::fmt;
use std::fs;
use std::path::Path;

use canvass_sweep::{AlertPlan, ReceiverPlan, Silences, Template};
use crossbeam_channel::{Receiver, bounded};

use crate::args::AlertArgs;
use crate::exit::Failure;
use crate::same_file::NamedFiles;

/// Messages about deliveries that wait to be written.
const MESSAGES_MAX: usize = 64;

/// Where alerts go, and what is said about that.
pub(crate) struct PlannedAlerts {
    pub plan: AlertPlan,
    pub messages: Receiver<String>,
}

/// Where `args` send the alerts of a sweep that keeps its states in `state`.
pub(super) fn alerts(
    args: AlertArgs,
    state: Option<&Path>,
    files: &mut NamedFiles,
) -> Result<PlannedAlerts, Failure> {
    // Its value may hold a password, so no message has it.
    let refused = |flag| move |error: &dyn fmt::Display| Failure::usage(format!("{flag}: {error}"));
    let template = match &args.alert_template {
        Some(path) => {
            files.reads("--alert-template", path);
            let shown = format!("--alert-template {}", path.display());
            let unusable = |error: &dyn fmt::Display| Failure::usage(format!("{shown}: {error}"));
            let text = fs::read_to_string(path).map_err(|error| unusable(&error))?;
            Some(Template::parse(&text).map_err(|error| unusable(&error))?)
        }
        None => None,
    };
    let mut receivers = Vec::new();
    for url in &args.alert_webhook {
        let receiver = ReceiverPlan::webhook(url, template.clone());
        receivers.push(receiver.map_err(|error| refused("--alert-webhook")(&error))?);
    }
    for command in &args.alert_exec {
        let receiver = ReceiverPlan::exec(command);
        receivers.push(receiver.map_err(|error| refused("--alert-exec")(&error))?);
    }
    for url in &args.alert_alertmanager {
        let receiver = ReceiverPlan::alertmanager(url);
        receivers.push(receiver.map_err(|error| refused("--alert-alertmanager")(&error))?);
    }
    for (flag, time) in [
        ("--alert-timeout", Some(args.alert_timeout)),
        ("--alert-reminder", args.alert_reminder),
    ] {
        if time.is_some_and(|time| time.is_zero()) {
            return Err(refused(flag)(&"expected a time above 0"));
        }
    }
    let (sender, messages) = bounded(MESSAGES_MAX);
    let silences = state.map(Silences::path);
    if let Some(path) = &silences {
        files.reads("the silences of --state", path);
        // What is wrong with it is better noticed now than when something has changed.
        Silences::read(path).map_err(Failure::usage)?;
    }
    Ok(PlannedAlerts {
        plan: AlertPlan {
            receivers,
            timeout: args.alert_timeout,
            reminder: args.alert_reminder,
            silences,
            messages: sender,
        },
        messages,
    })
}
