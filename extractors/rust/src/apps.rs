//! The application tracker: focuses in, transitions and patterns out (contract, 3.3).
//!
//! Events wait until stream time is `lateness` past them, so that they are taken in order. A focus on another
//! application ends the current one; a repeat of the same changes nothing.

use serde::{Deserialize, Serialize};

use crate::buffer::{Buffer, Timed};
use crate::core::{Operator, Settings};
use crate::counters::Counters;
use crate::event::{Event, Focus};
use crate::features;
use crate::output::Record;
use crate::patterns::Patterns;

impl Timed for Focus {
    fn ts(&self) -> i64 {
        self.ts
    }
}

/// The application that has the focus.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Current {
    app: String,
    since: i64,
    dev_mode: bool,
}

/// What it takes to go on from a moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The `ts` of the event taken last in this session; 0 when there is none.
    pub taken_through: i64,
    /// The application that has the focus.
    pub current: Option<Current>,
    /// Events that wait to be taken, in order.
    pub pending: Vec<Focus>,
    /// What was learnt.
    pub patterns: Patterns,
}

/// The operator of the application tracker.
#[derive(Clone, Debug)]
pub struct Apps {
    settings: Settings,
    pending: Buffer<Focus>,
    /// The `ts` of the event taken last in this session; 0 when there is none. What is before it is late.
    taken_through: i64,
    current: Option<Current>,
    patterns: Patterns,
    changes: u64,
}

impl Apps {
    /// A tracker that has seen nothing.
    pub fn new(settings: Settings) -> Apps {
        Apps {
            settings,
            pending: Buffer::new(settings.buffer_events),
            taken_through: 0,
            current: None,
            patterns: Patterns::default(),
            changes: 0,
        }
    }

    /// What was learnt so far.
    pub fn patterns(&self) -> &Patterns {
        &self.patterns
    }

    /// Rises whenever an event changed something: what was saved before is out of date then.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// Whether the process or any event taken was in developer mode.
    pub fn dev_mode(&self) -> bool {
        self.settings.dev_mode || self.patterns.dev_mode
    }

    /// What it takes to go on from here.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            taken_through: self.taken_through,
            current: self.current.clone(),
            pending: self.pending.iter().cloned().collect(),
            patterns: self.patterns.clone(),
        }
    }

    /// Goes on from a snapshot.
    pub fn restore(&mut self, snapshot: Snapshot) {
        let Snapshot { taken_through, current, pending, patterns } = snapshot;
        (self.taken_through, self.current, self.patterns) = (taken_through, current, patterns);
        for focus in pending {
            self.pending.insert(focus);
        }
    }

    /// Takes what is pending and not after `through`, in order.
    fn take_through(&mut self, through: i64, out: &mut Vec<Record>) {
        while let Some(focus) = self.pending.pop_through(through) {
            self.take(focus, out);
        }
    }

    fn take(&mut self, focus: Focus, out: &mut Vec<Record>) {
        self.taken_through = focus.ts;
        self.patterns.taken_ts = Some(focus.ts);
        if focus.dev_mode && !self.patterns.dev_mode {
            self.patterns.dev_mode = true;
            self.changes += 1;
        }
        if self.current.as_ref().is_some_and(|current| current.app == focus.app) {
            return;
        }
        self.changes += 1;
        self.patterns.gain(&focus.app, focus.ts);
        let next = Current { app: focus.app, since: focus.ts, dev_mode: focus.dev_mode };
        let Some(last) = self.current.replace(next.clone()) else {
            return;
        };
        let duration = focus.ts - last.since;
        self.patterns.transition(&last.app, &next.app, duration);
        out.push(Record {
            ts: focus.ts,
            values: features::App {
                from_app: last.app,
                to_app: next.app,
                duration_ms: (duration / 1000).unsigned_abs(),
                dev_mode: self.settings.dev_mode || last.dev_mode || next.dev_mode,
            }
            .values(),
        });
    }
}

impl Operator for Apps {
    fn is_late(&self, ts: i64) -> bool {
        ts < self.taken_through
    }

    fn advance(&mut self, now: i64, _counters: &mut Counters, out: &mut Vec<Record>) {
        self.take_through(now - self.settings.windows.lateness, out);
    }

    fn insert(&mut self, event: Event<'_>, counters: &mut Counters) {
        if let Event::App(focus) = event {
            self.pending.insert(focus);
            counters.dropped += self.pending.drop_surplus();
        }
    }

    fn end_session(&mut self, _counters: &mut Counters, out: &mut Vec<Record>) {
        self.take_through(i64::MAX, out);
        self.taken_through = 0;
        self.current = None;
    }

    fn due_time(&self, ts: i64) -> i64 {
        ts + self.settings.windows.lateness
    }

    fn due(&self) -> Option<i64> {
        Some(self.due_time(self.pending.first()?.ts))
    }
}
