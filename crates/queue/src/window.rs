//! Lines that wait to be drawn at random.

use crate::Exclusions;
use crate::batch::Item;
use crate::block::Block;
use crate::intake::Placed;
use crate::permutation::{Draws, Permutation, mix};

/// Lines of a list that are held at once when it is shuffled: no target comes much before its
/// place by the list, and memory is bounded. A CIDR, a range or a host with several ports
/// counts as one line, and the targets of all that are held come mixed.
pub const SHUFFLE_WINDOW_LINES: usize = 65_536;

/// Lines that wait to be drawn at random, each as likely as any other. One with many targets
/// gives one at a time and stays until all are drawn.
pub(crate) struct Window {
    waiting: Vec<Waiting>,
    draws: Draws,
    seed: u64,
}

enum Waiting {
    One(Item),
    /// Boxed, since most lines are one target, and there are many.
    Block(Box<KeyedWalk>),
}

/// A way through a block in a keyed order.
struct KeyedWalk {
    block: Block,
    permutation: Permutation,
    next: u128,
}

impl Window {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            waiting: Vec::new(),
            draws: Draws::new(seed),
            seed,
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.waiting.len() == SHUFFLE_WINDOW_LINES
    }

    pub(crate) fn add(&mut self, placed: Placed) {
        self.waiting.push(match placed {
            Placed::One(item) => Waiting::One(item),
            Placed::Block(block) => {
                // Two equal blocks in a list are not to run in step.
                let line = block.line.map_or(0, u64::from);
                Waiting::Block(Box::new(KeyedWalk {
                    permutation: Permutation::new(block.last, self.seed ^ mix(line)),
                    block,
                    next: 0,
                }))
            }
        });
    }

    /// Takes a target out; `None` where none is left.
    pub(crate) fn draw(&mut self, exclude: &Exclusions) -> Option<Item> {
        if self.waiting.is_empty() {
            return None;
        }
        let at = self.draws.below(self.waiting.len());
        if let Waiting::Block(walk) = &mut self.waiting[at] {
            let place = walk.permutation.at(walk.next);
            let item = walk.block.item(place, exclude);
            if walk.next == walk.block.last {
                self.waiting.swap_remove(at);
            } else {
                walk.next += 1;
            }
            return Some(item);
        }
        match self.waiting.swap_remove(at) {
            Waiting::One(item) => Some(item),
            Waiting::Block(_) => None,
        }
    }
}
