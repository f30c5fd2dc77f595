//! The operator of each kind, and the extractor's core with it.

use crate::apps::Apps;
use crate::core::{Core, Operator, Settings};
use crate::counters::Counters;
use crate::event::Event;
use crate::keystroke::Typing;
use crate::mouse::Pointing;
use crate::output::Record;
use crate::schema::Kind;
use crate::state::State;
use crate::windowing::WindowOperator;

/// The operator of one of the kinds.
// As many of them as programs: one.
#[allow(clippy::large_enum_variant)]
pub enum AnyOperator {
    /// Windows of typing.
    Typing(WindowOperator<Typing>),
    /// Windows of mouse events.
    Pointing(WindowOperator<Pointing>),
    /// Transitions between applications.
    Transitions(Apps),
}

/// A core with the operator of its kind.
pub type Extractor = Core<AnyOperator>;

impl Extractor {
    /// A fresh extractor.
    pub fn new(kind: Kind, settings: Settings) -> Extractor {
        let operator = match kind {
            Kind::Keystroke => AnyOperator::Typing(WindowOperator::new(settings)),
            Kind::Mouse => AnyOperator::Pointing(WindowOperator::new(settings)),
            Kind::App => AnyOperator::Transitions(Apps::new(settings)),
        };
        Core::with(kind, settings.idle_timeout, operator)
    }

    /// The application tracker goes on from a saved state.
    pub fn restore(&mut self, state: &State, wall: i64, out: &mut Vec<Record>) {
        if let AnyOperator::Transitions(apps) = self.operator_mut() {
            apps.restore(state.snapshot());
            self.resume(state.max_ts, wall, out);
        }
    }

    /// The application tracker, if this is one.
    pub fn apps(&self) -> Option<&Apps> {
        if let AnyOperator::Transitions(apps) = self.operator() { Some(apps) } else { None }
    }
}

/// Hands a call to the operator that there is.
macro_rules! each {
    ($any:expr, $operator:ident => $call:expr) => {
        match $any {
            AnyOperator::Typing($operator) => $call,
            AnyOperator::Pointing($operator) => $call,
            AnyOperator::Transitions($operator) => $call,
        }
    };
}

impl Operator for AnyOperator {
    fn is_late(&self, ts: i64) -> bool {
        each!(self, operator => operator.is_late(ts))
    }

    fn is_set_back(&self, ts: i64, largest: i64) -> bool {
        each!(self, operator => operator.is_set_back(ts, largest))
    }

    fn is_behind(&self, ts: i64) -> bool {
        each!(self, operator => operator.is_behind(ts))
    }

    fn advance(&mut self, now: i64, counters: &mut Counters, out: &mut Vec<Record>) {
        each!(self, operator => operator.advance(now, counters, out));
    }

    fn preparable(&self) -> Option<i64> {
        each!(self, operator => operator.preparable())
    }

    fn prepare(&mut self, soon: i64) {
        each!(self, operator => operator.prepare(soon));
    }

    fn insert(&mut self, event: Event<'_>, counters: &mut Counters) {
        each!(self, operator => operator.insert(event, counters));
    }

    fn end_session(&mut self, counters: &mut Counters, out: &mut Vec<Record>) {
        each!(self, operator => operator.end_session(counters, out));
    }

    fn due_time(&self, ts: i64) -> i64 {
        each!(self, operator => operator.due_time(ts))
    }

    fn due(&self) -> Option<i64> {
        each!(self, operator => operator.due())
    }
}
