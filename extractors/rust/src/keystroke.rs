//! The features of a window of keystrokes (contract, 3.1).

mod digraphs;
mod keys;

use std::collections::VecDeque;
use std::collections::vec_deque::Iter;

use self::digraphs::Digraphs;
use self::keys::Keys;
use crate::buffer::Timed;
use crate::closer::Features;
use crate::core::Settings;
use crate::event::Event;
use crate::output::Value;
use crate::stats::{Sum, Summary, mean, median, std_around};

const MS: i64 = 1000;
/// A press of a key that is down is auto-repeat when it comes sooner than this after the last one.
const AUTO_REPEAT: i64 = 1000 * MS;
const LONGEST_DWELL: i64 = 1000 * MS;
const LONGEST_FLIGHT: i64 = 2000 * MS;
const LONGEST_DIGRAPH: i64 = 2000 * MS;
const LONGEST_GAP: i64 = 5000 * MS;

/// A keystroke as windows hold it.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    ts: i64,
    /// The key's number among the [`Keys`].
    key: u32,
    press: bool,
    dev_mode: bool,
}

impl Timed for Held {
    fn ts(&self) -> i64 {
        self.ts
    }
}

/// The features of windows of keystrokes. All times are in ms.
#[derive(Default)]
pub struct Typing {
    keys: Keys,
}

impl Features for Typing {
    type Held = Held;

    fn hold(&mut self, event: Event<'_>) -> Option<Held> {
        let Event::Keystroke(event) = event else { return None };
        let key = self.keys.number(&event.key);
        Some(Held { ts: event.ts, key, press: event.press, dev_mode: event.dev_mode })
    }

    fn placed(&mut self, events: &mut VecDeque<Held>, _place: usize) {
        self.keys.forget_unused(events);
    }

    fn of(&self, events: Iter<'_, Held>, settings: &Settings) -> Vec<Value> {
        let typed = Typed::of(events, &self.keys);
        let mut values = Vec::with_capacity(52);
        values.extend(Summary::of(&typed.dwells).values().map(Value::Number));
        values.extend(Summary::of(&typed.flights).values().map(Value::Number));
        values.extend(typed.digraphs.means().map(Value::Number));
        values.extend(corrections(typed.presses, typed.deleting));
        values.extend(rhythm(&typed.gaps).map(Value::Number));
        values.push(Value::Count(typed.dwells.len() as u64));
        values.push(Value::Count(typed.flights.len() as u64));
        values.push(Value::Count(typed.presses as u64));
        values.push(Value::Bool(settings.dev_mode || typed.dev_mode));
        values
    }
}

/// What was typed: presses without auto-repeat, and how long keys and pauses took.
struct Typed {
    presses: usize,
    /// How many of the presses delete.
    deleting: usize,
    dwells: Vec<f64>,
    flights: Vec<f64>,
    /// From each press to the next.
    gaps: Vec<f64>,
    digraphs: Digraphs,
    dev_mode: bool,
    last_release: i64,
    last_press: i64,
    last_key: u32,
    /// By the key's number.
    downs: Vec<Down>,
}

/// Longer ago than anything that counts, and far enough from the smallest number to reckon with.
const NEVER: i64 = i64::MIN / 2;

/// Since when a key is down, and when it was last pressed or repeated.
#[derive(Clone, Copy)]
struct Down {
    pressed: i64,
    last: i64,
}

const UP: Down = Down { pressed: NEVER, last: NEVER };

impl Typed {
    /// One walk over the events.
    fn of(events: Iter<'_, Held>, keys: &Keys) -> Typed {
        let list = || Vec::with_capacity(events.len());
        let mut typed = Typed {
            presses: 0,
            deleting: 0,
            dwells: list(),
            flights: list(),
            gaps: list(),
            digraphs: Digraphs::of_gaps(events.len()),
            dev_mode: false,
            last_release: NEVER,
            last_press: NEVER,
            last_key: 0,
            downs: vec![UP; keys.len()],
        };
        events.for_each(|event| typed.take(event, keys));
        typed
    }

    fn take(&mut self, event: &Held, keys: &Keys) {
        let Held { ts, key, press, dev_mode } = *event;
        self.dev_mode |= dev_mode;
        let down = &mut self.downs[key as usize];
        if !press {
            if let Some(dwell) = ms_within(ts - down.pressed, LONGEST_DWELL) {
                self.dwells.push(dwell);
            }
            *down = UP;
            self.last_release = ts;
            return;
        }
        let is_repeat = ts - down.last < AUTO_REPEAT;
        down.last = ts;
        if is_repeat {
            return;
        }
        down.pressed = ts;
        self.presses += 1;
        self.deleting += usize::from(keys.is_deleting(key));
        if let Some(flight) = ms_within(ts - self.last_release, LONGEST_FLIGHT) {
            self.flights.push(flight);
        }
        let since_press = ts - self.last_press;
        if let Some(gap) = ms_within(since_press, LONGEST_GAP) {
            self.gaps.push(gap);
            if since_press < LONGEST_DIGRAPH {
                self.digraphs.add(self.last_key, key, gap);
            }
        }
        (self.last_press, self.last_key) = (ts, key);
    }
}

/// A duration in ms, kept when it is above 0 and below the limit.
fn ms_within(us: i64, limit: i64) -> Option<f64> {
    (0 < us && us < limit).then(|| us as f64 / 1000.0)
}

/// `backspace_count`, `backspace_frequency`, `correction_rate`, `clean_typing_ratio`.
fn corrections(all: usize, deleting: usize) -> [Value; 4] {
    let typing = all - deleting;
    [
        Value::Count(deleting as u64),
        Value::Number(deleting as f64 / all.max(1) as f64),
        Value::Number(deleting as f64 / typing.max(1) as f64),
        Value::Number(typing as f64 / all.max(1) as f64),
    ]
}

/// From `rhythm_consistency` to `rhythm_stability`: all 0.0 when there is no gap.
fn rhythm(gaps: &[f64]) -> [f64; 8] {
    if gaps.is_empty() {
        return [0.0; 8];
    }
    let mean_gap = mean(gaps);
    let (deviation, middle) = (std_around(mean_gap, gaps), median(gaps));
    let (mut bursts, mut pauses) = (Sum::default(), Sum::default());
    for gap in gaps {
        // Nobody can foretell which it is: both sums take something, and 0.0 changes nothing.
        let is_burst = *gap < middle;
        bursts.total += if is_burst { *gap } else { 0.0 };
        pauses.total += if is_burst { 0.0 } else { *gap };
        bursts.count += usize::from(is_burst);
    }
    pauses.count = gaps.len() - bursts.count;
    let count = gaps.len() as f64;
    let steady_mean = mean_gap.max(1.0);
    [
        1.0 - deviation / steady_mean,
        bursts.count as f64 / count,
        pauses.count as f64 / count,
        bursts.mean(),
        pauses.mean(),
        deviation,
        60000.0 / steady_mean / 5.0,
        1.0 / (1.0 + deviation * deviation),
    ]
}
