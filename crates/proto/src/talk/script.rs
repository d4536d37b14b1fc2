//! Scripts.

use std::time::Duration;

use regex::bytes::Regex;

use super::rfc868::ServerTime;
use super::template::Template;
use super::{CredentialUse, Preset, ScriptError, parse};

/// A script. Its syntax is in the documentation of the [module](super).
#[derive(Debug)]
pub struct Script {
    pub(super) name: Box<str>,
    pub(super) steps: Vec<Step>,
    pub(super) tls_from_start: bool,
    pub(super) timeout: Option<Duration>,
}

/// One action.
#[derive(Debug)]
pub(super) struct Step {
    /// The number of its step in the text, from 1.
    pub(super) number: usize,
    /// It is skipped if there are no credentials.
    pub(super) when_credentials: bool,
    pub(super) action: Action,
}

/// What to do.
#[derive(Debug)]
pub(super) enum Action {
    Expect(Box<Expect>),
    ExpectLine(ExpectLine),
    ExpectBytes(ExpectBytes),
    Read(Read),
    Delay(Duration),
    Send(Send),
    HalfClose,
    StartTls,
}

/// Waits for a line that matches.
#[derive(Debug)]
pub(super) struct Expect {
    pub(super) regex: Regex,
    pub(super) fail: Fail,
    pub(super) gather: Option<Gather>,
    pub(super) labels: Vec<(Box<str>, Template)>,
}

/// Collects the named groups of lines.
#[derive(Debug)]
pub(super) struct Gather {
    pub(super) regex: Regex,
    pub(super) skip: usize,
}

/// Waits for one line.
#[derive(Debug)]
pub(super) struct ExpectLine {
    pub(super) template: Template,
    /// The template as written.
    pub(super) source: Box<str>,
    pub(super) fail: Fail,
}

/// Lines that fail the conversation.
#[derive(Debug, Default)]
pub(super) struct Fail(pub(super) Vec<Regex>);

/// Waits for octets.
#[derive(Debug)]
pub(super) struct ExpectBytes {
    pub(super) octets: Box<[u8]>,
    /// Searches for them.
    pub(super) finder: Regex,
}

/// Reads octets.
#[derive(Debug)]
pub(super) struct Read {
    /// The number of octets; `None` for all until the peer closes its side.
    pub(super) octets: Option<usize>,
    /// Which capture they become.
    pub(super) keep: Option<Keep>,
}

/// A capture of what was read.
#[derive(Debug)]
pub(super) struct Keep {
    pub(super) name: Box<str>,
    pub(super) form: Form,
}

/// How octets are formatted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As text if they are text, otherwise in hex.
    Auto,
    Text,
    Hex,
    /// As a [`ServerTime`].
    Time,
}

/// Sends text.
#[derive(Debug)]
pub(super) struct Send {
    pub(super) template: Template,
    /// The line end that is appended.
    pub(super) end: LineEnd,
    /// Whether it is sent even if it is empty: over UDP that is a datagram.
    pub(super) even_empty: bool,
}

/// The end of a line that is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineEnd {
    None,
    Lf,
    CrLf,
}

impl Script {
    /// Parses a script. `name` is its name in errors.
    ///
    /// # Errors
    /// If the text is not a script; the error names the line, the step and the reason.
    pub fn parse(text: &str, name: &str) -> Result<Self, ScriptError> {
        parse::script(text, name).map_err(|error| error.in_script(name))
    }

    /// The built-in script of this name.
    pub fn preset(name: &str) -> Option<&'static Preset> {
        Preset::ALL.iter().find(|preset| preset.name == name)
    }

    /// Its name in errors.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether TLS starts with the connection (`tls: true`).
    pub fn tls_from_start(&self) -> bool {
        self.tls_from_start
    }

    /// The time limit for the whole conversation (`timeout`), if it has one.
    pub fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    /// Whether it uses credentials.
    pub fn credential_use(&self) -> CredentialUse {
        let speaks = |step: &Step| match &step.action {
            Action::Send(send) => send.template.needs_credentials(),
            _ => false,
        };
        let without_fail = |step: &Step| speaks(step) && !step.when_credentials;
        if self.steps.iter().any(without_fail) {
            CredentialUse::Required
        } else if self.steps.iter().any(|step| step.when_credentials) {
            CredentialUse::Optional
        } else {
            CredentialUse::None
        }
    }

    /// Whether it needs credentials.
    pub fn needs_credentials(&self) -> bool {
        self.credential_use() == CredentialUse::Required
    }

    /// Whether it works over UDP: it sends first, and has no step that needs a stream.
    pub fn udp_ok(&self) -> bool {
        let first = self
            .steps
            .iter()
            .map(|step| &step.action)
            .find(|action| !matches!(action, Action::Delay(_)));
        matches!(first, Some(Action::Send(_)))
            && !self.tls_from_start
            && !self.steps.iter().any(|step| step.action.needs_stream())
    }
}

impl Action {
    /// Whether it needs a stream.
    pub(super) fn needs_stream(&self) -> bool {
        matches!(
            self,
            Self::HalfClose | Self::StartTls | Self::Read(Read { octets: None, .. })
        )
    }
}

impl Form {
    /// The number of octets it needs, if that is fixed.
    pub(super) fn octets(self) -> Option<usize> {
        (self == Self::Time).then_some(ServerTime::OCTETS)
    }
}
