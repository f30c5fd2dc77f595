//! The features of a window of keystrokes (contract, 3.1).

mod classes;
mod digraphs;
mod keys;
mod strokes;
mod typed;

use std::collections::VecDeque;

use self::classes::Class::{self, Backspace, Left, Other, Right, Shift, Space};
use self::keys::Keys;
use self::strokes::Strokes;
use self::typed::Typed;
use crate::buffer::Timed;
use crate::core::Settings;
use crate::event::Event;
use crate::features;
use crate::output::Value;
use crate::stats::{MEDIAN, Sum, Summary, autocorrelation, median, std};
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
        let dwells_at = dwells.quantiles([0.1, 0.25, MEDIAN, 0.75, 0.9]);
        let flights_at = flights.quantiles([0.25, MEDIAN, 0.75]);
        let gaps = Summary::of(&typed.gaps);
        let gaps_at = gaps.quantiles_of_smallest(typed.logs.len(), [0.05, 0.1, 0.25, MEDIAN, 0.75, 0.9]);
        let trigraphs_at = Summary::of(&typed.trigraphs).quantiles([0.25, MEDIAN, 0.75]);
        let digraphs = typed.digraphs.means();
        let (all, deleting) = (typed.presses, typed.presses_of(Backspace));
        // Mostly all gaps are short, and what was found of these is so of all.
        let middle =
            if typed.logs.len() == typed.gaps.len() { gaps_at[3] } else { gaps.quantiles([MEDIAN])[0] };
        let rhythm = Rhythm::of(&typed.gaps, &gaps, middle);
        let held = |class| if_at_least(2, typed.dwells_of(class), median);
        let held_std = |class| if_at_least(4, typed.dwells_of(class), std);
        let gap = |from, to| if_at_least(2, typed.short_gaps_of(from, to), median);
        let share_of = |class: Class| share(typed.presses_of(class), all);
        features::Keystroke {
            dwell_mean: dwells.mean,
            dwell_std: dwells.std,
            dwell_min: dwells.min,
            dwell_max: dwells.max,
            dwell_median: dwells_at[2],
            dwell_q25: dwells_at[1],
            dwell_q75: dwells_at[3],
            dwell_range: dwells.range(),
            flight_mean: flights.mean,
            flight_std: flights.std,
            flight_min: flights.min,
            flight_max: flights.max,
            flight_median: flights_at[1],
            flight_q25: flights_at[0],
            flight_q75: flights_at[2],
            flight_range: flights.range(),
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
            dwell_q10: dwells_at[0],
            dwell_q90: dwells_at[4],
            gap_q05: gaps_at[0],
            gap_q10: gaps_at[1],
            gap_q25: gaps_at[2],
            gap_median: gaps_at[3],
            gap_q75: gaps_at[4],
            gap_q90: gaps_at[5],
            dwell_left_median: held(Left),
            dwell_right_median: held(Right),
            dwell_space_median: held(Space),
            dwell_backspace_median: held(Backspace),
            dwell_shift_median: held(Shift),
            dwell_other_median: held(Other),
            dwell_left_std: held_std(Left),
            dwell_right_std: held_std(Right),
            dwell_space_std: held_std(Space),
            share_left: share_of(Left),
            share_right: share_of(Right),
            share_space: share_of(Space),
            share_backspace: share_of(Backspace),
            share_shift: share_of(Shift),
            share_other: share_of(Other),
            rollover_rate: share(typed.rollovers, all.saturating_sub(1)),
            rollover_overlap: if_at_least(2, &typed.overlaps, median),
            gap_left_left_median: gap(Left, Left),
            gap_left_right_median: gap(Left, Right),
            gap_right_left_median: gap(Right, Left),
            gap_right_right_median: gap(Right, Right),
            gap_left_space_median: gap(Left, Space),
            gap_right_space_median: gap(Right, Space),
            gap_space_left_median: gap(Space, Left),
            gap_space_right_median: gap(Space, Right),
            gap_backspace_backspace_median: gap(Backspace, Backspace),
            gap_shift_left_median: gap(Shift, Left),
            gap_shift_right_median: gap(Shift, Right),
            trigraph_q25: trigraphs_at[0],
            trigraph_median: trigraphs_at[1],
            trigraph_q75: trigraphs_at[2],
            gap_log_std: if_at_least(4, &typed.logs, std),
            gap_log_autocorrelation: log_autocorrelation(typed),
            dev_mode: settings.dev_mode || typed.dev_mode,
        }
        .values()
    }
}

/// `count` of so many, of which there may be none.
fn share(count: usize, all: usize) -> f64 {
    count as f64 / all.max(1) as f64
}

/// A statistic of too few values is 0.0.
fn if_at_least(count: usize, list: &[f64], statistic: impl Fn(&[f64]) -> f64) -> f64 {
    if list.len() < count { 0.0 } else { statistic(list) }
}

fn log_autocorrelation(typed: &Typed) -> f64 {
    let count = typed.logs.len();
    if count < 11 || are_even(typed.short_gaps().take(count - 1)) || are_even(typed.short_gaps().skip(1)) {
        return 0.0;
    }
    autocorrelation(&typed.logs)
}

/// Whether the longest and the shortest of these times in ms differ by less than 1 ms, compared in whole µs.
fn are_even(times: impl Iterator<Item = f64>) -> bool {
    let (mut shortest, mut longest) = (i64::MAX, 0);
    for ms in times {
        let us = (ms * 1000.0).round() as i64;
        (shortest, longest) = (shortest.min(us), longest.max(us));
        if longest - shortest >= 1000 {
            return false;
        }
    }
    true
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
    fn of(gaps: &[f64], summary: &Summary<'_>, middle: f64) -> Rhythm {
        if gaps.is_empty() {
            return Rhythm::default();
        }
        let (mean_gap, deviation) = (summary.mean, summary.std);
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
