//! Parses lines and arguments into targets: bad lines, exclusion, partitioning.

use std::net::IpAddr;
use std::num::NonZeroU64;
use std::sync::Arc;

use canvass_model::{Host, Target};

use crate::batch::Item;
use crate::block::{Block, Ranks, Rows};
use crate::entry::{self, Entry, Hosts, Types, shown};
use crate::lines::BadLine;
use crate::parse::{AddressRange, ParsedTarget};
use crate::partition::Partitioner;
use crate::{Exclusions, TargetKind, TargetOptions};

/// The targets of one line or argument.
#[derive(Clone, Debug)]
pub(crate) enum LineTargets {
    /// One target.
    One(Item),
    /// Several.
    Block(Block),
}

/// Parses lines and arguments, in their order.
pub(crate) struct Intake {
    pub(crate) kind: TargetKind,
    pub(crate) exclude: Arc<Exclusions>,
    partitioner: Partitioner,
    strict: bool,
}

impl Intake {
    pub(crate) fn new(options: &TargetOptions) -> Self {
        Self {
            kind: options.kind.clone(),
            exclude: Arc::clone(&options.exclude),
            partitioner: Partitioner::new(options.partition),
            strict: options.strict,
        }
    }

    /// Parses the content of one line. Returns `None` if all of it is excluded or belongs to other
    /// partitions.
    ///
    /// A bad line becomes an invalid target; if the options are strict, it is an error, whichever
    /// partition it belongs to.
    pub(crate) fn take(
        &mut self,
        content: Result<&str, BadLine>,
        line: Option<NonZeroU64>,
    ) -> Result<Option<LineTargets>, BadLine> {
        let text = match content {
            Ok(text) => text,
            Err(bad) => return self.refuse(bad, line),
        };
        let rows = match entry::parse(&self.kind, text) {
            Ok(Entry::One(target, types)) => return Ok(self.place(target, types, line)),
            Ok(Entry::AddressRange(span)) => self.ranks(span).map(Rows::Addresses),
            Ok(Entry::Grid(Hosts::AddressRange(span), template)) => self
                .ranks(span)
                .map(|ranks| Rows::Templated(ranks, template)),
            Ok(Entry::Grid(Hosts::One(Host::Address(address)), template)) => self
                .ranks(ParsedTarget::Address(address).span())
                .map(|ranks| Rows::Templated(ranks, template)),
            Ok(Entry::Grid(Hosts::One(name), template)) => Some(Rows::Name(name, template)),
            Err(bad) => return self.refuse(bad, line),
        };
        let Some(rows) = rows else { return Ok(None) };
        let Some(last) = rows.last() else {
            let bad = BadLine {
                given: shown(text),
                reason: "these are more than 2^128 targets; list fewer ports".into(),
            };
            return self.refuse(bad, line);
        };
        let Some(share) = self.partitioner.assign(last) else {
            return Ok(None);
        };
        let block = Block::new(rows, line, share, self.partitioner.stride());
        Ok(Some(LineTargets::Block(block)))
    }

    /// Returns the addresses of `span` that are not excluded; `None` if there are none.
    fn ranks(&self, span: AddressRange) -> Option<Ranks> {
        let (first, last) = self.exclude.ranks(span)?;
        Some(Ranks {
            family: span.family,
            first,
            last,
        })
    }

    /// Turns a bad line into an invalid target, or into an error if the options are strict.
    fn refuse(
        &mut self,
        bad: BadLine,
        line: Option<NonZeroU64>,
    ) -> Result<Option<LineTargets>, BadLine> {
        if self.strict {
            return Err(bad);
        }
        let BadLine { given, reason } = bad;
        Ok(self.place(Target::Invalid { given, reason }, Types::Asked, line))
    }

    fn place(
        &mut self,
        target: Target,
        types: Types,
        line: Option<NonZeroU64>,
    ) -> Option<LineTargets> {
        let excluded = !self.exclude.is_empty()
            && address_of(&target).is_some_and(|address| self.exclude.contains(address));
        if excluded {
            return None;
        }
        self.partitioner.assign(0)?;
        Some(LineTargets::One(Item {
            target,
            line,
            types,
        }))
    }
}

/// The address of a target, if the target contains it.
fn address_of(target: &Target) -> Option<IpAddr> {
    match target.host() {
        Some(Host::Address(address)) => Some(address),
        Some(Host::Name(_)) => None,
        None => target.reverse_address(),
    }
}
