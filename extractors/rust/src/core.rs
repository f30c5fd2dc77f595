//! The pure state machine: messages or passing time in, records out.
//!
//! [`Core`] checks messages, keeps stream time, distinguishes late events from a clock that was set back, and counts. What is
//! done with an event in time is up to the [`Operator`] of its kind; which that is [`crate::operators`] knows.

use crate::counters::Counters;
use crate::event::{Event, Parsed, parse};
use crate::output::Record;
use crate::plausible;
use crate::schema::Kind;
use crate::window::{StreamClock, Windows};

/// What the core needs to know of the configuration.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The shape of the windows.
    pub windows: Windows,
    /// How long no event may come before real time moves stream time, in µs.
    pub idle_timeout: i64,
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
    /// The host's clock, in µs since the Unix epoch; none in a replay, which believes every time.
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
    /// It is too long before the host's clock.
    Ancient,
    /// It breaks a rule.
    Malformed,
    /// It is of another kind.
    Passed,
}

/// What a kind of extractor does with its events. Times are stream time in µs.
pub trait Operator {
    /// An event of time `ts` comes too late to be used.
    fn is_late(&self, ts: i64) -> bool;
    /// Such an event may tell of a clock that was set back, and not of a producer that lags; `largest` is the largest `ts` seen.
    fn is_set_back(&self, _ts: i64, _largest: i64) -> bool {
        true
    }
    /// An event of time `ts` that is not late missed something that is closed.
    fn is_behind(&self, _ts: i64) -> bool {
        false
    }
    /// Does all that is due at stream time `now`.
    fn advance(&mut self, now: i64, counters: &mut Counters, out: &mut Vec<Record>);
    /// The time of the next event from which on something can be done before it is due.
    fn preparable(&self) -> Option<i64> {
        None
    }
    /// Does what can be done before it is due, if the next event is of time `soon`: it need not be known for sure.
    fn prepare(&mut self, _soon: i64) {}
    /// Holds an event that is in time.
    fn insert(&mut self, event: Event<'_>, counters: &mut Counters);
    /// Does all that is open, and forgets what is closed: the end of the input, or of a session.
    fn end_session(&mut self, counters: &mut Counters, out: &mut Vec<Record>);
    /// The stream time at which what is put out with this `ts` is due.
    fn due_time(&self, ts: i64) -> i64;
    /// The stream time at which something is due next.
    fn due(&self) -> Option<i64>;
}

/// One extractor without its surroundings.
pub struct Core<O> {
    kind: Kind,
    clock: StreamClock,
    late_in_a_row: u32,
    ancient_ts: i64,
    counters: Counters,
    operator: O,
}

impl<O: Operator> Core<O> {
    /// A core around an operator of this kind; without an event for `idle_timeout` µs, real time moves stream time.
    pub fn with(kind: Kind, idle_timeout: i64, operator: O) -> Core<O> {
        let clock = StreamClock::new(idle_timeout);
        Core { kind, clock, late_in_a_row: 0, ancient_ts: 0, counters: Counters::default(), operator }
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
        if let Some(wall) = at.wall {
            if ts > plausible::latest(wall) {
                self.counters.future += 1;
                return Outcome::Future;
            }
            if ts < plausible::earliest(wall) {
                self.counters.ancient += 1;
                self.ancient_ts = ts;
                return Outcome::Ancient;
            }
        }
        self.counters.events += 1;
        self.counters.last_event_ts = ts;
        self.take(event, ts, at.real, out)
    }

    fn take(&mut self, event: Event<'_>, ts: i64, real: Option<i64>, out: &mut Vec<Record>) -> Outcome {
        if !self.operator.is_late(ts) {
            self.late_in_a_row = 0;
            self.counters.behind += u64::from(self.operator.is_behind(ts));
            self.clock.see(ts, real);
        } else {
            let is_set_back =
                self.clock.largest().is_some_and(|largest| self.operator.is_set_back(ts, largest));
            self.late_in_a_row = if is_set_back { self.late_in_a_row + 1 } else { 0 };
            if self.late_in_a_row < self.kind.session_after() {
                self.counters.late += 1;
                self.clock.see(ts, real);
                return Outcome::Late;
            }
            self.late_in_a_row = 0;
            self.counters.sessions += 1;
            self.operator.end_session(&mut self.counters, out);
            self.clock.set(ts, real);
        }
        self.advance(out);
        self.operator.insert(event, &mut self.counters);
        // Without lateness an application's event is due at once.
        self.advance(out);
        Outcome::Taken
    }

    /// Counts real time up to `real` (monotonic, in µs) if it runs, and does what is due by then.
    pub fn tick(&mut self, real: i64, out: &mut Vec<Record>) {
        self.clock.run_to(real);
        self.advance(out);
        self.prepare(real);
    }

    /// Does at `real` (monotonic, in µs) what can be done before it is due. Not all need have been read by then:
    /// what comes late makes it void.
    pub fn prepare(&mut self, real: i64) {
        if let Some(soon) = self.clock.soon(real) {
            self.operator.prepare(soon);
        }
    }

    fn advance(&mut self, out: &mut Vec<Record>) {
        if let Some(now) = self.clock.now() {
            self.operator.advance(now, &mut self.counters, out);
        }
    }

    /// The end of the input: all that is open is closed.
    pub fn finish(&mut self, out: &mut Vec<Record>) {
        self.operator.end_session(&mut self.counters, out);
    }

    /// The stream time at which something is due next.
    pub fn due(&self) -> Option<i64> {
        self.operator.due()
    }

    /// The real time (monotonic, in µs) at which what was put out with this `ts` was due, if real time has made it so.
    pub fn due_at(&self, ts: i64) -> Option<i64> {
        self.clock.real_at(self.operator.due_time(ts))
    }

    /// The time of the next event from which on something can be done before it is due.
    pub fn preparable(&self) -> Option<i64> {
        self.operator.preparable()
    }

    /// Goes on with an operator that was restored from a state with this largest `ts`. One that is ahead of the host's
    /// clock at `wall` is from before the clock was set back: its session has ended.
    pub fn resume(&mut self, max_ts: Option<i64>, wall: i64, out: &mut Vec<Record>) {
        match max_ts {
            Some(max_ts) if max_ts <= plausible::latest_saved(wall) => self.clock.set(max_ts, None),
            _ => self.operator.end_session(&mut self.counters, out),
        }
    }

    /// What was counted so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// A record of this time was put out: what the last run put out already does not come out again, and does not count.
    pub fn came_out(&mut self, ts: i64) {
        self.counters.windows += 1;
        self.counters.last_window_ts = ts;
    }

    /// The `ts` of the last event that was too long before the host's clock; 0 when there was none.
    pub fn ancient_ts(&self) -> i64 {
        self.ancient_ts
    }

    /// Stream time.
    pub fn clock(&mut self) -> &mut StreamClock {
        &mut self.clock
    }

    /// What does with events what their kind needs.
    pub fn operator(&self) -> &O {
        &self.operator
    }

    /// The same, to change it.
    pub fn operator_mut(&mut self) -> &mut O {
        &mut self.operator
    }
}
