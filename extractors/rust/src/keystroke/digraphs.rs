//! Pairs of keys, and how long the way from the first to the second takes.

use crate::stats::Sum;

/// So many pairs have features.
pub const DIGRAPHS: usize = 20;

/// The gaps of each pair, added up.
#[derive(Default)]
pub struct Digraphs {
    /// In order of first appearance.
    pairs: Vec<Pair>,
    /// A hash table: the place of a pair among `pairs`, at its hash or at the next place that is free.
    table: Vec<u32>,
    /// From a hash to its highest bits, which are as many as number the table.
    shift: u32,
}

struct Pair {
    keys: u64,
    gaps: Sum,
}

/// No pair's place.
const FREE: u32 = u32::MAX;

impl Digraphs {
    /// None again; no more gaps than these may be added.
    pub fn clear(&mut self, most: usize) {
        // Never more than two thirds full: something free is not far.
        let places = (most + most / 2).next_power_of_two().max(2);
        self.shift = u64::BITS - places.ilog2();
        self.pairs.clear();
        self.table.clear();
        self.table.resize(places, FREE);
    }

    /// From one key to another it took so long.
    pub fn add(&mut self, [from, to]: [u32; 2], gap: f64) {
        let keys = u64::from(from) << 32 | u64::from(to);
        // We numbered the keys ourselves, hence a cheap hash will do.
        let mut at = (keys.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> self.shift) as usize;
        loop {
            let place = self.table[at];
            if place == FREE {
                break;
            }
            let pair = &mut self.pairs[place as usize];
            if pair.keys == keys {
                pair.gaps.add(gap);
                return;
            }
            at = (at + 1) & (self.table.len() - 1);
        }
        self.table[at] = self.pairs.len() as u32;
        let mut gaps = Sum::default();
        gaps.add(gap);
        self.pairs.push(Pair { keys, gaps });
    }

    /// The mean gaps of the most frequent pairs, ties by first appearance; 0.0 for missing ranks.
    pub fn means(&self) -> [f64; DIGRAPHS] {
        let mut best = [Sum::default(); DIGRAPHS];
        for Pair { gaps, .. } in &self.pairs {
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
        let mut digraphs = Digraphs::default();
        // As after another window.
        digraphs.clear(7);
        digraphs.add([1, 2], 3.0);
        digraphs.clear(gaps.len());
        gaps.iter().for_each(|(from, to, gap)| digraphs.add([*from, *to], *gap));
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
