//! The median of many values that are not held in a list.

use super::middle_of;
use super::places::Buckets;

/// Finds the median of many values that come one by one, twice: at first they are counted by their magnitude, then only
/// those [about as large](AboutMiddle) as the median are kept. Values are not negative.
pub struct Middle {
    /// By magnitude.
    counts: Vec<u32>,
    total: usize,
}

/// Of a float: its exponent and the first two bits of its fraction. Of values that are not negative, the larger one's is
/// not the smaller.
const MAGNITUDE_FROM_BIT: u32 = 50;

impl Middle {
    /// Nothing was counted.
    pub fn new() -> Middle {
        Middle { counts: vec![0; (f64::INFINITY.to_bits() >> MAGNITUDE_FROM_BIT) as usize + 1], total: 0 }
    }

    /// One value, the first time.
    pub fn count(&mut self, value: f64) {
        self.counts[(value.to_bits() >> MAGNITUDE_FROM_BIT) as usize] += 1;
        self.total += 1;
    }

    /// All have been counted.
    pub fn about(&self) -> AboutMiddle {
        let places = [self.total.saturating_sub(1) / 2, self.total / 2];
        let (mut magnitude, mut less) = (0, 0);
        // The magnitude of the value at a place, and how many values have a lesser one. Places ascend.
        let mut find = |place| {
            while magnitude + 1 < self.counts.len() && less + self.counts[magnitude] as usize <= place {
                less += self.counts[magnitude] as usize;
                magnitude += 1;
            }
            (magnitude, less)
        };
        let ((first, less), (last, _)) = (find(places[0]), find(places[1]));
        let count: u32 = self.counts[first..=last].iter().sum();
        AboutMiddle {
            from: (first as u64) << MAGNITUDE_FROM_BIT,
            width: ((last + 1 - first) as u64) << MAGNITUDE_FROM_BIT,
            kept: vec![0.0; count as usize + 1],
            count: 0,
            places: places.map(|place| place - less),
            total: self.total,
        }
    }
}

impl Default for Middle {
    fn default() -> Self {
        Middle::new()
    }
}

/// The values that are about as large as the median.
pub struct AboutMiddle {
    /// The bits of the smallest value there may be, and how many others follow.
    from: u64,
    width: u64,
    /// And room for one more, which is written to in vain.
    kept: Vec<f64>,
    count: usize,
    /// Where among them the one or two middle values are.
    places: [usize; 2],
    /// How many values there are in all.
    total: usize,
}

impl AboutMiddle {
    /// One value, the second time.
    #[inline]
    pub fn keep(&mut self, value: f64) {
        // Which are kept cannot be predicted: each is written, and the next one over it when it is not.
        self.kept[self.count] = value;
        self.count += usize::from(value.to_bits().wrapping_sub(self.from) < self.width);
    }

    /// The median of all values; 0.0 when there was none.
    pub fn median(&self) -> f64 {
        if self.total == 0 {
            return 0.0;
        }
        let kept = &self.kept[..self.count];
        let [[low, high]] = Buckets::of(kept).at(kept, [self.places]);
        middle_of(self.total, low, high)
    }
}

#[cfg(test)]
mod tests {
    use super::super::median;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_median_is_found_among_what_is_about_as_large(
            list in prop::collection::vec(prop_oneof![Just(0.0), 0.0..1e4f64, 1.0..1.5f64, 1e-9..1e-3f64], 0..60),
        ) {
            let mut middle = Middle::new();
            list.iter().for_each(|value| middle.count(*value));
            let mut about = middle.about();
            list.iter().for_each(|value| about.keep(*value));
            prop_assert_eq!(about.median(), median(&list));
        }
    }
}
