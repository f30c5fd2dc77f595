//! What the service does every few seconds, whether events come or not.

use std::time::{Duration, Instant};

use super::Service;
use crate::checkpoint::Occasion;
use crate::logs::lines;
use crate::publish::{CURSOR_VERSION, Refusal};
use crate::redis::RedisError;
use crate::stats_hash::{AfterRejection, Facts, fields};
use crate::stream_bounds::{SWAMPED_BYTES, StreamBounds};
use crate::timestamp::wall_us;
use crate::waits::{IDLE, STATE_EVERY, STATS_EVERY, STATS_EXPIRE, STORED_EVERY, STREAM_AGE, TRIM_EVERY};
use crate::{IMPLEMENTATION, VERSION};

/// What is due so soon is done with the stats, which saves a wakeup.
const SOON: Duration = Duration::from_secs(1);

/// When what is due next, and what is known for it.
pub struct Housekeeping {
    stats: Instant,
    trim: Instant,
    save: Instant,
    /// The cursor `stored` is not written before.
    stored: Instant,
    pub bounds: StreamBounds,
    /// How often the stream was trimmed before it was read.
    gaps: u64,
    /// Cursors of a later version that were left alone.
    pub state_skipped: u64,
    /// When the process started, in µs since the Unix epoch.
    started_at: i64,
    pid: String,
}

impl Housekeeping {
    /// The first stats are due at once.
    pub fn new(now: Instant) -> Housekeeping {
        Housekeeping {
            stats: now,
            trim: now + TRIM_EVERY,
            save: now + STATE_EVERY,
            stored: now,
            bounds: StreamBounds::default(),
            gaps: 0,
            state_skipped: 0,
            started_at: wall_us(),
            pid: std::process::id().to_string(),
        }
    }

    /// Nothing is due before.
    pub fn put_off(&mut self, until: Instant) {
        self.stats = until;
    }

    /// Stats are due now.
    pub fn hurry(&mut self, now: Instant) {
        self.stats = now;
    }
}

impl Service<'_> {
    /// When something is to be done next, were no event to come.
    pub(super) fn next_due(&self) -> Instant {
        let idle = Instant::now() + IDLE;
        let retry = self.outputs.publisher.next_try().filter(|_| self.reading.is_open());
        let others = [self.notifier.next(), retry];
        others.into_iter().flatten().fold(idle.min(self.housekeeping.stats), Instant::min)
    }

    /// Does what is due.
    pub(super) fn keep_house(&mut self, now: Instant) {
        self.outputs.note_stored();
        if self.reading.is_open() && self.reading.is_swamped() {
            self.bound_stream(SWAMPED_BYTES.min(self.config.values.stream_bytes));
        }
        let stats = now >= self.housekeeping.stats;
        let stored = self.outputs.write_stored && now >= self.housekeeping.stored;
        if !stats && !stored {
            return;
        }
        let due = |timer: Instant| stats && now + SOON >= timer;
        if due(self.housekeeping.save) {
            self.housekeeping.save = now + STATE_EVERY;
            self.save(Vec::new(), Occasion::Patterns);
            self.outputs.checkpoint.save_file();
        }
        // What is older than the stream's bound is used when it is still there at a start.
        let trim = due(self.housekeeping.trim) && self.reading.has_caught_up();
        if trim {
            self.housekeeping.trim = now + TRIM_EVERY;
        }
        if stats {
            self.housekeeping.stats = now + STATS_EVERY;
        }
        self.housekeeping.stored = now + STORED_EVERY;
        if self.reading.is_open() {
            // Before the commands whose answers are not waited for: here they would be.
            if trim {
                self.inspect_stream();
            }
            self.write_housekeeping(stats, trim);
        }
    }

    /// Trims the stream when it is larger than `limit` bytes.
    fn bound_stream(&mut self, limit: i64) {
        let (stream, bounds, log) = (self.reading.stream(), &mut self.housekeeping.bounds, &self.config.log);
        let redis = self.outputs.publisher.ready(self.config);
        let bounded = redis.and_then(|redis| bounds.bound(redis, stream, limit, log));
        self.answered(bounded);
    }

    /// Bounds the stream, and sees whether its ids are ahead of the clock, and whether others took entries away unread.
    fn inspect_stream(&mut self) {
        let (source, bounds, log) = (self.reading.source(), &mut self.housekeeping.bounds, &self.config.log);
        let (now_ms, limit) = (wall_us() / 1000, self.config.values.stream_bytes);
        let redis = self.outputs.publisher.ready(self.config);
        let ids = redis.and_then(|redis| {
            let read = (source.last_id(), source.entries());
            bounds.look(redis, source.stream(), limit, read, now_ms, log)
        });
        if let Some(ids) = self.answered(ids) {
            self.reading.note_ids(ids.are_ahead);
            if ids.have_gap {
                self.count_gap();
            }
        }
    }

    /// Entries are gone that were not read.
    pub(super) fn count_gap(&mut self) {
        self.housekeeping.gaps += 1;
        self.housekeeping.bounds.forget(); // it is counted once
        self.config.log.line(&lines::STREAM_GAP, []);
    }

    /// The answer to a question that may be put again; a refusal is logged, and a lost connection closed.
    pub(super) fn answered<T>(&mut self, answer: Result<T, RedisError>) -> Option<T> {
        match answer {
            Ok(answer) => return Some(answer),
            Err(RedisError::Refused { command, error }) => {
                let refusal = Refusal { command: command.to_owned(), reason: error };
                self.outputs.publisher.refused(refusal, &self.config.log);
            }
            Err(error) => self.outputs.publisher.fails(self.config, &error, Instant::now(), &self.config.log),
        }
        None
    }

    /// Writes to Redis how things stand. The cursor goes with all stats, so that it comes back when it was lost.
    pub(super) fn write_housekeeping(&mut self, stats: bool, trim: bool) {
        let fields = stats.then(|| self.fields());
        let stats_key = format!("seclyzer:stats:{}", self.kind.name());
        let expire = STATS_EXPIRE.as_secs().to_string();
        let oldest = (wall_us() / 1000 - STREAM_AGE.as_millis() as i64).to_string();
        let cursor_key = self.outputs.publisher.cursor_key().to_owned();
        let stored = self.outputs.stored.map(|stored| stored.to_string());
        let published = self.outputs.publisher.published().filter(|_| stats);
        let published = published.map(|published| published.to_string());
        let [form, version] = CURSOR_VERSION;
        let mut commands: Vec<Vec<&[u8]>> = Vec::new();
        if let Some(fields) = &fields {
            let values = fields.iter().flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()]);
            commands.push([b"HSET", stats_key.as_bytes()].into_iter().chain(values).collect());
            commands.push(vec![b"EXPIRE", stats_key.as_bytes(), expire.as_bytes()]);
        }
        if trim {
            commands.push(vec![b"XTRIM", self.reading.stream(), b"MINID", oldest.as_bytes()]);
        }
        for (name, value) in [(b"stored".as_slice(), &stored), (b"published", &published)] {
            commands.extend(
                value
                    .iter()
                    .map(|value| vec![b"HSET", cursor_key.as_bytes(), name, value.as_bytes(), form, version]),
            );
        }
        let count = fields.as_ref().map(|fields| fields.len());
        let (publisher, log) = (&mut self.outputs.publisher, &self.config.log);
        publisher.housekeeping(self.config, &commands, count, log);
        if publisher.was_forgotten() {
            self.outputs.checkpoint.write_again();
        }
        // When that was in vain it goes with the next stats.
        self.outputs.write_stored = false;
    }

    /// Names and values of the stats hash.
    fn fields(&self) -> Vec<(&'static str, String)> {
        let (store, bounds, publisher) =
            (self.outputs.store.stats(), &self.housekeeping.bounds, &self.outputs.publisher);
        let (reading, writing) = (self.reading.redis.outage(), publisher.dependency().outage());
        let facts = Facts {
            implementation: IMPLEMENTATION,
            version: VERSION,
            pid: &self.housekeeping.pid,
            started_at: self.housekeeping.started_at,
            last_id: self.reading.last_id(),
            points_written: store.written,
            points_spooled: store.spooled,
            points_rejected: store.rejected,
            points_dropped: store.dropped,
            spool_bytes: store.spool_bytes.cast_signed(),
            spool_oldest_ts: store.spool_oldest_ts,
            redis_reconnects: self.reading.reconnects(),
            influx_errors: store.errors,
            gaps: self.housekeeping.gaps,
            streams_reset: bounds.streams_reset,
            entries_trimmed: bounds.entries_trimmed,
            outputs_dropped: publisher.dropped,
            output_errors: publisher.errors,
            state_skipped: self.housekeeping.state_skipped + self.outputs.checkpoint.skipped + store.skipped,
            redis_read_fault: &reading.fault,
            redis_read_reason: &reading.reason,
            redis_read_advice: reading.advice,
            redis_read_since: reading.since,
            redis_read_until: reading.until,
            redis_write_fault: &writing.fault,
            redis_write_reason: &writing.reason,
            redis_write_advice: writing.advice,
            redis_write_since: writing.since,
            redis_write_until: writing.until,
            influxdb_fault: &store.outage.fault,
            influxdb_reason: &store.outage.reason,
            influxdb_advice: store.outage.advice,
            influxdb_since: store.outage.since,
            influxdb_until: store.outage.until,
            spool_fault: &store.spool_outage.fault,
            spool_reason: &store.spool_outage.reason,
            spool_advice: store.spool_outage.advice,
            spool_since: store.spool_outage.since,
            spool_until: store.spool_outage.until,
            influxdb_answered_at: store.answered_at,
            window_publish_delay: &publisher.delays,
            store_write: &store.took,
            after_rejection: store.refusal.as_ref().map(|refusal| AfterRejection {
                rejected_reason: refusal.reason.name(),
                rejected_year: refusal.year.unwrap_or(0),
            }),
        };
        fields(self.core.counters(), &facts)
    }
}
