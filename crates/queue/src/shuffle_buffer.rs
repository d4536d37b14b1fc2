//! A buffer that shuffles a stream of lines.

use crate::Exclusions;
use crate::batch::Item;
use crate::block::Block;
use crate::intake::LineTargets;
use crate::permutation::{Permutation, SeededRng, mix};

/// The capacity of the buffer that shuffles a stream. A CIDR, a range or a host with several ports
/// counts as one line, and its targets are mixed with those of the other lines in the buffer.
pub const SHUFFLE_BUFFER_LINES: usize = 65_536;

/// Lines that are drawn with equal probability. A line with many targets yields one of them per
/// draw and stays until all of them have been drawn.
pub(crate) struct ShuffleBuffer {
    lines: Vec<BufferedLine>,
    /// The number of targets of the lines that were not drawn yet; `u128::MAX` also for more.
    targets: u128,
    rng: SeededRng,
    seed: u64,
}

enum BufferedLine {
    One(Item),
    /// Boxed because most lines have one target.
    Block(Box<ShuffledBlock>),
}

/// A block in the order of a keyed permutation.
struct ShuffledBlock {
    block: Box<Block>,
    permutation: Permutation,
    next: u128,
}

impl ShuffleBuffer {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            lines: Vec::new(),
            targets: 0,
            rng: SeededRng::new(seed),
            seed,
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.lines.len() == SHUFFLE_BUFFER_LINES
    }

    /// The number of targets that were not drawn yet.
    pub(crate) fn targets(&self) -> u128 {
        self.targets
    }

    pub(crate) fn add(&mut self, targets: LineTargets) {
        let more = match &targets {
            LineTargets::One(_) => 1,
            LineTargets::Block(block) => block.last.saturating_add(1),
        };
        self.targets = self.targets.saturating_add(more);
        self.lines.push(match targets {
            LineTargets::One(item) => BufferedLine::One(item),
            LineTargets::Block(block) => {
                // Equal blocks get different permutations.
                let line = block.origin.line.map_or(0, u64::from);
                BufferedLine::Block(Box::new(ShuffledBlock {
                    permutation: Permutation::new(block.last, self.seed ^ mix(line)),
                    block,
                    next: 0,
                }))
            }
        });
    }

    /// Draws a target. `None` if the buffer is empty.
    pub(crate) fn draw(&mut self, exclude: &Exclusions) -> Option<Item> {
        if self.lines.is_empty() {
            return None;
        }
        self.targets -= 1;
        let at = self.rng.below(self.lines.len());
        if let BufferedLine::Block(block) = &mut self.lines[at] {
            let index = block.permutation.at(block.next);
            let item = block.block.item(index, exclude);
            if block.next == block.block.last {
                self.lines.swap_remove(at);
            } else {
                block.next += 1;
            }
            return Some(item);
        }
        match self.lines.swap_remove(at) {
            BufferedLine::One(item) => Some(item),
            BufferedLine::Block(_) => None,
        }
    }
}
