//! The features of a window of keystrokes (contract, 3.1).

use std::cmp::Reverse;
use std::collections::HashMap;

use crate::event::Keystroke;
use crate::output::Value;
use crate::stats::{Summary, mean, median, std};

const MS: i64 = 1000;
/// A press of a key that is down is auto-repeat when it comes sooner than this after the last one.
const AUTO_REPEAT: i64 = 1000 * MS;
const LONGEST_DWELL: i64 = 1000 * MS;
const LONGEST_FLIGHT: i64 = 2000 * MS;
const LONGEST_DIGRAPH: i64 = 2000 * MS;
const LONGEST_GAP: i64 = 5000 * MS;
const DIGRAPHS: usize = 20;

/// The features of one window, in the schema's order. `events` are in order of (`ts`, arrival); `dev_mode` is that of
/// the process. All times are in ms.
pub fn features(events: &[Keystroke], dev_mode: bool) -> Vec<Value> {
    let typing = Typing::of(events);
    let mut values = Vec::with_capacity(52);
    values.extend(Summary::of(&typing.dwells).values().map(Value::Number));
    values.extend(Summary::of(&typing.flights).values().map(Value::Number));
    values.extend(digraph_means(&typing.presses).map(Value::Number));
    values.extend(corrections(&typing.presses));
    values.extend(rhythm(&typing.presses).map(Value::Number));
    values.push(Value::Count(typing.dwells.len() as u64));
    values.push(Value::Count(typing.flights.len() as u64));
    values.push(Value::Count(typing.presses.len() as u64));
    values.push(Value::Bool(dev_mode || events.iter().any(|event| event.dev_mode)));
    values
}

/// What was typed: presses without auto-repeat, and how long keys and pauses took.
#[derive(Default)]
struct Typing<'a> {
    presses: Vec<Press<'a>>,
    dwells: Vec<f64>,
    flights: Vec<f64>,
}

struct Press<'a> {
    ts: i64,
    key: &'a str,
}

/// A key that is down: since when, and when it was last pressed or repeated.
struct Down {
    pressed: i64,
    last: i64,
}

impl<'a> Typing<'a> {
    fn of(events: &'a [Keystroke]) -> Typing<'a> {
        let mut typing = Typing::default();
        let mut down: HashMap<&str, Down> = HashMap::new();
        let mut last_release = None;
        for Keystroke { ts, key, press, .. } in events {
            let (ts, key) = (*ts, key.as_ref());
            if !press {
                let dwell = down.remove(key).and_then(|down| ms_within(ts - down.pressed, LONGEST_DWELL));
                typing.dwells.extend(dwell);
                last_release = Some(ts);
                continue;
            }
            if let Some(down) = down.get_mut(key)
                && ts - down.last < AUTO_REPEAT
            {
                down.last = ts;
                continue;
            }
            down.insert(key, Down { pressed: ts, last: ts });
            typing.flights.extend(last_release.and_then(|release| ms_within(ts - release, LONGEST_FLIGHT)));
            typing.presses.push(Press { ts, key });
        }
        typing
    }
}

/// A duration in ms, kept when it is above 0 and below the limit.
fn ms_within(us: i64, limit: i64) -> Option<f64> {
    (0 < us && us < limit).then(|| us as f64 / 1000.0)
}

/// The mean gaps of the most frequent pairs of keys, ties by first appearance; 0.0 for missing ranks.
fn digraph_means(presses: &[Press<'_>]) -> [f64; DIGRAPHS] {
    struct Pair {
        count: u64,
        total: f64,
    }
    let mut pairs: Vec<Pair> = Vec::new();
    let mut known: HashMap<(&str, &str), usize> = HashMap::new();
    for two in presses.windows(2) {
        let Some(gap) = ms_within(two[1].ts - two[0].ts, LONGEST_DIGRAPH) else {
            continue;
        };
        let index = *known.entry((two[0].key, two[1].key)).or_insert_with(|| {
            pairs.push(Pair { count: 0, total: 0.0 });
            pairs.len() - 1
        });
        pairs[index].count += 1;
        pairs[index].total += gap;
    }
    pairs.sort_by_key(|pair| Reverse(pair.count));
    let mut means = [0.0; DIGRAPHS];
    for (mean, pair) in means.iter_mut().zip(&pairs) {
        *mean = pair.total / pair.count as f64;
    }
    means
}

/// `backspace_count`, `backspace_frequency`, `correction_rate`, `clean_typing_ratio`.
fn corrections(presses: &[Press<'_>]) -> [Value; 4] {
    let all = presses.len();
    let deleting = presses
        .iter()
        .filter(|press| press.key.contains("Backspace") || press.key.contains("Delete"))
        .count();
    let typing = all - deleting;
    [
        Value::Count(deleting as u64),
        Value::Number(deleting as f64 / all.max(1) as f64),
        Value::Number(deleting as f64 / typing.max(1) as f64),
        Value::Number(typing as f64 / all.max(1) as f64),
    ]
}

/// From `rhythm_consistency` to `rhythm_stability`: all 0.0 when there is no gap.
fn rhythm(presses: &[Press<'_>]) -> [f64; 8] {
    let gaps: Vec<f64> =
        presses.windows(2).filter_map(|two| ms_within(two[1].ts - two[0].ts, LONGEST_GAP)).collect();
    if gaps.is_empty() {
        return [0.0; 8];
    }
    let (mean_gap, deviation, middle) = (mean(&gaps), std(&gaps), median(&gaps));
    let (bursts, pauses): (Vec<f64>, Vec<f64>) = gaps.iter().copied().partition(|gap| *gap < middle);
    let count = gaps.len() as f64;
    let steady_mean = mean_gap.max(1.0);
    [
        1.0 - deviation / steady_mean,
        bursts.len() as f64 / count,
        pauses.len() as f64 / count,
        mean(&bursts),
        mean(&pauses),
        deviation,
        60000.0 / steady_mean / 5.0,
        1.0 / (1.0 + deviation * deviation),
    ]
}
