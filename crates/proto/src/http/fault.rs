//! Why an answer is not one.

use std::fmt::Display;

use canvass_model::Cause;

/// Why there is no whole answer. What was read until then, the head above all, still stands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct HttpFault {
    /// `Malformed`, `Truncated`, `Closed`, `Oversize` or `Coding`.
    pub cause: Cause,
    /// What, for a person: lower case, no full stop. For `Malformed` it ends in the offset of the
    /// octet that is wrong, from the first one of the response (interim responses counted in).
    pub message: Box<str>,
}

impl HttpFault {
    pub(super) fn malformed(offset: u64, what: impl Display) -> Self {
        Self::new(Cause::Malformed, format!("{what} at octet {offset}"))
    }

    pub(super) fn new(cause: Cause, message: impl Into<Box<str>>) -> Self {
        Self {
            cause,
            message: message.into(),
        }
    }
}
