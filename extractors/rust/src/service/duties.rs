//! What the service does every few seconds, whether events come or not.

use std::time::{Duration, Instant};

use super::Service;
use crate::keeper::Occasion;
use crate::logs::wall_us;
use crate::redis::RedisError;
use crate::stats_hash::{Facts, fields};

/// How long the loop waits at most when nothing is due.
const IDLE: Duration = Duration::from_secs(1);
const STATS_EVERY: Duration = Duration::from_secs(5);
const TRIM_EVERY: Duration = Duration::from_secs(10);
const SAVE_EVERY: Duration = Duration::from_secs(60);
const COMPLAIN_EVERY: Duration = Duration::from_secs(10);
/// Entries of the stream older than this are trimmed, in ms.
const STREAM_AGE_MS: i64 = 120_000;
const STATS_EXPIRE_S: &[u8] = b"30";

/// When each duty is due next.
pub struct Timers {
    pub stats: Instant,
    trim: Instant,
    save: Instant,
}

/// What has been said about messages that were skipped.
#[derive(Default)]
pub struct Complained {
    next: Option<Instant>,
    malformed: u64,
    future: u64,
    /// Redis' refusals: as many as there are reasons, which are few.
    refused: Vec<String>,
}

impl Timers {
    /// The first stats are due at once.
    pub fn new(now: Instant) -> Timers {
        Timers { stats: now, trim: now + TRIM_EVERY, save: now + SAVE_EVERY }
    }
}

impl Service<'_> {
    /// When something is to be done next, were nothing to come.
    pub(super) fn next_duty(&self) -> Instant {
        let idle = Instant::now() + IDLE;
        let duties = [self.timers.stats, self.timers.trim, self.timers.save];
        let others = [self.notifier.next(), self.publisher.next_try().filter(|_| self.source.is_open())];
        duties.into_iter().chain(others.into_iter().flatten()).fold(idle, Instant::min)
    }

    /// Says at most once in a while that messages were skipped, and never what was in them.
    pub(super) fn complain(&mut self, now: Instant) {
        let counters = self.core.counters();
        let malformed = counters.malformed - self.complained.malformed;
        let future = counters.future - self.complained.future;
        if malformed + future == 0 || self.complained.next.is_some_and(|next| now < next) {
            return;
        }
        self.complained.malformed = counters.malformed;
        self.complained.future = counters.future;
        self.complained.next = Some(now + COMPLAIN_EVERY);
        if malformed > 0 {
            self.log.warning("messages that break the contract were skipped", &[("count", &malformed)]);
        }
        if future > 0 {
            let advice = "is the clock of their producer right?";
            self.log
                .warning("events from the future were skipped", &[("count", &future), ("advice", &advice)]);
        }
    }

    /// What is to be done every few seconds.
    pub(super) fn duties(&mut self, now: Instant) {
        self.stored = self.cursor.answered(self.store.settled()).or(self.stored);
        if now >= self.timers.save {
            self.timers.save = now + SAVE_EVERY;
            self.save(Vec::new(), Occasion::Patterns);
            self.keeper.save_file();
        }
        let (stats, trim) = (now >= self.timers.stats, now >= self.timers.trim);
        if stats {
            self.timers.stats = now + STATS_EVERY;
            self.say_status();
        }
        if trim {
            self.timers.trim = now + TRIM_EVERY;
        }
        if self.source.is_open() && (stats || trim || self.stored.is_some()) {
            self.housekeeping(stats, trim);
        }
    }

    pub(super) fn housekeeping(&mut self, stats: bool, trim: bool) {
        let facts = Facts {
            started_at: self.started_at,
            last_id: self.source.last_id(),
            redis_reconnects: self.connections.saturating_sub(1),
            outputs_dropped: self.publisher.dropped,
            output_errors: self.publisher.errors,
        };
        let fields = fields(self.core.counters(), &self.store.stats(), &facts);
        let stats_key = format!("seclyzer:stats:{}", self.kind.name());
        let cursor_key = self.publisher.cursor_key().to_owned();
        let oldest = (wall_us() / 1000 - STREAM_AGE_MS).to_string();
        let stored = self.stored.map(|stored| stored.to_string());
        let mut commands: Vec<Vec<&[u8]>> = Vec::new();
        if stats {
            let values = fields.iter().flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()]);
            commands.push([b"HSET", stats_key.as_bytes()].into_iter().chain(values).collect());
            commands.push(vec![b"EXPIRE", stats_key.as_bytes(), STATS_EXPIRE_S]);
        }
        if trim {
            commands.push(vec![b"XTRIM", self.source.stream(), b"MINID", oldest.as_bytes()]);
        }
        if let Some(stored) = &stored {
            commands.push(vec![b"HSET", cursor_key.as_bytes(), b"stored", stored.as_bytes()]);
        }
        self.stored = None;
        let refused = self.publisher.housekeeping(self.config, &commands);
        self.refused(refused);
    }

    /// Says each of Redis' refusals once.
    fn refused(&mut self, refused: Result<Vec<String>, RedisError>) {
        match refused {
            Ok(reasons) => {
                for reason in reasons {
                    if !self.complained.refused.contains(&reason) {
                        self.log.error("Redis refused a command", &[("reason", &reason)]);
                        self.complained.refused.push(reason);
                    }
                }
            }
            Err(error) => self.log.debug("housekeeping failed", &[("reason", &error)]),
        }
    }

    /// What is going on, in words for `systemctl status`.
    pub(super) fn say_status(&mut self) {
        let redis = match (self.source.is_open(), self.redis.reason(), self.publisher.trouble()) {
            (true, _, Some(reason)) => format!("reading events, cannot write features: {reason}"),
            (true, _, None) => "reading events".to_owned(),
            (false, Some(reason), _) => format!("waiting for Redis: {reason}"),
            (false, None, _) => "waiting for Redis".to_owned(),
        };
        match self.store.stats().trouble {
            Some(reason) => self.notifier.status(&format!("{redis}; waiting for InfluxDB: {reason}")),
            None => self.notifier.status(&redis),
        }
    }
}
