//! A connection to Redis: log in, send commands, receive frames, each with a deadline.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use crate::config::{Config, Secret};
use crate::net::{Connection, Wait};
use crate::resp::{Frame, ProtocolError, parse, write_command};

/// How long an answer that needs no waiting may take.
pub const ANSWER_TIME: Duration = Duration::from_secs(1);
const READ_SIZE: usize = 16 << 10;

/// Why Redis could not be talked to.
#[derive(Debug, thiserror::Error)]
pub enum RedisError {
    /// It cannot be reached, or the connection broke.
    #[error("{0}")]
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

/// Why waiting for a frame ended.
#[derive(Debug)]
pub enum Received<T> {
    /// A frame came; this was made of it.
    Frame(T),
    /// The waker was readable.
    Woken,
    /// The deadline passed.
    Timeout,
}

/// Nothing came in time.
pub fn timed_out() -> RedisError {
    io::Error::new(io::ErrorKind::TimedOut, "Redis does not answer").into()
}

/// A connection that is logged in and speaks RESP3.
pub struct Redis {
    connection: Connection,
    buffer: Vec<u8>,
    /// How many bytes at the buffer's start have been handed out.
    taken: usize,
}

impl Redis {
    /// Connects and logs in.
    ///
    /// # Errors
    /// When Redis is away, or refuses the user.
    pub fn open(config: &Config) -> Result<Redis, RedisError> {
        let connection = Connection::open(&config.redis, ANSWER_TIME)?;
        let mut redis = Redis { connection, buffer: Vec::new(), taken: 0 };
        let mut hello: Vec<&[u8]> = vec![b"HELLO", b"3"];
        if config.redis_username.is_some() || config.redis_password.is_some() {
            let user = config.redis_username.as_deref().unwrap_or("default");
            let password = config.redis_password.as_ref().map_or("", Secret::reveal);
            hello.extend([b"AUTH", user.as_bytes(), password.as_bytes()]);
        }
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
        self.answer(Instant::now() + ANSWER_TIME, |frame| match frame {
            Frame::Error(error) => Err(RedisError::Refused { command, error: (*error).to_owned() }),
            frame => Ok(look(frame)),
        })?
    }

    /// Sends bytes made by [`write_command`].
    ///
    /// # Errors
    /// When the connection breaks or is too slow.
    pub fn send(&mut self, request: &[u8]) -> Result<(), RedisError> {
        Ok(self.connection.write_all(request, Instant::now() + ANSWER_TIME)?)
    }

    /// Waits for the next frame and looks at it.
    ///
    /// # Errors
    /// When the connection breaks, or nothing comes before the deadline.
    pub fn answer<T>(
        &mut self,
        deadline: Instant,
        look: impl FnOnce(&Frame<'_>) -> T,
    ) -> Result<T, RedisError> {
        match self.receive(deadline, None, look)? {
            Received::Frame(seen) => Ok(seen),
            Received::Woken | Received::Timeout => Err(timed_out()),
        }
    }

    /// Waits until a frame is there and looks at it, `waker` is readable, or the deadline passes.
    ///
    /// # Errors
    /// When the connection breaks.
    pub fn receive<T>(
        &mut self,
        deadline: Instant,
        waker: Option<BorrowedFd<'_>>,
        look: impl FnOnce(&Frame<'_>) -> T,
    ) -> Result<Received<T>, RedisError> {
        loop {
            if let Some((frame, length)) = parse(&self.buffer[self.taken..])? {
                let seen = look(&frame);
                self.taken += length;
                return Ok(Received::Frame(seen));
            }
            if self.fill()? {
                continue;
            }
            match self.connection.wait_readable(deadline, waker)? {
                Wait::Ready => {}
                Wait::Woken => return Ok(Received::Woken),
                Wait::Timeout => return Ok(Received::Timeout),
            }
        }
    }

    /// Reads what is there behind what is not yet taken. False when nothing is.
    fn fill(&mut self) -> Result<bool, RedisError> {
        self.buffer.drain(..self.taken);
        self.taken = 0;
        let held = self.buffer.len();
        // A long answer is read in ever larger pieces, since each piece means another look from its start.
        self.buffer.resize(held + READ_SIZE.max(held), 0);
        let read = self.connection.try_read(&mut self.buffer[held..]);
        self.buffer.truncate(held + read.as_ref().map_or(0, |read| read.unwrap_or(0)));
        match read? {
            None => Ok(false),
            Some(0) => {
                Err(io::Error::new(io::ErrorKind::UnexpectedEof, "Redis closed the connection").into())
            }
            Some(_) => Ok(true),
        }
    }
}
