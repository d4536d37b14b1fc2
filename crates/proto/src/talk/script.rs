//! A conversation as it is to go.

use std::time::Duration;

use regex::bytes::Regex;

use super::rfc868::ServerTime;
use super::template::Template;
use super::{CredentialUse, Preset, ScriptError, parse};

/// A conversation as it is to go. The form of its text is told in the [module](super)'s own
/// documentation.
#[derive(Debug)]
pub struct Script {
    pub(super) name: Box<str>,
    pub(super) steps: Vec<Step>,
    pub(super) tls_from_start: bool,
    pub(super) timeout: Option<Duration>,
}

/// One thing to do.
#[derive(Debug)]
pub(super) struct Step {
    /// The step of the text it came from, from 1.
    pub(super) number: usize,
    /// It is left out where there are no credentials.
    pub(super) when_credentials: bool,
    pub(super) action: Action,
}

/// What is to be done.
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

/// Wait for a line that matches.
#[derive(Debug)]
pub(super) struct Expect {
    pub(super) regex: Regex,
    pub(super) fail: Fail,
    pub(super) gather: Option<Gather>,
    pub(super) labels: Vec<(Box<str>, Template)>,
}

/// Keep what the named groups find on lines that go by.
#[derive(Debug)]
pub(super) struct Gather {
    pub(super) regex: Regex,
    pub(super) skip: usize,
}

/// Wait for one certain line.
#[derive(Debug)]
pub(super) struct ExpectLine {
    pub(super) template: Template,
    /// As it was written.
    pub(super) source: Box<str>,
    pub(super) fail: Fail,
}

/// Lines that end the conversation.
#[derive(Debug, Default)]
pub(super) struct Fail(pub(super) Vec<Regex>);

/// Wait for certain octets.
#[derive(Debug)]
pub(super) struct ExpectBytes {
    pub(super) octets: Box<[u8]>,
    /// Finds them.
    pub(super) finder: Regex,
}

/// Take what comes.
#[derive(Debug)]
pub(super) struct Read {
    /// How many octets; `None` for all there are.
    pub(super) octets: Option<usize>,
    /// What is kept of them.
    pub(super) keep: Option<Keep>,
}

/// Keep what was read under a name.
#[derive(Debug)]
pub(super) struct Keep {
    pub(super) name: Box<str>,
    pub(super) form: Form,
}

/// How octets are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As text where they are text, else as hex.
    Auto,
    Text,
    Hex,
    /// As a [`ServerTime`].
    Time,
}

/// Say something.
#[derive(Debug)]
pub(super) struct Send {
    pub(super) template: Template,
    /// What ends it, where there is anything to end.
    pub(super) end: LineEnd,
    /// It is sent even if it is empty: over UDP that is a datagram.
    pub(super) even_empty: bool,
}

/// What ends a line that is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineEnd {
    None,
    Lf,
    CrLf,
}

impl Script {
    /// Reads a script. `name` is what errors call it.
    ///
    /// # Errors
    /// If the text is no script; the error names the line, the step and what is wrong.
    pub fn parse(text: &str, name: &str) -> Result<Self, ScriptError> {
        parse::script(text, name).map_err(|trouble| trouble.in_script(name))
    }

    /// The built-in script of this name.
    pub fn preset(name: &str) -> Option<&'static Preset> {
        Preset::ALL.iter().find(|preset| preset.name == name)
    }

    /// What errors call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it begins TLS on the way.
    pub fn starts_tls(&self) -> bool {
        self.any(|action| matches!(action, Action::StartTls))
    }

    /// Whether it asks for TLS before anything is said (`tls: true`).
    pub fn tls_from_start(&self) -> bool {
        self.tls_from_start
    }

    /// How long all of it may take, where it says so (`timeout`).
    pub fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    /// Whether it speaks of credentials.
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

    /// Whether it cannot do without credentials.
    pub fn needs_credentials(&self) -> bool {
        self.credential_use() == CredentialUse::Required
    }

    /// Whether it can be held over UDP: it speaks first, and asks for nothing that only a
    /// stream has.
    pub fn udp_ok(&self) -> bool {
        let first = self
            .steps
            .iter()
            .map(|step| &step.action)
            .find(|action| !matches!(action, Action::Delay(_)));
        matches!(first, Some(Action::Send(_)))
            && !self.tls_from_start
            && !self.any(Action::needs_stream)
    }

    fn any(&self, is: impl Fn(&Action) -> bool) -> bool {
        self.steps.iter().any(|step| is(&step.action))
    }
}

impl Action {
    /// Whether it asks for something that datagrams do not have.
    pub(super) fn needs_stream(&self) -> bool {
        matches!(
            self,
            Self::HalfClose | Self::StartTls | Self::Read(Read { octets: None, .. })
        )
    }
}

impl Form {
    /// How many octets it is made of, where that is fixed.
    pub(super) fn octets(self) -> Option<usize> {
        (self == Self::Time).then_some(ServerTime::OCTETS)
    }
}
