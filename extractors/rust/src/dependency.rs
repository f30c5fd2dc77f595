//! A dependency that comes and goes: tried again with backoff and full jitter, logged once for each reason in an outage.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use crate::logs::{Log, lines};
use crate::timestamp::wall_us;
use crate::waits::BACKOFF_SHORTEST;

/// What has no answer, and so no status or error of its own.
pub const UNREACHABLE: &str = "unreachable";

/// The last outage: `fault` in a word, `reason` and `advice` in words, all empty once it is over; Unix time in µs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outage {
    /// A status of HTTP, the first word of Redis' error, or [`UNREACHABLE`].
    pub fault: String,
    /// In words.
    pub reason: String,
    /// What an operator has to mend, when it does not mend itself.
    pub advice: &'static str,
    /// When it began, 0 when there was none.
    pub since: i64,
    /// When it ended, 0 while it lasts.
    pub until: i64,
}

impl Outage {
    /// It does not work, since now or still.
    pub fn lasts(&mut self, fault: String, reason: String, advice: &'static str) {
        let since = if self.fault.is_empty() { wall_us() } else { self.since };
        *self = Outage { fault, reason, advice, since, until: 0 };
    }

    /// It works, since now or still.
    pub fn ends(&mut self) {
        if !self.fault.is_empty() {
            *self = Outage { since: self.since, until: wall_us(), ..Outage::default() };
        }
    }
}

/// Whether a dependency works, and when to try again if not.
#[derive(Debug)]
pub struct Dependency {
    name: &'static str,
    first_bound: Duration,
    last_bound: Duration,
    failures: u32,
    next_try: Option<Instant>,
    outage: Outage,
    /// When it began, while it lasts.
    since: Option<Instant>,
    /// Every reason that was logged, in this outage.
    logged: Vec<String>,
    changes: u32,
}

/// How an attempt failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// In a word, as [`Outage::fault`].
    pub fault: String,
    /// In words.
    pub reason: String,
    /// It is of no use to try again before this has passed.
    pub at_least: Duration,
    /// What an operator has to mend, when it does not mend itself.
    pub advice: Option<&'static str>,
}

impl From<String> for Failure {
    fn from(reason: String) -> Failure {
        Failure { fault: UNREACHABLE.to_owned(), reason, at_least: Duration::ZERO, advice: None }
    }
}

impl Dependency {
    /// `name` begins the lines that are logged; a wait before the next attempt is a random part of a bound, which doubles
    /// from the first to the last.
    pub fn new(name: &'static str, first_bound: Duration, last_bound: Duration) -> Dependency {
        Dependency {
            name,
            first_bound,
            last_bound,
            failures: 0,
            next_try: None,
            outage: Outage::default(),
            since: None,
            logged: Vec::new(),
            changes: 0,
        }
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
        self.since.map(|_| self.outage.reason.as_str())
    }

    /// The last outage.
    pub fn outage(&self) -> &Outage {
        &self.outage
    }

    /// Rises whenever [`Dependency::reason`] changes.
    pub fn changes(&self) -> u32 {
        self.changes
    }

    /// It works.
    pub fn works(&mut self, now: Instant, log: &Log) {
        self.failures = 0;
        self.next_try = None;
        if let Some(since) = self.since.take() {
            self.changes += 1;
            self.logged.clear();
            self.outage.ends();
            let seconds = now.duration_since(since).as_secs();
            log.of(self.name, &lines::DEPENDENCY_BACK, [seconds.into()]);
        }
    }

    /// It does not work, and is not tried again before `at_least` has passed.
    pub fn failed(&mut self, now: Instant, failure: Failure, log: &Log) {
        let Failure { fault, reason, at_least, advice } = failure;
        self.failures = self.failures.saturating_add(1);
        let bound = self.first_bound.saturating_mul(1 << (self.failures - 1).min(16)).min(self.last_bound);
        self.next_try = Some(now + bound.mul_f64(random()).max(BACKOFF_SHORTEST).max(at_least));
        self.since.get_or_insert(now);
        if !self.logged.contains(&reason) {
            match advice {
                Some(advice) => {
                    log.of(self.name, &lines::DEPENDENCY_WRONG, [(&reason).into(), (&advice).into()]);
                }
                None => log.of(self.name, &lines::DEPENDENCY_AWAY, [(&reason).into()]),
            }
            self.logged.push(reason.clone());
        }
        if self.outage.reason != reason {
            self.changes += 1;
        }
        self.outage.lasts(fault, reason, advice.unwrap_or_default());
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
        influx.failed(now, Failure { at_least, ..Failure::from("429".to_owned()) }, &LOG);
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
        assert_eq!(redis.logged, ["refused", "loading"]);
    }

    #[test]
    fn an_outage_is_known_from_its_beginning_and_its_end_leaves_no_words() {
        let mut influx = Dependency::new("InfluxDB", FIRST, LAST);
        assert_eq!(influx.outage(), &Outage::default());
        let began = wall_us();
        influx.failed(Instant::now(), Failure::from("no answer in time".to_owned()), &LOG);
        let first = influx.outage().clone();
        assert_eq!((&*first.fault, &*first.reason), (UNREACHABLE, "no answer in time"));
        assert!(began <= first.since && first.since <= wall_us() && first.until == 0);
        let locked = Failure {
            fault: "401".into(),
            advice: Some("check influx_token"),
            ..Failure::from("status 401".to_owned())
        };
        influx.failed(Instant::now(), locked, &LOG);
        let second = influx.outage().clone();
        assert_eq!((&*second.fault, second.advice, second.since), ("401", "check influx_token", first.since));
        influx.works(Instant::now(), &LOG);
        let over = influx.outage().clone();
        assert!(over.until >= first.since);
        assert_eq!(over, Outage { since: first.since, until: over.until, ..Outage::default() });
    }

    #[test]
    fn jitter_lies_between_nothing_and_all() {
        let all: Vec<f64> = (0..1000).map(|_| random()).collect();
        assert!(all.iter().all(|part| (0.0..1.0).contains(part)));
        assert!(all.iter().any(|part| *part < 0.1) && all.iter().any(|part| *part > 0.9));
    }
}
