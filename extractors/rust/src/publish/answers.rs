//! What Redis' answers mean: to a transaction, of the cursor's hash, of values of another type, refusals.

use std::time::Instant;

use crate::logs::{Log, lines};
use crate::redis::{Redis, RedisError};
use crate::resp::Frame;
use crate::waits::REDIS_ANSWER;

/// A command that Redis refused, and its error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The command's name.
    pub command: String,
    /// Redis' own words.
    pub reason: String,
}

/// Refusals that were logged: each once.
#[derive(Debug, Default)]
pub struct Refusals(Vec<Refusal>);

impl Refusals {
    /// Logs it, unless it was.
    pub fn log(&mut self, refusal: Refusal, log: &Log) {
        if !self.0.contains(&refusal) {
            log.line(&lines::REDIS_REFUSED, [(&refusal.command).into(), (&refusal.reason).into()]);
            self.0.push(refusal);
        }
    }
}

/// What became of a transaction.
pub(super) enum Executed {
    /// Redis took it, but for these commands.
    Done(Vec<Refusal>),
    /// Redis took nothing of it.
    Aborted(RedisError),
}

/// The cursor's hash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// The end of the last window that was published.
    pub published: Option<i64>,
    /// The end of the last one that was stored.
    pub stored: Option<i64>,
    /// The version that wrote it; none is 1.
    pub version: Option<u32>,
}

/// What the cursor's hash holds.
///
/// # Errors
/// When Redis is away or refuses.
pub fn read_cursor(redis: &mut Redis, key: &str, log: &Log) -> Result<Saved, RedisError> {
    let read = redis.call("HGETALL", &[b"HGETALL", key.as_bytes()], |hash| {
        let value = |name: &str| {
            let pair = hash.items().chunks_exact(2).find(|pair| pair[0].text() == Some(name))?;
            pair[1].text()
        };
        let time = |name: &str| value(name)?.parse().ok();
        let version = value("version").filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        let version = version.filter(|text| text.len() <= 9).and_then(|text| text.parse().ok());
        Saved { published: time("published"), stored: time("stored"), version }
    });
    Ok(unless_wrong_type(read, key, log)?.unwrap_or_default())
}

/// What stands at a key of ours and is of another type is nothing that we left there: it is ignored.
///
/// # Errors
/// Every other one.
pub fn unless_wrong_type<T>(
    read: Result<T, RedisError>,
    key: &str,
    log: &Log,
) -> Result<Option<T>, RedisError> {
    match read {
        Err(RedisError::Refused { error, .. }) if error.starts_with("WRONGTYPE") => {
            log.line(&lines::KEY_IGNORED, [(&key).into()]);
            Ok(None)
        }
        read => read.map(Some),
    }
}

/// The words of a refusal.
pub(super) fn error_of(frame: &Frame<'_>) -> Option<String> {
    if let Frame::Error(error) = frame { Some((*error).to_owned()) } else { None }
}

/// Sends a transaction of these commands and reads its answers.
pub(super) fn execute(
    redis: &mut Redis,
    request: &[u8],
    commands: &[&'static str],
) -> Result<Executed, RedisError> {
    // By itself: were it refused, the commands behind it would be carried out one by one.
    match redis.call("MULTI", &[b"MULTI"], |_| ()) {
        Err(refused @ RedisError::Refused { .. }) => return Ok(Executed::Aborted(refused)),
        begun => begun?,
    }
    redis.send(request)?;
    let deadline = Instant::now() + REDIS_ANSWER;
    let mut refused = None;
    // QUEUED for each command; the first refusal is why EXEC aborts.
    for command in commands {
        let error = redis.answer(deadline, error_of)?;
        refused = refused.or(error.map(|error| RedisError::Refused { command, error }));
    }
    redis.answer(deadline, |frame| match frame {
        Frame::Array(results) => {
            let of_each = commands.iter().zip(results);
            Executed::Done(
                of_each
                    .filter_map(|(command, result)| {
                        Some(Refusal { command: (*command).to_owned(), reason: error_of(result)? })
                    })
                    .collect(),
            )
        }
        frame => Executed::Aborted(refused.unwrap_or_else(|| RedisError::Refused {
            command: "EXEC",
            error: error_of(frame).unwrap_or_else(|| "it was aborted".to_owned()),
        })),
    })
}
