//! What an event of the keyboard ends, worked out once: it is the same in every window that holds what it is made of.
//!
//! In a window all keys are up at first. So what began before it does not count there, which the length tells. Only a key
//! that was held down when the window began is another matter: its first auto-repeat in the window is a press there, and
//! the window is to be worked out by itself.

use std::collections::VecDeque;

use super::Held;
use crate::buffer::Timed;

const MS: i64 = 1000;
/// A press of a key that is down is auto-repeat when it comes sooner than this after the last one.
const AUTO_REPEAT: i64 = 1000 * MS;
const LONGEST_DWELL: i64 = 1000 * MS;
const LONGEST_FLIGHT: i64 = 2000 * MS;
/// No longer time between two events matters.
pub const LONGEST_GAP: i64 = 5000 * MS;

/// What ends with an event. Times are in ms; 0.0 is one that does not count.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Stroke {
    /// It is not worked out yet.
    #[default]
    Unknown,
    /// A key went up.
    Release {
        /// Since it was pressed.
        dwell: f64,
    },
    /// A key went down.
    Press {
        /// Since the last release of any key.
        flight: f64,
        /// Since the last press of any key.
        gap: f64,
    },
    /// A key that is down was pressed again.
    Repeat {
        /// Since it was pressed.
        held: f64,
    },
}

/// Works out strokes, event after event.
#[derive(Default)]
pub struct Strokes {
    /// What is known is of no use any more.
    anew: bool,
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
    /// The next time, all events are worked out: there is one among them that was not, or a key has another number.
    pub fn forget(&mut self) {
        self.anew = true;
    }

    /// Works out the strokes of the events that are new: those behind the last one that is known. Keys have numbers below
    /// `keys`.
    pub fn work_out(&mut self, events: &mut VecDeque<Held>, keys: usize) {
        let is_new = |event: &&Held| event.stroke == Stroke::Unknown;
        let mut known = events.len() - events.iter().rev().take_while(is_new).count();
        if self.anew || known == 0 {
            (self.anew, self.last_release, self.last_press, known) = (false, NEVER, NEVER, 0);
            self.downs.clear();
        }
        self.downs.resize(keys, UP);
        for event in events.range_mut(known..) {
            event.stroke = self.next(event);
        }
    }

    fn next(&mut self, event: &Held) -> Stroke {
        let (ts, down) = (event.ts(), &mut self.downs[event.key as usize]);
        if !event.press {
            let dwell = ms_within(ts - down.pressed, LONGEST_DWELL);
            *down = UP;
            self.last_release = ts;
            return Stroke::Release { dwell };
        }
        let is_repeat = ts - down.last < AUTO_REPEAT;
        down.last = ts;
        if is_repeat {
            return Stroke::Repeat { held: ms(ts - down.pressed) };
        }
        down.pressed = ts;
        let flight = ms_within(ts - self.last_release, LONGEST_FLIGHT);
        let gap = ms_within(ts - self.last_press, LONGEST_GAP);
        self.last_press = ts;
        Stroke::Press { flight, gap }
    }
}

/// A duration in ms.
pub fn ms(us: i64) -> f64 {
    us as f64 / 1000.0
}

/// A duration in ms that counts when it is above 0 and below the limit.
fn ms_within(us: i64, limit: i64) -> f64 {
    if 0 < us && us < limit { ms(us) } else { 0.0 }
}
