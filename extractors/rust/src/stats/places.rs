//! What stands where in a list, were it sorted, without sorting it: values are counted by bucket, and only those in the
//! buckets that matter are sorted.

/// So many that one holds few of some hundred values.
const BUCKETS: usize = 1 << BITS;
const BITS: u32 = u8::BITS;

/// What is known of a list whose values are not negative and not -0.0: such floats are in the order of their bits, and
/// what is compared often is compared cheaply.
pub struct Buckets {
    low: u64,
    shift: u32,
    /// How many values are in each bucket.
    counts: [u32; BUCKETS],
}

impl Buckets {
    /// For values from `min` to `max`. None is counted yet.
    pub fn new(min: f64, max: f64) -> Buckets {
        let (low, high) = (min.to_bits(), max.to_bits());
        // A bucket is the top bits of what a value is above the lowest. Floats grow like logarithms, so that a few values
        // that are much larger than the others leave them many buckets.
        let shift = (u64::BITS - BITS).saturating_sub((high - low).leading_zeros());
        Buckets { low, shift, counts: [0; BUCKETS] }
    }

    /// With all values of a list that is not empty.
    pub fn of(list: &[f64]) -> Buckets {
        let bits = || list.iter().map(|value| value.to_bits());
        let (min, max) = (bits().min().unwrap_or_default(), bits().max().unwrap_or_default());
        let mut buckets = Buckets::new(f64::from_bits(min), f64::from_bits(max));
        list.iter().for_each(|value| buckets.count(*value));
        buckets
    }

    fn bucket(&self, value: f64) -> usize {
        usize::from(((value.to_bits() - self.low) >> self.shift) as u8)
    }

    /// Counts a value.
    #[inline]
    pub fn count(&mut self, value: f64) {
        self.counts[self.bucket(value)] += 1;
    }

    /// What would stand at these places, two next to each other or the same, of the list whose values were counted, were
    /// it sorted. They ascend, and may overlap.
    pub fn at<const N: usize>(&self, list: &[f64], places: [[usize; 2]; N]) -> [[f64; 2]; N] {
        let mut matters = [false; BUCKETS];
        // Up to the end of a bucket, how many values there are, and how many of them are in buckets that do not matter.
        let (mut bucket, mut end, mut left_out) = (0, self.counts[0] as usize, 0);
        let mut most = 1;
        let mut among_kept = |place: usize| {
            while end <= place {
                left_out += if matters[bucket] { 0 } else { self.counts[bucket] as usize };
                bucket += 1;
                end += self.counts[bucket] as usize;
            }
            most += if matters[bucket] { 0 } else { self.counts[bucket] as usize };
            matters[bucket] = true;
            place - left_out
        };
        let places_among_kept = places.map(|two| two.map(&mut among_kept));
        // And room for one more, which is written to in vain.
        let (mut kept, mut count) = (vec![0; most], 0);
        for value in list {
            // Which matter cannot be predicted: each is written, and the next one over it when it does not.
            kept[count] = value.to_bits();
            count += usize::from(matters[self.bucket(*value)]);
        }
        kept.truncate(count);
        kept.sort_unstable();
        places_among_kept.map(|two| two.map(|place| f64::from_bits(kept[place])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn values_are_those_of_the_sorted_list(
            list in prop_oneof![
                prop::collection::vec(prop_oneof![80.0..120.0f64, 0.001..5000.0f64], 1..700),
                prop::collection::vec(prop_oneof![Just(25.0), Just(25.001)], 1..700),
                prop::collection::vec(prop_oneof![Just(0.0), 0.0..9.0f64], 1..50),
                prop::collection::vec(any::<f64>().prop_map(f64::abs), 1..50),
            ],
            places in prop::collection::vec(any::<prop::sample::Index>(), 5),
        ) {
            let mut sorted = list.clone();
            sorted.sort_by(f64::total_cmp);
            let mut places: [usize; 5] = std::array::from_fn(|n| places[n].index(list.len()));
            places.sort_unstable();
            let places = places.map(|place| [place, (place + 1).min(list.len() - 1)]);
            let bits = |two: [f64; 2]| two.map(f64::to_bits);
            let expected = places.map(|two| bits(two.map(|place| sorted[place])));
            prop_assert_eq!(Buckets::of(&list).at(&list, places).map(bits), expected);
        }
    }
}
