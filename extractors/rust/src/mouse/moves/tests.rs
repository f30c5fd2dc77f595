use std::collections::VecDeque;

use super::*;
use crate::buffer::Timed;
use crate::event::{Action, Button, Event, Mouse};
use crate::mouse::Pointing;
use crate::mouse::steps::turn;
use crate::stats::{mean, mean_abs, median, std};
use crate::windowing::Features;

/// When, x and y.
type Point = (i64, f64, f64);

/// Moves that turn and stop, with a click here and there.
fn events(count: usize) -> Vec<Mouse> {
    let mut events = Vec::new();
    let mut ts = 1_000_000;
    for n in 0..count {
        ts += [900, 1_300, 400, 150_000, 2_000][n % 5];
        let (x, y) = ((n * n % 97) as f64, (n * 7 % 31) as f64 / 3.0);
        let dev_mode = false;
        events.push(Mouse { ts, dev_mode, action: Action::Move(x, y) });
        if n % 40 == 7 {
            events.push(Mouse { ts, dev_mode, action: Action::Press(Button::Left) });
        }
    }
    events
}

fn held(events: impl IntoIterator<Item = Mouse>) -> VecDeque<Held> {
    let mut held: VecDeque<Held> = VecDeque::new();
    for event in events {
        let event = Pointing.hold(Event::Mouse(event)).unwrap();
        let place = held.partition_point(|other| other.ts() <= event.ts());
        held.insert(place, event);
        Pointing.placed(&mut held, place);
    }
    held
}

/// `(value[k+1] - value[k]) / interval[k]`
fn rates_of_change(values: &[f64], intervals: &[f64]) -> Vec<f64> {
    values.windows(2).zip(intervals).map(|(two, interval)| (two[1] - two[0]) / interval).collect()
}

/// The contract's definitions, word for word.
fn expected(events: &[Mouse], window: f64) -> [f64; 20] {
    let points: Vec<Point> = events
        .iter()
        .filter_map(|event| if let Action::Move(x, y) = event.action { Some((event.ts, x, y)) } else { None })
        .collect();
    if points.len() < 3 {
        return [0.0; 20];
    }
    let of_steps = |value: &dyn Fn(&Point, &Point) -> f64| -> Vec<f64> {
        points.windows(2).map(|two| value(&two[0], &two[1])).collect()
    };
    let below = |list: &[f64], limit: f64| -> Vec<f64> {
        list.iter().copied().filter(|value| value.abs() < limit).collect()
    };
    let distances = of_steps(&|a, b| distance(b.1 - a.1, b.2 - a.2));
    let intervals = of_steps(&|a, b| ((b.0 - a.0) as f64 / 1e6).max(0.001));
    let directions = of_steps(&|a, b| (b.2 - a.2).atan2(b.1 - a.1));
    let all_v: Vec<f64> = distances.iter().zip(&intervals).map(|(way, time)| way / time).collect();
    let all_a = rates_of_change(&all_v, &intervals);
    let all_j = rates_of_change(&all_a, &intervals);
    let (v, a, j) = (below(&all_v, 1e4), below(&all_a, 1e5), below(&all_j, 1e6));
    let turns: Vec<f64> = directions.windows(2).map(|two| turn(two[0], two[1])).collect();
    let (first, last) = (points[0], points[points.len() - 1]);
    let way = distances.iter().fold(0.0, |way, distance| way + distance);
    let straight = distance(last.1 - first.1, last.2 - first.2);
    let absolute: Vec<f64> = a.iter().map(|value| value.abs()).collect();
    let long = intervals.iter().filter(|interval| **interval > 0.1).count() as f64;
    let n = points.len() as f64;
    [
        mean(&v),
        std(&v),
        largest(&v),
        median(&v),
        mean_abs(&a),
        std(&a),
        largest(&absolute),
        1.0 - straight / way.max(1.0),
        mean(&turns),
        std(&turns),
        mean_abs(&j),
        std(&j),
        way,
        straight,
        way / n,
        long / intervals.len() as f64,
        mean(&intervals),
        std(&intervals),
        straight / way.max(1.0),
        n / window,
    ]
}

impl Moves {
    /// As `move_0` to `move_19`.
    fn map<T>(self, f: impl Fn(f64) -> T) -> [T; 20] {
        [
            self.speed_mean,
            self.speed_std,
            self.speed_max,
            self.speed_median,
            self.acceleration_mean_abs,
            self.acceleration_std,
            self.acceleration_max_abs,
            self.curvature,
            self.turn_mean,
            self.turn_std,
            self.jerk_mean_abs,
            self.jerk_std,
            self.way,
            self.straight,
            self.way_of_a_move,
            self.share_of_long_intervals,
            self.interval_mean,
            self.interval_std,
            self.straightness,
            self.rate,
        ]
        .map(f)
    }
}

#[test]
fn windows_of_any_length_are_what_the_contract_defines_to_the_bit() {
    for count in (0..8).chain([100]) {
        let events = events(count);
        let features = features(held(events.clone()).as_slices().into(), 30.0, |_| ());
        assert_eq!(features.map(f64::to_bits), expected(&events, 30.0).map(f64::to_bits), "{count} moves");
    }
}

#[test]
fn a_window_that_begins_between_moves_knows_nothing_of_those_before_it() {
    let events = events(60);
    let mut held = held(events.clone());
    for start in 0..events.len() {
        let expected = expected(&events[start..], 30.0).map(f64::to_bits);
        assert_eq!(
            features(held.as_slices().into(), 30.0, |_| ()).map(f64::to_bits),
            expected,
            "from {start} on"
        );
        held.pop_front();
    }
}

#[test]
fn moves_that_come_out_of_order_are_worth_what_those_in_order_are() {
    let in_order = events(60);
    let mut shuffled = in_order.clone();
    for start in (0..50).step_by(7) {
        shuffled[start..start + 6].reverse();
    }
    // Of the same time, the order of arrival counts: only moves of different times are compared.
    let moves = |events: Vec<Mouse>| {
        held(events.into_iter().filter(|event| matches!(event.action, Action::Move(..))))
    };
    let features = |held: VecDeque<Held>| features(held.as_slices().into(), 30.0, |_| ()).map(f64::to_bits);
    assert_eq!(features(moves(shuffled)), features(moves(in_order)));
}

fn largest(list: &[f64]) -> f64 {
    list.iter().copied().fold(0.0, f64::max)
}
