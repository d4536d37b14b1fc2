//! Our share of the addresses of a CIDR or a range.

use std::net::IpAddr;
use std::num::NonZeroU64;

use crate::Exclusions;
use crate::batch::Batch;
use crate::shard::Share;
use crate::spelling::Family;

/// Our share of the addresses of a CIDR or a range: numbers, however many addresses it has.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    family: Family,
    /// The line it came from.
    pub(crate) line: Option<NonZeroU64>,
    /// The rank of its first address among those that are not excluded.
    rank: u128,
    /// How far apart our ranks are.
    stride: u64,
    /// How many addresses there are, less one: all of IPv6 has one more than fit.
    pub(crate) last: u128,
}

impl Block {
    /// The `share` of the block of addresses that begins at `first_rank`.
    pub(crate) fn new(
        family: Family,
        line: Option<NonZeroU64>,
        first_rank: u128,
        share: Share,
        stride: u64,
    ) -> Self {
        Self {
            family,
            line,
            rank: first_rank + share.offset,
            stride,
            last: share.last,
        }
    }

    /// The address at place `index`, which must not be over `last`.
    pub(crate) fn address(&self, index: u128, exclude: &Exclusions) -> IpAddr {
        let rank = self.rank + index * u128::from(self.stride);
        self.family.address(exclude.run(self.family, rank).0)
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

    /// Goes on until the end or until the batch is full.
    pub(crate) fn fill(&mut self, exclude: &Exclusions, batch: &mut Batch<'_>) {
        let block = &self.block;
        let stride = u128::from(block.stride);
        while let Some(index) = self.next {
            let Some(room_last) = batch.room().checked_sub(1) else {
                return;
            };
            let (bits, run_last) = exclude.run(block.family, block.rank + index * stride);
            let last = ((run_last - bits) / stride)
                .min(block.last - index)
                .min(room_last as u128);
            batch.push_addresses(block.family, bits, block.stride, last as u64, block.line);
            self.next = (index + last)
                .checked_add(1)
                .filter(|next| *next <= block.last);
        }
    }
}
