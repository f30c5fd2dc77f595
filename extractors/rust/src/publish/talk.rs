//! What is said to Redis and what its answers mean: a transaction, the cursor's hash, values of another type.

use std::time::Instant;

use crate::logs::Log;
use crate::redis::{ANSWER_TIME, Redis, RedisError};
use crate::resp::Frame;

/// What became of a transaction.
pub(super) enum Executed {
    Done { errors: Vec<String> },
    Aborted(String),
}

/// `published` and `stored` of the cursor's hash.
///
/// # Errors
/// When Redis is away or refuses.
pub fn read_cursor(
    redis: &mut Redis,
    key: &str,
    log: &Log,
) -> Result<(Option<i64>, Option<i64>), RedisError> {
    let read = redis.call("HGETALL", &[b"HGETALL", key.as_bytes()], |hash| {
        let value = |name: &str| {
            let pair = hash.items().chunks_exact(2).find(|pair| pair[0].text() == Some(name))?;
            pair[1].text()?.parse().ok()
        };
        (value("published"), value("stored"))
    });
    Ok(unless_wrong_type(read, *log)?.unwrap_or_default())
}

/// What stands at a key of ours and is of another type is nothing that we left there: it is said, and not used.
///
/// # Errors
/// Every other one.
pub fn unless_wrong_type<T>(read: Result<T, RedisError>, log: Log) -> Result<Option<T>, RedisError> {
    match read {
        Err(RedisError::Refused { command, error }) if error.starts_with("WRONGTYPE") => {
            log.error("Redis refused a command", &[("reason", &format!("{command}: {error}"))]);
            Ok(None)
        }
        read => read.map(Some),
    }
}

/// The words of a refusal.
pub(super) fn error_of(frame: &Frame<'_>) -> Option<String> {
    if let Frame::Error(error) = frame { Some((*error).to_owned()) } else { None }
}

/// Sends a transaction of `count` commands and reads its answers.
pub(super) fn execute(redis: &mut Redis, request: &[u8], count: usize) -> Result<Executed, RedisError> {
    // By itself: were it refused, the commands behind it would be carried out one by one.
    match redis.call("MULTI", &[b"MULTI"], |_| ()) {
        Err(RedisError::Refused { error, .. }) => return Ok(Executed::Aborted(error)),
        begun => begun?,
    }
    redis.send(request)?;
    let deadline = Instant::now() + ANSWER_TIME;
    let mut refused = None;
    // QUEUED for each command; the first refusal is why EXEC aborts.
    for _ in 0..count {
        let error = redis.answer(deadline, error_of)?;
        refused = refused.or(error);
    }
    redis.answer(deadline, |frame| match frame {
        Frame::Array(results) => Executed::Done { errors: results.iter().filter_map(error_of).collect() },
        frame => Executed::Aborted(
            refused.or_else(|| error_of(frame)).unwrap_or_else(|| "EXEC aborted".to_owned()),
        ),
    })
}
