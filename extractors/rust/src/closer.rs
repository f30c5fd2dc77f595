//! Windows over keystrokes or mouse events: which are closed, and which of them are emitted.

use crate::buffer::{Buffer, Timed};
use crate::core::{Machine, Settings};
use crate::counters::Counters;
use crate::event::{Event, Keystroke, Mouse};
use crate::output::{Record, Value};
use crate::{keystroke, mouse};

/// An event that windows are made of.
pub trait Sample: Timed + Sized {
    /// The event, if it is of this kind.
    fn of(event: Event) -> Option<Self>;
    /// The features of a window that holds these events in order.
    fn features(events: &[Self], settings: &Settings) -> Vec<Value>;
}

impl Timed for Keystroke {
    fn ts(&self) -> i64 {
        self.ts
    }
}

impl Sample for Keystroke {
    fn of(event: Event) -> Option<Self> {
        if let Event::Keystroke(event) = event { Some(event) } else { None }
    }

    fn features(events: &[Self], settings: &Settings) -> Vec<Value> {
        keystroke::features(events, settings.dev_mode)
    }
}

impl Timed for Mouse {
    fn ts(&self) -> i64 {
        self.ts
    }
}

impl Sample for Mouse {
    fn of(event: Event) -> Option<Self> {
        if let Event::Mouse(event) = event { Some(event) } else { None }
    }

    fn features(events: &[Self], settings: &Settings) -> Vec<Value> {
        mouse::features(events, settings.windows.window, settings.dev_mode)
    }
}

/// Closes windows over one kind of event.
///
/// The buffer holds only events that a window not yet closed can use, so the next window to close is the first one
/// that holds the buffer's first event: empty windows are passed over, not walked.
pub struct Closer<T> {
    settings: Settings,
    buffer: Buffer<T>,
    closed_through: i64,
}

const NOTHING_CLOSED: i64 = i64::MIN;

impl<T: Sample> Closer<T> {
    /// One that holds nothing.
    pub fn new(settings: Settings) -> Closer<T> {
        Closer { settings, buffer: Buffer::new(settings.buffer_events), closed_through: NOTHING_CLOSED }
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
        } else if events.last().is_some_and(|last| last.ts() > end - settings.windows.interval) {
            counters.windows += 1;
            counters.last_window_ts = end;
            out.push(Record { ts: end, values: T::features(events, &settings) });
        }
    }

    /// Lets go of the events that only closed windows hold.
    fn closed_at(&mut self, end: i64) {
        self.closed_through = end;
        while self
            .buffer
            .pop_through(end - self.settings.windows.window + self.settings.windows.interval)
            .is_some()
        {}
    }
}

impl<T: Sample> Machine for Closer<T> {
    fn is_late(&self, ts: i64) -> bool {
        self.settings.windows.last_end(ts) <= self.closed_through
    }

    fn advance(&mut self, now: i64, counters: &mut Counters, out: &mut Vec<Record>) {
        let through = self.settings.windows.closed_through(now);
        if through > self.closed_through {
            self.close_through(through, counters, out);
        }
    }

    fn insert(&mut self, event: Event, counters: &mut Counters) {
        if let Some(event) = T::of(event) {
            counters.dropped += self.buffer.insert(event);
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
