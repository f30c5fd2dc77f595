//! What the events of the keyboard end, worked out once: it is the same in every window that holds what it is made of.
//!
//! In a window all keys are up at first. So what began before it does not count there, which its length tells. Only a key
//! that was held down when the window began is another matter: its first auto-repeat in the window is a press there, and
//! the window is to be worked out by itself.

use std::collections::VecDeque;

use super::Held;
use super::keys::Keys;

const MS: i64 = 1000;
/// A press of a key that is down is auto-repeat when it comes sooner than this after the last one.
const AUTO_REPEAT: i64 = 1000 * MS;
const LONGEST_DWELL: i64 = 1000 * MS;
/// No dwell is longer either.
pub const LONGEST_FLIGHT: i64 = 2000 * MS;
const LONGEST_GAP: i64 = 5000 * MS;

/// What ended at `at` (µs) and took `ms`.
#[derive(Clone, Copy, Debug)]
pub struct Took {
    pub at: i64,
    pub ms: f64,
}

/// A key went down at `at`, and was not down.
#[derive(Clone, Copy, Debug)]
pub struct Press {
    pub at: i64,
    /// The key's number.
    pub key: u32,
    pub deletes: bool,
    /// Since the press before, in ms; 0.0 when that does not count.
    pub gap: f64,
}

/// All that the events of a buffer end, by kind and in their order.
#[derive(Default)]
pub struct Strokes {
    /// From a key's press to its release.
    pub dwells: VecDeque<Took>,
    /// From the last release to a press.
    pub flights: VecDeque<Took>,
    pub presses: VecDeque<Press>,
    /// From a key's press to each auto-repeat.
    repeats: VecDeque<Took>,
    /// What is known is of no use any more.
    is_void: bool,
    last_release: i64,
    last_press: i64,
    /// By the key's number.
    downs: Vec<Down>,
}

/// Since when a key is down, and when it was last pressed or repeated.
#[derive(Clone, Copy)]
struct Down {
    pressed: i64,
    last: i64,
}

/// Longer ago than anything that counts, and far enough from the smallest number to reckon with.
const NEVER: i64 = i64::MIN / 2;
const UP: Down = Down { pressed: NEVER, last: NEVER };

impl Strokes {
    /// The next time, all events are worked out: one came before others that were, one is gone, or keys have other
    /// numbers.
    pub fn forget(&mut self) {
        self.is_void = true;
    }

    /// Lets go of what ended before the first of these events, and works out those behind the last one that is known.
    pub fn work_out(&mut self, events: &mut VecDeque<Held>, keys: &Keys) {
        let mut known = events.len() - events.iter().rev().take_while(|event| !event.is_known).count();
        if self.is_void || known == 0 {
            *self = Strokes { last_release: NEVER, last_press: NEVER, ..Strokes::default() };
            known = 0;
        }
        self.downs.resize(keys.len(), UP);
        let first = events.front().map_or(0, |event| event.ts);
        for list in [&mut self.dwells, &mut self.flights, &mut self.repeats] {
            while list.pop_front_if(|took| took.at < first).is_some() {}
        }
        while self.presses.pop_front_if(|press| press.at < first).is_some() {}
        for event in events.range_mut(known..) {
            event.is_known = true;
            self.add(event, keys);
        }
    }

    fn add(&mut self, event: &Held, keys: &Keys) {
        let (at, down) = (event.ts, &mut self.downs[event.key as usize]);
        if !event.press {
            if let Some(ms) = ms_within(at - down.pressed, LONGEST_DWELL) {
                self.dwells.push_back(Took { at, ms });
            }
            *down = UP;
            self.last_release = at;
            return;
        }
        let is_repeat = at - down.last < AUTO_REPEAT;
        down.last = at;
        if is_repeat {
            self.repeats.push_back(Took { at, ms: ms(at - down.pressed) });
            return;
        }
        down.pressed = at;
        if let Some(ms) = ms_within(at - self.last_release, LONGEST_FLIGHT) {
            self.flights.push_back(Took { at, ms });
        }
        let gap = ms_within(at - self.last_press, LONGEST_GAP).unwrap_or(0.0);
        self.presses.push_back(Press { at, key: event.key, deletes: keys.is_deleting(event.key), gap });
        self.last_press = at;
    }

    /// Whether a key was held down from before `first` on, and repeated up to `last`.
    pub fn are_cut(&self, first: i64, last: i64) -> bool {
        self.repeats.iter().any(|repeat| repeat.at <= last && !repeat.is_since(first))
    }
}

impl Took {
    /// Whether it began at `first` (µs) or after. Both times are the same division of whole µs, so that one is longer in ms
    /// when it is so in µs.
    pub fn is_since(&self, first: i64) -> bool {
        self.ms <= ms(self.at - first)
    }
}

/// A duration in ms.
fn ms(us: i64) -> f64 {
    us as f64 / 1000.0
}

/// A duration in ms, kept when it is above 0 and below the limit.
fn ms_within(us: i64, limit: i64) -> Option<f64> {
    (0 < us && us < limit).then(|| ms(us))
}
