//! Features into Redis: outputs in one transaction with the cursor, queued until Redis has taken them.
//!
//! A transaction that aborts is tried again. When the connection breaks while one is under way, Redis is asked after
//! the reconnect whether it had come through, so that nothing is published twice.

mod talk;
mod transaction;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::config::Config;
use crate::logs::Log;
use crate::outage::Dependency;
use crate::redis::{ANSWER_TIME, Redis, RedisError};
use crate::resp::{Frame, write_command};
use crate::schema::Kind;

use self::talk::{Executed, error_of, execute};
pub use self::talk::{read_cursor, unless_wrong_type};
use self::transaction::commands;
pub use self::transaction::{Output, STATE_KEY};

/// How many texts wait for Redis at most; past that the oldest go.
pub const LONGEST_QUEUE: usize = 1000;
/// How many outputs go into one transaction at most.
pub const MOST_TOGETHER: usize = 32;
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// So long after they were sent stats must still be there.
const STATS_KNOWN: Duration = Duration::from_secs(25);

/// Writes to Redis.
pub struct Publisher {
    channel: &'static str,
    cursor_key: String,
    redis: Option<Redis>,
    dependency: Dependency,
    queue: VecDeque<Output>,
    /// Of so many outputs at the front of the queue nobody knows whether they came through, all of them or none.
    in_doubt: usize,
    /// What `published` became in Redis last, as far as is known.
    published: Option<i64>,
    /// How many answers to housekeeping are still to be read.
    owed: usize,
    /// The first of them says how many fields of the hash of stats are new: so many are all.
    owed_fields: Option<i64>,
    /// When stats were sent last.
    stats_at: Option<Instant>,
    /// The stats were gone, although it was too early for that.
    forgotten: bool,
    /// What of it was refused.
    refused: Vec<String>,
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
            dependency: Dependency::new("Writing to Redis", LONGEST_PAUSE),
            queue: VecDeque::new(),
            in_doubt: 0,
            published: None,
            owed: 0,
            owed_fields: None,
            stats_at: None,
            forgotten: false,
            refused: Vec::new(),
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
    pub fn settled(&mut self, config: &Config) -> Result<&mut Redis, RedisError> {
        self.settle()?;
        self.redis(config)
    }

    /// Closes a connection that is of no use any more.
    pub fn close(&mut self) {
        self.redis = None;
        self.owed = 0;
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
                Ok(Executed::Done { errors }) => {
                    self.dependency.works(now, log);
                    for error in errors {
                        self.errors += 1;
                        log.error("Redis refused a part of the output", &[("reason", &error)]);
                    }
                }
                Ok(Executed::Aborted(reason)) => self.dependency.failed(now, reason.into(), log),
                Err(error) => {
                    self.close();
                    self.dependency.failed(now, error.to_string().into(), log);
                }
            }
        }
    }

    /// Whether a transaction can be filled with the texts that wait.
    pub fn has_plenty(&self) -> bool {
        self.texts() >= MOST_TOGETHER
    }

    fn texts(&self) -> usize {
        self.queue.iter().map(|output| output.texts.len()).sum()
    }

    /// How many outputs wait.
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// When what waits may be tried again.
    pub fn next_try(&self) -> Option<Instant> {
        self.dependency.next_try().filter(|_| !self.queue.is_empty())
    }

    /// Why nothing can be written, while it cannot.
    pub fn trouble(&self) -> Option<&str> {
        self.dependency.reason()
    }

    /// What `published` became in Redis last; none when nothing was put out, or when it may have become more: told again,
    /// it would hide that a transaction came through.
    pub fn published(&self) -> Option<i64> {
        self.published.filter(|_| self.in_doubt == 0)
    }

    /// Whether Redis has lost keys since this was asked last: somebody flushed them, or it was started anew.
    pub fn was_forgotten(&mut self) -> bool {
        std::mem::take(&mut self.forgotten)
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
            return Ok(Executed::Done { errors: Vec::new() });
        };
        self.settle()?;
        let executed = if self.in_doubt > 0 && self.came_through(last, config, log)? {
            Executed::Done { errors: Vec::new() }
        } else {
            let (request, count) = commands(self.channel, &self.cursor_key, &outputs);
            let redis = self.redis(config)?;
            let sent = execute(redis, &request, count);
            if sent.is_err() {
                self.in_doubt = outputs.len();
            }
            sent?
        };
        self.in_doubt = 0;
        if let Executed::Done { .. } = executed {
            self.queue.drain(..outputs.len());
            self.published = last.published.or(self.published);
        }
        Ok(executed)
    }

    /// Whether Redis holds what the last output in doubt would have written.
    fn came_through(&mut self, output: &Output, config: &Config, log: &Log) -> Result<bool, RedisError> {
        let cursor_key = self.cursor_key.clone();
        let redis = self.redis(config)?;
        if let Some(state) = &output.state {
            let same = redis.call("GET", &[b"GET", STATE_KEY], |held| held.bytes() == Some(state.as_bytes()));
            return Ok(unless_wrong_type(same, *log)?.unwrap_or(false));
        }
        let published = read_cursor(redis, &cursor_key, log)?.0;
        Ok(output.published.is_some() && published == output.published)
    }

    /// Sends commands whose loss does not matter. Nobody waits for their answers, which would cost an idle host a
    /// wakeup each time: they are read the next time, and what Redis refused then is handed back now. When the first
    /// command writes the hash of stats, `stats_fields` is how many fields it has.
    ///
    /// # Errors
    /// When the connection breaks; it is closed then.
    pub fn housekeeping(
        &mut self,
        config: &Config,
        commands: &[Vec<&[u8]>],
        stats_fields: Option<usize>,
    ) -> Result<Vec<String>, RedisError> {
        let mut request = Vec::new();
        for command in commands {
            write_command(&mut request, command);
        }
        self.settle()?;
        let sent = self.redis(config).and_then(|redis| redis.send(&request));
        match sent {
            Ok(()) => {
                self.owed = commands.len();
                let now = Instant::now();
                let is_known = self.stats_at.is_some_and(|last| now.duration_since(last) < STATS_KNOWN);
                self.owed_fields =
                    stats_fields.filter(|_| is_known).and_then(|count| i64::try_from(count).ok());
                self.stats_at = stats_fields.map(|_| now).or(self.stats_at);
            }
            Err(_) => self.close(),
        }
        sent.map(|()| std::mem::take(&mut self.refused))
    }

    /// Reads the answers to the last housekeeping.
    ///
    /// # Errors
    /// When the connection breaks; it is closed then.
    pub fn settle(&mut self) -> Result<(), RedisError> {
        let Some(redis) = &mut self.redis else {
            return Ok(());
        };
        let deadline = Instant::now() + ANSWER_TIME;
        let mut all_fields = self.owed_fields.take();
        for _ in 0..std::mem::take(&mut self.owed) {
            let all_are_new = all_fields.take();
            let look = |frame: &Frame<'_>| {
                (error_of(frame), all_are_new.is_some_and(|all| *frame == Frame::Integer(all)))
            };
            match redis.answer(deadline, look) {
                Ok((error, forgotten)) => {
                    self.refused.extend(error);
                    self.forgotten |= forgotten;
                }
                Err(error) => {
                    self.close();
                    return Err(error);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
