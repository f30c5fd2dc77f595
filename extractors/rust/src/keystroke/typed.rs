//! What was typed in a window: how many presses, and how long keys and pauses took.

use std::collections::VecDeque;
use std::collections::vec_deque::Iter;

use super::classes::{CLASSES, Class};
use super::digraphs::Digraphs;
use super::strokes::{LONGEST_SHORT_GAP, MS, Strokes, Took};

/// All times are in ms, in the order in which they ended. It is used again, so that its room is.
#[derive(Default)]
pub struct Typed {
    /// Presses without auto-repeat.
    pub presses: usize,
    presses_of: [usize; CLASSES],
    /// Presses while the key of the press before was still down.
    pub rollovers: usize,
    /// From a key's press to its release.
    pub dwells: Vec<f64>,
    dwells_of: [Vec<f64>; CLASSES],
    /// How long two keys were down together.
    pub overlaps: Vec<f64>,
    /// From the last release to a press.
    pub flights: Vec<f64>,
    /// From one press to the next.
    pub gaps: Vec<f64>,
    /// The logarithms of the short ones among the gaps, which are the smallest.
    pub logs: Vec<f64>,
    short_gaps_of: [[Vec<f64>; CLASSES]; CLASSES],
    /// From a press to the next but one.
    pub trigraphs: Vec<f64>,
    /// The gaps that are not too long, by their two keys.
    pub digraphs: Digraphs,
    /// Whether any event was made in developer mode.
    pub dev_mode: bool,
}

impl Typed {
    /// How many presses are of a class.
    pub fn presses_of(&self, class: Class) -> usize {
        self.presses_of[class as usize]
    }

    /// The dwells of the keys of a class.
    pub fn dwells_of(&self, class: Class) -> &[f64] {
        &self.dwells_of[class as usize]
    }

    /// Those among the gaps that are short, as many as there are logarithms.
    pub fn short_gaps(&self) -> impl Iterator<Item = f64> {
        const LONGEST: f64 = (LONGEST_SHORT_GAP / MS) as f64;
        self.gaps.iter().copied().filter(|ms| *ms < LONGEST)
    }

    /// The short gaps from a key of one class to a key of another.
    pub fn short_gaps_of(&self, from: Class, to: Class) -> &[f64] {
        &self.short_gaps_of[from as usize][to as usize]
    }

    /// What the strokes up to `last` say of a window that begins with an event at `first` (µs), which they begin with too.
    pub fn collect(&mut self, strokes: &Strokes, first: i64, last: i64) {
        self.dev_mode = strokes.dev_modes.front().is_some_and(|ts| *ts <= last);
        self.collect_presses(strokes, last);
        self.collect_dwells(strokes, first, last);
        refill(&mut self.flights, up_to(&strokes.flights, last));
        self.collect_gaps(strokes, last);
    }

    fn collect_presses(&mut self, strokes: &Strokes, last: i64) {
        self.presses = strokes.presses.partition_point(|press| press.at <= last);
        self.presses_of = [0; CLASSES];
        strokes.presses.range(..self.presses).for_each(|press| self.presses_of[press.class as usize] += 1);
        // What a press has in common with those before it counts when they are in the window too.
        let behind = |before: usize| strokes.presses.range(before.min(self.presses)..self.presses);
        self.rollovers = behind(1).filter(|press| press.is_rollover).count();
        self.trigraphs.clear();
        let trigraphs = behind(2).map(|press| press.trigraph).filter(|ms| *ms > 0.0);
        trigraphs.for_each(|ms| self.trigraphs.push(ms));
    }

    fn collect_dwells(&mut self, strokes: &Strokes, first: i64, last: i64) {
        self.dwells.clear();
        self.overlaps.clear();
        self.dwells_of.iter_mut().for_each(Vec::clear);
        let dwells = strokes.dwells.range(..strokes.dwells.partition_point(|dwell| dwell.took.ended <= last));
        // Unlike `extend`, this goes over each half of the ring in a loop of its own.
        dwells.filter(|dwell| dwell.took.began >= first).for_each(|dwell| {
            self.dwells.push(dwell.took.ms);
            self.dwells_of[dwell.class as usize].push(dwell.took.ms);
            if dwell.overlap > 0.0 {
                self.overlaps.push(dwell.overlap);
            }
        });
    }

    fn collect_gaps(&mut self, strokes: &Strokes, last: i64) {
        let gaps = strokes.gaps.range(..strokes.gaps.partition_point(|gap| gap.took.ended <= last));
        refill(&mut self.gaps, gaps.clone().map(|gap| &gap.took));
        self.logs.clear();
        self.short_gaps_of.iter_mut().flatten().for_each(Vec::clear);
        self.digraphs.clear(strokes.pairs.len(), self.gaps.len());
        gaps.for_each(|gap| {
            if gap.is_digraph() {
                self.digraphs.add(gap.pair, gap.took.ms);
            }
            if gap.is_short() {
                let [from, to] = gap.classes;
                self.logs.push(gap.log);
                self.short_gaps_of[from as usize][to as usize].push(gap.took.ms);
            }
        });
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
