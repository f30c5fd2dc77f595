//! What belongs to the step between two consecutive moves: worked out once, since it is the same in every window that
//! holds the moves it is made of.

use std::f64::consts::PI;

use super::{Held, seconds};
use crate::buffer::Timed;

const SHORTEST_INTERVAL_S: f64 = 0.001;

/// The step that ends in a move. In a window, its first move has no step, `turn` and `acceleration` take three moves, and
/// `jerk` takes four.
#[derive(Clone, Copy, Debug, Default)]
pub struct Step {
    /// In px.
    pub distance: f64,
    /// In s, at least 1 ms.
    pub interval: f64,
    /// In px/s.
    pub speed: f64,
    /// In rad.
    direction: f64,
    /// The angle to the direction of the step before, in [0, π].
    pub turn: f64,
    /// From the speed of the step before, in px/s².
    pub acceleration: f64,
    /// From the acceleration of the step before, in px/s³.
    pub jerk: f64,
}

impl Step {
    /// So many steps change with a new move: the one that ends in it and, where it is not the last, those behind it that
    /// are made of it.
    pub const CHANGED: usize = 4;

    /// The step from `last` to `to`; `before` is the move before `last`. What takes moves that are not there is of no
    /// meaning: no window will ask for it.
    pub fn between(before: Option<&Held>, last: &Held, to: &Held) -> Step {
        let (dx, dy) = (to.x - last.x, to.y - last.y);
        let distance = distance(dx, dy);
        let interval = seconds(to.ts() - last.ts()).max(SHORTEST_INTERVAL_S);
        let speed = distance / interval;
        let direction = dy.atan2(dx);
        let acceleration = (speed - last.step.speed) / last.step.interval;
        // Each rate of change is by the interval in which its first value lies.
        let jerk =
            before.map_or(0.0, |before| (acceleration - last.step.acceleration) / before.step.interval);
        Step {
            distance,
            interval,
            speed,
            direction,
            turn: turn(last.step.direction, direction),
            acceleration,
            jerk,
        }
    }
}

/// From (0, 0) to there.
pub fn distance(dx: f64, dy: f64) -> f64 {
    (dx * dx + dy * dy).sqrt()
}

/// The angle between two directions, in [0, π].
pub fn turn(from: f64, to: f64) -> f64 {
    let turn = (to - from).abs();
    if turn > PI { 2.0 * PI - turn } else { turn }
}
