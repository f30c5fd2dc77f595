//! Statistics of a list, in the contract's order of arithmetic: plain loops from left to right, two passes for the
//! deviation, no fused operations. A statistic of an empty list is 0.0.

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
    /// All eight at once: the list is sorted only once.
    pub fn of(list: &[f64]) -> Summary {
        let sorted = sorted(list);
        let (Some(&min), Some(&max)) = (sorted.first(), sorted.last()) else {
            return Summary::default();
        };
        Summary {
            mean: mean(list),
            std: std(list),
            min,
            max,
            median: median_of_sorted(&sorted),
            q25: quantile_of_sorted(&sorted, 0.25),
            q75: quantile_of_sorted(&sorted, 0.75),
            range: max - min,
        }
    }

    /// In the order in which features are written.
    pub fn values(self) -> [f64; 8] {
        let Summary { mean, std, min, max, median, q25, q75, range } = self;
        [mean, std, min, max, median, q25, q75, range]
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
    let mean = mean(list);
    let mut squares = 0.0;
    for value in list {
        let distance = value - mean;
        squares += distance * distance;
    }
    (squares / list.len() as f64).sqrt()
}

/// The largest value.
pub fn max(list: &[f64]) -> f64 {
    list.iter().copied().reduce(f64::max).unwrap_or(0.0)
}

/// The middle value, or the mean of the two middle ones.
pub fn median(list: &[f64]) -> f64 {
    median_of_sorted(&sorted(list))
}

/// The mean of the absolute values.
pub fn mean_abs(list: &[f64]) -> f64 {
    mean(&list.iter().map(|value| value.abs()).collect::<Vec<_>>())
}

fn sorted(list: &[f64]) -> Vec<f64> {
    let mut sorted = list.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted
}

fn median_of_sorted(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => 0.0,
        n if n % 2 == 1 => sorted[middle],
        _ => (sorted[middle - 1] + sorted[middle]) / 2.0,
    }
}

/// Linear interpolation between the two neighbours of position `q * (n - 1)`.
fn quantile_of_sorted(sorted: &[f64], q: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return 0.0;
    };
    let position = q * last as f64;
    let below = position.floor() as usize;
    if below >= last {
        return sorted[last];
    }
    sorted[below] + (sorted[below + 1] - sorted[below]) * (position - below as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn statistics_of_nothing_are_zero() {
        assert_eq!(Summary::of(&[]), Summary::default());
        assert_eq!([mean(&[]), std(&[]), max(&[]), median(&[]), mean_abs(&[])], [0.0; 5]);
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

    #[test]
    fn the_largest_of_negative_values_is_not_zero() {
        assert_eq!(max(&[-3.0, -1.0, -2.0]), -1.0);
    }

    proptest! {
        #[test]
        fn statistics_stay_within_their_list(list in prop::collection::vec(-1e12..1e12f64, 1..200)) {
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
