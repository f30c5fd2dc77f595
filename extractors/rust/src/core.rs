//! The pure state machine: messages or passing time in, records out.
//!
//! [`Core`] checks messages, keeps stream time, tells late events from a clock that was set back, and counts. What is
//! done with an event in time is up to the [`Machine`] of its kind: [`Closer`] for windows, [`Apps`] for applications.

use crate::apps::Apps;
use crate::buffer::{Buffer, Timed};
use crate::counters::Counters;
use crate::event::{Event, Keystroke, Mouse, Parsed, parse};
use crate::output::{Record, Value};
use crate::schema::Kind;
use crate::state::State;
use crate::window::{StreamClock, Windows};
use crate::{cursor, keystroke, mouse};

/// An event more than this ahead of the host's clock is not believed, in µs.
const FUTURE: i64 = 5_000_000;
/// A state more than this ahead of the host's clock is from before the clock was set back, in µs.
const FUTURE_STATE: i64 = cursor::FUTURE;

/// What the core needs to know of the configuration.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The shape of the windows.
    pub windows: Windows,
    /// How many events a window needs to be emitted.
    pub min_events: usize,
    /// How many events are held.
    pub buffer_events: usize,
    /// The process is in developer mode.
    pub dev_mode: bool,
}

/// When a message was read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moment {
    /// The host's clock, in µs since the Unix epoch; none in a replay, which knows no future.
    pub wall: Option<i64>,
    /// The monotonic clock, in µs; none in a replay, where no real time passes.
    pub real: Option<i64>,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was used.
    Taken,
    /// It came too late.
    Late,
    /// It is ahead of the host's clock.
    Future,
    /// It breaks a rule.
    Malformed,
    /// It is for another extractor, or for nobody here.
    Passed,
}

/// What a kind of extractor does with its events. Times are stream time in µs.
pub trait Machine {
    /// An event of time `ts` comes too late to be used.
    fn is_late(&self, ts: i64) -> bool;
    /// Does all that is due at stream time `now`.
    fn advance(&mut self, now: i64, counters: &mut Counters, out: &mut Vec<Record>);
    /// Holds an event that is in time.
    fn insert(&mut self, event: Event, counters: &mut Counters);
    /// Does all that is open, and forgets what is closed: the end of the input, or of a session.
    fn end_session(&mut self, counters: &mut Counters, out: &mut Vec<Record>);
    /// The stream time at which something is due next.
    fn due(&self) -> Option<i64>;
    /// The application tracker, if this is one.
    fn apps(&mut self) -> Option<&mut Apps> {
        None
    }
}

/// One extractor without its surroundings.
pub struct Core {
    kind: Kind,
    clock: StreamClock,
    late_in_a_row: u32,
    counters: Counters,
    machine: Box<dyn Machine>,
}

impl Core {
    /// A fresh extractor.
    pub fn new(kind: Kind, settings: Settings) -> Core {
        let machine: Box<dyn Machine> = match kind {
            Kind::Keystroke => Box::new(Closer::<Keystroke>::new(settings)),
            Kind::Mouse => Box::new(Closer::<Mouse>::new(settings)),
            Kind::App => Box::new(Apps::new(settings)),
        };
        Core { kind, clock: StreamClock::default(), late_in_a_row: 0, counters: Counters::default(), machine }
    }

    /// Reads one message.
    pub fn message(&mut self, message: &[u8], at: Moment, out: &mut Vec<Record>) -> Outcome {
        let event = match parse(message) {
            Parsed::Valid(event) => event,
            Parsed::Ignored => return Outcome::Passed,
            Parsed::Malformed => {
                self.counters.malformed += 1;
                return Outcome::Malformed;
            }
        };
        if event.kind() != self.kind {
            return Outcome::Passed;
        }
        let ts = event.ts();
        if at.wall.is_some_and(|wall| ts > wall + FUTURE) {
            self.counters.future += 1;
            return Outcome::Future;
        }
        self.counters.events += 1;
        self.counters.last_event_ts = ts;
        self.take(event, ts, at.real, out)
    }

    fn take(&mut self, event: Event, ts: i64, real: Option<i64>, out: &mut Vec<Record>) -> Outcome {
        if !self.machine.is_late(ts) {
            self.late_in_a_row = 0;
            self.clock.see(ts, real);
        } else if self.late_in_a_row + 1 < self.kind.late_events_of_a_new_session() {
            self.late_in_a_row += 1;
            self.counters.late += 1;
            self.clock.see(ts, real);
            return Outcome::Late;
        } else {
            self.late_in_a_row = 0;
            self.counters.sessions += 1;
            self.machine.end_session(&mut self.counters, out);
            self.clock.set(ts, real);
        }
        self.advance(out);
        self.machine.insert(event, &mut self.counters);
        // Without lateness an application's event is due at once.
        self.advance(out);
        Outcome::Taken
    }

    /// Counts real time up to `real` (monotonic, in µs) if it runs, and does what is due by then.
    pub fn tick(&mut self, real: i64, out: &mut Vec<Record>) {
        self.clock.run_to(real);
        self.advance(out);
    }

    fn advance(&mut self, out: &mut Vec<Record>) {
        if let Some(now) = self.clock.now() {
            self.machine.advance(now, &mut self.counters, out);
        }
    }

    /// The end of the input: all that is open is closed.
    pub fn finish(&mut self, out: &mut Vec<Record>) {
        self.machine.end_session(&mut self.counters, out);
    }

    /// How many µs of stream time are left until something is due; not positive when it is.
    pub fn time_left(&self) -> Option<i64> {
        Some(self.machine.due()? - self.clock.now()?)
    }

    /// The application tracker goes on from a saved state. One that is ahead of the host's clock at `wall` is from
    /// before the clock was set back: its session has ended.
    pub fn restore(&mut self, state: &State, wall: i64, out: &mut Vec<Record>) {
        let Some(apps) = self.machine.apps() else {
            return;
        };
        apps.restore(state);
        match state.max_ts {
            Some(max_ts) if max_ts <= wall + FUTURE_STATE => self.clock.set(max_ts, None),
            _ => self.machine.end_session(&mut self.counters, out),
        }
    }

    /// What was counted so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Stream time.
    pub fn clock(&mut self) -> &mut StreamClock {
        &mut self.clock
    }

    /// The application tracker, if this is one.
    pub fn apps(&mut self) -> Option<&mut Apps> {
        self.machine.apps()
    }
}

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
struct Closer<T> {
    settings: Settings,
    buffer: Buffer<T>,
    closed_through: i64,
}

const NOTHING_CLOSED: i64 = i64::MIN;

impl<T: Sample> Closer<T> {
    fn new(settings: Settings) -> Closer<T> {
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
