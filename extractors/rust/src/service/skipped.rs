//! Messages that were skipped: logged at most once in a while, and never what was in them.

use std::time::Instant;

use crate::logs::{Log, lines};
use crate::operators::Extractor;
use crate::plausible;
use crate::timestamp::wall_us;
use crate::waits::LOG_REPEAT;

/// What was logged of them.
#[derive(Default)]
pub struct Skipped {
    next: Option<Instant>,
    malformed: u64,
    future: u64,
    ancient: u64,
}

impl Skipped {
    /// Logs the rest: the program ends.
    pub fn log_rest(&mut self, core: &Extractor, log: Log) {
        self.next = None;
        self.log(core, Instant::now(), log);
    }

    /// Logs what was skipped since the last time, if it is time again.
    pub fn log(&mut self, core: &Extractor, now: Instant, log: Log) {
        let counters = core.counters();
        let malformed = counters.malformed - self.malformed;
        let future = counters.future - self.future;
        let ancient = counters.ancient - self.ancient;
        if malformed + future + ancient == 0 || self.next.is_some_and(|next| now < next) {
            return;
        }
        let next = Some(now + LOG_REPEAT);
        *self = Skipped {
            next,
            malformed: counters.malformed,
            future: counters.future,
            ancient: counters.ancient,
        };
        if malformed > 0 {
            log.line(&lines::MALFORMED_SKIPPED, [malformed.into()]);
        }
        if future > 0 {
            log.line(&lines::FUTURE_SKIPPED, [future.into(), (&plausible::CLOCK_ADVICE).into()]);
        }
        if ancient > 0 {
            let advice = plausible::advice(core.ancient_ts(), wall_us());
            log.line(&lines::ANCIENT_SKIPPED, [ancient.into(), (&advice).into()]);
        }
    }
}
