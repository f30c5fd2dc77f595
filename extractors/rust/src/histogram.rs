//! How often something took how long, by the bounds of `extractors/schema/stats.json`.

use std::fmt;
use std::time::Duration;

include!(concat!(env!("OUT_DIR"), "/histogram.rs"));

/// Counts since the start of the process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    /// The last is of what is beyond all bounds.
    counts: [u64; BOUNDS_US.len() + 1],
    sum_us: u64,
}

impl Histogram {
    /// Once more, and it took so long.
    pub fn observe(&mut self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.counts[BOUNDS_US.partition_point(|bound| *bound < us)] += 1;
        self.sum_us = self.sum_us.saturating_add(us);
    }

    /// And all that another one counted.
    pub fn add(&mut self, other: &Histogram) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.sum_us = self.sum_us.saturating_add(other.sum_us);
    }
}

/// As the stats hash has it.
impl fmt::Display for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for count in &self.counts {
            write!(f, "{count} ")?;
        }
        write!(f, "{}", self.sum_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::Deserialize;

    fn observed(us: &[u64]) -> Histogram {
        let mut made = Histogram::default();
        us.iter().for_each(|us| made.observe(Duration::from_micros(*us)));
        made
    }

    #[derive(Deserialize)]
    struct Case {
        us: Vec<u64>,
        text: String,
    }

    #[test]
    fn the_text_is_that_of_the_other_implementation() {
        let cases = include_str!("../../../tests/cases/histogram.json");
        let cases: Vec<Case> = serde_json::from_str(cases).unwrap();
        assert!(cases.len() > 4);
        for Case { us, text } in cases {
            assert_eq!(observed(&us).to_string(), text);
        }
    }

    #[test]
    fn a_part_of_a_microsecond_exceeds_no_bound() {
        let mut made = Histogram::default();
        made.observe(Duration::from_nanos(BOUNDS_US[0] * 1000 + 999));
        assert_eq!(made, observed(&[BOUNDS_US[0]]));
    }

    fn any_us() -> impl Strategy<Value = u64> {
        let near = prop::sample::select(BOUNDS_US.to_vec());
        prop_oneof![0..20_000_000u64, (near, 0..3u64).prop_map(|(bound, more)| bound - 1 + more)]
    }

    proptest! {
        #[test]
        fn as_many_are_at_most_a_bound_as_there_are(
            us in prop::collection::vec(any_us(), 0..50),
            more in prop::collection::vec(any_us(), 0..50),
        ) {
            let mut made = observed(&us);
            made.add(&observed(&more));
            let all = [us, more].concat();
            prop_assert_eq!(made.sum_us, all.iter().sum::<u64>());
            prop_assert_eq!(made.counts.iter().sum::<u64>(), all.len() as u64);
            for (place, bound) in BOUNDS_US.iter().enumerate() {
                let at_most: u64 = made.counts[..=place].iter().sum();
                prop_assert_eq!(at_most, all.iter().filter(|us| *us <= bound).count() as u64);
            }
        }
    }
}
