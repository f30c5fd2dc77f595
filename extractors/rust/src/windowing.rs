//! Windows over keystrokes or mouse events: which are closed, and which of them are emitted.

use std::collections::VecDeque;

use crate::buffer::{Buffer, Timed};
use crate::core::{Operator, Settings};
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
    /// Events that open windows could use were let go of.
    fn dropped(&mut self) {}
    /// The features of a window that holds the first `count` of these events, which are in order.
    fn of(&mut self, events: &mut VecDeque<Self::Held>, count: usize, settings: &Settings) -> Vec<Value>;
}

/// Closes windows over one kind of event.
///
/// The buffer holds only events that a window not yet closed can use, so the next window to close is the first one
/// that holds the buffer's first event: empty windows are passed over, not walked.
///
/// In real time a window is computed before it closes, when half of `lateness` is over by a producer that does not lag, so
/// that nothing waits for it then. An event that still comes into it makes that void: it is computed once more when it closes.
pub struct WindowOperator<F: Features> {
    settings: Settings,
    features: F,
    buffer: Buffer<F::Held>,
    closed_through: i64,
    /// The end of the last window that was looked at before it closed.
    prepared_through: i64,
    /// The next window to close, as long as that is right.
    prepared: Option<Record>,
}

/// Earlier than any window, and far enough from the smallest number to reckon with.
const NOTHING_CLOSED: i64 = i64::MIN / 2;
/// So much longer than a window no producer lags, in µs: what is that old tells of a clock that was set back.
const SET_BACK: i64 = 120_000_000;

impl<F: Features> WindowOperator<F> {
    /// One that holds nothing.
    pub fn new(settings: Settings) -> WindowOperator<F> {
        let buffer = Buffer::new(settings.buffer_events);
        WindowOperator {
            settings,
            features: F::default(),
            buffer,
            closed_through: NOTHING_CLOSED,
            prepared_through: NOTHING_CLOSED,
            prepared: None,
        }
    }

    /// An event at or before this is held by closed windows only.
    fn useless_through(&self) -> i64 {
        self.settings.windows.useless_through(self.closed_through)
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
        let count = self.buffer.through(end);
        if count < self.settings.min_events {
            counters.windows_short += 1;
        } else if self.is_emitted(end, count) {
            let prepared = self.prepared.take().filter(|record| record.ts == end);
            out.push(prepared.unwrap_or_else(|| self.record(end, count)));
        }
    }

    fn is_emitted(&self, end: i64, count: usize) -> bool {
        count >= self.settings.min_events
            && self.buffer.last_of(count).is_some_and(|last| last.ts() > end - self.settings.windows.interval)
    }

    fn record(&mut self, end: i64, count: usize) -> Record {
        Record { ts: end, values: self.features.of(self.buffer.events_mut(), count, &self.settings) }
    }

    /// The end of the next window, if it is to be computed before it closes, and the time of the next event from which on.
    fn next_to_prepare(&self) -> Option<(i64, i64)> {
        let end = self.next_end().filter(|end| *end > self.prepared_through)?;
        let is_recent = self.buffer.last()?.ts() > end - self.settings.windows.interval;
        is_recent.then(|| (end, end + self.settings.windows.lateness / 2 + 1))
    }

    /// Lets go of the events that only closed windows hold.
    fn closed_at(&mut self, end: i64) {
        self.closed_through = end;
        while self.buffer.pop_through(self.useless_through()).is_some() {}
    }
}

impl<F: Features> Operator for WindowOperator<F> {
    fn is_late(&self, ts: i64) -> bool {
        ts <= self.useless_through()
    }

    /// What real time has closed before its events came does not tell of it, unless they are older than any lag.
    fn is_set_back(&self, ts: i64, largest: i64) -> bool {
        let windows = self.settings.windows;
        let is_late_by_events = ts <= windows.useless_through(windows.closed_through(largest));
        is_late_by_events || ts <= self.closed_through - windows.window - SET_BACK
    }

    fn is_behind(&self, ts: i64) -> bool {
        ts <= self.closed_through
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
            let ts = event.ts();
            let place = self.buffer.insert(event);
            self.features.placed(self.buffer.events_mut(), place);
            let dropped = self.buffer.drop_surplus();
            if dropped > 0 {
                self.features.dropped();
            }
            counters.dropped += dropped;
            self.prepared.take_if(|record| ts <= record.ts || dropped > 0);
        }
    }

    fn prepare(&mut self, soon: i64) {
        let Some((end, _)) = self.next_to_prepare().filter(|(_, from)| *from <= soon) else {
            return;
        };
        self.prepared_through = end;
        let count = self.buffer.through(end);
        self.prepared = self.is_emitted(end, count).then(|| self.record(end, count));
    }

    fn end_session(&mut self, counters: &mut Counters, out: &mut Vec<Record>) {
        if let Some(last) = self.buffer.last() {
            self.close_through(self.settings.windows.last_end(last.ts()), counters, out);
        }
        self.buffer.clear();
        (self.closed_through, self.prepared_through) = (NOTHING_CLOSED, NOTHING_CLOSED);
    }

    fn due_time(&self, ts: i64) -> i64 {
        self.settings.windows.due(ts)
    }

    fn due(&self) -> Option<i64> {
        Some(self.due_time(self.next_end()?))
    }

    fn preparable(&self) -> Option<i64> {
        self.next_to_prepare().map(|(_, from)| from)
    }
}

#[cfg(test)]
mod tests;
