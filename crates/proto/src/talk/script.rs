//! Scripts.

use std::sync::Arc;
use std::time::Duration;

use regex::bytes::Regex;

use super::ntp;
use super::pattern::Pattern;
use super::rfc868::ServerTime;
use super::template::Template;
use super::{CredentialUse, ModuleSettings, Preset, ScriptError, TEXT_BYTES_MAX, parse};

/// A script. Its syntax is in the documentation of the [module](super).
#[derive(Clone, Debug)]
pub struct Script {
    pub(super) name: Box<str>,
    pub(super) steps: Arc<[Step]>,
    pub(super) text: Option<GivenText>,
    pub(super) tls_from_start: bool,
    /// Whether telnet commands are taken out of what is received.
    pub(super) telnet: bool,
    pub(super) timeout: Option<Duration>,
    /// How long nothing must come before a line without an end is taken as it is.
    pub(super) quiet_after: Duration,
    pub(super) settings: ModuleSettings,
}

/// A text for `${text}` in a script: a part of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenText(Box<str>);

/// Why a text cannot be given to a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GivenTextError {
    /// It is empty, so nothing would be sent.
    #[error("the text is empty")]
    Empty,
    /// It has a control character. A line break could start another command.
    #[error("the text has a control character")]
    Control,
    /// It is too long.
    #[error("the text has more than {TEXT_BYTES_MAX} octets")]
    Length,
}

impl GivenText {
    /// Checks a text.
    ///
    /// # Errors
    /// It is empty, has a control character, or is too long.
    pub fn new(text: &str) -> Result<Self, GivenTextError> {
        if text.is_empty() {
            return Err(GivenTextError::Empty);
        }
        if text.chars().any(char::is_control) {
            return Err(GivenTextError::Control);
        }
        if text.len() > TEXT_BYTES_MAX {
            return Err(GivenTextError::Length);
        }
        Ok(Self(text.into()))
    }
}

/// One action.
#[derive(Debug)]
pub(super) struct Step {
    /// The number of its step in the text, from 1.
    pub(super) number: usize,
    /// It is skipped unless all of these hold.
    pub(super) when: Arc<[Condition]>,
    pub(super) action: Action,
}

/// What must hold for a step to run.
#[derive(Debug)]
pub(super) enum Condition {
    /// There are credentials.
    Credentials,
    /// TLS has not started.
    Plain,
    /// A capture of this name matches.
    Captured { name: Box<str>, pattern: Pattern },
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
    pub(super) pattern: Pattern,
    /// A line without an end counts once nothing came for a while.
    pub(super) partial: bool,
    pub(super) fail: Fail,
    pub(super) gather: Option<Gather>,
    pub(super) labels: Vec<(Box<str>, Template)>,
}

/// Collects the named groups of lines.
#[derive(Debug)]
pub(super) struct Gather {
    pub(super) pattern: Pattern,
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
pub(super) struct Fail(pub(super) Vec<Pattern>);

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
    pub(super) extent: Extent,
    /// Which capture they become.
    pub(super) keep: Option<Keep>,
    /// What they have to match.
    pub(super) pattern: Option<Pattern>,
}

/// How much is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// So many octets.
    Octets(usize),
    /// A message that says how long it is.
    Message(Header),
    /// All until the peer closes its side.
    ToEnd,
}

/// How a message says how long it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// The number of octets before the length.
    pub(super) before: usize,
    /// The number of octets of the length, from 1 to 4.
    pub(super) length: usize,
    /// The number of octets after the length that it does not count.
    pub(super) after: usize,
    /// The least significant octet of the length comes first.
    pub(super) little_endian: bool,
    /// The length counts its own octets.
    pub(super) counts_itself: bool,
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
    /// As an [`ntp::Reply`].
    Ntp,
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
        Self::parse_module(text, name, None)
    }

    /// Parses a script that may be a file of blackbox_exporter with several modules, of which
    /// `module` names one. Without a name it must have one module for conversations.
    ///
    /// # Errors
    /// As for [`Self::parse`], and if there is no such module; the error lists those there are.
    pub fn parse_module(text: &str, name: &str, module: Option<&str>) -> Result<Self, ScriptError> {
        parse::script(text, name, module).map_err(|error| error.in_script(name))
    }

    /// Sets how long nothing must come before a line without an end is taken as it is, instead of
    /// what the script says (`quiet_after`) or
    /// [`QUIET_AFTER`](super::QUIET_AFTER).
    #[must_use]
    pub fn with_quiet_after(self, quiet_after: Duration) -> Self {
        Self {
            quiet_after,
            ..self
        }
    }

    /// The text that it sends for `${text}`, if it has one.
    pub fn text(&self) -> Option<&str> {
        self.text.as_ref().map(|text| &*text.0)
    }

    /// The same script with another text, if it has one.
    #[must_use]
    pub fn with_text(&self, text: GivenText) -> Self {
        Self {
            text: self.text.is_some().then_some(text),
            ..self.clone()
        }
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

    /// What a module of blackbox_exporter says about addresses and certificates. A
    /// [`Talk`](super::Talk) does not use it.
    pub fn settings(&self) -> &ModuleSettings {
        &self.settings
    }

    /// Whether it has no steps: then a connection, with TLS if that starts with it, is all that is
    /// asked for.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Whether it uses credentials.
    pub fn credential_use(&self) -> CredentialUse {
        let speaks = |step: &Step| match &step.action {
            Action::Send(send) => send.template.needs_credentials(),
            _ => false,
        };
        let without_fail = |step: &Step| speaks(step) && !step.needs_credentials();
        if self.steps.iter().any(without_fail) {
            CredentialUse::Required
        } else if self.steps.iter().any(Step::needs_credentials) {
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
            && !self.telnet
            && !self.steps.iter().any(|step| step.action.needs_stream())
    }
}

impl Step {
    /// Whether it uses the text of the script.
    pub(super) fn uses_text(&self) -> bool {
        match &self.action {
            Action::Send(send) => send.template.uses_text(),
            Action::ExpectLine(line) => line.template.uses_text(),
            _ => false,
        }
    }

    /// Whether it is skipped without credentials.
    fn needs_credentials(&self) -> bool {
        let mut conditions = self.when.iter();
        conditions.any(|condition| matches!(condition, Condition::Credentials))
    }
}

impl Action {
    /// Whether it needs a stream.
    pub(super) fn needs_stream(&self) -> bool {
        match self {
            Self::HalfClose | Self::StartTls => true,
            Self::Read(read) => !matches!(read.extent, Extent::Octets(_)),
            _ => false,
        }
    }

    /// The pattern whose groups later steps can use.
    pub(super) fn pattern(&self) -> Option<&Pattern> {
        match self {
            Self::Expect(expect) => Some(&expect.pattern),
            Self::Read(read) => read.pattern.as_ref(),
            _ => None,
        }
    }
}

impl Form {
    /// The number of octets it needs, if that is fixed.
    pub(super) fn octets(self) -> Option<usize> {
        match self {
            Self::Time => Some(ServerTime::OCTETS),
            Self::Ntp => Some(ntp::PACKET_OCTETS),
            Self::Auto | Self::Text | Self::Hex => None,
        }
    }
}
