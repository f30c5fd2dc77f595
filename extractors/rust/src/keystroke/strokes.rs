//! What the events of the keyboard end, worked out once: it is the same in every window that holds what it is made of.
//!
//! In a window all keys are up at first: what began before it does not count there. Only a key that was held down when the
//! window began is another matter: its first auto-repeat in the window is a press there, and the window is to be worked out
//! by itself.

use std::collections::VecDeque;

use super::Held;
use super::classes::Class;
use super::digraphs::Pairs;
use super::keys::Keys;

pub(super) const MS: i64 = 1000;
/// A press of a key that is down is auto-repeat when it comes sooner than this after the last one.
const AUTO_REPEAT: i64 = 1000 * MS;
const LONGEST_DWELL: i64 = 1000 * MS;
const LONGEST_FLIGHT: i64 = 2000 * MS;
const LONGEST_DIGRAPH: i64 = 2000 * MS;
const LONGEST_GAP: i64 = 5000 * MS;
pub(super) const LONGEST_SHORT_GAP: i64 = 1500 * MS;
const LONGEST_TRIGRAPH: i64 = 2000 * MS;

/// So many pairs may have numbers that no gap needs, beside as many as there are gaps.
const SPARE_PAIRS: usize = 500;

/// When something began and ended, in µs, and how long it took.
#[derive(Clone, Copy, Debug)]
pub struct Took {
    pub began: i64,
    pub ended: i64,
    pub ms: f64,
}

/// From a key's press to its release.
#[derive(Clone, Copy, Debug)]
pub struct Dwell {
    pub took: Took,
    pub class: Class,
    /// How long another key, pressed last, was down at the same time, in ms; 0.0 when there was none.
    pub overlap: f64,
}

/// From one press to the next.
#[derive(Clone, Copy, Debug)]
pub struct Gap {
    pub took: Took,
    /// The natural logarithm of its ms.
    pub log: f64,
    /// The number of both keys together.
    pub pair: u32,
    /// Of both keys.
    pub classes: [Class; 2],
}

/// A key went down, and was not down.
#[derive(Clone, Copy, Debug)]
pub struct Press {
    pub at: i64,
    pub class: Class,
    /// The key of the press before was still down, and is another one.
    pub is_rollover: bool,
    /// Since the press before the one before, in ms; 0.0 when that is too long, or nothing.
    pub trigraph: f64,
}

/// A key that is down since it was pressed was pressed again.
#[derive(Clone, Copy, Debug)]
struct Repeat {
    pressed: i64,
    at: i64,
}

/// All that the events of a buffer end, by kind and in the order in which it ended. But for dwells and repeats that is
/// also the order in which it began.
#[derive(Default)]
pub struct Strokes {
    /// Some may have begun before the first event.
    pub dwells: VecDeque<Dwell>,
    /// From the last release to a press.
    pub flights: VecDeque<Took>,
    pub gaps: VecDeque<Gap>,
    pub presses: VecDeque<Press>,
    /// When events were made in developer mode.
    pub dev_modes: VecDeque<i64>,
    /// Of the gaps, and of some that are gone.
    pub pairs: Pairs,
    repeats: VecDeque<Repeat>,
    /// What is known is of no use any more.
    is_void: bool,
    last_release: i64,
    /// When the last two presses were, the last one first.
    last_presses: [i64; 2],
    last_key: u32,
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

    /// Works out the events behind the last one that is known, and lets go of what began before the first event.
    pub fn work_out(&mut self, events: &mut VecDeque<Held>, keys: &Keys) {
        let mut known = events.len() - events.iter().rev().take_while(|event| !event.is_known).count();
        if self.is_void || known == 0 || self.pairs.len() > 2 * self.gaps.len() + SPARE_PAIRS {
            *self = Strokes { last_release: NEVER, last_presses: [NEVER; 2], ..Strokes::default() };
            known = 0;
        }
        self.downs.resize(keys.len(), UP);
        for event in events.range_mut(known..) {
            event.is_known = true;
            self.add(event, keys);
        }
        // Also what ended with a new event.
        let first = events.front().map_or(0, |event| event.ts);
        let_go(&mut self.dwells, |dwell| dwell.took.ended < first);
        let_go(&mut self.repeats, |repeat| repeat.at < first);
        let_go(&mut self.flights, |flight| flight.began < first);
        let_go(&mut self.gaps, |gap| gap.took.began < first);
        let_go(&mut self.presses, |press| press.at < first);
        let_go(&mut self.dev_modes, |ts| *ts < first);
    }

    fn add(&mut self, event: &Held, keys: &Keys) {
        let ts = event.ts;
        let [last_press, press_before] = self.last_presses;
        let is_last_key_down = self.downs[self.last_key as usize].pressed != NEVER;
        let down = &mut self.downs[event.key as usize];
        if event.dev_mode {
            self.dev_modes.push_back(ts);
        }
        if !event.press {
            if let Some(took) = took(down.pressed, ts, LONGEST_DWELL) {
                let overlap = if self.last_key == event.key { 0.0 } else { ms(ts - last_press) };
                self.dwells.push_back(Dwell { took, class: keys.class(event.key), overlap });
            }
            *down = UP;
            self.last_release = ts;
            return;
        }
        let is_repeat = ts - down.last < AUTO_REPEAT;
        down.last = ts;
        if is_repeat {
            self.repeats.push_back(Repeat { pressed: down.pressed, at: ts });
            return;
        }
        down.pressed = ts;
        let class = keys.class(event.key);
        self.presses.push_back(Press {
            at: ts,
            class,
            is_rollover: is_last_key_down && self.last_key != event.key,
            trigraph: took(press_before, ts, LONGEST_TRIGRAPH).map_or(0.0, |took| took.ms),
        });
        if let Some(flight) = took(self.last_release, ts, LONGEST_FLIGHT) {
            self.flights.push_back(flight);
        }
        if let Some(took) = took(last_press, ts, LONGEST_GAP) {
            let pair = self.pairs.number((self.last_key, event.key));
            let classes = [keys.class(self.last_key), class];
            self.gaps.push_back(Gap { took, log: took.ms.ln(), pair, classes });
        }
        (self.last_presses, self.last_key) = ([ts, last_press], event.key);
    }

    /// Whether a key was held down from before `first` on, and repeated up to `last`.
    pub fn are_cut(&self, first: i64, last: i64) -> bool {
        self.repeats.iter().any(|repeat| repeat.at <= last && repeat.pressed < first)
    }
}

/// The first ones of which this is so go.
fn let_go<T>(list: &mut VecDeque<T>, is_old: impl Fn(&T) -> bool) {
    list.drain(..list.partition_point(is_old));
}

/// What counts when it took more than 0 and less than `limit` µs.
fn took(began: i64, ended: i64, limit: i64) -> Option<Took> {
    let us = ended - began;
    (0 < us && us < limit).then(|| Took { began, ended, ms: ms(us) })
}

fn ms(us: i64) -> f64 {
    us as f64 / 1000.0
}

impl Gap {
    /// Whether it is not too long for a digraph.
    pub fn is_digraph(&self) -> bool {
        self.took.ended - self.took.began < LONGEST_DIGRAPH
    }

    /// Whether it is one of a person who types on.
    pub fn is_short(&self) -> bool {
        self.took.ended - self.took.began < LONGEST_SHORT_GAP
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_that_no_gap_needs_are_forgotten_and_the_others_stay_apart() {
        let (mut keys, mut strokes) = (Keys::default(), Strokes::default());
        let mut events = VecDeque::new();
        let mut most = 0;
        for ts in 1..3000 {
            let key = keys.number(&format!("Key{ts}"));
            events.push_back(Held { ts, key, press: true, dev_mode: false, is_known: false });
            if ts % 50 == 0 {
                strokes.work_out(&mut events, &keys);
                most = most.max(strokes.pairs.len());
                let numbers: std::collections::HashSet<u32> =
                    strokes.gaps.iter().map(|gap| gap.pair).collect();
                assert_eq!((numbers.len(), strokes.gaps.len()), (events.len() - 1, events.len() - 1));
                events.drain(..events.len().saturating_sub(100));
            }
        }
        let may_be = SPARE_PAIRS + 2 * 150;
        assert!((SPARE_PAIRS..=may_be + 50).contains(&most), "{most} pairs had numbers");
    }
}
