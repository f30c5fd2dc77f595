//! What was typed in a window: how many presses, and how long keys and pauses took.

use std::collections::VecDeque;

use super::digraphs::Digraphs;
use super::strokes::{LONGEST_FLIGHT, Strokes, Took};

const LONGEST_DIGRAPH_MS: f64 = 2000.0;

/// All times are in ms, in the order in which they ended. It is used again, so that its room is.
#[derive(Default)]
pub struct Typed {
    /// Presses without auto-repeat.
    pub presses: usize,
    /// How many of the presses delete.
    pub deleting: usize,
    /// From a key's press to its release.
    pub dwells: Vec<f64>,
    /// From the last release to a press.
    pub flights: Vec<f64>,
    /// From each press to the next.
    pub gaps: Vec<f64>,
    /// The gaps that are not too long, by their two keys.
    pub digraphs: Digraphs,
}

impl Typed {
    /// What the strokes from `first` to `last` (µs) say.
    pub fn collect(&mut self, strokes: &Strokes, first: i64, last: i64) {
        within(&mut self.dwells, &strokes.dwells, first, last);
        within(&mut self.flights, &strokes.flights, first, last);
        let from = strokes.presses.partition_point(|press| press.at < first);
        let to = strokes.presses.partition_point(|press| press.at <= last);
        (self.presses, self.deleting) = (to - from, 0);
        self.gaps.clear();
        self.digraphs.clear(self.presses);
        let mut last_key = None;
        for press in strokes.presses.range(from..to) {
            self.deleting += usize::from(press.deletes);
            if let Some(last_key) = last_key
                && press.gap > 0.0
            {
                self.gaps.push(press.gap);
                if press.gap < LONGEST_DIGRAPH_MS {
                    self.digraphs.add(last_key, press.key, press.gap);
                }
            }
            last_key = Some(press.key);
        }
    }
}

/// What began and ended from `first` to `last`.
fn within(list: &mut Vec<f64>, strokes: &VecDeque<Took>, first: i64, last: i64) {
    // What ends later than this has begun in the window.
    let sure = strokes.partition_point(|took| took.at <= first + LONGEST_FLIGHT);
    let to = strokes.partition_point(|took| took.at <= last);
    list.clear();
    list.extend(strokes.range(..sure.min(to)).filter(|took| took.is_since(first)).map(|took| took.ms));
    list.extend(strokes.range(sure.min(to)..to).map(|took| took.ms));
}
