//! The features of a window of keystrokes (contract, 3.1).

mod digraphs;
mod keys;
mod strokes;
mod typed;

use std::collections::VecDeque;

use self::keys::Keys;
use self::strokes::Strokes;
use self::typed::Typed;
use crate::buffer::Timed;
use crate::core::Settings;
use crate::event::Event;
use crate::output::Value;
use crate::stats::{Sum, Summary, mean_std_median};
use crate::windowing::Features;

/// A keystroke as windows hold it.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    ts: i64,
    /// The key's number among the [`Keys`].
    key: u32,
    press: bool,
    dev_mode: bool,
    /// Its strokes are worked out.
    is_known: bool,
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
    strokes: Strokes,
    typed: Typed,
}

impl Features for Typing {
    type Held = Held;

    fn hold(&mut self, event: Event<'_>) -> Option<Held> {
        let Event::Keystroke(event) = event else { return None };
        let key = self.keys.number(&event.key);
        Some(Held { ts: event.ts, key, press: event.press, dev_mode: event.dev_mode, is_known: false })
    }

    fn placed(&mut self, events: &mut VecDeque<Held>, place: usize) {
        let is_before_known = events.get(place + 1).is_some_and(|next| next.is_known);
        if self.keys.forget_unused(events) || is_before_known {
            self.strokes.forget();
        }
    }

    fn dropped(&mut self) {
        self.strokes.forget();
    }

    fn of(&mut self, events: &mut VecDeque<Held>, count: usize, settings: &Settings) -> Vec<Value> {
        let (first, last) = (events[0].ts, events[count - 1].ts);
        self.strokes.work_out(events, &self.keys);
        if self.strokes.are_cut(first, last) {
            let mut alone = events.range(..count).map(|event| Held { is_known: false, ..*event }).collect();
            let mut strokes = Strokes::default();
            strokes.work_out(&mut alone, &self.keys);
            self.typed.collect(&strokes, first, last);
        } else {
            self.typed.collect(&self.strokes, first, last);
        }
        let typed = &self.typed;
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
    let [mean_gap, deviation, middle] = mean_std_median(gaps);
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
