//! Our share of the targets of a CIDR or a range, or of a host with several ports.

use std::num::NonZeroU64;

use canvass_model::{Host, Target};

use crate::Exclusions;
use crate::batch::{Batch, Item};
use crate::entry::Types;
use crate::form::Form;
use crate::shard::Share;
use crate::spelling::Family;

/// Our share of the targets of one line: numbers, however many there are. The targets of a line
/// are numbered host by host, and the ports of a host follow each other.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    rows: Rows,
    /// The line it came from.
    pub(crate) line: Option<NonZeroU64>,
    /// The number of our first target.
    offset: u128,
    /// How far apart the numbers of our targets are.
    stride: u64,
    /// How many targets there are, less one: all of IPv6 has one more than fit.
    pub(crate) last: u128,
}

/// All hosts of a line, and what they become.
#[derive(Clone, Debug)]
pub(crate) enum Rows {
    /// Addresses as they are.
    Addresses(Ranks),
    /// Addresses as endpoints or pages.
    Formed(Ranks, Form),
    /// One name as endpoints or pages.
    Name(Host, Form),
}

/// Addresses that are not excluded, by their rank.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ranks {
    pub(crate) family: Family,
    pub(crate) first: u128,
    pub(crate) last: u128,
}

impl Rows {
    /// How many targets there are, less one; `None` where that is no number of 128 bits.
    pub(crate) fn last(&self) -> Option<u128> {
        let (ranks_last, width) = match self {
            Self::Addresses(ranks) => (ranks.last - ranks.first, 1),
            Self::Formed(ranks, form) => (ranks.last - ranks.first, form.width() as u128),
            Self::Name(_, form) => (0, form.width() as u128),
        };
        ranks_last.checked_mul(width)?.checked_add(width - 1)
    }

    fn target(&self, number: u128, exclude: &Exclusions) -> Target {
        match self {
            Self::Addresses(ranks) => Target::Address {
                address: ranks.address(number, exclude),
                given: None,
            },
            Self::Formed(ranks, form) => {
                let width = form.width() as u128;
                let host = Host::Address(ranks.address(number / width, exclude));
                form.target(&host, (number % width) as usize)
            }
            Self::Name(host, form) => form.target(host, number as usize),
        }
    }
}

impl Ranks {
    fn address(&self, index: u128, exclude: &Exclusions) -> std::net::IpAddr {
        self.family
            .address(exclude.run(self.family, self.first + index).0)
    }
}

impl Block {
    /// The `share` of what a line asks for.
    pub(crate) fn new(rows: Rows, line: Option<NonZeroU64>, share: Share, stride: u64) -> Self {
        Self {
            rows,
            line,
            offset: share.offset,
            stride,
            last: share.last,
        }
    }

    /// The target at place `index`, which must not be over `last`.
    pub(crate) fn item(&self, index: u128, exclude: &Exclusions) -> Item {
        let number = self.offset + index * u128::from(self.stride);
        Item {
            target: self.rows.target(number, exclude),
            line: self.line,
            types: Types::Asked,
        }
    }
}

/// A way through a block in its own order.
pub(crate) struct Walk {
    block: Block,
    /// The next place; `None` at the end.
    next: Option<u128>,
}

impl Walk {
    pub(crate) fn new(block: Block) -> Self {
        Self {
            block,
            next: Some(0),
        }
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.next.is_none()
    }

    /// Passes over at most so many targets. Returns how many.
    pub(crate) fn skip(&mut self, targets: u64) -> u64 {
        let (Some(next), true) = (self.next, targets > 0) else {
            return 0;
        };
        let last = (self.block.last - next).min(u128::from(targets) - 1);
        self.next = (next + last)
            .checked_add(1)
            .filter(|next| *next <= self.block.last);
        last as u64 + 1
    }

    /// Goes on until the end or until the batch is full.
    pub(crate) fn fill(&mut self, exclude: &Exclusions, batch: &mut Batch<'_>) {
        while let Some(index) = self.next {
            let Some(room_last) = batch.room().checked_sub(1) else {
                return;
            };
            let last = match self.block.rows {
                Rows::Addresses(ranks) => self.push_run(ranks, index, room_last, exclude, batch),
                Rows::Formed(..) | Rows::Name(..) => {
                    batch.push(self.block.item(index, exclude));
                    index
                }
            };
            self.next = last.checked_add(1).filter(|next| *next <= self.block.last);
        }
    }

    /// Gives addresses up to the next that is excluded; returns the place of the last.
    fn push_run(
        &self,
        ranks: Ranks,
        index: u128,
        room_last: usize,
        exclude: &Exclusions,
        batch: &mut Batch<'_>,
    ) -> u128 {
        let block = &self.block;
        let stride = u128::from(block.stride);
        let rank = ranks.first + block.offset + index * stride;
        let (bits, run_last) = exclude.run(ranks.family, rank);
        let last = ((run_last - bits) / stride)
            .min(block.last - index)
            .min(room_last as u128);
        batch.push_addresses(ranks.family, bits, block.stride, last as u64, block.line);
        index + last
    }
}
