//! A dependency that comes and goes: tried again with backoff and full jitter, spoken of once and on change.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use crate::logs::Log;

/// Whether something we depend on works, and when to try again if not.
#[derive(Debug)]
pub struct Dependency {
    name: &'static str,
    longest_pause: Duration,
    failures: u32,
    next_try: Option<Instant>,
    down: Option<Down>,
}

#[derive(Debug)]
struct Down {
    since: Instant,
    reason: String,
}

/// How something failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// In words.
    pub reason: String,
    /// It is of no use to try again before this has passed.
    pub at_least: Duration,
    /// What somebody has to mend, when it does not mend itself.
    pub advice: Option<&'static str>,
}

impl From<String> for Failure {
    fn from(reason: String) -> Failure {
        Failure { reason, at_least: Duration::ZERO, advice: None }
    }
}

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);

impl Dependency {
    /// `name` begins the sentences that are logged.
    pub fn new(name: &'static str, longest_pause: Duration) -> Dependency {
        Dependency { name, longest_pause, failures: 0, next_try: None, down: None }
    }

    /// When it may be tried: none is at once.
    pub fn next_try(&self) -> Option<Instant> {
        self.next_try
    }

    /// Whether it may be tried now.
    pub fn may_try(&self, now: Instant) -> bool {
        self.next_try.is_none_or(|next| next <= now)
    }

    /// What it failed with last, while it is down.
    pub fn reason(&self) -> Option<&str> {
        self.down.as_ref().map(|down| down.reason.as_str())
    }

    /// It works: said when it did not before.
    pub fn works(&mut self, now: Instant, log: &Log) {
        self.failures = 0;
        self.next_try = None;
        if let Some(down) = self.down.take() {
            let seconds = now.duration_since(down.since).as_secs();
            log.info(&format!("{} works again", self.name), &[("after_s", &seconds)]);
        }
    }

    /// It does not work: said when it did before, or fails in another way. It is tried again after a random part of
    /// a pause that doubles, and not before `at_least` has passed.
    pub fn failed(&mut self, now: Instant, failure: Failure, log: &Log) {
        let Failure { reason, at_least, advice } = failure;
        self.failures = self.failures.saturating_add(1);
        let pause = FIRST_PAUSE.saturating_mul(1 << (self.failures - 1).min(16)).min(self.longest_pause);
        self.next_try = Some(now + pause.mul_f64(random()).max(SHORTEST_PAUSE).max(at_least));
        if self.reason() != Some(reason.as_str()) {
            let message = format!("{} does not work, trying again", self.name);
            match advice {
                Some(advice) => log.error(&message, &[("reason", &reason), ("advice", &advice)]),
                None => log.warning(&message, &[("reason", &reason)]),
            }
            let since = self.down.as_ref().map_or(now, |down| down.since);
            self.down = Some(Down { since, reason });
        }
    }
}

/// A random number in [0, 1): the standard library seeds each of these anew.
fn random() -> f64 {
    let bits = RandomState::new().hash_one(()) >> 11;
    bits as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::{Format, Level};

    const LOG: Log = Log { level: Level::Error, format: Format::Logfmt };

    #[test]
    fn pauses_grow_up_to_the_longest_and_end_with_success() {
        let mut redis = Dependency::new("Redis", Duration::from_secs(5));
        let now = Instant::now();
        assert!(redis.may_try(now));
        for _ in 0..100 {
            redis.failed(now, Failure::from("refused".to_owned()), &LOG);
            let pause = redis.next_try().unwrap() - now;
            assert!((SHORTEST_PAUSE..=Duration::from_secs(5)).contains(&pause));
        }
        assert_eq!(redis.reason(), Some("refused"));
        redis.works(now, &LOG);
        assert_eq!((redis.reason(), redis.next_try()), (None, None));
    }

    #[test]
    fn what_the_other_side_asks_for_is_kept() {
        let mut influx = Dependency::new("InfluxDB", Duration::from_secs(5));
        let now = Instant::now();
        let at_least = Duration::from_secs(30);
        influx.failed(now, Failure { reason: "429".into(), at_least, advice: None }, &LOG);
        assert!(!influx.may_try(now + Duration::from_millis(29_999)));
        assert!(influx.may_try(now + Duration::from_secs(30)));
    }

    #[test]
    fn jitter_lies_between_nothing_and_all() {
        let all: Vec<f64> = (0..1000).map(|_| random()).collect();
        assert!(all.iter().all(|part| (0.0..1.0).contains(part)));
        assert!(all.iter().any(|part| *part < 0.1) && all.iter().any(|part| *part > 0.9));
    }
}
