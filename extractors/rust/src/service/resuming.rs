//! Connecting to Redis, and going on where the last run stopped.

use std::time::Instant;

use super::Service;
use crate::cursor::Cursor;
use crate::logs::lines;
use crate::publish::{Saved, failure, read_cursor};
use crate::redis::{Redis, RedisError};
use crate::schema::{Kind, state_version};
use crate::source::{START, Source};
use crate::timestamp::wall_us;
use crate::waits::STREAM_AGE;

impl Service<'_> {
    pub(super) fn connect(&mut self, now: Instant) {
        let opened = self.open();
        self.reading.tried = true;
        match opened {
            // Whether reading works is known when the first read is answered.
            Ok(()) => {
                self.reading.connections += 1;
                self.housekeeping.hurry(now);
            }
            Err(error) => {
                self.outputs.publisher.close();
                self.reading.redis.failed(now, failure(self.config, &error), &self.config.log);
            }
        }
        self.report_status();
    }

    fn open(&mut self) -> Result<(), RedisError> {
        if !self.reading.resumed {
            self.resume()?;
        } else {
            // What broke one connection has most likely broken the other, and Redis may have forgotten all.
            self.outputs.publisher.close();
            self.outputs.checkpoint.write_again();
            self.housekeeping.bounds.forget();
        }
        self.look_for_gap()?;
        self.reading.source.open(self.config)
    }

    /// Learns how far the last run had come.
    fn resume(&mut self) -> Result<(), RedisError> {
        let now = wall_us();
        let outputs = &mut self.outputs;
        let key = outputs.publisher.cursor_key().to_owned();
        let redis = outputs.publisher.redis(self.config)?;
        let mut saved = read_cursor(redis, &key, &self.config.log)?;
        if let Some(version) = saved.version.filter(|version| *version > state_version::CURSOR) {
            self.housekeeping.state_skipped += 1;
            let fields = [(&"cursor").into(), version.into(), 1u64.into()];
            self.config.log.line(&lines::STATE_SKIPPED, fields);
            saved = Saved::default();
        }
        outputs.cursor = Cursor::new(saved.published, saved.stored, now);
        if self.kind == Kind::App
            && let Some((state, in_redis)) = outputs.checkpoint.load(redis)?
        {
            // The state in Redis is exactly what was done, where the cursor would hide a second transition at the
            // same time. That of a file may be older than the cursor.
            if in_redis {
                outputs.cursor.forget_last_run();
            }
            self.reading.source = Source::new(self.kind, state.last_id.clone());
            state.unstored().for_each(|record| outputs.hand_over(record));
            self.core.restore(&state, now, &mut self.made.records);
        }
        self.reading.resumed = true;
        Ok(())
    }

    /// Nothing was read for longer than the stream keeps entries: some may be gone unread.
    pub(super) fn look_for_gap(&mut self) -> Result<(), RedisError> {
        let source = &self.reading.source;
        if self.reading.read_at.is_none_or(|read_at| read_at.elapsed() <= STREAM_AGE)
            || source.last_id() == START
        {
            return Ok(());
        }
        let (stream, last_id) = (source.stream(), source.last_id().as_bytes());
        let redis = self.outputs.publisher.ready(self.config)?;
        if !has_entries(redis, stream, b"-", last_id)? && has_entries(redis, stream, b"-", b"+")? {
            self.count_gap();
        }
        self.reading.read_at = None;
        Ok(())
    }
}

/// Whether the stream has an entry between these ids.
pub(super) fn has_entries(
    redis: &mut Redis,
    stream: &[u8],
    from: &[u8],
    to: &[u8],
) -> Result<bool, RedisError> {
    let command: [&[u8]; 6] = [b"XRANGE", stream, from, to, b"COUNT", b"1"];
    redis.call("XRANGE", &command, |entries| !entries.items().is_empty())
}
