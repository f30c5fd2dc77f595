//! A connection to Redis: log in, send commands, receive frames, each with a deadline.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use crate::config::{Config, Secret};
use crate::net::{Connection, Wait, words};
use crate::resp::{Frame, ProtocolError, Scan, parse, write_command};
use crate::waits::REDIS_ANSWER;

/// The room that replies are read into. It grows by as much for one that needs more: what is more than needed would stay
/// resident.
const ROOM: usize = 16 << 10;
/// More than an answer full of common events takes; what is larger than that is given back.
const ROOM_KEPT: usize = 128 << 10;

/// Why Redis could not be talked to.
#[derive(Debug, thiserror::Error)]
pub enum RedisError {
    /// It cannot be reached, or the connection broke.
    #[error("{}", words(.0))]
    Io(#[from] io::Error),
    /// What answers is no Redis.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// It refused a command.
    #[error("refused {command}: {error}")]
    Refused {
        /// The command's name.
        command: &'static str,
        /// Redis' own words.
        error: String,
    },
}

/// Nothing came in time.
pub fn timed_out() -> RedisError {
    io::Error::from(io::ErrorKind::TimedOut).into()
}

/// A connection that is logged in and speaks RESP3.
pub struct Redis {
    connection: Connection,
    /// How long an answer is waited for.
    patience: Duration,
    buffer: Vec<u8>,
    /// Where in the buffer the reply begins that is there or still to come, and where what was read ends.
    start: usize,
    end: usize,
    /// How far the reply was looked at, and how long it is once it is there.
    scan: Scan,
    length: usize,
}

impl Redis {
    /// Connects and logs in.
    ///
    /// # Errors
    /// When Redis is away, or refuses the user.
    pub fn open(config: &Config) -> Result<Redis, RedisError> {
        Redis::open_patiently(config, REDIS_ANSWER)
    }

    /// The same, for one that waits so long for each answer.
    ///
    /// # Errors
    /// When Redis is away, or refuses the user.
    pub fn open_patiently(config: &Config, patience: Duration) -> Result<Redis, RedisError> {
        let connection = Connection::open(&config.redis, None, patience)?;
        let mut redis = Redis {
            connection,
            patience,
            buffer: vec![0; ROOM],
            start: 0,
            end: 0,
            scan: Scan::new(),
            length: 0,
        };
        let name = format!("seclyzer-{}", config.kind.name());
        let mut hello: Vec<&[u8]> = vec![b"HELLO", b"3"];
        let (user, password) = (config.user(), &config.values.redis_password);
        if !config.values.redis_username.is_empty() || password.is_some() {
            let password = password.as_ref().map_or("", Secret::reveal);
            hello.extend([b"AUTH", user.as_bytes(), password.as_bytes()]);
        }
        hello.extend([b"SETNAME", name.as_bytes()]);
        redis.call("HELLO", &hello, |_| ())?;
        if config.redis_database != 0 {
            redis.call("SELECT", &[b"SELECT", config.redis_database.to_string().as_bytes()], |_| ())?;
        }
        Ok(redis)
    }

    /// Sends one command and looks at its answer.
    ///
    /// # Errors
    /// When the connection breaks or is too slow, or Redis refuses the command.
    pub fn call<T>(
        &mut self,
        command: &'static str,
        arguments: &[&[u8]],
        look: impl FnOnce(&Frame<'_>) -> T,
    ) -> Result<T, RedisError> {
        let mut request = Vec::new();
        write_command(&mut request, arguments);
        self.send(&request)?;
        self.answer(Instant::now() + self.patience, |frame| match frame {
            Frame::Error(error) => Err(RedisError::Refused { command, error: (*error).to_owned() }),
            frame => Ok(look(frame)),
        })?
    }

    /// Sends bytes made by [`write_command`].
    ///
    /// # Errors
    /// When the connection breaks or is too slow.
    pub fn send(&mut self, request: &[u8]) -> Result<(), RedisError> {
        Ok(self.connection.write_all(request, Instant::now() + self.patience)?)
    }

    /// Waits for the next reply and looks at it.
    ///
    /// # Errors
    /// When the connection breaks, or nothing comes before the deadline.
    pub fn answer<T>(
        &mut self,
        deadline: Instant,
        look: impl FnOnce(&Frame<'_>) -> T,
    ) -> Result<T, RedisError> {
        match self.receive(deadline, None)? {
            Wait::Ready => {
                let (frame, _) = parse(self.reply())?.ok_or(ProtocolError)?;
                Ok(look(&frame))
            }
            Wait::Woken | Wait::Timeout => Err(timed_out()),
        }
    }

    /// Waits until the next [reply](Redis::reply) is there, `waker` is readable, or the deadline passes.
    ///
    /// # Errors
    /// When the connection breaks.
    pub fn receive(&mut self, deadline: Instant, waker: Option<BorrowedFd<'_>>) -> Result<Wait, RedisError> {
        if self.length > 0 {
            self.start += std::mem::take(&mut self.length);
            self.scan = Scan::new();
        }
        loop {
            if let Some(length) = self.scan.length(&self.buffer[self.start..self.end])? {
                self.length = length;
                return Ok(Wait::Ready);
            }
            if self.fill()? {
                continue;
            }
            match self.connection.wait_readable(deadline, waker)? {
                Wait::Ready => {}
                ended => return Ok(ended),
            }
        }
    }

    /// The bytes of the reply that came last.
    pub fn reply(&self) -> &[u8] {
        &self.buffer[self.start..self.start + self.length]
    }

    /// How many entries of a stream the reply that came last holds, and the last one's id, if that is easily known.
    pub fn last_entry(&self) -> Option<(usize, &[u8])> {
        self.scan.last_entry(self.reply())
    }

    /// Reads what is there behind what was read. False when nothing is.
    fn fill(&mut self) -> Result<bool, RedisError> {
        self.make_room();
        match self.connection.try_read(&mut self.buffer[self.end..])? {
            None => Ok(false),
            Some(0) => Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            Some(read) => {
                self.end += read;
                Ok(true)
            }
        }
    }

    fn make_room(&mut self) {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= std::mem::take(&mut self.start);
        }
        if self.end == self.buffer.len() {
            self.buffer.resize(self.end + ROOM, 0);
        } else if self.end == 0 && self.buffer.len() > ROOM_KEPT {
            self.buffer = vec![0; ROOM];
        }
    }
}
