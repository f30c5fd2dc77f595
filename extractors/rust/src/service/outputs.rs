//! Features out: to Redis and to InfluxDB, unless the last run did that; and what of it must outlive a restart.

use std::time::Instant;

use super::GATHER;
use super::made::Made;
use crate::apps::Apps;
use crate::checkpoint::{Checkpoint, Occasion, Position};
use crate::config::Config;
use crate::cursor::Cursor;
use crate::logs::lines;
use crate::operators::Extractor;
use crate::output::{Record, Writer};
use crate::publish::{Output, Publisher, Text};
use crate::schema::Kind;
use crate::store::Store;

/// Where records go.
pub struct Outputs<'a> {
    kind: Kind,
    config: &'a Config,
    writer: Writer,
    pub publisher: Publisher,
    pub store: Store,
    pub cursor: Cursor,
    pub checkpoint: Checkpoint<'a>,
    /// When outputs were sent last.
    flushed_at: Instant,
    /// The cursor `stored`, as far as this process knows.
    pub stored: Option<i64>,
    /// It moved, and is to be written to Redis before the next stats.
    pub write_stored: bool,
    /// Sessions that were begun, as far as was seen.
    sessions: u64,
}

impl<'a> Outputs<'a> {
    /// Nothing was put out yet.
    pub fn new(kind: Kind, config: &'a Config, writer: Writer, store: Store, now: Instant) -> Outputs<'a> {
        Outputs {
            kind,
            config,
            publisher: Publisher::new(kind, writer.channel()),
            writer,
            store,
            cursor: Cursor::default(),
            checkpoint: Checkpoint::new(config.state_dir.as_deref(), config.log),
            flushed_at: now,
            stored: None,
            write_stored: false,
            sessions: 0,
        }
    }

    /// A session begins: once all that the last run left had been read, everything from then on is new.
    pub fn see_sessions(&mut self, sessions: u64, has_caught_up: bool) {
        for _ in self.sessions..sessions {
            self.config.log.line(&lines::SESSION_BEGUN, []);
        }
        if self.sessions != sessions && has_caught_up {
            self.cursor.forget_last_run();
        }
        self.sessions = sessions;
    }

    /// Puts records out. The texts of transitions come back: they go together with the state.
    pub fn put_out(&mut self, made: Made, core: &mut Extractor) -> Vec<Text> {
        let mut texts = Vec::new();
        for (record, closed_at) in made.closed() {
            let ts = record.ts;
            let (publish, store) = (self.cursor.wants_published(ts), self.cursor.wants_stored(ts));
            if publish || store {
                core.came_out(ts);
            }
            if publish {
                let text = Text { json: self.writer.json(&record), closed_at };
                match self.kind {
                    Kind::App => texts.push(text),
                    _ => self.publisher.push(Output {
                        texts: vec![text],
                        published: Some(ts),
                        ..Output::default()
                    }),
                }
            }
            if store {
                self.hand_over(record);
            }
        }
        texts
    }

    /// A record as it is published.
    pub fn text(&self, record: &Record) -> String {
        self.writer.json(record)
    }

    /// Hands a record to the store.
    pub fn hand_over(&mut self, record: Record) {
        let sequence = self.store.push(self.writer.line(&record, &self.config.identity));
        let (ts, kept) = (record.ts, self.kind == Kind::App);
        self.cursor.handed_over(sequence, ts, kept.then_some(record));
    }

    /// Queues the tracker's state and patterns, as far as they are due.
    pub fn save(
        &mut self,
        apps: &Apps,
        last_id: &str,
        max_ts: Option<i64>,
        texts: Vec<Text>,
        occasion: Occasion,
    ) {
        let position = Position { last_id, max_ts, cursor: &self.cursor };
        let output = self.checkpoint.output(apps, position, texts, occasion);
        output.into_iter().for_each(|output| self.publisher.push(output));
    }

    /// Whether outputs may wait for others, while there is more to read.
    pub fn may_gather(&self, now: Instant) -> bool {
        now < self.flushed_at + GATHER && !self.publisher.has_plenty()
    }

    /// Sends to Redis what waits.
    pub fn flush(&mut self, now: Instant) {
        self.publisher.flush(self.config, now, &self.config.log);
        self.flushed_at = now;
    }

    /// Takes over how far the store has come.
    pub fn note_stored(&mut self) {
        if let Some(stored) = self.cursor.stored_through(self.store.settled()) {
            self.stored = Some(stored);
            self.write_stored = true;
        }
    }

    /// Stops the store. How many points it could not settle.
    pub fn stop_store(&mut self) -> usize {
        let left = self.store.stop();
        self.note_stored();
        left
    }
}
