//! The features of a window of keystrokes (contract, 3.1).

mod keys;

use std::collections::vec_deque::Iter;
use std::collections::{HashMap, VecDeque};
use std::hash::BuildHasherDefault;

use self::keys::{Keys, NumberHasher};
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
const DIGRAPHS: usize = 20;

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
        let typed = Typed::of(events.clone(), self.keys.len());
        let mut values = Vec::with_capacity(52);
        values.extend(Summary::of(&typed.dwells).values().map(Value::Number));
        values.extend(Summary::of(&typed.flights).values().map(Value::Number));
        values.extend(digraph_means(&typed.presses).map(Value::Number));
        values.extend(corrections(&typed.presses, &self.keys));
        values.extend(rhythm(&typed.presses).map(Value::Number));
        values.push(Value::Count(typed.dwells.len() as u64));
        values.push(Value::Count(typed.flights.len() as u64));
        values.push(Value::Count(typed.presses.len() as u64));
        values.push(Value::Bool(settings.dev_mode || events.clone().any(|event| event.dev_mode)));
        values
    }
}

/// What was typed: presses without auto-repeat, and how long keys and pauses took.
struct Typed {
    presses: Vec<Press>,
    dwells: Vec<f64>,
    flights: Vec<f64>,
}

struct Press {
    ts: i64,
    key: u32,
}

/// A key that is down: since when, and when it was last pressed or repeated.
#[derive(Clone, Copy)]
struct Down {
    pressed: i64,
    last: i64,
}

impl Typed {
    fn of(events: Iter<'_, Held>, keys: usize) -> Typed {
        let list = || Vec::with_capacity(events.len());
        let mut typed = Typed { presses: Vec::with_capacity(events.len()), dwells: list(), flights: list() };
        let mut downs: Vec<Option<Down>> = vec![None; keys];
        let mut last_release = None;
        for Held { ts, key, press, .. } in events {
            let down = &mut downs[*key as usize];
            if !press {
                if let Some(dwell) = down.take().and_then(|down| ms_within(ts - down.pressed, LONGEST_DWELL))
                {
                    typed.dwells.push(dwell);
                }
                last_release = Some(ts);
                continue;
            }
            if let Some(down) = down.as_mut().filter(|down| ts - down.last < AUTO_REPEAT) {
                down.last = *ts;
                continue;
            }
            *down = Some(Down { pressed: *ts, last: *ts });
            if let Some(flight) = last_release.and_then(|release| ms_within(ts - release, LONGEST_FLIGHT)) {
                typed.flights.push(flight);
            }
            typed.presses.push(Press { ts: *ts, key: *key });
        }
        typed
    }
}

/// A duration in ms, kept when it is above 0 and below the limit.
fn ms_within(us: i64, limit: i64) -> Option<f64> {
    (0 < us && us < limit).then(|| us as f64 / 1000.0)
}

/// The mean gaps of the most frequent pairs of keys, ties by first appearance; 0.0 for missing ranks.
fn digraph_means(presses: &[Press]) -> [f64; DIGRAPHS] {
    let mut pairs: Vec<Sum> = Vec::with_capacity(presses.len());
    let mut known: HashMap<u64, usize, BuildHasherDefault<NumberHasher>> =
        HashMap::with_capacity_and_hasher(presses.len(), BuildHasherDefault::default());
    for two in presses.windows(2) {
        let Some(gap) = ms_within(two[1].ts - two[0].ts, LONGEST_DIGRAPH) else {
            continue;
        };
        let pair = u64::from(two[0].key) << 32 | u64::from(two[1].key);
        let place = *known.entry(pair).or_insert_with(|| {
            pairs.push(Sum::default());
            pairs.len() - 1
        });
        pairs[place].add(gap);
    }
    // The number that is smaller the larger the count, then the place: one comparison each.
    let rank = |(place, pair): (usize, &Sum)| !(pair.count as u64) << 32 | place as u64;
    let mut ranks: Vec<u64> = pairs.iter().enumerate().map(rank).collect();
    if ranks.len() > DIGRAPHS {
        ranks.select_nth_unstable(DIGRAPHS);
        ranks.truncate(DIGRAPHS);
    }
    ranks.sort_unstable();
    let mut means = [0.0; DIGRAPHS];
    for (mean, rank) in means.iter_mut().zip(ranks) {
        *mean = pairs[(rank & 0xffff_ffff) as usize].mean();
    }
    means
}

/// `backspace_count`, `backspace_frequency`, `correction_rate`, `clean_typing_ratio`.
fn corrections(presses: &[Press], keys: &Keys) -> [Value; 4] {
    let all = presses.len();
    let deleting = presses.iter().filter(|press| keys.is_deleting(press.key)).count();
    let typing = all - deleting;
    [
        Value::Count(deleting as u64),
        Value::Number(deleting as f64 / all.max(1) as f64),
        Value::Number(deleting as f64 / typing.max(1) as f64),
        Value::Number(typing as f64 / all.max(1) as f64),
    ]
}

/// From `rhythm_consistency` to `rhythm_stability`: all 0.0 when there is no gap.
fn rhythm(presses: &[Press]) -> [f64; 8] {
    let mut gaps = Vec::with_capacity(presses.len());
    gaps.extend(presses.windows(2).filter_map(|two| ms_within(two[1].ts - two[0].ts, LONGEST_GAP)));
    if gaps.is_empty() {
        return [0.0; 8];
    }
    let mean_gap = mean(&gaps);
    let (deviation, middle) = (std_around(mean_gap, &gaps), median(&gaps));
    let (mut bursts, mut pauses) = (Sum::default(), Sum::default());
    for gap in &gaps {
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
