//! The own stream in bounds, whatever its producers add: its size, and how far its ids are ahead of the clock.
//!
//! An entry's id decides when it is trimmed and what may come after it, and producers may choose it. So a stream whose
//! ids are ahead is made anew, and one that is larger than events make it is trimmed, oldest first and unread.

use std::time::Instant;

use crate::logs::{Log, lines};
use crate::redis::{Redis, RedisError};
use crate::resp::{Frame, write_command};
use crate::waits::{LOG_REPEAT, REDIS_ANSWER, STREAM_AGE};

/// What is kept of a stream that holds what is too long for an event.
pub const SWAMPED_BYTES: i64 = 2 << 20;
/// As long as entries are kept: ids less ahead than this are only trimmed a little later.
const AHEAD_MS: u64 = STREAM_AGE.as_millis() as u64;
/// Entries that are taken out of a stream before it is made anew.
const COUNT: &[u8] = b"512";

/// What is known of the stream's bounds, and what was done about them.
#[derive(Default)]
pub struct StreamBounds {
    /// Entries taken out of the stream because it was too large.
    pub entries_trimmed: u64,
    /// How often the stream was made anew.
    pub streams_reset: u64,
    /// When trimming may be logged again.
    log_at: Option<Instant>,
    /// Entries added and read, when all had been read.
    base: Option<(i64, u64)>,
    /// The last id that was ever given, at the last look.
    tip: String,
}

/// What the stream's ids tell.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Ids {
    /// They are so far ahead of the clock that the stream is to be made anew.
    pub are_ahead: bool,
    /// Others took entries away before they were read.
    pub have_gap: bool,
}

/// What `XINFO` reports.
#[derive(Debug)]
struct Stream {
    tip: String,
    length: i64,
    added: Option<i64>,
}

impl StreamBounds {
    /// Trims a stream of more than `limit` bytes to half of that.
    ///
    /// # Errors
    /// When Redis is away or refuses.
    pub fn bound(
        &mut self,
        redis: &mut Redis,
        stream: &[u8],
        limit: i64,
        log: &Log,
    ) -> Result<(), RedisError> {
        let size = redis.call("MEMORY", &usage(stream), integer)?;
        self.trim(redis, stream, size.unwrap_or(0), limit, log)
    }

    /// Bounds the stream to `limit` bytes, and looks at its ids; `last_id` was read last, and `read` entries were read so far. Both are
    /// asked in one go: to wait costs an idle host a wakeup each time.
    ///
    /// # Errors
    /// When Redis is away or refuses.
    pub fn look(
        &mut self,
        redis: &mut Redis,
        stream: &[u8],
        limit: i64,
        (last_id, read): (&str, u64),
        now_ms: i64,
        log: &Log,
    ) -> Result<Ids, RedisError> {
        let mut request = Vec::new();
        write_command(&mut request, &usage(stream));
        write_command(&mut request, &[b"XINFO", b"STREAM", stream]);
        redis.send(&request)?;
        let deadline = Instant::now() + REDIS_ANSWER;
        let size = redis.answer(deadline, |size| unless_refused("MEMORY", size, integer))?;
        let info = redis.answer(deadline, |info| unless_refused("XINFO", info, Stream::of))?;
        let Some(size) = size? else { return Ok(Ids::default()) }; // there is no stream
        let info = info?;
        self.trim(redis, stream, size, limit, log)?;
        let bound = u64::try_from(now_ms).unwrap_or(0).saturating_add(AHEAD_MS);
        Ok(Ids { are_ahead: milliseconds(&info.tip) > bound, have_gap: self.has_gap(info, last_id, read) })
    }

    fn trim(
        &mut self,
        redis: &mut Redis,
        stream: &[u8],
        size: i64,
        limit: i64,
        log: &Log,
    ) -> Result<(), RedisError> {
        if size <= limit {
            return Ok(());
        }
        let length = redis.call("XLEN", &[b"XLEN", stream], integer)?.unwrap_or(0);
        let keep = i128::from(length) * i128::from(limit) / (2 * i128::from(size));
        let keep = keep.to_string();
        let trim: [&[u8]; 4] = [b"XTRIM", stream, b"MAXLEN", keep.as_bytes()];
        let count = redis.call("XTRIM", &trim, integer)?.unwrap_or(0);
        self.entries_trimmed += u64::try_from(count).unwrap_or(0);
        self.base = None;
        let now = Instant::now();
        if self.log_at.is_none_or(|at| now >= at) {
            self.log_at = Some(now + LOG_REPEAT);
            log.line(&lines::STREAM_TRIMMED, [count.into()]);
        }
        Ok(())
    }

    /// That is known only when all there was has been read: up to the last id given, or nothing is left and nothing
    /// was added since the last look.
    fn has_gap(&mut self, info: Stream, last_id: &str, read: u64) -> bool {
        let is_same = info.tip == self.tip;
        let all_is_read = info.tip == last_id || (is_same && info.length == 0);
        self.tip = info.tip;
        let Some(added) = info.added.filter(|_| all_is_read) else { return false };
        let base = self.base.replace((added, read));
        base.is_some_and(|(added_then, read_then)| {
            let read_since = i64::try_from(read - read_then).unwrap_or(i64::MAX);
            added >= added_then && added - added_then > read_since
        })
    }

    /// What had been added is not known any more, or need not be compared again: Redis may be another one.
    pub fn forget(&mut self) {
        self.base = None;
    }

    /// Takes the stream away and makes room for another, at once; the texts of the entries in it that were not read.
    ///
    /// # Errors
    /// When Redis is away or refuses.
    #[cold]
    pub fn make_anew(
        &mut self,
        redis: &mut Redis,
        stream: &[u8],
        last_id: &str,
        log: &Log,
    ) -> Result<Vec<Vec<u8>>, RedisError> {
        // By itself: were it refused, the commands behind it would be carried out one by one.
        redis.call("MULTI", &[b"MULTI"], |_| ())?;
        let (first, mut request) = (format!("({last_id}"), Vec::new());
        write_command(&mut request, &[b"XRANGE", stream, first.as_bytes(), b"+", b"COUNT", COUNT]);
        write_command(&mut request, &[b"DEL", stream]);
        write_command(&mut request, &[b"EXEC"]);
        redis.send(&request)?;
        let deadline = Instant::now() + REDIS_ANSWER;
        for _ in 0..2 {
            redis.answer(deadline, |_| ())?;
        }
        let entries = redis.answer(deadline, |done| match done {
            Frame::Array(answers) => Ok(answers.first().map_or_else(Vec::new, events)),
            Frame::Error(error) => Err(RedisError::Refused { command: "EXEC", error: (*error).to_owned() }),
            _ => Ok(Vec::new()),
        })??;
        self.streams_reset += 1;
        self.base = None;
        log.line(&lines::STREAM_RESET, []);
        Ok(entries)
    }
}

impl Stream {
    fn of(frame: &Frame<'_>) -> Stream {
        let value = |name: &str| {
            let pair = frame.items().chunks_exact(2).find(|pair| pair[0].text() == Some(name))?;
            Some(&pair[1])
        };
        Stream {
            tip: value("last-generated-id").and_then(Frame::text).unwrap_or("0-0").to_owned(),
            length: value("length").and_then(integer).unwrap_or(0),
            added: value("entries-added").and_then(integer),
        }
    }
}

/// The values of the field `e`; an entry without it is as malformed as an empty message.
fn events(entries: &Frame<'_>) -> Vec<Vec<u8>> {
    entries.items().iter().map(|entry| event(entry).unwrap_or_default()).collect()
}

fn usage(stream: &[u8]) -> [&[u8]; 5] {
    [b"MEMORY", b"USAGE", stream, b"SAMPLES", b"0"]
}

fn unless_refused<T>(
    command: &'static str,
    frame: &Frame<'_>,
    look: impl FnOnce(&Frame<'_>) -> T,
) -> Result<T, RedisError> {
    match frame {
        Frame::Error(error) => Err(RedisError::Refused { command, error: (*error).to_owned() }),
        frame => Ok(look(frame)),
    }
}

fn event(entry: &Frame<'_>) -> Option<Vec<u8>> {
    let fields = entry.items().get(1)?.items();
    let field = fields.chunks_exact(2).find(|pair| pair[0].bytes() == Some(b"e"))?;
    field[1].bytes().map(<[u8]>::to_vec)
}

fn integer(frame: &Frame<'_>) -> Option<i64> {
    if let Frame::Integer(number) = frame { Some(*number) } else { None }
}

fn milliseconds(id: &str) -> u64 {
    id.split_once('-').map_or(id, |(ms, _)| ms).parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(tip: &str, length: i64, added: i64) -> Stream {
        Stream { tip: tip.to_owned(), length, added: Some(added) }
    }

    #[test]
    fn a_gap_is_more_added_than_read_once_all_was_read() {
        let mut bounds = StreamBounds::default();
        assert!(!bounds.has_gap(stream("5-0", 3, 10), "5-0", 3), "nothing to compare with");
        assert!(!bounds.has_gap(stream("8-0", 2, 12), "8-0", 5));
        assert!(bounds.has_gap(stream("9-0", 1, 15), "9-0", 6), "two of three were never read");
        assert!(!bounds.has_gap(stream("9-1", 1, 16), "9-0", 6), "one is still to be read");
        assert!(!bounds.has_gap(stream("9-1", 1, 16), "9-1", 7));
    }

    #[test]
    fn a_stream_that_is_emptied_each_time_has_a_gap_once_nothing_more_comes() {
        let mut bounds = StreamBounds::default();
        assert!(!bounds.has_gap(stream("5-0", 3, 10), "5-0", 3));
        assert!(!bounds.has_gap(stream("7-0", 0, 14), "5-0", 3), "it may have just been added");
        assert!(bounds.has_gap(stream("7-0", 0, 14), "5-0", 3));
        assert!(!bounds.has_gap(stream("7-0", 0, 14), "5-0", 3), "it is counted once");
    }

    #[test]
    fn a_stream_that_began_anew_has_no_gap() {
        let mut bounds = StreamBounds::default();
        assert!(!bounds.has_gap(stream("5-0", 3, 10), "5-0", 3));
        assert!(!bounds.has_gap(stream("6-0", 1, 1), "6-0", 4));
        bounds.forget();
        assert!(!bounds.has_gap(stream("9-0", 9, 90), "9-0", 5));
    }

    #[test]
    fn an_id_begins_with_its_milliseconds() {
        assert_eq!(milliseconds("18446744073709551615-18446744073709551615"), u64::MAX);
        assert_eq!((milliseconds("17-3"), milliseconds("0-0")), (17, 0));
    }
}
