//! Events out of Redis: the stream of the own kind and the channel of all kinds, over one connection.
//!
//! Under RESP3 the channel's messages come as pushes between the answers, also while `XREAD` blocks. One `XREAD` is
//! always under way; what it answers tells whether all there was has been read, and so whether real time may count. Who
//! cannot wait for the answer learns that Redis is silent so far.
//! After an answer that is full the next one is requested before its events are handed on, so that Redis works
//! meanwhile.

mod reply;

use std::ops::Range;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use self::reply::read_reply;
use crate::config::Config;
use crate::net::Wait;
use crate::publish::{LONGEST_QUEUE, MOST_TOGETHER};
use crate::redis::{Redis, RedisError, timed_out};
use crate::resp::write_command;
use crate::schema::Kind;
use crate::waits::{READ_BYTES, READ_COUNT, READ_COUNT_UNKNOWN, REDIS_ANSWER};

const CHANNEL: &[u8] = b"seclyzer:events";
/// Fewer in an answer than requested mean that there were no more. There is room for as many outputs, since each entry may
/// make one, beside those that still gather.
const _: () = assert!(READ_COUNT + MOST_TOGETHER <= LONGEST_QUEUE);
/// An entry that is longer is no event, going by what an answer has for each.
const LONG_BYTES: usize = 4096 + 512;
/// How long it waits while it does not know whether it has read all there was.
pub const CATCHING_UP: Duration = Duration::from_millis(10);
/// An answer later than this after it was due does not show when the stream was empty.
pub const PROMPT: Duration = Duration::from_millis(250);
/// An answer later than this after `BLOCK` does not come any more.
const OVERDUE: Duration = REDIS_ANSWER;
/// The id before the first entry.
pub const START: &str = "0-0";

/// What waiting brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// All there was has been read; `empty_at` is when that was known.
    CaughtUp {
        /// Up to here real time may count.
        empty_at: Instant,
    },
    /// There is more to read, or that is unknown: real time stands still.
    Behind,
    /// A message of the channel came; the answer is still to come.
    Message,
    /// It is time, and the answer is still to come.
    Silent,
    /// The waker was readable.
    Woken,
}

/// Reads events of one kind.
pub struct Source {
    stream: Vec<u8>,
    redis: Option<Redis>,
    last_id: String,
    asked: Option<Asked>,
    /// How many entries are requested next.
    count: usize,
    /// Entries of the stream that were read.
    entries: u64,
    /// The last answer held what is too long for an event.
    is_swamped: bool,
    /// Where in the answer the events are that are handed on.
    events: Vec<Range<usize>>,
}

struct Asked {
    at: Instant,
    block: Duration,
    count: usize,
}

impl Source {
    /// Will read the stream of `kind` behind `last_id`.
    pub fn new(kind: Kind, last_id: String) -> Source {
        let stream = format!("seclyzer:stream:{}", kind.name()).into_bytes();
        Source {
            stream,
            redis: None,
            last_id,
            asked: None,
            count: READ_COUNT_UNKNOWN,
            entries: 0,
            is_swamped: false,
            events: Vec::new(),
        }
    }

    /// The stream's key.
    pub fn stream(&self) -> &[u8] {
        &self.stream
    }

    /// The entry read last.
    pub fn last_id(&self) -> &str {
        &self.last_id
    }

    /// How many entries of the stream were read.
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// Whether the last answer held what is too long for an event.
    pub fn is_swamped(&self) -> bool {
        self.is_swamped
    }

    /// Whether a read is under way, and will be answered.
    pub fn waits(&self) -> bool {
        self.asked.is_some()
    }

    /// The stream was made anew, while nothing was under way.
    pub fn begin_anew(&mut self) {
        START.clone_into(&mut self.last_id);
    }

    /// Whether there is a connection.
    pub fn is_open(&self) -> bool {
        self.redis.is_some()
    }

    /// Connects, and listens from now on.
    ///
    /// # Errors
    /// When Redis is away or refuses.
    pub fn open(&mut self, config: &Config) -> Result<(), RedisError> {
        let mut redis = Redis::open(config)?;
        if self.last_id != START && self.stream_is_new(&mut redis)? {
            START.clone_into(&mut self.last_id);
        }
        redis.call("SUBSCRIBE", &[b"SUBSCRIBE", CHANNEL], |_| ())?;
        self.asked = None;
        self.count = READ_COUNT_UNKNOWN;
        self.redis = Some(redis);
        Ok(())
    }

    /// Closes a connection that is of no use any more.
    pub fn close(&mut self) {
        self.redis = None;
    }

    /// Redis lost its memory: there is nothing from the entry read last on. Then nothing of what there is, or will be, has
    /// been read, though its ids may be lower when the clock was set back as well.
    fn stream_is_new(&self, redis: &mut Redis) -> Result<bool, RedisError> {
        let command: [&[u8]; 6] = [b"XRANGE", &self.stream, self.last_id.as_bytes(), b"+", b"COUNT", b"1"];
        redis.call("XRANGE", &command, |entries| entries.items().is_empty())
    }

    /// Waits for the next answer or message, which comes after `block` at the latest, but not longer than `until`, and
    /// hands every event's text to `on_event`.
    ///
    /// # Errors
    /// When the connection broke or the answer is overdue; it is closed then.
    pub fn turn(
        &mut self,
        block: Duration,
        until: Option<Instant>,
        waker: BorrowedFd<'_>,
        on_event: &mut dyn FnMut(&[u8]),
    ) -> Result<Turn, RedisError> {
        let turn = self.try_turn(block, until, waker, on_event);
        if turn.is_err() {
            self.close();
        }
        turn
    }

    fn try_turn(
        &mut self,
        block: Duration,
        until: Option<Instant>,
        waker: BorrowedFd<'_>,
        on_event: &mut dyn FnMut(&[u8]),
    ) -> Result<Turn, RedisError> {
        let Some(redis) = self.redis.as_mut() else {
            return Ok(Turn::Behind);
        };
        let asked = match self.asked.take() {
            Some(asked) => asked,
            None => ask(redis, &self.stream, &self.last_id, block, self.count)?,
        };
        let overdue = asked.at + asked.block + OVERDUE;
        match redis.receive(until.map_or(overdue, |until| until.min(overdue)), Some(waker))? {
            Wait::Ready => {}
            Wait::Timeout if Instant::now() >= overdue => return Err(timed_out()),
            Wait::Timeout => {
                self.asked = Some(asked);
                return Ok(Turn::Silent);
            }
            Wait::Woken => {
                self.asked = Some(asked);
                return Ok(Turn::Woken);
            }
        }
        // Before anything else: so long Redis would have nothing to do.
        let mut ahead = None;
        if let Some((entries, last_id)) = redis.last_entry().filter(|(entries, _)| *entries >= asked.count) {
            let last_id = String::from_utf8_lossy(last_id).into_owned();
            let count = next_count(entries, redis.reply().len());
            ahead = Some(ask(redis, &self.stream, &last_id, CATCHING_UP, count)?);
        }
        let answered = Instant::now();
        let prompt = answered <= asked.at + asked.block + PROMPT;
        let length = redis.reply().len();
        let (entries, last_id) = read_reply(redis.reply(), &mut self.events)?;
        if let Some(entries) = entries {
            self.count = next_count(entries, length);
            self.entries += entries as u64;
            self.is_swamped = length > LONG_BYTES * entries.max(1);
        }
        let last_id = last_id.map(|id| String::from_utf8_lossy(id).into_owned());
        let turn = match entries {
            None => Turn::Message,
            Some(0) if prompt => Turn::CaughtUp { empty_at: answered.min(asked.at + asked.block) },
            Some(few) if prompt && few < asked.count => Turn::CaughtUp { empty_at: asked.at },
            Some(_) => Turn::Behind,
        };
        self.asked = match (turn, &last_id) {
            (Turn::Message, _) => Some(asked),
            (Turn::Behind, Some(last_id)) if ahead.is_none() => {
                Some(ask(redis, &self.stream, last_id, CATCHING_UP, self.count)?)
            }
            _ => ahead,
        };
        let reply = redis.reply();
        self.events.iter().for_each(|event| on_event(&reply[event.clone()]));
        if let Some(last_id) = last_id {
            self.last_id = last_id;
        }
        Ok(turn)
    }
}

/// How many entries to ask for after an answer of so many entries and bytes: twice as many, if they are short.
fn next_count(entries: usize, length: usize) -> usize {
    if entries == 0 {
        return READ_COUNT_UNKNOWN;
    }
    (2 * entries).clamp(READ_COUNT_UNKNOWN, READ_COUNT).min(READ_BYTES * entries / length.max(1)).max(1)
}

fn ask(
    redis: &mut Redis,
    stream: &[u8],
    last_id: &str,
    block: Duration,
    entries: usize,
) -> Result<Asked, RedisError> {
    // BLOCK 0 would be for ever.
    let block = Duration::from_millis(u64::try_from(block.as_millis()).unwrap_or(u64::MAX).max(1));
    let (count, ms) = (entries.to_string(), block.as_millis().to_string());
    let mut request = Vec::new();
    let (count, ms) = (count.as_bytes(), ms.as_bytes());
    let command = [b"XREAD", b"COUNT" as &[u8], count, b"BLOCK", ms, b"STREAMS", stream, last_id.as_bytes()];
    write_command(&mut request, &command);
    redis.send(&request)?;
    Ok(Asked { at: Instant::now(), block, count: entries })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_entries_are_asked_for_that_an_answer_stays_short() {
        assert_eq!([next_count(0, 3), next_count(1, 120), next_count(16, 1_920)], [16, 16, 32]);
        assert_eq!(next_count(512, 61_440), READ_COUNT);
        assert_eq!([next_count(1, 900_000), next_count(16, 16 << 20), next_count(2, 80 << 20)], [1, 1, 1]);
        assert_eq!(next_count(10, 41_000), 20);
    }
}
