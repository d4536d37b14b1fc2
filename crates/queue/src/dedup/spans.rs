//! Sets of numbers, stored as ranges.

use std::collections::BTreeMap;

/// The set that a number belongs to.
pub(super) type Aspect = u32;

/// A set of numbers for each aspect. Consecutive numbers take the memory of one.
#[derive(Debug)]
pub(super) struct Spans<B>(BTreeMap<(Aspect, B), B>);

impl<B: Copy + Ord + Into<u128> + TryFrom<u128>> Spans<B> {
    pub(super) const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// The number of ranges.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The parts of `first..=last` that are not in the set, in order.
    pub(super) fn missing(&self, aspect: Aspect, first: B, last: B) -> Vec<(B, B)> {
        self.some_missing(aspect, first, last, usize::MAX)
    }

    /// The first of those parts, at most so many.
    pub(super) fn some_missing(
        &self,
        aspect: Aspect,
        first: B,
        last: B,
        parts_max: usize,
    ) -> Vec<(B, B)> {
        let mut missing = Vec::new();
        let mut next = Some(first);
        let before = self.before(aspect, first);
        let within = self.0.range((aspect, first)..=(aspect, last));
        for (span_first, span_last) in before
            .into_iter()
            .chain(within.map(|((_, first), last)| (*first, *last)))
        {
            let Some(at) = next else { break };
            if missing.len() == parts_max {
                return missing;
            }
            if let Some(end) = pred(span_first).filter(|end| at <= *end) {
                missing.push((at, end));
            }
            if span_last >= at {
                next = succ(span_last);
            }
        }
        if let Some(at) = next.filter(|at| *at <= last)
            && missing.len() < parts_max
        {
            missing.push((at, last));
        }
        missing
    }

    /// Adds `first..=last`.
    pub(super) fn insert(&mut self, aspect: Aspect, mut first: B, mut last: B) {
        // The range before may touch this one without overlapping it.
        if let Some((before_first, before_last)) = self.before(aspect, first)
            && succ(before_last).is_none_or(|next| next >= first)
        {
            first = before_first;
            last = last.max(before_last);
        }
        let touching = succ(last).unwrap_or(last);
        while let Some((&key, &span_last)) = self
            .0
            .range((aspect, first)..=(aspect, touching))
            .next_back()
        {
            if key.1 == first && span_last >= last {
                return;
            }
            self.0.remove(&key);
            last = last.max(span_last);
        }
        self.0.insert((aspect, first), last);
    }

    /// The last range that begins before `first`.
    fn before(&self, aspect: Aspect, first: B) -> Option<(B, B)> {
        let least = B::try_from(0).ok()?;
        let (key, last) = self.0.range((aspect, least)..(aspect, first)).next_back()?;
        Some((key.1, *last))
    }
}

fn succ<B: Into<u128> + TryFrom<u128>>(number: B) -> Option<B> {
    B::try_from(number.into().checked_add(1)?).ok()
}

fn pred<B: Into<u128> + TryFrom<u128>>(number: B) -> Option<B> {
    B::try_from(number.into().checked_sub(1)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_ends_of_the_numbers_can_be_in_it() {
        let mut spans = Spans::<u32>::new();
        spans.insert(0, u32::MAX, u32::MAX);
        spans.insert(0, 0, 0);
        assert_eq!(spans.missing(0, 0, u32::MAX), [(1, u32::MAX - 1)]);
        spans.insert(0, 1, u32::MAX - 1);
        assert_eq!((spans.len(), spans.missing(0, 0, u32::MAX)), (1, vec![]));
        assert_eq!(spans.missing(1, 0, u32::MAX), [(0, u32::MAX)]);
        let mut spans = Spans::<u128>::new();
        spans.insert(0, 0, u128::MAX);
        spans.insert(0, 5, 9);
        assert_eq!((spans.len(), spans.missing(0, 0, u128::MAX)), (1, vec![]));
    }

    proptest! {
        #[test]
        fn it_is_a_set_of_numbers(steps in prop::collection::vec((0u32..2, 0u32..60, 0u32..12), 1..40)) {
            let mut spans = Spans::<u32>::new();
            let mut numbers = BTreeSet::new();
            for (aspect, first, length) in steps {
                let last = first + length;
                let missing: Vec<u32> = spans
                    .missing(aspect, first, last)
                    .into_iter()
                    .flat_map(|(first, last)| first..=last)
                    .collect();
                let expected: Vec<u32> =
                    (first..=last).filter(|number| !numbers.contains(&(aspect, *number))).collect();
                prop_assert_eq!(missing, expected);
                let parts = spans.missing(aspect, first, last);
                for parts_max in 0..4 {
                    let some = spans.some_missing(aspect, first, last, parts_max);
                    prop_assert_eq!(&some[..], &parts[..parts.len().min(parts_max)]);
                }
                spans.insert(aspect, first, last);
                numbers.extend((first..=last).map(|number| (aspect, number)));
                let runs = numbers
                    .iter()
                    .filter(|(aspect, number)| number.checked_sub(1).is_none_or(|before| !numbers.contains(&(*aspect, before))))
                    .count();
                prop_assert_eq!(spans.len(), runs);
            }
        }
    }
}
