//! What was typed in a window: how many presses, and how long keys and pauses took.

use std::collections::vec_deque::Iter;

use super::Held;
use super::digraphs::Digraphs;
use super::keys::Keys;
use super::strokes::{LONGEST_GAP, Stroke, ms};
use crate::buffer::Timed;

const LONGEST_DIGRAPH_MS: f64 = 2000.0;

/// All times are in ms, in the order in which they ended. It is used again, so that its room is.
#[derive(Default)]
pub struct Typed {
    /// Presses without auto-repeat.
    pub presses: usize,
    /// How many of the presses delete.
    pub deleting: usize,
    /// From a key's press to its release.
    pub dwells: Vec<f64>,
    /// From the last release to a press.
    pub flights: Vec<f64>,
    /// From each press to the next.
    pub gaps: Vec<f64>,
    /// The gaps that are not too long, by their two keys.
    pub digraphs: Digraphs,
    /// Whether any event was made in developer mode.
    pub dev_mode: bool,
    last_key: u32,
}

/// A key was held down when the window began: what is known of its strokes is not so in this window.
#[derive(Debug)]
pub struct HeldFromBefore;

impl Typed {
    /// Takes over what these events say, whose strokes are known.
    ///
    /// # Errors
    /// When they have to be worked out by themselves.
    pub fn collect(&mut self, events: Iter<'_, Held>, keys: &Keys) -> Result<(), HeldFromBefore> {
        (self.presses, self.deleting, self.dev_mode, self.last_key) = (0, 0, false, 0);
        for list in [&mut self.dwells, &mut self.flights, &mut self.gaps] {
            list.clear();
            list.reserve(events.len());
        }
        self.digraphs.clear(events.len());
        let first = events.clone().next().map_or(0, Timed::ts);
        for event in events {
            self.take(event, event.ts() - first, keys)?;
        }
        Ok(())
    }

    /// `since_first`, in µs: what took longer began before the window. Both are the same division of whole µs, so that
    /// one is longer in ms when it is so in µs.
    #[inline]
    fn take(&mut self, event: &Held, since_first: i64, keys: &Keys) -> Result<(), HeldFromBefore> {
        let longest = if since_first < LONGEST_GAP { ms(since_first) } else { f64::INFINITY };
        let counts = |time: f64| 0.0 < time && time <= longest;
        self.dev_mode |= event.dev_mode;
        match event.stroke {
            Stroke::Release { dwell } => {
                if counts(dwell) {
                    self.dwells.push(dwell);
                }
            }
            Stroke::Press { flight, gap } => {
                self.presses += 1;
                self.deleting += usize::from(keys.is_deleting(event.key));
                if counts(flight) {
                    self.flights.push(flight);
                }
                if counts(gap) {
                    self.gaps.push(gap);
                    if gap < LONGEST_DIGRAPH_MS {
                        self.digraphs.add(self.last_key, event.key, gap);
                    }
                }
                self.last_key = event.key;
            }
            // The first of them that the window holds comes soon after its beginning.
            Stroke::Repeat { held } if held > longest => return Err(HeldFromBefore),
            Stroke::Repeat { .. } | Stroke::Unknown => {}
        }
        Ok(())
    }
}
