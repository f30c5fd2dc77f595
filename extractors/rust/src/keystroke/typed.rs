//! What was typed in a window: how many presses, and how long keys and pauses took.

use std::collections::VecDeque;
use std::collections::vec_deque::Iter;

use super::digraphs::Digraphs;
use super::strokes::{Strokes, Took};

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
    /// From one press to the next.
    pub gaps: Vec<f64>,
    /// The gaps that are not too long, by their two keys.
    pub digraphs: Digraphs,
    /// Whether any event was made in developer mode.
    pub dev_mode: bool,
}

impl Typed {
    /// What the strokes up to `last` say of a window that begins with an event at `first` (µs), which they begin with too.
    pub fn collect(&mut self, strokes: &Strokes, first: i64, last: i64) {
        self.presses = strokes.presses.partition_point(|press| press.at <= last);
        self.deleting = strokes.presses.range(..self.presses).filter(|press| press.deletes).count();
        self.dev_mode = strokes.dev_modes.front().is_some_and(|ts| *ts <= last);
        self.dwells.clear();
        let dwells = up_to(&strokes.dwells, last).filter(|dwell| dwell.began >= first);
        // Unlike `extend`, this goes over each half of the ring in a loop of its own.
        dwells.for_each(|dwell| self.dwells.push(dwell.ms));
        refill(&mut self.flights, up_to(&strokes.flights, last));
        let gaps = strokes.gaps.range(..strokes.gaps.partition_point(|gap| gap.took.ended <= last));
        refill(&mut self.gaps, gaps.clone().map(|gap| &gap.took));
        self.digraphs.clear(strokes.pairs.len(), self.gaps.len());
        gaps.filter(|gap| gap.is_digraph()).for_each(|gap| self.digraphs.add(gap.pair, gap.took.ms));
    }
}

fn up_to(strokes: &VecDeque<Took>, last: i64) -> Iter<'_, Took> {
    strokes.range(..strokes.partition_point(|took| took.ended <= last))
}

/// As the list's length is known beforehand, nothing is asked for each.
fn refill<'a>(list: &mut Vec<f64>, strokes: impl ExactSizeIterator<Item = &'a Took>) {
    list.clear();
    list.extend(strokes.map(|took| took.ms));
}
