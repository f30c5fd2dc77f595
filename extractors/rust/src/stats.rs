//! Statistics of a list, in the contract's order of arithmetic: plain loops from left to right, two passes for the
//! deviation, no fused operations. A statistic of an empty list is 0.0.

mod middle;
mod places;

pub use self::middle::{AboutMiddle, Middle};
use self::places::Buckets;

/// The share of a [quantile](Summary::quantiles) that is the median: of an even number of values the mean of the middle two.
/// Other quantiles are found by linear interpolation between neighbours.
pub const MEDIAN: f64 = 0.5;

/// What two looks at a list tell, which has no negative values. Of an empty list all is 0.0.
pub struct Summary<'a> {
    /// Arithmetic mean.
    pub mean: f64,
    /// Standard deviation, ddof 0.
    pub std: f64,
    /// Smallest.
    pub min: f64,
    /// Largest.
    pub max: f64,
    list: &'a [f64],
    buckets: Buckets,
}

impl Summary<'_> {
    /// Of values that are not negative.
    pub fn of(list: &[f64]) -> Summary<'_> {
        if list.is_empty() {
            return Summary {
                mean: 0.0,
                std: 0.0,
                min: 0.0,
                max: 0.0,
                list,
                buckets: Buckets::new(0.0, 0.0),
            };
        }
        // Such values are in the order of their bits, and whole numbers are compared in one cycle.
        let (mut total, mut min, mut max) = (0.0, u64::MAX, 0);
        for value in list {
            total += value;
            min = min.min(value.to_bits());
            max = max.max(value.to_bits());
        }
        let (mean, min, max) = (total / list.len() as f64, f64::from_bits(min), f64::from_bits(max));
        let (mut squares, mut buckets) = (0.0, Buckets::new(min, max));
        for value in list {
            squares += (value - mean) * (value - mean);
            buckets.count(*value);
        }
        Summary { mean, std: (squares / list.len() as f64).sqrt(), min, max, list, buckets }
    }

    /// Largest less smallest.
    pub fn range(&self) -> f64 {
        self.max - self.min
    }

    /// The quantiles of these shares, which ascend.
    pub fn quantiles<const N: usize>(&self, shares: [f64; N]) -> [f64; N] {
        self.quantiles_of_smallest(self.list.len(), shares)
    }

    /// The same of so many of the values, the smallest.
    pub fn quantiles_of_smallest<const N: usize>(&self, count: usize, shares: [f64; N]) -> [f64; N] {
        let Some(last) = count.checked_sub(1) else { return [0.0; N] };
        let positions = shares.map(|share| share * last as f64);
        let places = positions.map(|position| [position as usize, (position as usize + 1).min(last)]);
        let found = self.buckets.at(self.list, places);
        std::array::from_fn(|n| {
            let ([before, behind], part) = (found[n], positions[n] - positions[n].floor());
            if shares[n] == MEDIAN && part > 0.0 {
                (before + behind) / 2.0
            } else {
                before + (behind - before) * part
            }
        })
    }
}

/// The sum and the number of values that come one by one, from left to right.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sum {
    /// Of all values so far.
    pub total: f64,
    /// How many they were.
    pub count: usize,
}

impl Sum {
    /// One more value.
    pub fn add(&mut self, value: f64) {
        self.total += value;
        self.count += 1;
    }

    /// The arithmetic mean.
    pub fn mean(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.total / self.count as f64 }
    }
}

/// The sum, from left to right.
pub fn sum(list: &[f64]) -> f64 {
    let mut total = 0.0;
    for value in list {
        total += value;
    }
    total
}

/// The arithmetic mean.
pub fn mean(list: &[f64]) -> f64 {
    if list.is_empty() {
        return 0.0;
    }
    sum(list) / list.len() as f64
}

/// The standard deviation, ddof 0, in two passes.
pub fn std(list: &[f64]) -> f64 {
    if list.is_empty() {
        return 0.0;
    }
    let (mean, mut squares) = (mean(list), 0.0);
    for value in list {
        squares += (value - mean) * (value - mean);
    }
    (squares / list.len() as f64).sqrt()
}

/// The middle value, or the mean of the two middle ones, of values that are not negative.
pub fn median(list: &[f64]) -> f64 {
    if list.is_empty() {
        return 0.0;
    }
    // Such values are in the order of their bits.
    let mut bits: Vec<u64> = list.iter().map(|value| value.to_bits()).collect();
    let (below, middle, _) = bits.select_nth_unstable(list.len() / 2);
    let low = if list.len() % 2 == 1 { None } else { below.iter().max() };
    let (low, high) = (*low.unwrap_or(middle), *middle);
    middle_of(list.len(), f64::from_bits(low), f64::from_bits(high))
}

/// The correlation of each value with the next, from -1 to 1; 0.0 when it is undefined.
pub fn autocorrelation(list: &[f64]) -> f64 {
    let [.., _] = list else { return 0.0 };
    let (these, next) = (&list[..list.len() - 1], &list[1..]);
    let (mean_of_these, mean_of_next) = (mean(these), mean(next));
    let (mut products, mut squares_of_these, mut squares_of_next) = (0.0, 0.0, 0.0);
    for (this, next) in these.iter().zip(next) {
        let (x, y) = (this - mean_of_these, next - mean_of_next);
        products += x * y;
        squares_of_these += x * x;
        squares_of_next += y * y;
    }
    let divisor = (squares_of_these * squares_of_next).sqrt();
    if divisor == 0.0 { 0.0 } else { products / divisor }
}

/// The median of so many values, of which these two are in the middle; the same one twice when their number is odd.
fn middle_of(count: usize, low: f64, high: f64) -> f64 {
    if count % 2 == 1 { low } else { (low + high) / 2.0 }
}

/// The mean of the absolute values.
pub fn mean_abs(list: &[f64]) -> f64 {
    mean(&list.iter().map(|value| value.abs()).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const QUARTERS: [f64; 3] = [0.25, MEDIAN, 0.75];

    #[test]
    fn statistics_of_nothing_are_zero() {
        let summary = Summary::of(&[]);
        assert_eq!([summary.mean, summary.std, summary.min, summary.max, summary.range()], [0.0; 5]);
        assert_eq!(summary.quantiles(QUARTERS), [0.0; 3]);
        assert_eq!([mean(&[]), std(&[]), median(&[]), mean_abs(&[]), autocorrelation(&[])], [0.0; 5]);
    }

    #[test]
    fn statistics_of_one_value_are_that_value() {
        let summary = Summary::of(&[7.5]);
        assert_eq!(
            [summary.mean, summary.std, summary.min, summary.max, summary.range()],
            [7.5, 0.0, 7.5, 7.5, 0.0]
        );
        assert_eq!((summary.quantiles(QUARTERS), autocorrelation(&[7.5])), ([7.5; 3], 0.0));
    }

    #[test]
    fn what_goes_up_and_down_in_turn_goes_against_the_next() {
        assert_eq!(autocorrelation(&[1.0, 2.0, 1.0, 2.0, 1.0]), -1.0);
        assert_eq!(autocorrelation(&[1.0, 2.0, 3.0, 4.0]), 1.0);
        assert_eq!(autocorrelation(&[1.0, 1.0, 1.0]), 0.0);
    }

    #[test]
    fn an_even_list_has_its_median_between_the_middle_values() {
        assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), 2.5);
    }

    #[test]
    fn quartiles_lie_between_their_neighbours() {
        assert_eq!(Summary::of(&[4.0, 1.0, 3.0, 2.0]).quantiles(QUARTERS), [1.75, 2.5, 3.25]);
        let five = Summary::of(&[4.0, 1.0, 9.0, 3.0, 2.0]);
        assert_eq!(five.quantiles_of_smallest(4, QUARTERS), [1.75, 2.5, 3.25]);
        assert_eq!(five.quantiles_of_smallest(0, QUARTERS), [0.0; 3]);
    }

    #[test]
    fn the_deviation_divides_by_n() {
        assert_eq!(std(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]), 2.0);
    }

    proptest! {
        #[test]
        fn quartiles_and_median_are_those_of_the_sorted_list(
            list in prop::collection::vec(prop_oneof![0.0..9.0f64, Just(1.0), Just(0.0)], 1..40),
        ) {
            let mut sorted = list.clone();
            sorted.sort_by(f64::total_cmp);
            let quantile = |q: f64| {
                let position = q * (sorted.len() - 1) as f64;
                let below = sorted[position.floor() as usize];
                let above = sorted[position.ceil() as usize];
                below + (above - below) * position.fract()
            };
            let summary = Summary::of(&list);
            let shares = [0.05, 0.1, 0.25, 0.75, 0.9];
            prop_assert_eq!(summary.quantiles(shares), shares.map(quantile));
            prop_assert_eq!((summary.min, summary.max), (sorted[0], sorted[sorted.len() - 1]));
            let (low, high) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
            prop_assert_eq!(median(&list), if sorted.len() % 2 == 1 { low } else { (low + high) / 2.0 });
        }

        #[test]
        fn statistics_stay_within_their_list(list in prop::collection::vec(0.0..1e12f64, 1..200)) {
            let summary = Summary::of(&list);
            let [q25, median, q75] = summary.quantiles(QUARTERS);
            for value in [median, q25, q75] {
                prop_assert!(summary.min <= value && value <= summary.max);
            }
            prop_assert!(q25 <= median && median <= q75);
            prop_assert!(summary.std >= 0.0 && summary.std.is_finite());
            prop_assert_eq!(summary.range(), summary.max - summary.min);
        }
    }
}
