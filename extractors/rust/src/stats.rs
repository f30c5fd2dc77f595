//! Statistics of a list, in the contract's order of arithmetic: plain loops from left to right, two passes for the
//! deviation, no fused operations. A statistic of an empty list is 0.0.

mod middle;
mod places;

pub use self::middle::{AboutMiddle, Middle};
use self::places::Buckets;

/// The eight statistics of dwell and flight times.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Summary {
    /// Arithmetic mean.
    pub mean: f64,
    /// Standard deviation, ddof 0.
    pub std: f64,
    /// Smallest.
    pub min: f64,
    /// Largest.
    pub max: f64,
    /// Middle value.
    pub median: f64,
    /// Lower quartile.
    pub q25: f64,
    /// Upper quartile.
    pub q75: f64,
    /// Largest less smallest.
    pub range: f64,
}

impl Summary {
    /// All eight at once, of values that are not negative.
    pub fn of(list: &[f64]) -> Summary {
        if list.is_empty() {
            return Summary::default();
        }
        let Looked { mean, std, min, max, buckets } = Looked::at(list);
        let last = list.len() - 1;
        let (lower, upper) = (0.25 * last as f64, 0.75 * last as f64);
        let (q25, q75) = (neighbours(lower, last), neighbours(upper, last));
        let found = buckets.at(list, [q25.0, q25.1, last / 2, list.len() / 2, q75.0, q75.1]);
        let q25 = between(lower, found[0], found[1]);
        let median = middle_of(list.len(), found[2], found[3]);
        let q75 = between(upper, found[4], found[5]);
        Summary { mean, std, min, max, median, q25, q75, range: max - min }
    }

    /// In the order in which features are written.
    pub fn values(self) -> [f64; 8] {
        let Summary { mean, std, min, max, median, q25, q75, range } = self;
        [mean, std, min, max, median, q25, q75, range]
    }
}

/// Mean, standard deviation and median of values that are not negative.
pub fn mean_std_median(list: &[f64]) -> [f64; 3] {
    if list.is_empty() {
        return [0.0; 3];
    }
    let Looked { mean, std, buckets, .. } = Looked::at(list);
    let [low, high] = buckets.at(list, [(list.len() - 1) / 2, list.len() / 2]);
    [mean, std, middle_of(list.len(), low, high)]
}

/// What two looks at a list tell, which is not empty and has no negative values.
struct Looked {
    mean: f64,
    std: f64,
    min: f64,
    max: f64,
    buckets: Buckets,
}

impl Looked {
    fn at(list: &[f64]) -> Looked {
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
        Looked { mean, std: (squares / list.len() as f64).sqrt(), min, max, buckets }
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
    let (mean, mut squares) = (mean(list), Sum::default());
    for value in list {
        squares.add((value - mean) * (value - mean));
    }
    squares.mean().sqrt()
}

/// The middle value, or the mean of the two middle ones, of values that are not negative.
pub fn median(list: &[f64]) -> f64 {
    if list.is_empty() {
        return 0.0;
    }
    let [low, high] = Buckets::of(list).at(list, [(list.len() - 1) / 2, list.len() / 2]);
    middle_of(list.len(), low, high)
}

/// The median of so many values, of which these two are in the middle; the same one twice when their number is odd.
fn middle_of(count: usize, low: f64, high: f64) -> f64 {
    if count % 2 == 1 { low } else { (low + high) / 2.0 }
}

/// The places before and behind a position; the last place is behind itself.
fn neighbours(position: f64, last: usize) -> (usize, usize) {
    (position as usize, (position as usize + 1).min(last))
}

/// Linear interpolation at a position between what stands before and behind it.
fn between(position: f64, before: f64, behind: f64) -> f64 {
    before + (behind - before) * (position - position.floor())
}

/// The mean of the absolute values.
pub fn mean_abs(list: &[f64]) -> f64 {
    mean(&list.iter().map(|value| value.abs()).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn statistics_of_nothing_are_zero() {
        assert_eq!(Summary::of(&[]), Summary::default());
        assert_eq!([mean(&[]), std(&[]), median(&[]), mean_abs(&[])], [0.0; 4]);
    }

    #[test]
    fn statistics_of_one_value_are_that_value() {
        let summary = Summary::of(&[7.5]);
        assert_eq!(summary.values(), [7.5, 0.0, 7.5, 7.5, 7.5, 7.5, 7.5, 0.0]);
    }

    #[test]
    fn an_even_list_has_its_median_between_the_middle_values() {
        assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), 2.5);
    }

    #[test]
    fn quartiles_lie_between_their_neighbours() {
        let summary = Summary::of(&[4.0, 1.0, 3.0, 2.0]);
        assert_eq!((summary.q25, summary.q75), (1.75, 3.25));
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
            prop_assert_eq!((summary.q25, summary.q75), (quantile(0.25), quantile(0.75)));
            prop_assert_eq!((summary.min, summary.max), (sorted[0], sorted[sorted.len() - 1]));
            let (low, high) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
            prop_assert_eq!(summary.median, if sorted.len() % 2 == 1 { low } else { (low + high) / 2.0 });
        }

        #[test]
        fn statistics_stay_within_their_list(list in prop::collection::vec(0.0..1e12f64, 1..200)) {
            let summary = Summary::of(&list);
            for value in [summary.median, summary.q25, summary.q75] {
                prop_assert!(summary.min <= value && value <= summary.max);
            }
            prop_assert!(summary.q25 <= summary.median && summary.median <= summary.q75);
            prop_assert!(summary.std >= 0.0 && summary.std.is_finite());
            prop_assert_eq!(summary.range, summary.max - summary.min);
        }
    }
}
