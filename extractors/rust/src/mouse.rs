//! The features of a window of mouse events (contract, 3.2).

mod moves;
mod steps;

use std::collections::VecDeque;

use self::steps::Step;
use crate::buffer::Timed;
use crate::core::Settings;
use crate::event::{Action, Button, Event};
use crate::features;
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
        let (clicks, scrolls) = (Clicks::of(&others), Scrolls::of(&others));
        features::Mouse {
            move_0: moves.speed_mean,
            move_1: moves.speed_std,
            move_2: moves.speed_max,
            move_3: moves.speed_median,
            move_4: moves.acceleration_mean_abs,
            move_5: moves.acceleration_std,
            move_6: moves.acceleration_max_abs,
            move_7: moves.curvature,
            move_8: moves.turn_mean,
            move_9: moves.turn_std,
            move_10: moves.jerk_mean_abs,
            move_11: moves.jerk_std,
            move_12: moves.way,
            move_13: moves.straight,
            move_14: moves.way_of_a_move,
            move_15: moves.share_of_long_intervals,
            move_16: moves.interval_mean,
            move_17: moves.interval_std,
            move_18: moves.straightness,
            move_19: moves.rate,
            click_0: mean(&clicks.held),
            click_1: std(&clicks.held),
            click_2: clicks.presses_of[LEFT],
            click_3: clicks.presses_of[RIGHT],
            click_4: clicks.presses_of[MIDDLE],
            click_5: clicks.share(clicks.presses_of[LEFT]),
            click_6: clicks.double(),
            click_7: clicks.share(clicks.double()),
            click_8: clicks.presses.len() as f64 / window,
            click_9: median(&clicks.held),
            scroll_0: mean_abs(&scrolls.deltas),
            scroll_1: std(&scrolls.deltas),
            scroll_2: scrolls.count(|delta| delta > 0.0),
            scroll_3: scrolls.count(|delta| delta < 0.0),
            scroll_4: scrolls.count(|delta| delta > 0.0) as f64 / scrolls.deltas.len().max(1) as f64,
            scroll_5: scrolls.all as f64 / window,
            scroll_6: mean(&scrolls.between),
            scroll_7: std(&scrolls.between),
            dev_mode,
        }
        .values()
    }
}

fn seconds(us: i64) -> f64 {
    us as f64 / 1e6
}

/// The buttons that count, by their places in lists.
const LEFT: usize = 0;
const RIGHT: usize = 1;
const MIDDLE: usize = 2;

/// What the buttons did.
#[derive(Default)]
struct Clicks {
    /// When one was pressed.
    presses: Vec<i64>,
    presses_of: [u64; 3],
    /// How long, in ms.
    held: Vec<f64>,
}

impl Clicks {
    fn of(events: &[Held]) -> Clicks {
        let mut clicks = Clicks::default();
        let mut down_since = [None; 3];
        for event in events {
            match event.what() {
                What::Press(button) => {
                    let Some(button) = index(button) else { continue };
                    clicks.presses.push(event.ts());
                    clicks.presses_of[button] += 1;
                    down_since[button] = Some(event.ts());
                }
                What::Release(button) => {
                    let Some(since) = index(button).and_then(|button| down_since[button].take()) else {
                        continue;
                    };
                    let held = event.ts() - since;
                    if 0 < held && held < LONGEST_CLICK {
                        clicks.held.push(held as f64 / 1000.0);
                    }
                }
                _ => {}
            }
        }
        clicks
    }

    /// Presses soon after the one before.
    fn double(&self) -> u64 {
        self.presses.windows(2).filter(|two| two[1] - two[0] < DOUBLE_CLICK).count() as u64
    }

    /// So many, as a share of all presses.
    fn share(&self, presses: u64) -> f64 {
        presses as f64 / self.presses.len().max(1) as f64
    }
}

fn index(button: Button) -> Option<usize> {
    match button {
        Button::Left => Some(LEFT),
        Button::Right => Some(RIGHT),
        Button::Middle => Some(MIDDLE),
        Button::Other => None,
    }
}

/// What the wheel did.
struct Scrolls {
    all: usize,
    /// Of the scrolls that say how far.
    deltas: Vec<f64>,
    /// From one scroll to the next, in s.
    between: Vec<f64>,
}

impl Scrolls {
    fn of(events: &[Held]) -> Scrolls {
        let is_scroll = |event: &&Held| matches!(event.what(), What::Scroll | What::ScrollBy);
        let times: Vec<i64> = events.iter().filter(is_scroll).map(Timed::ts).collect();
        let by = events.iter().filter(|event| event.what() == What::ScrollBy);
        Scrolls {
            all: times.len(),
            deltas: by.map(|event| event.x).collect(),
            between: times.windows(2).map(|two| seconds(two[1] - two[0])).collect(),
        }
    }

    fn count(&self, is_counted: impl Fn(f64) -> bool) -> u64 {
        self.deltas.iter().filter(|delta| is_counted(**delta)).count() as u64
    }
}
