//! The features of a window of mouse events (contract, 3.2).

use std::f64::consts::PI;

use crate::event::{Action, Button, Mouse};
use crate::output::Value;
use crate::stats::{max, mean, mean_abs, median, std, sum};

const SHORTEST_INTERVAL_S: f64 = 0.001;
const LONG_INTERVAL_S: f64 = 0.1;
const SPEED_LIMIT: f64 = 10_000.0;
const ACCELERATION_LIMIT: f64 = 100_000.0;
const JERK_LIMIT: f64 = 1_000_000.0;
const LONGEST_CLICK: i64 = 5_000_000;
const DOUBLE_CLICK: i64 = 500_000;

/// The features of one window of `window` µs, in the schema's order. `events` are in order of (`ts`, arrival);
/// `dev_mode` is that of the process.
pub fn features(events: &[Mouse], window: i64, dev_mode: bool) -> Vec<Value> {
    let window = seconds(window);
    let mut values = Vec::with_capacity(39);
    values.extend(moves(events, window).map(Value::Number));
    values.extend(clicks(events, window));
    values.extend(scrolls(events, window));
    values.push(Value::Bool(dev_mode || events.iter().any(|event| event.dev_mode)));
    values
}

fn seconds(us: i64) -> f64 {
    us as f64 / 1e6
}

struct Point {
    ts: i64,
    x: f64,
    y: f64,
}

/// The way from one move to the next.
struct Step {
    distance: f64,
    /// In s, at least 1 ms.
    interval: f64,
    direction: f64,
}

impl Step {
    fn between(from: &Point, to: &Point) -> Step {
        let (dx, dy) = (to.x - from.x, to.y - from.y);
        Step {
            distance: (dx * dx + dy * dy).sqrt(),
            interval: seconds(to.ts - from.ts).max(SHORTEST_INTERVAL_S),
            direction: dy.atan2(dx),
        }
    }
}

/// `move_0` to `move_19`: all 0.0 with fewer than 3 moves.
fn moves(events: &[Mouse], window: f64) -> [f64; 20] {
    let points: Vec<Point> = events
        .iter()
        .filter_map(|event| match event.action {
            Action::Move(x, y) => Some(Point { ts: event.ts, x, y }),
            _ => None,
        })
        .collect();
    let [first, _, .., last] = points.as_slice() else {
        return [0.0; 20];
    };
    let steps: Vec<Step> = points.windows(2).map(|two| Step::between(&two[0], &two[1])).collect();
    let intervals: Vec<f64> = steps.iter().map(|step| step.interval).collect();

    let all_speeds: Vec<f64> = steps.iter().map(|step| step.distance / step.interval).collect();
    let all_accelerations = rates_of_change(&all_speeds, &intervals);
    let all_jerks = rates_of_change(&all_accelerations, &intervals);
    let speeds = below(&all_speeds, SPEED_LIMIT);
    let accelerations = below(&all_accelerations, ACCELERATION_LIMIT);
    let jerks = below(&all_jerks, JERK_LIMIT);
    let turns: Vec<f64> = steps.windows(2).map(|two| turn(two[0].direction, two[1].direction)).collect();

    let way = sum(&steps.iter().map(|step| step.distance).collect::<Vec<_>>());
    let straight = Step::between(first, last).distance;
    let straightness = straight / way.max(1.0);
    let long_intervals = intervals.iter().filter(|interval| **interval > LONG_INTERVAL_S).count();
    let count = points.len() as f64;
    [
        mean(&speeds),
        std(&speeds),
        max(&speeds),
        median(&speeds),
        mean_abs(&accelerations),
        std(&accelerations),
        max(&accelerations.iter().map(|value| value.abs()).collect::<Vec<_>>()),
        1.0 - straightness,
        mean(&turns),
        std(&turns),
        mean_abs(&jerks),
        std(&jerks),
        way,
        straight,
        way / count,
        long_intervals as f64 / intervals.len() as f64,
        mean(&intervals),
        std(&intervals),
        straightness,
        count / window,
    ]
}

/// `(value[k+1] - value[k]) / interval[k]`
fn rates_of_change(values: &[f64], intervals: &[f64]) -> Vec<f64> {
    values.windows(2).zip(intervals).map(|(two, interval)| (two[1] - two[0]) / interval).collect()
}

fn below(values: &[f64], limit: f64) -> Vec<f64> {
    values.iter().copied().filter(|value| value.abs() < limit).collect()
}

/// The angle between two directions, in [0, π].
fn turn(from: f64, to: f64) -> f64 {
    let turn = (to - from).abs();
    if turn > PI { 2.0 * PI - turn } else { turn }
}

/// `click_0` to `click_9`, of the three buttons that count.
fn clicks(events: &[Mouse], window: f64) -> [Value; 10] {
    let mut presses: Vec<i64> = Vec::new();
    let mut presses_of = [0u64; 3];
    let mut down_since = [None; 3];
    let mut durations: Vec<f64> = Vec::new();
    for event in events {
        match event.action {
            Action::Press(button) => {
                let Some(button) = index(button) else { continue };
                presses.push(event.ts);
                presses_of[button] += 1;
                down_since[button] = Some(event.ts);
            }
            Action::Release(button) => {
                let Some(since) = index(button).and_then(|button| down_since[button].take()) else {
                    continue;
                };
                let held = event.ts - since;
                if 0 < held && held < LONGEST_CLICK {
                    durations.push(held as f64 / 1000.0);
                }
            }
            Action::Move(..) | Action::Scroll(_) => {}
        }
    }
    let double = presses.windows(2).filter(|two| two[1] - two[0] < DOUBLE_CLICK).count();
    let [left, right, middle] = presses_of;
    let any = presses.len().max(1) as f64;
    [
        Value::Number(mean(&durations)),
        Value::Number(std(&durations)),
        Value::Count(left),
        Value::Count(right),
        Value::Count(middle),
        Value::Number(left as f64 / any),
        Value::Count(double as u64),
        Value::Number(double as f64 / any),
        Value::Number(presses.len() as f64 / window),
        Value::Number(median(&durations)),
    ]
}

fn index(button: Button) -> Option<usize> {
    match button {
        Button::Left => Some(0),
        Button::Right => Some(1),
        Button::Middle => Some(2),
        Button::Other => None,
    }
}

/// `scroll_0` to `scroll_7`.
fn scrolls(events: &[Mouse], window: f64) -> [Value; 8] {
    let scrolls: Vec<(i64, Option<f64>)> = events
        .iter()
        .filter_map(|event| match event.action {
            Action::Scroll(delta) => Some((event.ts, delta)),
            _ => None,
        })
        .collect();
    let deltas: Vec<f64> = scrolls.iter().filter_map(|(_, delta)| *delta).collect();
    let gaps: Vec<f64> = scrolls.windows(2).map(|two| seconds(two[1].0 - two[0].0)).collect();
    let up = deltas.iter().filter(|delta| **delta > 0.0).count();
    let down = deltas.iter().filter(|delta| **delta < 0.0).count();
    [
        Value::Number(mean_abs(&deltas)),
        Value::Number(std(&deltas)),
        Value::Count(up as u64),
        Value::Count(down as u64),
        Value::Number(up as f64 / deltas.len().max(1) as f64),
        Value::Number(scrolls.len() as f64 / window),
        Value::Number(mean(&gaps)),
        Value::Number(std(&gaps)),
    ]
}
