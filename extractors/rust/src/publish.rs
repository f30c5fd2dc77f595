//! Features into Redis: outputs in one transaction with the cursor, queued until Redis has taken them.
//!
//! A transaction that aborts is tried again. When the connection breaks while one is under way, Redis is asked after
//! the reconnect whether it had come through, so that nothing is published twice.

mod answers;
mod housekeeping;
mod transaction;

use std::collections::VecDeque;
use std::time::Instant;

use crate::config::Config;
use crate::dependency::{Dependency, Failure};
use crate::histogram::Histogram;
use crate::logs::Log;
use crate::logs::lines::dependency;
use crate::redis::{Redis, RedisError};
use crate::schema::Kind;
use crate::waits::{REDIS_BACKOFF_FIRST, REDIS_BACKOFF_LONGEST};

use self::answers::{Executed, execute};
pub use self::answers::{Refusal, Refusals, Saved, read_cursor, unless_wrong_type};
use self::housekeeping::Owed;
use self::transaction::commands;
pub use self::transaction::{CURSOR_VERSION, Output, STATE_KEY, Text};

/// How many texts wait for Redis at most; past that the oldest are dropped.
pub const LONGEST_QUEUE: usize = 1000;
/// How many outputs go into one transaction at most: of keystrokes that is less than 128 KiB. A larger block that is given
/// back makes glibc keep more from then on.
pub const MOST_TOGETHER: usize = 16;

/// Writes to Redis.
pub struct Publisher {
    channel: &'static str,
    cursor_key: String,
    redis: Option<Redis>,
    dependency: Dependency,
    queue: VecDeque<Output>,
    /// Of so many outputs at the front of the queue it is unknown whether they came through, all of them or none.
    in_doubt: usize,
    /// What `published` became in Redis last, as far as is known.
    published: Option<i64>,
    /// Answers to housekeeping that are still to be read.
    owed: Owed,
    /// What was refused, and logged.
    refusals: Refusals,
    /// Redis refused the last transaction.
    is_refused: bool,
    /// From a window's close until Redis has taken it.
    pub delays: Histogram,
    /// Texts that the queue had no room for.
    pub dropped: u64,
    /// Commands that failed inside a transaction.
    pub errors: u64,
}

impl Publisher {
    /// Will publish on `channel`.
    pub fn new(kind: Kind, channel: &'static str) -> Publisher {
        Publisher {
            channel,
            cursor_key: format!("seclyzer:cursor:{}", kind.name()),
            redis: None,
            dependency: Dependency::new(dependency::REDIS_WRITE, REDIS_BACKOFF_FIRST, REDIS_BACKOFF_LONGEST),
            queue: VecDeque::new(),
            in_doubt: 0,
            published: None,
            owed: Owed::default(),
            refusals: Refusals::default(),
            is_refused: false,
            delays: Histogram::default(),
            dropped: 0,
            errors: 0,
        }
    }

    /// The key of the cursor's hash.
    pub fn cursor_key(&self) -> &str {
        &self.cursor_key
    }

    /// The connection, opened if there is none.
    ///
    /// # Errors
    /// When Redis is away or refuses the user.
    pub fn redis(&mut self, config: &Config) -> Result<&mut Redis, RedisError> {
        match &mut self.redis {
            Some(redis) => Ok(redis),
            closed => Ok(closed.insert(Redis::open(config)?)),
        }
    }

    /// The same, when no answer is owed any more: a question may be asked.
    ///
    /// # Errors
    /// When Redis is away or refuses the user.
    pub fn ready(&mut self, config: &Config) -> Result<&mut Redis, RedisError> {
        self.read_owed()?;
        self.redis(config)
    }

    /// Closes a connection that is of no use any more.
    pub fn close(&mut self) {
        self.redis = None;
        self.owed.close();
    }

    /// Queues an output. One that carries state is joined to one that waits: the state is that after both.
    pub fn push(&mut self, output: Output) {
        let waiting = self.queue.len() > self.in_doubt;
        match self.queue.back_mut().filter(|last| waiting && last.state.is_some() && output.state.is_some()) {
            Some(last) => {
                last.texts.extend(output.texts);
                last.published = output.published.or(last.published);
                last.state = output.state;
                last.patterns = output.patterns.or_else(|| last.patterns.take());
            }
            None => self.queue.push_back(output),
        }
        while self.texts() > LONGEST_QUEUE {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        let Some(first) = self.queue.iter_mut().find(|output| !output.texts.is_empty()) else {
            return;
        };
        first.texts.remove(0);
        self.dropped += 1;
        if self.queue.front().is_some_and(|first| first.texts.is_empty() && first.state.is_none()) {
            self.queue.pop_front();
            self.in_doubt = self.in_doubt.saturating_sub(1);
        }
    }

    /// Sends what waits, as far as Redis takes it.
    pub fn flush(&mut self, config: &Config, now: Instant, log: &Log) {
        while !self.queue.is_empty() && self.dependency.may_try(now) {
            match self.send_first(config, log) {
                Ok(Executed::Done(refused)) => {
                    self.is_refused = false;
                    self.dependency.works(now, log);
                    for refusal in refused {
                        self.errors += 1;
                        self.refusals.log(refusal, log);
                    }
                }
                Ok(Executed::Aborted(error)) => {
                    self.is_refused = true;
                    self.dependency.failed(now, failure(config, &error), log);
                }
                Err(error) => self.fails(config, &error, now, log),
            }
        }
    }

    /// The connection broke, or was not made.
    pub fn fails(&mut self, config: &Config, error: &RedisError, now: Instant, log: &Log) {
        self.close();
        self.dependency.failed(now, failure(config, error), log);
    }

    /// Logs a refusal, once.
    pub fn refused(&mut self, refusal: Refusal, log: &Log) {
        self.refusals.log(refusal, log);
    }

    /// Whether a transaction can be filled with the texts that wait.
    pub fn has_plenty(&self) -> bool {
        self.texts() >= MOST_TOGETHER
    }

    fn texts(&self) -> usize {
        self.queue.iter().map(|output| output.texts.len()).sum()
    }

    /// How many texts wait.
    pub fn waiting(&self) -> usize {
        self.texts()
    }

    /// When what waits may be tried again.
    pub fn next_try(&self) -> Option<Instant> {
        self.dependency.next_try().filter(|_| !self.queue.is_empty())
    }

    /// Whether writing works.
    pub fn dependency(&self) -> &Dependency {
        &self.dependency
    }

    /// Why nothing can be written, while it cannot.
    pub fn trouble(&self) -> Option<&str> {
        self.dependency.reason()
    }

    /// What `published` became in Redis last; none when nothing was put out, or when it may have become more: written again,
    /// it would hide that a transaction came through.
    pub fn published(&self) -> Option<i64> {
        self.published.filter(|_| self.in_doubt == 0)
    }

    /// How many outputs the next transaction carries: windows go together, a state goes alone.
    fn together(&self) -> usize {
        if self.in_doubt > 0 {
            return self.in_doubt;
        }
        let windows = self.queue.iter().take(MOST_TOGETHER).take_while(|output| output.state.is_none());
        let mut count = windows.count().max(1);
        // After a clock was set back a window's end may be what the cursor is already: it would tell nothing.
        while count > 1 && self.queue[count - 1].published == self.published {
            count -= 1;
        }
        count
    }

    fn send_first(&mut self, config: &Config, log: &Log) -> Result<Executed, RedisError> {
        let outputs: Vec<Output> = self.queue.iter().take(self.together()).cloned().collect();
        let Some(last) = outputs.last() else {
            return Ok(Executed::Done(Vec::new()));
        };
        self.read_owed()?;
        let executed = if self.in_doubt > 0 && self.came_through(last, config, log)? {
            Executed::Done(Vec::new())
        } else {
            let (request, names) = commands(self.channel, &self.cursor_key, &outputs);
            let redis = self.redis(config)?;
            let sent = execute(redis, &request, &names);
            if sent.is_err() {
                self.in_doubt = outputs.len();
            }
            sent?
        };
        self.in_doubt = 0;
        if let Executed::Done(_) = executed {
            self.taken(outputs.len());
            self.published = last.published.or(self.published);
        }
        Ok(executed)
    }

    /// Redis has the first outputs.
    fn taken(&mut self, count: usize) {
        let now = Instant::now();
        for text in self.queue.drain(..count).flat_map(|output| output.texts) {
            self.delays.observe(now.saturating_duration_since(text.closed_at));
        }
    }

    /// Whether Redis holds what the last output in doubt would have written.
    fn came_through(&mut self, output: &Output, config: &Config, log: &Log) -> Result<bool, RedisError> {
        let cursor_key = self.cursor_key.clone();
        let redis = self.redis(config)?;
        if let Some(state) = &output.state {
            let get: [&[u8]; 2] = [b"GET", STATE_KEY.as_bytes()];
            let same = redis.call("GET", &get, |held| held.bytes() == Some(state.as_bytes()));
            return Ok(unless_wrong_type(same, STATE_KEY, log)?.unwrap_or(false));
        }
        let published = read_cursor(redis, &cursor_key, log)?.published;
        Ok(output.published.is_some() && published == output.published)
    }
}

/// What failed, and where.
pub fn failure(config: &Config, error: &RedisError) -> Failure {
    let failure = Failure::from(format!("{}: {error}", config.redis));
    match error {
        RedisError::Refused { error, .. } => {
            Failure { fault: error.split(' ').next().unwrap_or_default().to_owned(), ..failure }
        }
        _ => failure,
    }
}

#[cfg(test)]
mod tests;
