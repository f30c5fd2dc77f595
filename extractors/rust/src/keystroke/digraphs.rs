//! Pairs of keys, and how long the way from the first to the second takes.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::stats::Sum;

/// So many pairs have features.
pub const DIGRAPHS: usize = 20;

/// Numbers pairs of keys: each is looked up once, and not in every window that it is in.
#[derive(Default)]
pub struct Pairs {
    numbers: HashMap<(u32, u32), u32, BuildHasherDefault<Spread>>,
}

impl Pairs {
    /// The number of a pair, which is its own.
    pub fn number(&mut self, keys: (u32, u32)) -> u32 {
        let next = self.numbers.len() as u32;
        *self.numbers.entry(keys).or_insert(next)
    }

    /// So many pairs have numbers.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }
}

/// A cheap hash: we numbered the keys ourselves.
#[derive(Default)]
struct Spread(u64);

impl Hasher for Spread {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u32(u32::from(*byte)));
    }

    fn write_u32(&mut self, number: u32) {
        self.0 = (self.0.rotate_left(32) ^ u64::from(number)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The gaps of each pair, added up.
#[derive(Default)]
pub struct Digraphs {
    /// By the pair's number.
    sums: Vec<Sum>,
    /// The pairs in order of first appearance, so many of this list.
    seen: Vec<u32>,
    distinct: usize,
}

impl Digraphs {
    /// None again. So many pairs have numbers, and no more gaps than these may be added.
    pub fn clear(&mut self, pairs: usize, most: usize) {
        self.seen[..self.distinct].iter().for_each(|pair| self.sums[*pair as usize] = Sum::default());
        self.sums.resize(pairs, Sum::default());
        self.seen.resize(most + 1, 0);
        self.distinct = 0;
    }

    /// From one key of a pair to the other it took so long.
    pub fn add(&mut self, pair: u32, gap: f64) {
        let sum = &mut self.sums[pair as usize];
        // Whether it is the first one cannot be guessed: hence no branch.
        self.seen[self.distinct] = pair;
        self.distinct += usize::from(sum.count == 0);
        sum.add(gap);
    }

    /// The mean gaps of the most frequent pairs, ties by first appearance; 0.0 for missing ranks.
    pub fn means(&self) -> [f64; DIGRAPHS] {
        let mut best = [Sum::default(); DIGRAPHS];
        for pair in &self.seen[..self.distinct] {
            let gaps = &self.sums[*pair as usize];
            // Most are seldom: one comparison each.
            if gaps.count > best[DIGRAPHS - 1].count {
                let rank = best.partition_point(|better| better.count >= gaps.count);
                best[rank..].rotate_right(1);
                best[rank] = *gaps;
            }
        }
        best.map(|gaps| gaps.mean())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// By looking through all pairs for each gap, and sorting.
    fn plainly(gaps: &[(u32, u32, f64)]) -> [f64; DIGRAPHS] {
        let mut pairs: Vec<((u32, u32), Sum)> = Vec::new();
        for (from, to, gap) in gaps {
            let keys = (*from, *to);
            let place = pairs.iter().position(|pair| pair.0 == keys).unwrap_or_else(|| {
                pairs.push((keys, Sum::default()));
                pairs.len() - 1
            });
            pairs[place].1.add(*gap);
        }
        pairs.sort_by_key(|(_, gaps)| std::cmp::Reverse(gaps.count));
        let mut means = [0.0; DIGRAPHS];
        means.iter_mut().zip(pairs).for_each(|(mean, (_, gaps))| *mean = gaps.mean());
        means
    }

    fn means(gaps: &[(u32, u32, f64)]) -> [f64; DIGRAPHS] {
        let (mut pairs, mut digraphs) = (Pairs::default(), Digraphs::default());
        // As after another window.
        digraphs.clear(1, 7);
        digraphs.add(0, 3.0);
        let numbers: Vec<_> = gaps.iter().map(|(from, to, _)| pairs.number((*from, *to))).collect();
        digraphs.clear(pairs.len(), gaps.len());
        numbers.iter().zip(gaps).for_each(|(pair, (_, _, gap))| digraphs.add(*pair, *gap));
        digraphs.means()
    }

    #[test]
    fn of_pairs_as_frequent_the_earlier_ones_are_taken() {
        let gaps: Vec<_> = (0..30).map(|n| (n, n + 1, f64::from(n) + 1.0)).chain([(29, 30, 32.0)]).collect();
        let means = means(&gaps);
        assert_eq!(means[..3], [31.0, 1.0, 2.0]);
        assert_eq!(means[19], 19.0);
        assert_eq!(super::tests::means(&[]), [0.0; DIGRAPHS]);
    }

    proptest! {
        #[test]
        fn means_are_those_of_the_sorted_pairs(
            gaps in (1..60u32).prop_flat_map(|keys| {
                prop::collection::vec((0..keys, 0..keys, 0.001..2000.0f64), 0..400)
            }),
        ) {
            prop_assert_eq!(means(&gaps).map(f64::to_bits), plainly(&gaps).map(f64::to_bits));
        }
    }
}
