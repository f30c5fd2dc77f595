//! Windows over keystrokes or mouse events: which are closed, and which of them are emitted.

use std::collections::VecDeque;
use std::collections::vec_deque::Iter;

use crate::buffer::{Buffer, Timed};
use crate::core::{Machine, Settings};
use crate::counters::Counters;
use crate::event::Event;
use crate::output::{Record, Value};

/// What windows are made of, and what is made of them.
pub trait Features: Default {
    /// An event as windows hold it: with all that can be known of it before a window closes.
    type Held: Timed;
    /// The event, if it is of this kind.
    fn hold(&mut self, event: Event<'_>) -> Option<Self::Held>;
    /// An event was put at this place among those that are held.
    fn placed(&mut self, events: &mut VecDeque<Self::Held>, place: usize);
    /// The features of a window that holds these events in order.
    fn of(&self, events: Iter<'_, Self::Held>, settings: &Settings) -> Vec<Value>;
}

/// Closes windows over one kind of event.
///
/// The buffer holds only events that a window not yet closed can use, so the next window to close is the first one
/// that holds the buffer's first event: empty windows are passed over, not walked.
pub struct Closer<F: Features> {
    settings: Settings,
    features: F,
    buffer: Buffer<F::Held>,
    closed_through: i64,
}

/// Earlier than any window, and far enough from the smallest number to reckon with.
const NOTHING_CLOSED: i64 = i64::MIN / 2;

impl<F: Features> Closer<F> {
    /// One that holds nothing.
    pub fn new(settings: Settings) -> Closer<F> {
        let buffer = Buffer::new(settings.buffer_events);
        Closer { settings, features: F::default(), buffer, closed_through: NOTHING_CLOSED }
    }

    /// An event at or before this is held by closed windows only.
    fn useless_through(&self) -> i64 {
        self.closed_through + self.settings.windows.interval - self.settings.windows.window
    }

    /// The end of the next window that holds an event.
    fn next_end(&self) -> Option<i64> {
        let windows = self.settings.windows;
        let first = self.buffer.first()?;
        Some(windows.first_end(first.ts()).max(self.closed_through + windows.interval))
    }

    fn close_through(&mut self, through: i64, counters: &mut Counters, out: &mut Vec<Record>) {
        while let Some(end) = self.next_end().filter(|end| *end <= through) {
            self.close(end, counters, out);
            self.closed_at(end);
        }
        self.closed_at(self.closed_through.max(through));
    }

    fn close(&mut self, end: i64, counters: &mut Counters, out: &mut Vec<Record>) {
        let settings = self.settings;
        let events = self.buffer.through(end);
        if events.len() < settings.min_events {
            counters.windows_short += 1;
        } else if events.clone().next_back().is_some_and(|last| last.ts() > end - settings.windows.interval) {
            counters.windows += 1;
            counters.last_window_ts = end;
            out.push(Record { ts: end, values: self.features.of(events, &settings) });
        }
    }

    /// Lets go of the events that only closed windows hold.
    fn closed_at(&mut self, end: i64) {
        self.closed_through = end;
        while self.buffer.pop_through(self.useless_through()).is_some() {}
    }
}

impl<F: Features> Machine for Closer<F> {
    fn is_late(&self, ts: i64) -> bool {
        ts <= self.useless_through()
    }

    fn advance(&mut self, now: i64, counters: &mut Counters, out: &mut Vec<Record>) {
        let windows = self.settings.windows;
        // Asked for every event: the division waits until there is something to close.
        if now >= windows.due(self.closed_through + windows.interval) {
            self.close_through(windows.closed_through(now), counters, out);
        }
    }

    fn insert(&mut self, event: Event<'_>, counters: &mut Counters) {
        if let Some(event) = self.features.hold(event) {
            let place = self.buffer.insert(event);
            self.features.placed(self.buffer.events_mut(), place);
            counters.dropped += self.buffer.drop_surplus();
        }
    }

    fn end_session(&mut self, counters: &mut Counters, out: &mut Vec<Record>) {
        if let Some(last) = self.buffer.last() {
            self.close_through(self.settings.windows.last_end(last.ts()), counters, out);
        }
        self.buffer.clear();
        self.closed_through = NOTHING_CLOSED;
    }

    fn due(&self) -> Option<i64> {
        Some(self.settings.windows.due(self.next_end()?))
    }
}
