//! The numbers of a session's questions.

use super::aliases::TARGETS_MAX;
use crate::output::QuestionId;

/// What a question of a session is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// The name of the job.
    Own,
    /// The target of this alias.
    Target(usize),
    /// The addresses of this name.
    Forward(usize),
}

/// The number of the first question about the target of an alias. Those of forward lookups are
/// below it.
pub(super) const TARGET_FIRST: u16 = u16::MAX - TARGETS_MAX as u16;

impl Asked {
    #[inline]
    pub(super) fn by(question: QuestionId) -> Self {
        match question.0 {
            0 => Self::Own,
            TARGET_FIRST.. => Self::Target((question.0 - TARGET_FIRST).into()),
            forward => Self::Forward(usize::from(forward) - 1),
        }
    }

    pub(super) fn id(self) -> QuestionId {
        QuestionId(match self {
            Self::Own => 0,
            Self::Target(at) => TARGET_FIRST + at as u16,
            Self::Forward(at) => at as u16 + 1,
        })
    }
}
