//! When the application tracker's state is saved, and where from it is restored: in Redis with every change, as a file
//! once in a while.

use std::path::Path;

use crate::apps::Apps;
use crate::cursor::Cursor;
use crate::logs::{Log, lines};
use crate::output::patterns_json;
use crate::publish::{Output, STATE_KEY, Text, unless_wrong_type};
use crate::redis::{Redis, RedisError};
use crate::state::{self, State, StateError};

/// Why the state may have to be saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// Events may have changed it.
    Events,
    /// It is time for the patterns.
    Patterns,
    /// The service stops.
    Stop,
}

/// Knows what has been saved.
#[derive(Debug)]
pub struct Checkpoint<'a> {
    directory: Option<&'a Path>,
    log: Log,
    /// [`Apps::changes`] when the state was made last, and the patterns: those of the last run may be older than its
    /// state.
    state_of: u64,
    patterns_of: Option<u64>,
    /// The state made last.
    text: String,
    /// Redis has, or will have, the state made last.
    written: bool,
    file_is_old: bool,
    file_failed: bool,
    /// States of a later version that were left alone.
    pub skipped: u64,
}

impl<'a> Checkpoint<'a> {
    /// Keeps the file in a directory, if there is one.
    pub fn new(directory: Option<&'a Path>, log: Log) -> Checkpoint<'a> {
        let text = String::new();
        Checkpoint {
            directory,
            log,
            state_of: 0,
            patterns_of: None,
            text,
            written: true,
            file_is_old: false,
            file_failed: false,
            skipped: 0,
        }
    }

    /// The state of the last run: from Redis (true), or from the file when that in Redis is absent or of no use.
    ///
    /// # Errors
    /// When Redis is away or refuses.
    pub fn load(&mut self, redis: &mut Redis) -> Result<Option<(State, bool)>, RedisError> {
        let get: [&[u8]; 2] = [b"GET", STATE_KEY.as_bytes()];
        let held = redis.call("GET", &get, |held| held.bytes().map(State::from_json));
        let held = unless_wrong_type(held, STATE_KEY, &self.log)?.flatten();
        if let Some(state) = held.and_then(|state| self.understood(state.map(Some))) {
            return Ok(Some((state, true)));
        }
        let Some(directory) = self.directory else { return Ok(None) };
        let filed = state::load(directory);
        let later = if let Err(StateError::Later(version)) = filed { Some(version) } else { None };
        let filed = self.understood(filed);
        if let Some(Err(error)) = later.map(|version| state::set_aside(directory, version)) {
            self.log.line(&lines::STATE_UNWRITABLE, [(&error).into()]);
        }
        Ok(filed.map(|state| (state, false)))
    }

    /// Redis may have forgotten what was written.
    pub fn write_again(&mut self) {
        self.written = false;
    }

    fn understood(&mut self, state: Result<Option<State>, StateError>) -> Option<State> {
        state.unwrap_or_else(|error| {
            match &error {
                StateError::Later(version) => {
                    self.skipped += 1;
                    self.log.line(&lines::STATE_SKIPPED, [(&"app").into(), (*version).into(), 1u64.into()]);
                }
                StateError::File(_) => self.log.line(&lines::STATE_UNREADABLE, [(&error).into()]),
                _ => self.log.line(&lines::STATE_UNUSABLE, [(&error).into()]),
            }
            None
        })
    }

    /// What is to be written to Redis: the texts of transitions, the state if it changed, and when it is time the patterns.
    pub fn output(
        &mut self,
        apps: &Apps,
        position: Position<'_>,
        texts: Vec<Text>,
        occasion: Occasion,
    ) -> Option<Output> {
        let changes = apps.changes();
        let seen_any = position.max_ts.is_some();
        let written = std::mem::replace(&mut self.written, true) || !seen_any;
        if !written {
            self.patterns_of = None;
        }
        let patterns_due = seen_any && occasion != Occasion::Events && self.patterns_of != Some(changes);
        let state_due = changes != self.state_of || !written || (seen_any && occasion == Occasion::Stop);
        if texts.is_empty() && !state_due && !patterns_due {
            return None;
        }
        let mut state = State::new(apps.snapshot(), position.last_id, position.max_ts);
        state.keep_unstored(position.cursor.unanswered());
        match state.json() {
            Ok(text) => self.file_is_old |= std::mem::replace(&mut self.text, text) != self.text,
            Err(error) => {
                self.log.line(&lines::STATE_UNWRITABLE, [(&error).into()]);
                return None;
            }
        }
        self.state_of = changes;
        let learnt = apps.patterns();
        let patterns = patterns_due.then(|| {
            self.patterns_of = Some(changes);
            patterns_json(&learnt.report(apps.dev_mode()), learnt.taken_ts)
        });
        let published = position.cursor.published_through(learnt.taken_ts);
        Some(Output { texts, published, state: Some(self.text.clone()), patterns })
    }

    /// Writes the state's file, if the state changed since.
    pub fn save_file(&mut self) {
        let Some(directory) = self.directory.filter(|_| self.file_is_old) else {
            return;
        };
        match state::save(directory, &self.text) {
            Ok(()) => (self.file_is_old, self.file_failed) = (false, false),
            Err(error) if !self.file_failed => {
                self.file_failed = true;
                self.log.line(&lines::STATE_UNWRITABLE, [(&error).into()]);
            }
            Err(_) => {}
        }
    }
}

/// How far reading and writing have come.
#[derive(Clone, Copy, Debug)]
pub struct Position<'a> {
    /// The stream entry read last.
    pub last_id: &'a str,
    /// The largest `ts` seen; none before the first event.
    pub max_ts: Option<i64>,
    /// Knows what InfluxDB has not answered.
    pub cursor: &'a Cursor,
}
