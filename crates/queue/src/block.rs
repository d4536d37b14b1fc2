//! The targets of a CIDR or a range, or of a host with several ports.

use canvass_model::{Host, Target};

use crate::Exclusions;
use crate::batch::{Batch, Item, Origin};
use crate::parse::AddressFamily;
use crate::partition::PartitionSlice;
use crate::target_template::TargetTemplate;

/// The targets of one line that are in our partition, stored as a few numbers. The targets of a
/// line are numbered host by host and, for each host, port by port.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    rows: Rows,
    pub(crate) origin: Origin,
    /// The number of the first target.
    offset: u128,
    /// The distance between the numbers of two targets.
    stride: u64,
    /// The number of targets minus one: all of IPv6 has 2^128 addresses.
    pub(crate) last: u128,
}

/// The hosts of a line, and how they become targets.
#[derive(Clone, Debug)]
pub(crate) enum Rows {
    /// Addresses.
    Addresses(Ranks),
    /// Addresses as endpoints or URLs.
    Templated(Ranks, TargetTemplate),
    /// A name as endpoints or URLs.
    Name(Host, TargetTemplate),
}

/// A range of ranks of addresses that are not excluded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ranks {
    pub(crate) family: AddressFamily,
    pub(crate) first: u128,
    pub(crate) last: u128,
}

impl Rows {
    /// The number of targets minus one. `None` if it exceeds 128 bits.
    pub(crate) fn last(&self) -> Option<u128> {
        let (ranks_last, width) = match self {
            Self::Addresses(ranks) => (ranks.last - ranks.first, 1),
            Self::Templated(ranks, template) => {
                (ranks.last - ranks.first, template.width() as u128)
            }
            Self::Name(_, template) => (0, template.width() as u128),
        };
        last_number(ranks_last, width)
    }

    fn target(&self, number: u128, exclude: &Exclusions) -> Target {
        match self {
            Self::Addresses(ranks) => Target::Address {
                address: ranks.address(number, exclude),
                given: None,
            },
            Self::Templated(ranks, template) => {
                let width = template.width() as u128;
                let host = Host::Address(ranks.address(number / width, exclude));
                template.target(&host, (number % width) as usize)
            }
            Self::Name(host, template) => template.target(host, number as usize),
        }
    }
}

/// The number of the last target of `ranks_last + 1` hosts, each of which is `width` targets. `None`
/// if it exceeds 128 bits.
pub(crate) fn last_number(ranks_last: u128, width: u128) -> Option<u128> {
    ranks_last.checked_mul(width)?.checked_add(width - 1)
}

impl Ranks {
    fn address(&self, index: u128, exclude: &Exclusions) -> std::net::IpAddr {
        self.family
            .address(exclude.run(self.family, self.first + index).0)
    }
}

impl Block {
    /// The given slice of the targets of a line.
    pub(crate) fn new(rows: Rows, origin: Origin, slice: PartitionSlice, stride: u64) -> Self {
        Self {
            rows,
            origin,
            offset: slice.offset,
            stride,
            last: slice.last,
        }
    }

    /// The target at `index`, which must be at most `last`.
    pub(crate) fn item(&self, index: u128, exclude: &Exclusions) -> Item {
        let number = self.offset + index * u128::from(self.stride);
        Item {
            target: self.rows.target(number, exclude),
            origin: self.origin.clone(),
        }
    }
}

/// A position in a block that is read in order.
pub(crate) struct BlockCursor {
    block: Box<Block>,
    /// The next index. `None` at the end.
    next: Option<u128>,
}

impl BlockCursor {
    pub(crate) fn new(block: Box<Block>) -> Self {
        Self {
            block,
            next: Some(0),
        }
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.next.is_none()
    }

    /// The number of targets that follow.
    pub(crate) fn left(&self) -> u128 {
        self.next
            .map_or(0, |next| (self.block.last - next).saturating_add(1))
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

    /// Adds targets until the end of the block or until the batch is full.
    pub(crate) fn fill(&mut self, exclude: &Exclusions, batch: &mut Batch<'_>) {
        while let Some(index) = self.next {
            let Some(room_last) = batch.room().checked_sub(1) else {
                return;
            };
            let last = match self.block.rows {
                Rows::Addresses(ranks) => self.push_run(ranks, index, room_last, exclude, batch),
                Rows::Templated(..) | Rows::Name(..) => {
                    batch.push(self.block.item(index, exclude));
                    index
                }
            };
            self.next = last.checked_add(1).filter(|next| *next <= self.block.last);
        }
    }

    /// Adds addresses up to the next one that is excluded. Returns the index of the last one.
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
        batch.push_addresses(ranks.family, bits, block.stride, last as u64, &block.origin);
        index + last
    }
}
