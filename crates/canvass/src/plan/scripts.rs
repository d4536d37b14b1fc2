//! Talk scripts: presets, script files, credentials.

use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use canvass_model::suggestion;
use canvass_proto::talk::{CredentialUse, Credentials, Preset, Script};
use canvass_queue::Protocol;

use super::site::Site;
use crate::credentials;
use crate::exit::Failure;

/// A talk script from a preset or a file.
pub(super) struct Talk {
    pub(super) script: Arc<Script>,
    port: Option<u16>,
    /// Whether it works over (TCP, UDP).
    protocols: (bool, bool),
    /// The file it was read from.
    pub(super) file: Option<PathBuf>,
}

impl Talk {
    /// Returns the preset of this name, or else the script in this file; `FILE#NAME` is a module of a
    /// file. `quiet_after` replaces what the script says.
    pub(super) fn read(name: &str, quiet_after: Option<Duration>) -> Result<Self, Failure> {
        let with_quiet = |script: Script| {
            Arc::new(match quiet_after {
                Some(quiet_after) => script.with_quiet_after(quiet_after),
                None => script,
            })
        };
        if let Some(preset) = Script::preset(name) {
            return Ok(Self {
                script: with_quiet(preset.script()),
                port: preset.port,
                protocols: (preset.tcp, preset.udp),
                file: None,
            });
        }
        let (path, module) = script_file(name);
        let text = std::fs::read_to_string(path).map_err(|error| no_script(name, &error))?;
        let script = Script::parse_module(&text, path, module).map_err(Failure::usage)?;
        Ok(Self {
            port: None,
            protocols: (true, script.udp_ok()),
            script: with_quiet(script),
            file: Some(path.into()),
        })
    }

    pub(super) fn default_port(&self) -> Option<NonZeroU16> {
        self.port.and_then(NonZeroU16::new)
    }

    /// A script that sends an empty datagram and accepts any reply.
    pub(super) fn any_reply() -> Self {
        Self {
            script: canvass_run::any_reply(),
            port: None,
            protocols: (false, true),
            file: None,
        }
    }

    /// A file that the script names, which is beside it.
    pub(super) fn beside(&self, file: &Option<Box<str>>) -> Option<PathBuf> {
        let file = Path::new(&**file.as_ref()?);
        let directory = self.file.as_deref().and_then(Path::parent);
        Some(directory.map_or(file.to_path_buf(), |directory| directory.join(file)))
    }

    /// Checks that the script works over this protocol.
    pub(super) fn check_protocol(&self, protocol: Protocol) -> Result<(), Failure> {
        let (supported, word) = match protocol {
            Protocol::Tcp => (self.protocols.0, "TCP"),
            Protocol::Udp => (self.protocols.1, "UDP"),
        };
        if supported {
            return Ok(());
        }
        let name = self.script.name();
        Err(Failure::usage(format!("{name} does not work over {word}")))
    }
}

/// The files of this machine that a module of blackbox_exporter names, and its address.
pub(crate) struct ModuleFiles {
    /// The certificates to trust.
    pub authority: Option<PathBuf>,
    /// Whether there is a client certificate.
    pub has_identity: bool,
    /// Whether there is a local address.
    pub has_source: bool,
}

/// The files that a script names, if it is a module of blackbox_exporter.
pub(crate) fn module_files(script: &str) -> Result<ModuleFiles, Failure> {
    let talk = Talk::read(script, None)?;
    let settings = talk.script.settings();
    Ok(ModuleFiles {
        authority: talk.beside(&settings.ca_file),
        has_identity: settings.cert_file.is_some(),
        has_source: settings.source.is_some(),
    })
}

/// The path of a script, and the name of a module in it.
pub(crate) fn script_file(name: &str) -> (&str, Option<&str>) {
    match name.rsplit_once('#') {
        Some((path, module)) if !Path::new(name).exists() => (path, Some(module)),
        _ => (name, None),
    }
}

/// The failure for a name that is neither a preset nor a file.
fn no_script(name: &str, error: &std::io::Error) -> Failure {
    let presets: Vec<_> = Preset::ALL.iter().map(|preset| preset.name).collect();
    Failure::usage(format!(
        "--talk {name:?} is neither a file that can be read ({error}) nor one of {}{}",
        presets.join(", "),
        suggestion(name, presets.iter().copied())
    ))
}

/// Reads the credentials, if the script uses any.
pub(super) fn talk_credentials(
    talk: Option<&Talk>,
    file: Option<&Path>,
    site: Site<'_>,
) -> Result<Option<Arc<Credentials>>, Failure> {
    let Some(talk) = talk else { return Ok(None) };
    if talk.script.credential_use() == CredentialUse::None {
        return Ok(None);
    }
    let given = given_credentials(file)?;
    if given.is_none() && talk.script.needs_credentials() && site.has_credentials() {
        return Err(credentials::missing(talk.script.name()));
    }
    Ok(given)
}

/// Reads the credentials that scripts can send, if there are any.
pub(super) fn given_credentials(file: Option<&Path>) -> Result<Option<Arc<Credentials>>, Failure> {
    let Some(found) = credentials::read(file)? else {
        return Ok(None);
    };
    Credentials::new(&found.user, &found.password)
        .map(|credentials| Some(Arc::new(credentials)))
        .map_err(|error| Failure::usage(format!("the credentials of {}: {error}", found.source)))
}
