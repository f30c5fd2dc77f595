//! The features of a window of mouse events (contract, 3.2).

mod moves;
mod steps;

use std::collections::VecDeque;

use self::steps::Step;
use crate::buffer::Timed;
use crate::core::Settings;
use crate::event::{Action, Button, Event};
use crate::output::Value;
use crate::stats::{mean, mean_abs, median, std};
use crate::windowing::Features;

const LONGEST_CLICK: i64 = 5_000_000;
const DOUBLE_CLICK: i64 = 500_000;

/// A mouse event as windows hold it, in 80 bytes: a window may hold 50 000.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    /// When it happened, in µs; in the lowest five bits, which that leaves free, its mode and what it was.
    stamp: i64,
    /// Of a move, in px. Of a scroll that says how far, x is that.
    x: f64,
    y: f64,
    /// Of a move that is not the first: the step that ends in it.
    step: Step,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Move,
    Press(Button),
    Release(Button),
    Scroll,
    ScrollBy,
}

/// By their numbers in a stamp.
const WHATS: [What; 11] = [
    What::Move,
    What::Press(Button::Left),
    What::Press(Button::Right),
    What::Press(Button::Middle),
    What::Press(Button::Other),
    What::Release(Button::Left),
    What::Release(Button::Right),
    What::Release(Button::Middle),
    What::Release(Button::Other),
    What::Scroll,
    What::ScrollBy,
];

impl Timed for Held {
    fn ts(&self) -> i64 {
        self.stamp >> 5
    }
}

impl Held {
    fn new(ts: i64, dev_mode: bool, what: What, x: f64, y: f64) -> Held {
        let number = WHATS.iter().take_while(|other| **other != what).count() as i64;
        Held { stamp: ts << 5 | i64::from(dev_mode) << 4 | number, x, y, step: Step::default() }
    }

    fn dev_mode(&self) -> bool {
        self.stamp >> 4 & 1 == 1
    }

    fn is_move(&self) -> bool {
        self.stamp & 15 == 0
    }

    fn what(&self) -> What {
        WHATS[(self.stamp & 15) as usize]
    }
}

/// The features of windows of mouse events.
#[derive(Debug, Default)]
pub struct Pointing;

impl Features for Pointing {
    type Held = Held;

    fn hold(&mut self, event: Event<'_>) -> Option<Held> {
        let Event::Mouse(event) = event else { return None };
        let (what, x, y) = match event.action {
            Action::Move(x, y) => (What::Move, x, y),
            Action::Press(button) => (What::Press(button), 0.0, 0.0),
            Action::Release(button) => (What::Release(button), 0.0, 0.0),
            Action::Scroll(None) => (What::Scroll, 0.0, 0.0),
            Action::Scroll(Some(delta)) => (What::ScrollBy, delta, 0.0),
        };
        Some(Held::new(event.ts, event.dev_mode, what, x, y))
    }

    /// A move ends one step and begins another.
    fn placed(&mut self, events: &mut VecDeque<Held>, place: usize) {
        if !events[place].is_move() {
            return;
        }
        let mut earlier = events.range(..place).rev().filter(|event| event.is_move()).copied();
        let (mut last, mut before) = (earlier.next(), earlier.next());
        let later = events.range_mut(place..).filter(|event| event.is_move());
        for to in later.take(Step::CHANGED) {
            to.step = last.map_or(Step::default(), |last| Step::between(before.as_ref(), &last, to));
            (before, last) = (last, Some(*to));
        }
    }

    fn of(&mut self, events: &mut VecDeque<Held>, count: usize, settings: &Settings) -> Vec<Value> {
        let window = seconds(settings.windows.window);
        let (first, second) = events.as_slices();
        let (first, second) =
            (&first[..count.min(first.len())], &second[..count.saturating_sub(first.len())]);
        let (mut others, mut dev_mode) = (Vec::new(), settings.dev_mode);
        let moves = moves::features([first, second], window, |event| {
            dev_mode |= event.dev_mode();
            if !event.is_move() {
                others.push(*event);
            }
        });
        let mut values = Vec::with_capacity(39);
        values.extend(moves.map(Value::Number));
        values.extend(clicks(&others, window));
        values.extend(scrolls(&others, window));
        values.push(Value::Bool(dev_mode));
        values
    }
}

fn seconds(us: i64) -> f64 {
    us as f64 / 1e6
}

/// `click_0` to `click_9`, of the three buttons that count.
fn clicks(events: &[Held], window: f64) -> [Value; 10] {
    let mut presses: Vec<i64> = Vec::new();
    let mut presses_of = [0u64; 3];
    let mut down_since = [None; 3];
    let mut durations: Vec<f64> = Vec::new();
    for event in events {
        match event.what() {
            What::Press(button) => {
                let Some(button) = index(button) else { continue };
                presses.push(event.ts());
                presses_of[button] += 1;
                down_since[button] = Some(event.ts());
            }
            What::Release(button) => {
                let Some(since) = index(button).and_then(|button| down_since[button].take()) else {
                    continue;
                };
                let held = event.ts() - since;
                if 0 < held && held < LONGEST_CLICK {
                    durations.push(held as f64 / 1000.0);
                }
            }
            _ => {}
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
fn scrolls(events: &[Held], window: f64) -> [Value; 8] {
    let is_scroll = |event: &&Held| matches!(event.what(), What::Scroll | What::ScrollBy);
    let times: Vec<i64> = events.iter().filter(is_scroll).map(Timed::ts).collect();
    let deltas: Vec<f64> =
        events.iter().filter(|event| event.what() == What::ScrollBy).map(|event| event.x).collect();
    let gaps: Vec<f64> = times.windows(2).map(|two| seconds(two[1] - two[0])).collect();
    let up = deltas.iter().filter(|delta| **delta > 0.0).count();
    let down = deltas.iter().filter(|delta| **delta < 0.0).count();
    [
        Value::Number(mean_abs(&deltas)),
        Value::Number(std(&deltas)),
        Value::Count(up as u64),
        Value::Count(down as u64),
        Value::Number(up as f64 / deltas.len().max(1) as f64),
        Value::Number(times.len() as f64 / window),
        Value::Number(mean(&gaps)),
        Value::Number(std(&gaps)),
    ]
}
