//! One segment: its name, and its lines as they were read.

use std::ops::Range;

/// A segment as it was read.
#[derive(Debug)]
pub struct Load {
    pub(super) number: u64,
    pub(super) bytes: Vec<u8>,
    /// How many bytes at the start are settled already.
    pub(super) settled: usize,
}

impl Load {
    /// The lines that are not settled, without their ends. A torn last line and empty ones are none.
    pub fn lines(&self) -> Vec<&[u8]> {
        self.places().map(|place| &self.bytes[place]).collect()
    }

    fn places(&self) -> impl Iterator<Item = Range<usize>> {
        let mut start = self.settled;
        let rest = self.bytes.get(start..).unwrap_or_default();
        let ends = rest.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at);
        let settled = self.settled;
        ends.filter_map(move |end| {
            let place = start..settled + end;
            start = place.end + 1;
            (!place.is_empty()).then_some(place)
        })
    }

    /// How many bytes are settled when so many of its lines are, and whether that is all.
    pub(super) fn behind(&self, lines: usize) -> (usize, bool) {
        let mut places = self.places();
        let last = lines.checked_sub(1).and_then(|last| places.nth(last));
        (last.map_or(self.settled, |place| place.end + 1), places.next().is_none())
    }
}

/// The file's name.
pub(super) fn name_of(number: u64) -> String {
    format!("{number:020}.lp")
}

/// The version in the name of a segment that another version than the first wrote; none when it is no such name.
pub(super) fn version_of(name: &str) -> Option<u32> {
    let (number, version) = name.split_once(".lp")?;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let plain = number.len() == 20 && digits(number) && digits(version) && !version.starts_with('0');
    version.parse().ok().filter(|_| plain && version.len() <= 9)
}

/// The number in a file's name; none when it is no segment's.
pub(super) fn number_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".lp")?;
    let plain = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|number| plain && *number > 0)
}
