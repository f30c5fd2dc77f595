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
use crate::features;
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
        let (dwells, flights) = (Summary::of(&typed.dwells), Summary::of(&typed.flights));
        let digraphs = typed.digraphs.means();
        let (all, deleting) = (typed.presses, typed.deleting);
        let rhythm = Rhythm::of(&typed.gaps);
        features::Keystroke {
            dwell_mean: dwells.mean,
            dwell_std: dwells.std,
            dwell_min: dwells.min,
            dwell_max: dwells.max,
            dwell_median: dwells.median,
            dwell_q25: dwells.q25,
            dwell_q75: dwells.q75,
            dwell_range: dwells.range,
            flight_mean: flights.mean,
            flight_std: flights.std,
            flight_min: flights.min,
            flight_max: flights.max,
            flight_median: flights.median,
            flight_q25: flights.q25,
            flight_q75: flights.q75,
            flight_range: flights.range,
            digraph_0_mean: digraphs[0],
            digraph_1_mean: digraphs[1],
            digraph_2_mean: digraphs[2],
            digraph_3_mean: digraphs[3],
            digraph_4_mean: digraphs[4],
            digraph_5_mean: digraphs[5],
            digraph_6_mean: digraphs[6],
            digraph_7_mean: digraphs[7],
            digraph_8_mean: digraphs[8],
            digraph_9_mean: digraphs[9],
            digraph_10_mean: digraphs[10],
            digraph_11_mean: digraphs[11],
            digraph_12_mean: digraphs[12],
            digraph_13_mean: digraphs[13],
            digraph_14_mean: digraphs[14],
            digraph_15_mean: digraphs[15],
            digraph_16_mean: digraphs[16],
            digraph_17_mean: digraphs[17],
            digraph_18_mean: digraphs[18],
            digraph_19_mean: digraphs[19],
            backspace_count: deleting as u64,
            backspace_frequency: share(deleting, all),
            correction_rate: share(deleting, all - deleting),
            clean_typing_ratio: share(all - deleting, all),
            rhythm_consistency: rhythm.consistency,
            burst_frequency: rhythm.burst_share,
            pause_frequency: rhythm.pause_share,
            avg_burst_speed: rhythm.burst_mean,
            avg_pause_duration: rhythm.pause_mean,
            rhythm_variation: rhythm.variation,
            typing_speed_wpm: rhythm.words_a_minute,
            rhythm_stability: rhythm.stability,
            dwell_count: typed.dwells.len() as u64,
            flight_count: typed.flights.len() as u64,
            total_keys: all as u64,
            dev_mode: settings.dev_mode || typed.dev_mode,
        }
        .values()
    }
}

/// `count` of so many, of which there may be none.
fn share(count: usize, all: usize) -> f64 {
    count as f64 / all.max(1) as f64
}

/// How evenly it was typed.
#[derive(Default)]
struct Rhythm {
    consistency: f64,
    burst_share: f64,
    pause_share: f64,
    burst_mean: f64,
    pause_mean: f64,
    variation: f64,
    words_a_minute: f64,
    stability: f64,
}

impl Rhythm {
    /// All 0.0 when there is no gap.
    fn of(gaps: &[f64]) -> Rhythm {
        if gaps.is_empty() {
            return Rhythm::default();
        }
        let [mean_gap, deviation, middle] = mean_std_median(gaps);
        let (mut bursts, mut pauses) = (Sum::default(), Sum::default());
        for gap in gaps {
            // Which it is cannot be foretold: both sums take something, and 0.0 changes nothing.
            let is_burst = *gap < middle;
            bursts.total += if is_burst { *gap } else { 0.0 };
            pauses.total += if is_burst { 0.0 } else { *gap };
            bursts.count += usize::from(is_burst);
        }
        pauses.count = gaps.len() - bursts.count;
        let count = gaps.len() as f64;
        let steady_mean = mean_gap.max(1.0);
        Rhythm {
            consistency: 1.0 - deviation / steady_mean,
            burst_share: bursts.count as f64 / count,
            pause_share: pauses.count as f64 / count,
            burst_mean: bursts.mean(),
            pause_mean: pauses.mean(),
            variation: deviation,
            words_a_minute: 60000.0 / steady_mean / 5.0,
            stability: 1.0 / (1.0 + deviation * deviation),
        }
    }
}
