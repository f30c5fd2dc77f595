//! What stands where in a list, were it sorted, without sorting it: values are counted by bucket, and only those in the
//! buckets that matter are sorted.

/// So many that one holds few of some hundred values.
const BUCKETS: usize = 1 << BITS;
const BITS: u32 = u8::BITS;

/// What would stand at these places, were the list in the order of [`f64::total_cmp`]. `min` and `max` are its own;
/// it is not empty.
pub fn at<const N: usize>(list: &[f64], min: f64, max: f64, places: [usize; N]) -> [f64; N] {
    // 0.0 may be the smallest or the largest and have -0.0 for its equal: one more on both sides.
    let (low, high) = (rank(min) - 1, rank(max) + 1);
    let mut ranks: Vec<u64> = list.iter().map(|value| rank(*value) - low).collect();
    // A bucket is the top bits of what a rank is above the lowest. Ranks grow like logarithms, so that a few values
    // that are much larger than the others leave them many buckets.
    let shift = (u64::BITS - BITS).saturating_sub((high - low).leading_zeros());
    let bucket = |rank: u64| usize::from((rank >> shift) as u8);

    let mut ends = [0; BUCKETS];
    ranks.iter().for_each(|rank| ends[bucket(*rank)] += 1);
    let mut end = 0;
    for count_to_end in &mut ends {
        end += *count_to_end;
        *count_to_end = end;
    }
    let buckets = places.map(|place| ends.partition_point(|end| *end <= place));
    let mut matters = [false; BUCKETS];
    buckets.iter().for_each(|bucket| matters[*bucket] = true);
    ranks.retain(|rank| matters[bucket(*rank)]);
    ranks.sort_unstable();

    let mut values = [0.0; N];
    for ((value, place), bucket_of_place) in values.iter_mut().zip(places).zip(buckets) {
        let start = if bucket_of_place == 0 { 0 } else { ends[bucket_of_place - 1] };
        let start_now = ranks.partition_point(|rank| bucket(*rank) < bucket_of_place);
        *value = value_of(ranks[place - start + start_now] + low);
    }
    values
}

/// The highest bit of a float64: its sign.
const SIGN: u64 = 1 << 63;

/// A whole number for each float64, in the same order: what is compared often is compared cheaply.
fn rank(value: f64) -> u64 {
    let bits = value.to_bits();
    let all_if_negative = (bits.cast_signed() >> 63).cast_unsigned();
    bits ^ (all_if_negative | SIGN)
}

fn value_of(rank: u64) -> f64 {
    f64::from_bits(if rank < SIGN { !rank } else { rank ^ SIGN })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::{max, min};
    use proptest::prelude::*;

    #[test]
    fn ranks_are_in_the_order_of_their_values() {
        let values = [f64::NEG_INFINITY, -2.5, -1.0, -0.0, 0.0, f64::MIN_POSITIVE, 1.0, f64::INFINITY];
        assert!(values.map(rank).is_sorted());
        assert_eq!(values.map(|value| value_of(rank(value)).to_bits()), values.map(f64::to_bits));
    }

    proptest! {
        #[test]
        fn values_are_those_of_the_sorted_list(
            list in prop_oneof![
                prop::collection::vec(prop_oneof![80.0..120.0f64, 0.001..5000.0f64], 1..700),
                prop::collection::vec(prop_oneof![Just(25.0), Just(25.001)], 1..700),
                prop::collection::vec(prop_oneof![Just(-0.0), Just(0.0), -9.0..9.0f64], 1..50),
                prop::collection::vec(any::<f64>(), 1..50),
            ],
            places in prop::collection::vec(any::<prop::sample::Index>(), 5),
        ) {
            let mut sorted = list.clone();
            sorted.sort_by(f64::total_cmp);
            let places: [usize; 5] = std::array::from_fn(|n| places[n].index(list.len()));
            let found = at(&list, min(&list), max(&list), places);
            prop_assert_eq!(found.map(f64::to_bits), places.map(|place| sorted[place].to_bits()));
        }
    }
}
