//! Speed, acceleration, jerk and direction along the moves of a window.
//!
//! What belongs to a step is known before a window closes. Two looks at all steps are left: for the means, and then for
//! the deviations. Sums run over the window from left to right.

use super::Held;
use super::steps::{Step, distance};
use crate::stats::{AboutMiddle, Middle, Sum};

const LONG_INTERVAL_S: f64 = 0.1;
const SPEED_LIMIT: f64 = 10_000.0;
const ACCELERATION_LIMIT: f64 = 100_000.0;
const JERK_LIMIT: f64 = 1_000_000.0;

/// The events of a window in order: those of the first list, then those of the second.
pub type Events<'a> = [&'a [Held]; 2];

/// What the moves of a window say. Speeds are in px/s, accelerations in px/s², jerks in px/s³, turns in rad.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moves {
    pub speed_mean: f64,
    pub speed_std: f64,
    pub speed_max: f64,
    pub speed_median: f64,
    pub acceleration_mean_abs: f64,
    pub acceleration_std: f64,
    pub acceleration_max_abs: f64,
    pub turn_mean: f64,
    pub turn_std: f64,
    pub jerk_mean_abs: f64,
    pub jerk_std: f64,
    /// The way travelled, px.
    pub way: f64,
    /// From the first move to the last, px.
    pub straight: f64,
    pub way_of_a_move: f64,
    pub share_of_long_intervals: f64,
    /// Between moves, s.
    pub interval_mean: f64,
    pub interval_std: f64,
    /// The straight way over the way travelled.
    pub straightness: f64,
    pub curvature: f64,
    /// Moves a second.
    pub rate: f64,
}

/// All 0.0 with fewer than 3 moves. `window` is in s. Every event, a move or not, is handed on once, so that who wants
/// to see them need not go through them again.
pub fn features(events: Events<'_>, window: f64, on_event: impl FnMut(&Held)) -> Moves {
    let mut middle = Middle::new();
    let sums = Sums::of(events, &mut middle, on_event);
    let mut moves = events.into_iter().flatten().filter(|event| event.is_move());
    let (Some(first), Some(last)) = (moves.next(), moves.next_back()) else {
        return Moves::default();
    };
    if sums.steps < 2 {
        return Moves::default();
    }
    let means = sums.means();
    let mut middle = middle.about();
    let squares = Squares::of(events, &means, &mut middle);
    let deviation = |squares: f64, count: usize| mean(squares, count).sqrt();
    let straight = distance(last.x - first.x, last.y - first.y);
    let straightness = straight / sums.way.max(1.0);
    let (moves, steps, turns) = (sums.steps + 1, sums.steps, sums.steps - 1);
    Moves {
        speed_mean: means.speed,
        speed_std: deviation(squares.speeds, sums.speeds.count),
        speed_max: sums.fastest,
        speed_median: middle.median(),
        acceleration_mean_abs: mean(sums.accelerations_abs, sums.accelerations.count),
        acceleration_std: deviation(squares.accelerations, sums.accelerations.count),
        acceleration_max_abs: sums.hardest,
        turn_mean: means.turn,
        turn_std: deviation(squares.turns, turns),
        jerk_mean_abs: mean(sums.jerks_abs, sums.jerks.count),
        jerk_std: deviation(squares.jerks, sums.jerks.count),
        way: sums.way,
        straight,
        way_of_a_move: sums.way / moves as f64,
        share_of_long_intervals: sums.long_intervals as f64 / steps as f64,
        interval_mean: means.interval,
        interval_std: deviation(squares.intervals, steps),
        straightness,
        curvature: 1.0 - straightness,
        rate: moves as f64 / window,
    }
}

/// The mean of so many values; 0.0 of none.
fn mean(total: f64, count: usize) -> f64 {
    Sum { total, count }.mean()
}

/// What one look at all steps tells.
#[derive(Default)]
struct Sums {
    steps: usize,
    way: f64,
    intervals: f64,
    long_intervals: usize,
    speeds: Sum,
    fastest: f64,
    accelerations: Sum,
    accelerations_abs: f64,
    hardest: f64,
    jerks: Sum,
    jerks_abs: f64,
    turns: f64,
}

/// Of all that is kept.
struct Means {
    interval: f64,
    speed: f64,
    acceleration: f64,
    jerk: f64,
    turn: f64,
}

impl Sums {
    fn of(events: Events<'_>, middle: &mut Middle, on_event: impl FnMut(&Held)) -> Sums {
        let mut sums = Sums::default();
        look(events, on_event, |step, made_of| {
            sums.steps += 1;
            sums.way += step.distance;
            sums.intervals += step.interval;
            sums.long_intervals += usize::from(step.interval > LONG_INTERVAL_S);
            if step.speed < SPEED_LIMIT {
                sums.speeds.add(step.speed);
                middle.count(step.speed);
                sums.fastest = larger(sums.fastest, step.speed);
            }
            if made_of < 3 {
                return;
            }
            sums.turns += step.turn;
            if step.acceleration.abs() < ACCELERATION_LIMIT {
                sums.accelerations.add(step.acceleration);
                sums.accelerations_abs += step.acceleration.abs();
                sums.hardest = larger(sums.hardest, step.acceleration.abs());
            }
            if made_of > 3 && step.jerk.abs() < JERK_LIMIT {
                sums.jerks.add(step.jerk);
                sums.jerks_abs += step.jerk.abs();
            }
        });
        sums
    }

    fn means(&self) -> Means {
        Means {
            interval: mean(self.intervals, self.steps),
            speed: self.speeds.mean(),
            acceleration: self.accelerations.mean(),
            jerk: self.jerks.mean(),
            turn: mean(self.turns, self.steps - 1),
        }
    }
}

/// What a second look tells: the squares of the distances from the means, added up.
#[derive(Default)]
struct Squares {
    intervals: f64,
    speeds: f64,
    accelerations: f64,
    jerks: f64,
    turns: f64,
}

impl Squares {
    fn of(events: Events<'_>, means: &Means, middle: &mut AboutMiddle) -> Squares {
        let mut squares = Squares::default();
        let square = |value: f64| value * value;
        look(
            events,
            |_| {},
            |step, made_of| {
                squares.intervals += square(step.interval - means.interval);
                if step.speed < SPEED_LIMIT {
                    squares.speeds += square(step.speed - means.speed);
                    middle.keep(step.speed);
                }
                if made_of < 3 {
                    return;
                }
                squares.turns += square(step.turn - means.turn);
                if step.acceleration.abs() < ACCELERATION_LIMIT {
                    squares.accelerations += square(step.acceleration - means.acceleration);
                }
                if made_of > 3 && step.jerk.abs() < JERK_LIMIT {
                    squares.jerks += square(step.jerk - means.jerk);
                }
            },
        );
        squares
    }
}

/// One instruction, where `f64::max` asks for NaN as well.
fn larger(a: f64, b: f64) -> f64 {
    if b > a { b } else { a }
}

/// Hands on every event, and then, if it is a move and not the first, the step that ends in it and of how many moves of the
/// window that is made: 2, 3, or 4.
#[inline(always)]
fn look(events: Events<'_>, mut on_event: impl FnMut(&Held), mut on_step: impl FnMut(&Step, usize)) {
    let mut moves = 0;
    for list in events {
        let mut list = list.iter();
        // Up to the fourth move; behind it the compiler knows that a step is made of four, and asks no more.
        while moves < 4
            && let Some(event) = list.next()
        {
            on_event(event);
            moves += usize::from(event.is_move());
            if event.is_move() && moves > 1 {
                on_step(&event.step, moves);
            }
        }
        for event in list {
            on_event(event);
            if event.is_move() {
                on_step(&event.step, 4);
            }
        }
    }
}

#[cfg(test)]
mod tests;
