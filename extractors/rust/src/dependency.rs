//! A dependency that comes and goes: tried again with backoff and full jitter, logged once for each reason in an outage.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use crate::logs::{Log, lines};
use crate::waits::BACKOFF_SHORTEST;

/// Whether a dependency works, and when to try again if not.
#[derive(Debug)]
pub struct Dependency {
    name: &'static str,
    first_bound: Duration,
    last_bound: Duration,
    failures: u32,
    next_try: Option<Instant>,
    outage: Option<Outage>,
    changes: u32,
}

#[derive(Debug)]
struct Outage {
    since: Instant,
    /// Every reason that was logged, in this outage.
    logged: Vec<String>,
    reason: String,
}

/// How an attempt failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// In words.
    pub reason: String,
    /// It is of no use to try again before this has passed.
    pub at_least: Duration,
    /// What an operator has to mend, when it does not mend itself.
    pub advice: Option<&'static str>,
}

impl From<String> for Failure {
    fn from(reason: String) -> Failure {
        Failure { reason, at_least: Duration::ZERO, advice: None }
    }
}

impl Dependency {
    /// `name` begins the lines that are logged; a wait before the next attempt is a random part of a bound, which doubles
    /// from the first to the last.
    pub fn new(name: &'static str, first_bound: Duration, last_bound: Duration) -> Dependency {
        Dependency { name, first_bound, last_bound, failures: 0, next_try: None, outage: None, changes: 0 }
    }

    /// When it may be tried: none is at once.
    pub fn next_try(&self) -> Option<Instant> {
        self.next_try
    }

    /// Whether it may be tried now.
    pub fn may_try(&self, now: Instant) -> bool {
        self.next_try.is_none_or(|next| next <= now)
    }

    /// What it failed with last, while it does not work.
    pub fn reason(&self) -> Option<&str> {
        self.outage.as_ref().map(|outage| outage.reason.as_str())
    }

    /// Rises whenever [`Dependency::reason`] changes.
    pub fn changes(&self) -> u32 {
        self.changes
    }

    /// It works.
    pub fn works(&mut self, now: Instant, log: &Log) {
        self.failures = 0;
        self.next_try = None;
        if let Some(outage) = self.outage.take() {
            self.changes += 1;
            let seconds = now.duration_since(outage.since).as_secs();
            log.of(self.name, &lines::DEPENDENCY_BACK, [seconds.into()]);
        }
    }

    /// It does not work, and is not tried again before `at_least` has passed.
    pub fn failed(&mut self, now: Instant, failure: Failure, log: &Log) {
        let Failure { reason, at_least, advice } = failure;
        self.failures = self.failures.saturating_add(1);
        let bound = self.first_bound.saturating_mul(1 << (self.failures - 1).min(16)).min(self.last_bound);
        self.next_try = Some(now + bound.mul_f64(random()).max(BACKOFF_SHORTEST).max(at_least));
        let outage = self.outage.get_or_insert_with(|| Outage {
            since: now,
            logged: Vec::new(),
            reason: String::new(),
        });
        if !outage.logged.contains(&reason) {
            match advice {
                Some(advice) => {
                    log.of(self.name, &lines::DEPENDENCY_WRONG, [(&reason).into(), (&advice).into()]);
                }
                None => log.of(self.name, &lines::DEPENDENCY_AWAY, [(&reason).into()]),
            }
            outage.logged.push(reason.clone());
        }
        if outage.reason != reason {
            outage.reason = reason;
            self.changes += 1;
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
    const FIRST: Duration = Duration::from_millis(200);
    const LAST: Duration = Duration::from_secs(5);

    #[test]
    fn waits_grow_up_to_the_last_bound_and_end_with_success() {
        let mut redis = Dependency::new("Redis", FIRST, LAST);
        let now = Instant::now();
        assert!(redis.may_try(now));
        let mut waits = Vec::new();
        for _ in 0..100 {
            redis.failed(now, Failure::from("refused".to_owned()), &LOG);
            waits.push(redis.next_try().unwrap() - now);
        }
        assert!(waits.iter().all(|wait| (BACKOFF_SHORTEST..=LAST).contains(wait)));
        assert!(waits[0] <= FIRST && waits.iter().any(|wait| *wait > 10 * FIRST));
        assert_eq!(redis.reason(), Some("refused"));
        redis.works(now, &LOG);
        assert_eq!((redis.reason(), redis.next_try()), (None, None));
    }

    #[test]
    fn what_the_other_side_asks_for_is_kept() {
        let mut influx = Dependency::new("InfluxDB", FIRST, LAST);
        let now = Instant::now();
        let at_least = Duration::from_secs(30);
        influx.failed(now, Failure { reason: "429".into(), at_least, advice: None }, &LOG);
        assert!(!influx.may_try(now + Duration::from_millis(29_999)));
        assert!(influx.may_try(now + Duration::from_secs(30)));
    }

    #[test]
    fn a_reason_is_logged_once_in_an_outage() {
        let mut redis = Dependency::new("Redis", FIRST, LAST);
        for reason in ["refused", "loading", "refused"] {
            redis.failed(Instant::now(), Failure::from(reason.to_owned()), &LOG);
            assert_eq!(redis.reason(), Some(reason), "the reason is the last one");
        }
        assert_eq!(redis.outage.unwrap().logged, ["refused", "loading"]);
    }

    #[test]
    fn jitter_lies_between_nothing_and_all() {
        let all: Vec<f64> = (0..1000).map(|_| random()).collect();
        assert!(all.iter().all(|part| (0.0..1.0).contains(part)));
        assert!(all.iter().any(|part| *part < 0.1) && all.iter().any(|part| *part > 0.9));
    }
}
