//! Why a response is not valid.

use std::fmt::Display;

use canvass_model::Cause;

/// Why a response is not valid or not complete. What was read before, above all the head, still
/// holds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct HttpFault {
    /// `Malformed`, `Truncated`, `Closed`, `Oversize` or `Coding`.
    pub cause: Cause,
    /// A message for people. For `Malformed` it ends in the offset of the wrong octet, counted from
    /// the first of the response, interim ones included.
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
