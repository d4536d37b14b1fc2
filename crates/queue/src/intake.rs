//! Parses lines and arguments into targets: bad lines, exclusion, partitioning.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU64;
use std::sync::Arc;

use canvass_model::{Host, Target};

use crate::batch::{Item, Origin};
use crate::block::{Block, Ranks, Rows, last_number};
use crate::dedup::Asks;
use crate::entry::{self, Entry, Hosts, ParsedLine, Types, shown};
use crate::lines::BadLine;
use crate::parse::{AddressRange, ParsedTarget};
use crate::partition::Partitioner;
use crate::target_template::TargetTemplate;
use crate::{Dedup, Exclusions, TargetKind, TargetOptions};

/// The targets of one line or argument.
#[derive(Clone, Debug)]
pub(crate) enum LineTargets {
    /// One target.
    One(Item),
    /// Several. Boxed because most lines have one.
    Block(Box<Block>),
}

/// Parses lines and arguments, in their order.
pub(crate) struct Intake {
    pub(crate) kind: TargetKind,
    pub(crate) exclude: Arc<Exclusions>,
    partitioner: Partitioner,
    strict: bool,
    dedup: Option<Arc<Dedup>>,
    no_resolver: Option<Arc<str>>,
    /// What remains of a line without what was asked before, in order.
    parts: VecDeque<Entry>,
    /// The rest of that line, and the origin of all of it.
    line: Option<(Option<Entry>, Origin)>,
}

impl Intake {
    pub(crate) fn new(options: &TargetOptions) -> Self {
        Self {
            kind: options.kind.clone(),
            exclude: Arc::clone(&options.exclude),
            partitioner: Partitioner::new(options.partition),
            strict: options.strict,
            dedup: options.dedup.clone(),
            no_resolver: options.no_resolver.clone(),
            parts: VecDeque::new(),
            line: None,
        }
    }

    /// Parses the content of one line. Returns `None` if all of it is excluded, belongs to other
    /// partitions or was asked before. Further targets of the line follow from
    /// [`next_part`](Self::next_part).
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
            Err(bad) => return self.refuse(bad, line, Types::Asked),
        };
        let ParsedLine { entry, resolver } = match entry::parse(&self.kind, text) {
            Ok(parsed) => parsed,
            Err(bad) => {
                let types = entry::types_of_bad(&self.kind, text);
                return self.refuse(bad, line, types);
            }
        };
        if let Some(reason) = self.fault_of(&entry, resolver.is_some()) {
            let given = shown(text);
            return self.refuse(BadLine { given, reason }, line, entry.types());
        }
        if self.is_excluded_resolver(resolver.as_deref()) {
            return Ok(None);
        }
        let origin = Origin {
            line,
            types: Types::Asked,
            resolver,
        };
        if self.dedup.is_none() {
            return Ok(self.assign(entry, origin));
        }
        if !self.is_excluded(&entry) {
            self.line = Some((Some(entry), origin));
        }
        Ok(self.next_part())
    }

    /// The next targets of the last line.
    pub(crate) fn next_part(&mut self) -> Option<LineTargets> {
        let (mut rest, origin) = self.line.take()?;
        loop {
            while let Some(part) = self.parts.pop_front() {
                let targets = self.assign(part, origin.clone());
                if targets.is_some() {
                    self.line = Some((rest, origin));
                    return targets;
                }
            }
            let (entry, dedup) = (rest?, self.dedup.as_ref()?);
            let asks = Asks {
                kind: &self.kind,
                record_type: None,
                probe: None,
                resolver: origin.resolver.as_deref(),
            };
            let first_asked = dedup.first_asked(entry, &asks, &self.exclude);
            self.parts.extend(first_asked.parts);
            rest = first_asked.rest;
        }
    }

    /// Why a line cannot be asked although it can be parsed.
    fn fault_of(&self, entry: &Entry, names_resolver: bool) -> Option<Box<str>> {
        let asks = match (&self.kind, entry) {
            (TargetKind::Endpoints { .. }, Entry::One(_, Types::Probe(_))) => false,
            _ => !names_resolver,
        };
        if let (true, Some(reason)) = (asks, &self.no_resolver) {
            return Some((**reason).into());
        }
        let Entry::Grid(Hosts::AddressRange(span), template) = entry else {
            return None;
        };
        let ranks = self.ranks(*span)?;
        last_number(ranks.last - ranks.first, template.width() as u128)
            .is_none()
            .then(|| "these are more than 2^128 targets; list fewer ports".into())
    }

    /// The targets of an entry that are not excluded and belong to our partition.
    fn assign(&mut self, entry: Entry, mut origin: Origin) -> Option<LineTargets> {
        let rows = match entry {
            Entry::One(target, types) => {
                if self.is_excluded_target(&target) {
                    return None;
                }
                self.partitioner.assign(0)?;
                origin.types = types;
                return Some(LineTargets::One(Item { target, origin }));
            }
            Entry::AddressRange(span, types) => {
                origin.types = types;
                Rows::Addresses(self.ranks(span)?)
            }
            Entry::Grid(hosts, template) => self.rows(hosts, template)?,
        };
        let last = rows.last().expect("the number was checked");
        let slice = self.partitioner.assign(last)?;
        let stride = self.partitioner.stride();
        let block = Block::new(rows, origin, slice, stride);
        Some(LineTargets::Block(Box::new(block)))
    }

    fn rows(&self, hosts: Hosts, template: TargetTemplate) -> Option<Rows> {
        let span = match hosts {
            Hosts::AddressRange(span) => span,
            Hosts::One(Host::Address(address)) => ParsedTarget::Address(address).span(),
            Hosts::One(host) => {
                let address = host.address();
                let is_excluded = address.is_some_and(|address| self.exclude.contains(address));
                return (!is_excluded).then_some(Rows::Name(host, template));
            }
        };
        Some(Rows::Templated(self.ranks(span)?, template))
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

    /// Turns a bad line into an invalid target, or into an error if the options are strict. `types` is
    /// what it would have asked.
    fn refuse(
        &mut self,
        bad: BadLine,
        line: Option<NonZeroU64>,
        types: Types,
    ) -> Result<Option<LineTargets>, BadLine> {
        if self.strict {
            return Err(bad);
        }
        let BadLine { given, reason } = bad;
        let entry = Entry::One(Target::Invalid { given, reason }, types);
        let origin = Origin {
            line,
            types: Types::Asked,
            resolver: None,
        };
        Ok(self.assign(entry, origin))
    }

    fn is_excluded(&self, entry: &Entry) -> bool {
        matches!(entry, Entry::One(target, _) if self.is_excluded_target(target))
    }

    /// Whether an endpoint is a question to an excluded resolver. In lists of names the exclusions are
    /// targets, and not resolvers.
    fn is_excluded_resolver(&self, resolver: Option<&SocketAddr>) -> bool {
        matches!(self.kind, TargetKind::Endpoints { .. })
            && resolver.is_some_and(|resolver| self.exclude.contains(resolver.ip()))
    }

    fn is_excluded_target(&self, target: &Target) -> bool {
        !self.exclude.is_empty()
            && address_of(target).is_some_and(|address| self.exclude.contains(address))
    }
}

/// The address of a target, if the target contains it.
fn address_of(target: &Target) -> Option<IpAddr> {
    match target.host() {
        Some(host) => host.address(),
        None => target.reverse_address(),
    }
}
