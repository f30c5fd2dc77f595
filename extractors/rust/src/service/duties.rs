//! What the service does every few seconds, whether events come or not.

use std::time::{Duration, Instant};

use super::Service;
use super::reading::STREAM_AGE;
use crate::guard::SWAMPED_BYTES;
use crate::keeper::Occasion;
use crate::logs::wall_us;
use crate::plausible;
use crate::redis::RedisError;
use crate::stats_hash::{Facts, fields};

/// How long the loop waits at most when nothing is due.
const IDLE: Duration = Duration::from_millis(2500);
const STATS_EVERY: Duration = Duration::from_secs(5);
/// What is due so soon is done with the stats, which saves a wakeup.
const SOON: Duration = Duration::from_secs(1);
const TRIM_EVERY: Duration = Duration::from_secs(10);
const SAVE_EVERY: Duration = Duration::from_secs(60);
const COMPLAIN_EVERY: Duration = Duration::from_secs(10);
/// Entries of the stream older than this are trimmed, in ms.
const STREAM_AGE_MS: i64 = STREAM_AGE.as_millis() as i64;
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
    ancient: u64,
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
        let others = [self.notifier.next(), self.publisher.next_try().filter(|_| self.source.is_open())];
        others.into_iter().flatten().fold(idle.min(self.timers.stats), Instant::min)
    }

    /// Says at most once in a while that messages were skipped, and never what was in them.
    pub(super) fn complain(&mut self, now: Instant) {
        let counters = self.core.counters();
        let malformed = counters.malformed - self.complained.malformed;
        let future = counters.future - self.complained.future;
        let ancient = counters.ancient - self.complained.ancient;
        if malformed + future + ancient == 0 || self.complained.next.is_some_and(|next| now < next) {
            return;
        }
        self.complained.malformed = counters.malformed;
        self.complained.future = counters.future;
        self.complained.ancient = counters.ancient;
        self.complained.next = Some(now + COMPLAIN_EVERY);
        if malformed > 0 {
            self.log.warning("messages that break the contract were skipped", &[("count", &malformed)]);
        }
        if future > 0 {
            let advice = "is the clock of their producer right?";
            self.log
                .warning("events from the future were skipped", &[("count", &future), ("advice", &advice)]);
        }
        if ancient > 0 {
            let advice = plausible::advice(self.core.ancient_ts(), wall_us());
            self.log.warning(
                "events from more than 400 days ago were skipped",
                &[("count", &ancient), ("advice", &advice)],
            );
        }
    }

    /// What is to be done every few seconds.
    pub(super) fn duties(&mut self, now: Instant) {
        self.note_stored();
        if self.source.is_open() && self.source.is_swamped() {
            self.bound(SWAMPED_BYTES.min(self.config.stream_bytes));
        }
        let stats = now >= self.timers.stats;
        if !stats && !self.tell_stored {
            return;
        }
        let due = |timer: Instant| stats && now + SOON >= timer;
        if due(self.timers.save) {
            self.timers.save = now + SAVE_EVERY;
            self.save(Vec::new(), Occasion::Patterns);
            self.keeper.save_file();
        }
        // What is older than the stream's bound is used when it is still there at a start.
        let trim = due(self.timers.trim) && self.caught_up;
        if trim {
            self.timers.trim = now + TRIM_EVERY;
        }
        if stats {
            self.timers.stats = now + STATS_EVERY;
            self.say_status();
        }
        if self.source.is_open() {
            // Before what nobody waits for: its answers would be waited for here.
            if trim {
                self.look_at_stream();
            }
            self.housekeeping(stats, trim);
        }
    }

    /// Trims the stream when it is larger than `limit` bytes.
    fn bound(&mut self, limit: i64) {
        let stream = self.source.stream();
        let redis = self.publisher.settled(self.config);
        let bounded = redis.and_then(|redis| self.guard.bound(redis, stream, limit, self.log));
        self.answered(bounded);
    }

    /// Bounds the stream, and sees whether its ids are ahead of the clock, and whether others took entries away unread.
    fn look_at_stream(&mut self) {
        let (source, now_ms) = (&self.source, wall_us() / 1000);
        let redis = self.publisher.settled(self.config);
        let ids = redis.and_then(|redis| {
            let read = (source.last_id(), source.entries());
            self.guard.look(redis, source.stream(), self.config.stream_bytes, read, now_ms, self.log)
        });
        if let Some(ids) = self.answered(ids) {
            self.are_ids_ahead = ids.are_ahead;
            if ids.have_gap {
                self.count_gap();
            }
        }
    }

    /// Some entries are gone that nobody has read.
    pub(super) fn count_gap(&mut self) {
        self.gaps += 1;
        self.guard.forget(); // it is counted once
        self.log.warning("the stream was trimmed before it was read", &[]);
    }

    /// The answer to a question that may be put again; a refusal is said, and a lost connection closed.
    pub(super) fn answered<T>(&mut self, answer: Result<T, RedisError>) -> Option<T> {
        match answer {
            Ok(answer) => return Some(answer),
            Err(RedisError::Refused { command, error }) => {
                self.refused(Ok(vec![format!("{command}: {error}")]))
            }
            Err(error) => {
                self.publisher.close();
                self.refused(Err(error));
            }
        }
        None
    }

    /// Takes over how far the store has come.
    pub(super) fn note_stored(&mut self) {
        if let Some(stored) = self.cursor.settled(self.store.settled()) {
            self.stored = Some(stored);
            self.tell_stored = true;
        }
    }

    /// Tells Redis how things stand. The cursor is told with every stats, so that it comes back when it was lost.
    pub(super) fn housekeeping(&mut self, stats: bool, trim: bool) {
        let facts = Facts {
            started_at: self.started_at,
            last_id: self.source.last_id(),
            redis_reconnects: self.connections.saturating_sub(1),
            gaps: self.gaps,
            streams_reset: self.guard.streams_reset,
            entries_trimmed: self.guard.entries_trimmed,
            outputs_dropped: self.publisher.dropped,
            output_errors: self.publisher.errors,
        };
        let fields = fields(self.core.counters(), &self.store.stats(), &facts);
        let stats_key = format!("seclyzer:stats:{}", self.kind.name());
        let cursor_key = self.publisher.cursor_key().to_owned();
        let oldest = (wall_us() / 1000 - STREAM_AGE_MS).to_string();
        let stored = self.stored.map(|stored| stored.to_string());
        let published = self.publisher.published().filter(|_| stats).map(|published| published.to_string());
        let mut commands: Vec<Vec<&[u8]>> = Vec::new();
        if stats {
            let values = fields.iter().flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()]);
            commands.push([b"HSET", stats_key.as_bytes()].into_iter().chain(values).collect());
            commands.push(vec![b"EXPIRE", stats_key.as_bytes(), STATS_EXPIRE_S]);
        }
        if trim {
            commands.push(vec![b"XTRIM", self.source.stream(), b"MINID", oldest.as_bytes()]);
        }
        for (name, value) in [(b"stored".as_slice(), &stored), (b"published", &published)] {
            commands.extend(
                value.iter().map(|value| vec![b"HSET", cursor_key.as_bytes(), name, value.as_bytes()]),
            );
        }
        let new_fields = stats.then_some(fields.len());
        let told = self.publisher.housekeeping(self.config, &commands, new_fields);
        // When that was in vain it is told with the next stats.
        self.tell_stored = false;
        self.refused(told);
        if self.publisher.was_forgotten() {
            self.keeper.tell_again();
        }
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
