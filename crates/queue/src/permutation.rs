//! A keyed permutation of the numbers up to a limit, computed without storing it.

/// Half-rounds of the network. Four suffice with a pseudorandom round function (Luby and Rackoff);
/// the others compensate for a simpler one.
const ROUNDS: usize = 6;
/// 2^64 divided by the golden ratio (Weyl sequence).
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// A bijection of `0..=last`.
///
/// A Feistel network over the lowest power of two above `last`. A result above `last` is mapped
/// again until it is in range (cycle walking), less than two times on average.
#[derive(Clone, Debug)]
pub(crate) struct Permutation {
    last: u128,
    left_bits: u32,
    right_bits: u32,
    keys: [u64; ROUNDS],
}

impl Permutation {
    pub(crate) fn new(last: u128, seed: u64) -> Self {
        // Both halves need a bit.
        let bits = (u128::BITS - last.leading_zeros()).max(2);
        let mut rng = SeededRng::new(seed);
        Self {
            last,
            left_bits: bits - bits / 2,
            right_bits: bits / 2,
            keys: std::array::from_fn(|_| rng.next()),
        }
    }

    /// The number at `index`, which must be at most `last`.
    pub(crate) fn at(&self, index: u128) -> u128 {
        let mut value = index;
        loop {
            value = self.apply(value);
            if value <= self.last {
                return value;
            }
        }
    }

    /// The network. Each half-round changes one half depending on the other and is its own inverse,
    /// so the network is a bijection whatever `mix` is.
    fn apply(&self, value: u128) -> u128 {
        let (left_spare, right_spare) = (64 - self.left_bits, 64 - self.right_bits);
        let mut left = (value >> self.right_bits) as u64;
        let mut right = value as u64 & (u64::MAX >> right_spare);
        for [left_key, right_key] in self.keys.as_chunks::<2>().0 {
            left ^= mix(right ^ left_key) >> left_spare;
            right ^= mix(left ^ right_key) >> right_spare;
        }
        u128::from(left) << self.right_bits | u128::from(right)
    }
}

/// A random number generator whose output depends on the seed only and is the same in every
/// release, so that a run can be resumed in the same order.
#[derive(Clone, Debug)]
pub(crate) struct SeededRng(u64);

impl SeededRng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number less than `bound`, which must not be 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        // The upper half of the product, with a bias of bound/2^64.
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mix(self.0)
    }
}

/// Makes every bit of the result depend on every bit of `value`.
pub(crate) fn mix(mut value: u64) -> u64 {
    value = (value ^ value >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93);
    value = (value ^ value >> 32).wrapping_mul(0xa076_1d64_78bd_642f);
    value ^ value >> 32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn order(size: u128, seed: u64) -> Vec<u128> {
        let permutation = Permutation::new(size - 1, seed);
        (0..size).map(|index| permutation.at(index)).collect()
    }

    fn assert_one_to_one(size: u128, seed: u64) {
        let mut numbers = order(size, seed);
        numbers.sort_unstable();
        assert!(numbers.into_iter().eq(0..size), "size {size}, seed {seed}");
    }

    #[test]
    fn small_sizes_and_powers_of_two_are_one_to_one() {
        for seed in 0..20 {
            for size in (1..70).chain([127, 128, 129, 255, 256, 1000, 1024, 4095, 4096]) {
                assert_one_to_one(size, seed);
            }
        }
    }

    #[test]
    fn two_seeds_differ() {
        assert_ne!(order(1000, 1), order(1000, 2));
        assert_ne!(order(1000, 1), (0..1000).collect::<Vec<_>>());
    }

    #[test]
    fn small_lists_meet_all_their_orders() {
        let mut orders: Vec<_> = (0..2000).map(|seed| order(3, seed)).collect();
        orders.sort();
        orders.dedup();
        assert_eq!(orders.len(), 6);
    }

    #[test]
    fn neighbours_in_the_order_are_no_neighbours_in_number() {
        for seed in 0..8 {
            let order = order(1 << 16, seed);
            let same_block = order.windows(2).filter(|w| w[0] >> 8 == w[1] >> 8).count();
            // 256 are expected where the order is random; 16 is the standard deviation.
            assert!(
                (176..336).contains(&same_block),
                "{same_block}, seed {seed}"
            );
            let ascents = order.windows(2).filter(|w| w[0] < w[1]).count();
            assert!(
                (32_100..33_440).contains(&ascents),
                "{ascents}, seed {seed}"
            );
        }
    }

    #[test]
    fn every_number_is_as_likely_in_the_first_place() {
        let mut counts = [0u32; 10];
        for seed in 0..10_000 {
            counts[Permutation::new(9, seed).at(0) as usize] += 1;
        }
        // 1000 are expected; 30 is the standard deviation.
        assert!(
            counts.iter().all(|count| (850..1150).contains(count)),
            "{counts:?}"
        );
    }

    #[test]
    fn draws_stay_below_their_bound() {
        let mut rng = SeededRng::new(7);
        let mut seen = [false; 5];
        for _ in 0..200 {
            seen[rng.below(5)] = true;
        }
        assert_eq!(seen, [true; 5]);
        assert_eq!(rng.below(1), 0);
    }

    proptest! {
        #[test]
        fn every_size_is_one_to_one(size in 1u128..5000, seed: u64) {
            assert_one_to_one(size, seed);
        }

        #[test]
        fn large_sizes_stay_within_and_apart(last in (1u128 << 40)..=u128::MAX, seed: u64, start: u128) {
            let permutation = Permutation::new(last, seed);
            let mut numbers: Vec<u128> = (0..200)
                .map(|step| permutation.at(start % (last - 200) + step))
                .collect();
            prop_assert!(numbers.iter().all(|number| *number <= last));
            numbers.sort_unstable();
            numbers.dedup();
            prop_assert_eq!(numbers.len(), 200);
        }
    }
}
