//! `move_0` to `move_19`: speed, acceleration, jerk and direction along the moves of a window.
//!
//! What belongs to a step is known before a window closes. Two looks at all steps are left: for the means, and then for
//! the deviations. Sums run over the window from left to right.

use std::collections::vec_deque::Iter;

use super::Held;
use super::steps::{Step, distance};
use crate::stats::{Middle, Sum};

const LONG_INTERVAL_S: f64 = 0.1;
const SPEED_LIMIT: f64 = 10_000.0;
const ACCELERATION_LIMIT: f64 = 100_000.0;
const JERK_LIMIT: f64 = 1_000_000.0;

/// All 0.0 with fewer than 3 moves. `window` is in s. Every event, be it a move or not, is handed on once: the events of
/// a full window are more than a processor keeps at hand, so who wants to see them need not fetch them again.
pub fn features(events: Iter<'_, Held>, window: f64, on_event: impl FnMut(&Held)) -> [f64; 20] {
    let mut middle = Middle::new();
    let sums = Sums::of(events.clone(), &mut middle, on_event);
    let mut moves = events.clone().filter(|event| event.is_move());
    let (Some(first), Some(last)) = (moves.next(), moves.next_back()) else {
        return [0.0; 20];
    };
    if sums.turns.count == 0 {
        return [0.0; 20];
    }
    let deviations = Deviations::of(events, &sums, &mut middle);
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
    fn of(events: Iter<'_, Held>, middle: &mut Middle, mut on_event: impl FnMut(&Held)) -> Sums {
        let mut sums = Sums::default();
        look(events.inspect(|event| on_event(event)), |step, moves| {
            sums.way += step.distance;
            sums.intervals.add(step.interval);
            sums.long_intervals += usize::from(step.interval > LONG_INTERVAL_S);
            if step.speed < SPEED_LIMIT {
                sums.speeds.add(step.speed);
                middle.count(step.speed);
                sums.fastest = sums.fastest.max(step.speed);
            }
            if moves < 3 {
                return;
            }
            sums.turns.add(step.turn);
            if step.acceleration.abs() < ACCELERATION_LIMIT {
                sums.accelerations.add(step.acceleration);
                sums.accelerations_abs.add(step.acceleration.abs());
                sums.hardest = sums.hardest.max(step.acceleration.abs());
            }
            if moves > 3 && step.jerk.abs() < JERK_LIMIT {
                sums.jerks.add(step.jerk);
                sums.jerks_abs.add(step.jerk.abs());
            }
        });
        sums
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
    fn of(events: Iter<'_, Held>, sums: &Sums, middle: &mut Middle) -> Deviations {
        let mut squares = Deviations::default();
        let (interval, speed, turn) = (sums.intervals.mean(), sums.speeds.mean(), sums.turns.mean());
        let (acceleration, jerk) = (sums.accelerations.mean(), sums.jerks.mean());
        look(events, |step, moves| {
            squares.intervals.add_square(step.interval - interval);
            if step.speed < SPEED_LIMIT {
                squares.speeds.add_square(step.speed - speed);
                middle.keep(step.speed);
            }
            if moves < 3 {
                return;
            }
            squares.turns.add_square(step.turn - turn);
            if step.acceleration.abs() < ACCELERATION_LIMIT {
                squares.accelerations.add_square(step.acceleration - acceleration);
            }
            if moves > 3 && step.jerk.abs() < JERK_LIMIT {
                squares.jerks.add_square(step.jerk - jerk);
            }
        });
        squares
    }
}

/// Hands on the step that ends in each move but the first, and how many moves there are up to that one.
#[inline]
fn look<'a>(events: impl Iterator<Item = &'a Held>, mut on_step: impl FnMut(&Step, usize)) {
    let mut moves = 0;
    // A loop, since what it adds up then stays in registers.
    for event in events.filter(|event| event.is_move()) {
        moves += 1;
        if moves > 1 {
            on_step(&event.step, moves);
        }
    }
}

#[cfg(test)]
mod tests;
