//! The service's reading side: what is known of it, and what an answer means for time.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use super::Service;
use super::resuming::has_entries;
use crate::dependency::Dependency;
use crate::logs::lines::dependency;
use crate::net::{Wait, sleep_until};
use crate::publish::failure;
use crate::redis::RedisError;
use crate::schema::Kind;
use crate::source::{CATCHING_UP, PROMPT, START, Source, Turn};
use crate::waits::{REDIS_BACKOFF_FIRST, REDIS_BACKOFF_LONGEST};

/// The source, and what is known of it.
pub struct Reading {
    pub(super) source: Source,
    pub redis: Dependency,
    /// Redis was tried to reach.
    pub(super) tried: bool,
    /// What the last run left has been requested.
    pub(super) resumed: bool,
    /// All of the stream has been read once.
    caught_up: bool,
    /// There is more to read: the next answer is on its way.
    behind: bool,
    /// Redis has not answered the read though there is something to read, or that is unknown.
    await_answer: bool,
    /// The stream's ids are ahead of the clock, and it is to be made anew.
    are_ids_ahead: bool,
    /// When Redis last answered a read.
    pub(super) read_at: Option<Instant>,
    /// How often reading began.
    pub(super) connections: u64,
}

impl Reading {
    /// Will read the stream of `kind`.
    pub fn new(kind: Kind) -> Reading {
        Reading {
            source: Source::new(kind, START.to_owned()),
            redis: Dependency::new(dependency::REDIS_READ, REDIS_BACKOFF_FIRST, REDIS_BACKOFF_LONGEST),
            tried: false,
            resumed: false,
            caught_up: false,
            behind: false,
            await_answer: false,
            are_ids_ahead: false,
            read_at: None,
            connections: 0,
        }
    }

    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The stream's key.
    pub fn stream(&self) -> &[u8] {
        self.source.stream()
    }

    /// The entry read last.
    pub fn last_id(&self) -> &str {
        self.source.last_id()
    }

    /// Whether there is a connection.
    pub fn is_open(&self) -> bool {
        self.source.is_open()
    }

    /// Whether the last answer held what is too long for an event.
    pub fn is_swamped(&self) -> bool {
        self.source.is_swamped()
    }

    /// Whether there is more to read.
    pub fn is_behind(&self) -> bool {
        self.behind
    }

    /// Whether all of the stream has been read once.
    pub fn has_caught_up(&self) -> bool {
        self.caught_up
    }

    /// Whether Redis was tried to reach.
    pub fn has_tried(&self) -> bool {
        self.tried
    }

    /// Whether a connection is missing and may be tried.
    pub fn may_connect(&self, now: Instant) -> bool {
        !self.source.is_open() && self.redis.may_try(now)
    }

    /// How often Redis had to be connected to anew.
    pub fn reconnects(&self) -> u64 {
        self.connections.saturating_sub(1)
    }

    /// Whether the stream's ids are ahead of the clock.
    pub fn note_ids(&mut self, are_ahead: bool) {
        self.are_ids_ahead = are_ahead;
    }
}

impl Service<'_> {
    /// Waits for events, or until something is due. True when it is time to stop.
    pub(super) fn wait(&mut self, stop: &UnixStream) -> io::Result<bool> {
        if !self.reading.is_open() {
            let retry = self.reading.redis.next_try().unwrap_or_else(Instant::now);
            return Ok(sleep_until(self.next_due().min(retry), stop.as_fd())? == Wait::Woken);
        }
        // The process itself may have been stopped for longer than the stream keeps entries.
        if let Err(error) = self.look_for_gap() {
            self.reading.source.close();
            self.reading_fails(&error);
            return Ok(false);
        }
        if self.reading.are_ids_ahead && !self.reading.source.waits() {
            self.make_stream_anew();
        }
        let (due_at, preparable_at) = (self.due_at(), self.preparable_at());
        let until = due_at.into_iter().chain(preparable_at).min();
        let mut turn = self.read(until, stop);
        if let Ok(Turn::Silent) = turn {
            let now = Instant::now();
            self.core.prepare(self.time.us(now));
            if due_at.is_some_and(|due_at| due_at <= now) {
                turn = self.look_behind_silence(stop);
            }
        }
        self.reading.behind = matches!(turn, Ok(Turn::Behind));
        match turn {
            Ok(Turn::CaughtUp { empty_at }) => {
                self.reading.caught_up = true;
                self.reading.await_answer = false;
                self.reading_works();
                let clock = self.core.clock();
                let real = self.time.us(if clock.is_running() { empty_at } else { Instant::now() });
                clock.start(real);
                self.tick(real);
            }
            Ok(Turn::Behind) => {
                self.core.clock().stop();
                self.reading_works();
            }
            Ok(Turn::Message | Turn::Silent) => {}
            Ok(Turn::Woken) => return Ok(true),
            Err(error) => self.reading_fails(&error),
        }
        Ok(false)
    }

    /// Takes what is unread out of a stream whose ids are ahead of the clock, and begins with another.
    fn make_stream_anew(&mut self) {
        self.reading.are_ids_ahead = false;
        let (stream, last_id) = (self.reading.source.stream(), self.reading.source.last_id());
        let (bounds, log) = (&mut self.housekeeping.bounds, &self.config.log);
        let redis = self.outputs.publisher.ready(self.config);
        let made = redis.and_then(|redis| bounds.make_anew(redis, stream, last_id, log));
        let Some(events) = self.answered(made) else { return };
        let now = self.time.moment();
        for event in events {
            self.core.message(&event, now, &mut self.made.records);
        }
        self.core.clock().stop();
        self.reading.source.begin_anew();
    }

    fn reading_works(&mut self) {
        let now = Instant::now();
        self.reading.redis.works(now, &self.config.log);
        // An answer that comes so late was waited for in vain: what came behind it may be gone.
        if let Err(error) = self.look_for_gap() {
            self.reading.source.close();
            return self.reading_fails(&error);
        }
        self.reading.read_at = Some(now);
    }

    fn reading_fails(&mut self, error: &RedisError) {
        self.core.clock().stop();
        self.reading.redis.failed(Instant::now(), failure(self.config, error), &self.config.log);
    }

    /// One turn of the source; what it hands on is read now.
    fn read(&mut self, until: Option<Instant>, stop: &UnixStream) -> Result<Turn, RedisError> {
        let block = self.block();
        let (core, records, time) = (&mut self.core, &mut self.made.records, self.time);
        let mut moment = None;
        let turn = self.reading.source.turn(block, until, stop.as_fd(), &mut |message| {
            core.message(message, *moment.get_or_insert_with(|| time.moment()), records);
        });
        if let Some(arrived) = moment.and_then(|moment| moment.real) {
            self.made.close(|_| time.instant(arrived));
        }
        turn
    }

    /// Real time has passed, and with it windows have closed.
    fn tick(&mut self, real: i64) {
        self.core.tick(real, &mut self.made.records);
        let (core, time) = (&self.core, self.time);
        self.made.close(|ts| time.instant(core.due_at(ts).unwrap_or(real)));
    }

    /// Something is due, and the read is not answered. Redis keeps `BLOCK` in whole ms and by a timer of its own, so it is
    /// asked whether there is anything that has not been read: if not, time counts up to the question.
    fn look_behind_silence(&mut self, stop: &UnixStream) -> Result<Turn, RedisError> {
        let asked_at = Instant::now();
        let source = &self.reading.source;
        let first = [b"(", source.last_id().as_bytes()].concat();
        let redis = self.outputs.publisher.ready(self.config);
        let is_behind = redis.and_then(|redis| has_entries(redis, source.stream(), &first, b"+"));
        if is_behind.is_err() {
            self.outputs.publisher.close();
        }
        if asked_at.elapsed() > PROMPT {
            // Since when Redis hangs is unknown; meanwhile producers wait for it too.
            self.core.clock().stop();
            return Ok(Turn::Silent);
        }
        // When it is not as silent as it seems, or does not tell, the read will be answered.
        self.reading.await_answer = is_behind.unwrap_or(true);
        if self.reading.await_answer {
            return Ok(Turn::Silent);
        }
        let turn = self.read(Some(asked_at), stop);
        if let Ok(Turn::Silent) = turn {
            self.tick(self.time.us(asked_at));
        }
        turn
    }

    /// How long the next read may block.
    fn block(&mut self) -> Duration {
        if !self.core.clock().is_running() {
            return CATCHING_UP;
        }
        // Redis counts in whole ms; one more makes sure that it is due then.
        self.next_due().saturating_duration_since(Instant::now()) + Duration::from_millis(1)
    }

    /// When the next window closes or the next event is taken, were none to come; none while that cannot be known.
    fn due_at(&mut self) -> Option<Instant> {
        let due = self.core.due().filter(|_| !self.reading.await_answer)?;
        let real = self.core.clock().real_at(due)?;
        Some(self.time.instant(real))
    }

    /// When a window can be computed before it closes.
    fn preparable_at(&mut self) -> Option<Instant> {
        let from = self.core.preparable()?;
        let real = self.core.clock().real_soon(from)?;
        Some(self.time.instant(real))
    }
}
