//! Events out of Redis: the stream of the own kind and the channel of all kinds, over one connection.
//!
//! Under RESP3 the channel's messages come as pushes between the answers, also while `XREAD` blocks. One `XREAD` is
//! always under way; what it answers tells whether all there was has been read, and so whether real time may count.

use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use crate::config::Config;
use crate::redis::{Received, Redis, RedisError, timed_out};
use crate::resp::{Frame, write_command};
use crate::schema::Kind;

const CHANNEL: &[u8] = b"seclyzer:events";
/// How many entries are read at once; fewer in an answer mean that there were no more.
const COUNT: usize = 512;
/// An answer later than this after `BLOCK` says nothing about when the stream was empty.
const PROMPT: Duration = Duration::from_millis(250);
/// An answer later than this after `BLOCK` does not come any more.
const OVERDUE: Duration = Duration::from_secs(2);
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
    /// There is more to read, or nobody knows: real time stands still.
    Behind,
    /// A message of the channel came; the answer is still to come.
    Message,
    /// The waker was readable.
    Woken,
}

/// Reads events of one kind.
pub struct Source {
    stream: Vec<u8>,
    redis: Option<Redis>,
    last_id: String,
    asked: Option<Asked>,
}

struct Asked {
    at: Instant,
    block: Duration,
}

impl Source {
    /// Will read the stream of `kind` behind `last_id`.
    pub fn new(kind: Kind, last_id: String) -> Source {
        let stream = format!("seclyzer:stream:{}", kind.name()).into_bytes();
        Source { stream, redis: None, last_id, asked: None }
    }

    /// The stream's key.
    pub fn stream(&self) -> &[u8] {
        &self.stream
    }

    /// The entry read last.
    pub fn last_id(&self) -> &str {
        &self.last_id
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
        self.redis = Some(redis);
        Ok(())
    }

    /// Closes a connection that is of no use any more.
    pub fn close(&mut self) {
        self.redis = None;
    }

    /// Redis lost its memory and its clock was set back: ids begin again below the last one.
    fn stream_is_new(&self, redis: &mut Redis) -> Result<bool, RedisError> {
        let mut has_entries = |from: &[u8], to: &[u8]| {
            let command: [&[u8]; 6] = [b"XRANGE", &self.stream, from, to, b"COUNT", b"1"];
            redis.call("XRANGE", &command, |entries| !entries.items().is_empty())
        };
        let last_id = self.last_id.as_bytes();
        Ok(!has_entries(last_id, b"+")? && has_entries(b"-", last_id)?)
    }

    /// Waits for the next answer or message, at most `block`, and hands every event's text to `on_event`.
    ///
    /// # Errors
    /// When the connection broke or the answer is overdue; it is closed then.
    pub fn turn(
        &mut self,
        block: Duration,
        waker: BorrowedFd<'_>,
        on_event: &mut dyn FnMut(&[u8]),
    ) -> Result<Turn, RedisError> {
        let turn = self.try_turn(block, waker, on_event);
        if turn.is_err() {
            self.close();
        }
        turn
    }

    fn try_turn(
        &mut self,
        block: Duration,
        waker: BorrowedFd<'_>,
        on_event: &mut dyn FnMut(&[u8]),
    ) -> Result<Turn, RedisError> {
        let Some(redis) = self.redis.as_mut() else {
            return Ok(Turn::Behind);
        };
        let asked = match self.asked.take() {
            Some(asked) => asked,
            None => ask(redis, &self.stream, &self.last_id, block)?,
        };
        let overdue = asked.at + asked.block + OVERDUE;
        let last_id = &mut self.last_id;
        let received = redis.receive(overdue, Some(waker), |frame| {
            let answered = Instant::now();
            Ok::<_, RedisError>((answered, read_frame(frame, last_id, on_event)?))
        })?;
        let (answered, entries) = match received {
            Received::Timeout => return Err(timed_out()),
            Received::Woken => {
                self.asked = Some(asked);
                return Ok(Turn::Woken);
            }
            Received::Frame(read) => read?,
        };
        let prompt = answered <= asked.at + asked.block + PROMPT;
        Ok(match entries {
            None => {
                self.asked = Some(asked);
                Turn::Message
            }
            Some(0) if prompt => Turn::CaughtUp { empty_at: answered.min(asked.at + asked.block) },
            Some(1..COUNT) if prompt => Turn::CaughtUp { empty_at: asked.at },
            Some(_) => Turn::Behind,
        })
    }
}

fn ask(redis: &mut Redis, stream: &[u8], last_id: &str, block: Duration) -> Result<Asked, RedisError> {
    // BLOCK 0 would be for ever.
    let block = Duration::from_millis(u64::try_from(block.as_millis()).unwrap_or(u64::MAX).max(1));
    let (count, ms) = (COUNT.to_string(), block.as_millis().to_string());
    let mut request = Vec::new();
    let (count, ms) = (count.as_bytes(), ms.as_bytes());
    let command = [b"XREAD", b"COUNT" as &[u8], count, b"BLOCK", ms, b"STREAMS", stream, last_id.as_bytes()];
    write_command(&mut request, &command);
    redis.send(&request)?;
    Ok(Asked { at: Instant::now(), block })
}

/// How many entries the answer held; none when the frame was a push.
fn read_frame(
    frame: &Frame<'_>,
    last_id: &mut String,
    on_event: &mut dyn FnMut(&[u8]),
) -> Result<Option<usize>, RedisError> {
    match frame {
        Frame::Push(items) => {
            if let [kind, _, Frame::Bulk(message)] = items.as_slice()
                && kind.bytes() == Some(b"message")
            {
                on_event(message);
            }
            Ok(None)
        }
        Frame::Error(error) => Err(RedisError::Refused { command: "XREAD", error: (*error).to_owned() }),
        // {stream: [[id, [field, value, …]], …]}
        frame => {
            let entries = frame.items().get(1).map_or(&[][..], Frame::items);
            for entry in entries {
                let [id, fields] = entry.items() else { continue };
                let fields = fields.items().chunks_exact(2);
                let event =
                    fields.filter(|pair| pair[0].bytes() == Some(b"e")).find_map(|pair| pair[1].bytes());
                // An entry without the field `e` is as malformed as an empty message.
                on_event(event.unwrap_or_default());
                if let Some(id) = id.text() {
                    id.clone_into(last_id);
                }
            }
            Ok(Some(entries.len()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(frame: &Frame<'_>) -> (Option<usize>, String, Vec<Vec<u8>>) {
        let (mut last_id, mut events) = (START.to_owned(), Vec::new());
        let entries = read_frame(frame, &mut last_id, &mut |event| events.push(event.to_vec()));
        (entries.unwrap(), last_id, events)
    }

    #[test]
    fn entries_are_read_in_order_and_the_last_id_kept() {
        let bytes = b"%1\r\n$1\r\ns\r\n*2\r\n*2\r\n$3\r\n5-0\r\n*2\r\n$1\r\ne\r\n$1\r\na\r\n\
            *2\r\n$3\r\n5-1\r\n*4\r\n$1\r\nx\r\n$1\r\ny\r\n$1\r\ne\r\n$1\r\nb\r\n";
        let (frame, _) = crate::resp::parse(bytes).unwrap().unwrap();
        assert_eq!(read(&frame), (Some(2), "5-1".into(), vec![b"a".to_vec(), b"b".to_vec()]));
    }

    #[test]
    fn an_entry_without_an_event_is_an_empty_message() {
        let bytes = b"%1\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n5-0\r\n*2\r\n$1\r\nx\r\n$1\r\na\r\n";
        let (frame, _) = crate::resp::parse(bytes).unwrap().unwrap();
        assert_eq!(read(&frame), (Some(1), "5-0".into(), vec![b"".to_vec()]));
    }

    #[test]
    fn messages_of_the_channel_are_events_and_other_pushes_are_not() {
        let push = |kind| Frame::Push(vec![Frame::Bulk(kind), Frame::Bulk(b"c"), Frame::Bulk(b"event")]);
        assert_eq!(read(&push(b"message")).2, [b"event".to_vec()]);
        assert_eq!(read(&push(b"subscribe")), (None, START.into(), vec![]));
        assert_eq!(read(&Frame::Null), (Some(0), START.into(), vec![]));
    }
}
