//! Commands whose loss does not matter, and their answers: none is waited for, which would cost an idle host a wakeup each
//! time. They are read before the next thing that is asked.

use std::time::{Duration, Instant};

use super::Publisher;
use super::answers::{Refusal, error_of};
use crate::config::Config;
use crate::logs::Log;
use crate::redis::RedisError;
use crate::resp::{Frame, write_command};
use crate::waits::{REDIS_ANSWER, STATS_EVERY, STATS_EXPIRE};

/// So long after they were sent stats must still be there.
const STATS_KNOWN: Duration = STATS_EXPIRE.saturating_sub(STATS_EVERY);

/// Answers that are still to be read.
#[derive(Debug, Default)]
pub(super) struct Owed {
    /// The command of each.
    commands: Vec<String>,
    /// The first of them tells how many fields of the hash of stats are new: so many are all.
    fields: Option<i64>,
    /// When stats were sent last.
    stats_at: Option<Instant>,
    /// The stats were gone, although it was too early for that.
    forgotten: bool,
    /// What was refused.
    refused: Vec<Refusal>,
    /// All of the last commands were taken.
    taken: bool,
}

impl Owed {
    /// They do not come any more.
    pub(super) fn close(&mut self) {
        self.commands.clear();
    }
}

impl Publisher {
    /// Sends commands. Redis' refusals of the last ones are logged now. When the first command writes the hash of stats,
    /// `stats_fields` is how many fields it has.
    pub fn housekeeping(
        &mut self,
        config: &Config,
        commands: &[Vec<&[u8]>],
        stats_fields: Option<usize>,
        log: &Log,
    ) {
        let mut request = Vec::new();
        for command in commands {
            write_command(&mut request, command);
        }
        let now = Instant::now();
        let sent = self.ready(config).and_then(|redis| redis.send(&request));
        for refusal in std::mem::take(&mut self.owed.refused) {
            self.refusals.log(refusal, log);
        }
        if let Err(error) = sent {
            return self.fails(config, &error, now, log);
        }
        if std::mem::take(&mut self.owed.taken) && !self.is_refused {
            self.dependency.works(now, log);
        }
        let owed = &mut self.owed;
        owed.commands =
            commands.iter().map(|command| String::from_utf8_lossy(command[0]).into_owned()).collect();
        let is_known = owed.stats_at.is_some_and(|last| now.duration_since(last) < STATS_KNOWN);
        owed.fields = stats_fields.filter(|_| is_known).and_then(|count| i64::try_from(count).ok());
        owed.stats_at = stats_fields.map(|_| now).or(owed.stats_at);
    }

    /// Reads the answers to the last housekeeping.
    ///
    /// # Errors
    /// When the connection breaks; it is closed then.
    pub fn read_owed(&mut self) -> Result<(), RedisError> {
        let Some(redis) = &mut self.redis else {
            return Ok(());
        };
        let deadline = Instant::now() + REDIS_ANSWER;
        let mut all_fields = self.owed.fields.take();
        let commands = std::mem::take(&mut self.owed.commands);
        let mut taken = !commands.is_empty();
        for command in commands {
            let all_are_new = all_fields.take();
            let look = |frame: &Frame<'_>| {
                (error_of(frame), all_are_new.is_some_and(|all| *frame == Frame::Integer(all)))
            };
            match redis.answer(deadline, look) {
                Ok((error, forgotten)) => {
                    taken &= error.is_none();
                    self.owed.refused.extend(error.map(|reason| Refusal { command, reason }));
                    self.owed.forgotten |= forgotten;
                }
                Err(error) => {
                    self.close();
                    return Err(error);
                }
            }
        }
        self.owed.taken |= taken;
        Ok(())
    }

    /// Whether Redis has lost keys since this was asked last: they were flushed, or it was started anew.
    pub fn was_forgotten(&mut self) -> bool {
        std::mem::take(&mut self.owed.forgotten)
    }
}
