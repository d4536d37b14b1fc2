//! From what is written to what is ours: bad lines, exclusion, sharding.

use std::num::NonZeroU64;
use std::sync::Arc;

use canvass_model::Target;

use crate::batch::Item;
use crate::block::Block;
use crate::entry::{self, Entry, Types};
use crate::lines::BadLine;
use crate::shard::Dealer;
use crate::{Exclusions, TargetKind, TargetOptions};

/// What a line or an argument comes to.
#[derive(Clone, Debug)]
pub(crate) enum Placed {
    /// One target.
    One(Item),
    /// Addresses.
    Block(Block),
}

/// Takes lines and arguments in the order given.
pub(crate) struct Intake {
    pub(crate) kind: TargetKind,
    pub(crate) exclude: Arc<Exclusions>,
    dealer: Dealer,
    strict: bool,
}

impl Intake {
    pub(crate) fn new(options: &TargetOptions) -> Self {
        Self {
            kind: options.kind.clone(),
            exclude: Arc::clone(&options.exclude),
            dealer: Dealer::new(options.shard),
            strict: options.strict,
        }
    }

    /// Takes one line's content; `None` where all of it is excluded or belongs to other shards.
    ///
    /// A bad one becomes a target of its own, unless bad ones are to stop the run: then it comes
    /// back, whichever shard it belongs to.
    pub(crate) fn take(
        &mut self,
        content: Result<&str, BadLine>,
        line: Option<NonZeroU64>,
    ) -> Result<Option<Placed>, BadLine> {
        let (target, types) = match content.and_then(|text| entry::parse(&self.kind, text)) {
            Ok(Entry::One(target, types)) => (target, types),
            Ok(Entry::Span(span)) => {
                return Ok(self.exclude.ranks(span).and_then(|(first, last)| {
                    let share = self.dealer.deal(last - first)?;
                    let stride = self.dealer.stride();
                    let block = Block::new(span.family, line, first, share, stride);
                    Some(Placed::Block(block))
                }));
            }
            Err(bad) if self.strict => return Err(bad),
            Err(BadLine { given, reason }) => (Target::Invalid { given, reason }, Types::Asked),
        };
        let excluded = !self.exclude.is_empty()
            && target
                .reverse_address()
                .is_some_and(|address| self.exclude.contains(address));
        if excluded || self.dealer.deal(0).is_none() {
            return Ok(None);
        }
        Ok(Some(Placed::One(Item {
            target,
            line,
            types,
        })))
    }
}
