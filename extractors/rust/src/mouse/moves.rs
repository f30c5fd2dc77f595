//! `move_0` to `move_19`: speed, acceleration, jerk and direction along the moves of a window.
//!
//! A window may hold 50 000 moves, so what belongs to a step is worked out in blocks that stay in the processor's
//! cache, twice: for the means and then for the deviations. Sums run over the whole window from left to right.

use std::collections::vec_deque::Iter;
use std::f64::consts::PI;

use super::{Held, seconds};
use crate::buffer::Timed;
use crate::stats::{Middle, Sum};

const SHORTEST_INTERVAL_S: f64 = 0.001;
const LONG_INTERVAL_S: f64 = 0.1;
const SPEED_LIMIT: f64 = 10_000.0;
const ACCELERATION_LIMIT: f64 = 100_000.0;
const JERK_LIMIT: f64 = 1_000_000.0;
/// So many steps are worked out at a time.
const BLOCK: usize = 256;

/// All 0.0 with fewer than 3 moves. `window` is in s.
pub fn features(events: Iter<'_, Held>, window: f64) -> [f64; 20] {
    let mut ends = events.clone().filter(|event| event.is_move());
    let (Some(first), Some(last)) = (ends.next(), ends.next_back()) else {
        return [0.0; 20];
    };
    let mut block = Block::default();
    let mut middle = Middle::new();
    let sums = Sums::of(events.clone(), &mut block, &mut middle);
    if sums.turns.count == 0 {
        return [0.0; 20];
    }
    let deviations = Deviations::of(events, &mut block, &sums, &mut middle);
    let straight = distance(last.x - first.x, last.y - first.y);
    let straightness = straight / sums.way.max(1.0);
    let count = (sums.intervals.count + 1) as f64;
    [
        sums.speeds.mean(),
        deviations.speeds.mean().sqrt(),
        sums.fastest,
        middle.median(),
        sums.accelerations_abs.mean(),
        deviations.accelerations.mean().sqrt(),
        sums.hardest,
        1.0 - straightness,
        sums.turns.mean(),
        deviations.turns.mean().sqrt(),
        sums.jerks_abs.mean(),
        deviations.jerks.mean().sqrt(),
        sums.way,
        straight,
        sums.way / count,
        sums.long_intervals as f64 / sums.intervals.count as f64,
        sums.intervals.mean(),
        deviations.intervals.mean().sqrt(),
        straightness,
        count / window,
    ]
}

/// What one look at all steps tells.
#[derive(Clone, Copy, Default)]
struct Sums {
    way: f64,
    intervals: Sum,
    long_intervals: usize,
    speeds: Sum,
    fastest: f64,
    accelerations: Sum,
    accelerations_abs: Sum,
    hardest: f64,
    jerks: Sum,
    jerks_abs: Sum,
    turns: Sum,
}

impl Sums {
    fn of(events: Iter<'_, Held>, block: &mut Block, middle: &mut Middle) -> Sums {
        let mut all = Sums::default();
        block.run(events, |block| {
            // Added up in registers, not in memory.
            let mut sums = all;
            for ((distance, interval), speed) in
                block.distances.iter().zip(&block.intervals).zip(&block.speeds)
            {
                sums.way += distance;
                sums.intervals.add(*interval);
                sums.long_intervals += usize::from(*interval > LONG_INTERVAL_S);
                if *speed < SPEED_LIMIT {
                    sums.speeds.add(*speed);
                    middle.count(*speed);
                    sums.fastest = sums.fastest.max(*speed);
                }
            }
            for (acceleration, turn) in block.accelerations.iter().zip(&block.turns) {
                sums.turns.add(*turn);
                if acceleration.abs() < ACCELERATION_LIMIT {
                    sums.accelerations.add(*acceleration);
                    sums.accelerations_abs.add(acceleration.abs());
                    sums.hardest = sums.hardest.max(acceleration.abs());
                }
            }
            for jerk in block.jerks.iter().filter(|jerk| jerk.abs() < JERK_LIMIT) {
                sums.jerks.add(*jerk);
                sums.jerks_abs.add(jerk.abs());
            }
            all = sums;
        });
        all
    }
}

/// What a second look tells: the squares of the distances from the means.
#[derive(Clone, Copy, Default)]
struct Deviations {
    intervals: Sum,
    speeds: Sum,
    accelerations: Sum,
    jerks: Sum,
    turns: Sum,
}

impl Deviations {
    fn of(events: Iter<'_, Held>, block: &mut Block, sums: &Sums, middle: &mut Middle) -> Deviations {
        let mut all = Deviations::default();
        let (interval, speed, turn) = (sums.intervals.mean(), sums.speeds.mean(), sums.turns.mean());
        let (acceleration, jerk) = (sums.accelerations.mean(), sums.jerks.mean());
        block.run(events, |block| {
            let mut squares = all;
            for value in &block.intervals {
                squares.intervals.add_square(value - interval);
            }
            for value in block.speeds.iter().filter(|speed| **speed < SPEED_LIMIT) {
                squares.speeds.add_square(value - speed);
                middle.keep(*value);
            }
            for value in block.accelerations.iter().filter(|value| value.abs() < ACCELERATION_LIMIT) {
                squares.accelerations.add_square(value - acceleration);
            }
            for value in block.jerks.iter().filter(|value| value.abs() < JERK_LIMIT) {
                squares.jerks.add_square(value - jerk);
            }
            for value in &block.turns {
                squares.turns.add_square(value - turn);
            }
            all = squares;
        });
        all
    }
}

/// Some consecutive moves, and what belongs to the steps between them.
#[derive(Default)]
struct Block {
    times: Vec<i64>,
    x: Vec<f64>,
    y: Vec<f64>,
    directions: Vec<f64>,
    distances: Vec<f64>,
    /// In s, at least 1 ms.
    intervals: Vec<f64>,
    speeds: Vec<f64>,
    accelerations: Vec<f64>,
    jerks: Vec<f64>,
    turns: Vec<f64>,
}

impl Block {
    /// Hands on one block after the other. A jerk takes four moves, so the last three of a block are also the first of
    /// the next one: each value stands in one block only.
    fn run(&mut self, events: Iter<'_, Held>, mut look: impl FnMut(&Block)) {
        events.filter(|event| event.is_move()).for_each(|event| {
            self.times.push(event.ts());
            self.x.push(event.x);
            self.y.push(event.y);
            self.directions.push(event.direction);
            if self.times.len() == BLOCK + 3 {
                self.work_out();
                for list in self.lists() {
                    list.truncate(BLOCK);
                }
                look(self);
                self.forget(BLOCK);
            }
        });
        self.work_out();
        look(self);
        self.forget(self.times.len());
    }

    fn forget(&mut self, moves: usize) {
        self.times.drain(..moves);
        for list in [&mut self.x, &mut self.y, &mut self.directions] {
            list.drain(..moves);
        }
    }

    fn work_out(&mut self) {
        let ways = self.x.windows(2).zip(self.y.windows(2));
        refill(&mut self.distances, ways.map(|(x, y)| distance(x[1] - x[0], y[1] - y[0])));
        let times = self.times.windows(2).map(|two| seconds(two[1] - two[0]).max(SHORTEST_INTERVAL_S));
        refill(&mut self.intervals, times);
        refill(&mut self.speeds, self.distances.iter().zip(&self.intervals).map(|(way, time)| way / time));
        refill(&mut self.accelerations, rates_of_change(&self.speeds, &self.intervals));
        refill(&mut self.jerks, rates_of_change(&self.accelerations, &self.intervals));
        // A step's direction stands beside the move that ends it.
        let ends = self.directions.get(1..).unwrap_or_default();
        refill(&mut self.turns, ends.windows(2).map(|two| turn(two[0], two[1])));
    }

    /// What belongs to steps.
    fn lists(&mut self) -> [&mut Vec<f64>; 6] {
        let Block { distances, intervals, speeds, accelerations, jerks, turns, .. } = self;
        [distances, intervals, speeds, accelerations, jerks, turns]
    }
}

fn refill(list: &mut Vec<f64>, values: impl Iterator<Item = f64>) {
    list.clear();
    list.extend(values);
}

/// `(value[k+1] - value[k]) / interval[k]`
fn rates_of_change(values: &[f64], intervals: &[f64]) -> impl Iterator<Item = f64> {
    values.windows(2).zip(intervals).map(|(two, interval)| (two[1] - two[0]) / interval)
}

fn distance(dx: f64, dy: f64) -> f64 {
    (dx * dx + dy * dy).sqrt()
}

/// The angle between two directions, in [0, π].
fn turn(from: f64, to: f64) -> f64 {
    let turn = (to - from).abs();
    if turn > PI { 2.0 * PI - turn } else { turn }
}

#[cfg(test)]
mod tests;
