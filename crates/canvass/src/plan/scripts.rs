//! Talk scripts: presets, script files, credentials.

use std::num::NonZeroU16;
use std::path::Path;
use std::sync::Arc;

use canvass_proto::talk::{CredentialUse, Credentials, Preset, Script};
use canvass_queue::Protocol;

use crate::credentials;
use crate::exit::Failure;

/// A talk script from a preset or a file.
pub(super) struct Talk {
    pub(super) script: Arc<Script>,
    port: Option<u16>,
    /// Whether it works over (TCP, UDP).
    protocols: (bool, bool),
}

impl Talk {
    /// Returns the preset of this name, or else the script in this file.
    pub(super) fn read(name: &str) -> Result<Self, Failure> {
        if let Some(preset) = Script::preset(name) {
            return Ok(Self {
                script: Arc::new(preset.script()),
                port: preset.port,
                protocols: (preset.tcp, preset.udp),
            });
        }
        let text = std::fs::read_to_string(name).map_err(|error| {
            let presets: Vec<_> = Preset::ALL.iter().map(|preset| preset.name).collect();
            Failure::usage(format!(
                "--talk {name:?} is neither a file that can be read ({error}) nor one of {}",
                presets.join(", ")
            ))
        })?;
        let script = Script::parse(&text, name).map_err(Failure::usage)?;
        Ok(Self {
            port: None,
            protocols: (true, script.udp_ok()),
            script: Arc::new(script),
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
        }
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

/// Reads the credentials, if the script uses any.
pub(super) fn talk_credentials(
    talk: Option<&Talk>,
    file: Option<&Path>,
) -> Result<Option<Arc<Credentials>>, Failure> {
    let Some(talk) = talk else { return Ok(None) };
    if talk.script.credential_use() == CredentialUse::None {
        return Ok(None);
    }
    let given = given_credentials(file)?;
    if given.is_none() && talk.script.needs_credentials() {
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
