//! Aliases whose target is not in the answer: the answers so far, and the questions about the
//! targets.

use std::net::SocketAddr;

use canvass_model::{Answer, DnsAnswer, DnsName, Transport};

use super::query::Query;
use super::{Limits, Settled};
use crate::dns::AnswerError;

/// Targets of aliases that one job asks about. Resolvers give up after about as many (BIND: 16).
pub(super) const TARGETS_MAX: usize = 16;

/// The aliases of a job, and the questions about their targets (`--follow-cname`).
#[derive(Debug)]
pub(super) struct Aliases {
    /// What the last answer and those before it say.
    known: Settled,
    /// The server that sent the last answer.
    resolver: (SocketAddr, Transport),
    /// The questions about the targets in order; only the last one may be unsettled.
    targets: Vec<Query>,
}

impl Aliases {
    pub(super) fn new(known: Settled, resolver: (SocketAddr, Transport)) -> Self {
        Self {
            known,
            resolver,
            targets: Vec::new(),
        }
    }

    /// The answer, if it is all there is: no target was asked about.
    pub(super) fn into_answer(self) -> Option<(Settled, (SocketAddr, Transport))> {
        self.targets
            .is_empty()
            .then_some((self.known, self.resolver))
    }

    pub(super) fn target(&self, at: usize) -> &Query {
        &self.targets[at]
    }

    pub(super) fn target_mut(&mut self, at: usize) -> &mut Query {
        &mut self.targets[at]
    }

    /// The question about the last target, if one was asked, and its place.
    pub(super) fn last(&self) -> Option<&Query> {
        self.targets.last()
    }

    pub(super) fn last_mut(&mut self) -> Option<(usize, &mut Query)> {
        let at = self.targets.len().checked_sub(1)?;
        Some((at, &mut self.targets[at]))
    }

    pub(super) fn attempts(&self) -> u32 {
        self.targets.iter().map(Query::attempts).sum()
    }

    /// The answer about the last target, with the aliases that lead to it.
    pub(super) fn complete(&mut self, mut next: Settled) -> Settled {
        let unused = Answer::Dns(DnsAnswer::default());
        match (
            std::mem::replace(&mut self.known.answer, unused),
            &mut next.answer,
        ) {
            (Answer::Dns(mut known), Answer::Dns(answer)) => {
                known.records.append(&mut answer.records);
                answer.records = known.records;
            }
            (Answer::Ptr(known), Answer::Ptr(answer)) if answer.extra.is_none() => {
                answer.extra = known.extra;
            }
            _ => {}
        }
        next
    }

    /// Takes the answer that ends with the alias to be followed next.
    pub(super) fn keep(&mut self, known: Settled, resolver: (SocketAddr, Transport)) {
        (self.known, self.resolver) = (known, resolver);
    }

    /// Asks about `target` next, as `own`, the question of the job, was asked.
    ///
    /// # Errors
    /// The target was asked about before, or there are too many.
    pub(super) fn ask(
        &mut self,
        target: &DnsName,
        own: &Query,
        limits: &Limits,
    ) -> Result<(), AnswerError> {
        let question = own.question().with_name(target);
        let name = question.folded_name();
        let mut asked = std::iter::once(own).chain(&self.targets);
        if asked.any(|query| query.question().folded_name() == name) {
            return Err(AnswerError::Loop);
        }
        if self.targets.len() == TARGETS_MAX {
            return Err(AnswerError::TooManyAliases);
        }
        let mut query = Query::new(question, limits.transport);
        query.ask_only(own.only());
        self.targets.push(query);
        Ok(())
    }
}
