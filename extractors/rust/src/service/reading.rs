//! The service's reading side: connecting, going on where the last run stopped, and what an answer means for time.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use super::{Service, us_since};
use crate::core::Moment;
use crate::cursor::Cursor;
use crate::logs::wall_us;
use crate::net::{Wait, sleep_until};
use crate::publish::read_cursor;
use crate::redis::{Redis, RedisError};
use crate::schema::Kind;
use crate::source::{CATCHING_UP, PROMPT, START, Source, Turn};

/// How long the stream keeps entries.
pub(super) const STREAM_AGE: Duration = Duration::from_secs(120);

impl Service<'_> {
    pub(super) fn connect(&mut self, now: Instant) {
        match self.open() {
            // Whether reading works is known when the first read is answered.
            Ok(()) => {
                self.connections += 1;
                self.timers.stats = now;
            }
            Err(error) => {
                self.publisher.close();
                self.redis.failed(now, error.to_string().into(), self.log);
                self.say_status();
            }
        }
    }

    fn open(&mut self) -> Result<(), RedisError> {
        if !self.resumed {
            self.resume()?;
        } else {
            // What broke one connection has most likely broken the other, and Redis may have forgotten all.
            self.publisher.close();
            self.keeper.tell_again();
            self.guard.forget();
        }
        self.look_for_gap()?;
        self.source.open(self.config)
    }

    /// Learns how far the last run had come.
    fn resume(&mut self) -> Result<(), RedisError> {
        let now = wall_us();
        let key = self.publisher.cursor_key().to_owned();
        let redis = self.publisher.redis(self.config)?;
        let (published, stored) = read_cursor(redis, &key, self.log)?;
        self.cursor = Cursor::new(published, stored, now);
        if self.kind == Kind::App
            && let Some((state, in_redis)) = self.keeper.load(redis)?
        {
            // The state in Redis tells exactly what was done, where the cursor would hide a second transition at the
            // same time. That of a file may be older than the cursor.
            if in_redis {
                self.cursor.forget_last_run();
            }
            self.source = Source::new(self.kind, state.last_id.clone());
            state.unstored().for_each(|record| self.hand_over(record));
            self.core.restore(&state, now, &mut self.records);
        }
        self.resumed = true;
        Ok(())
    }

    /// Nothing was read for longer than the stream keeps entries: some may be gone that nobody has read.
    fn look_for_gap(&mut self) -> Result<(), RedisError> {
        if self.read_at.is_none_or(|read_at| read_at.elapsed() <= STREAM_AGE)
            || self.source.last_id() == START
        {
            return Ok(());
        }
        let (stream, last_id) = (self.source.stream(), self.source.last_id().as_bytes());
        let redis = self.publisher.settled(self.config)?;
        if !has_entries(redis, stream, b"-", last_id)? && has_entries(redis, stream, b"-", b"+")? {
            self.count_gap();
        }
        self.read_at = None;
        Ok(())
    }

    /// Waits for events, or until something is due. True when it is time to stop.
    pub(super) fn wait(&mut self, stop: &UnixStream) -> io::Result<bool> {
        if !self.source.is_open() {
            let until = self.next_duty().min(self.redis.next_try().unwrap_or_else(Instant::now));
            return Ok(sleep_until(until, stop.as_fd())? == Wait::Woken);
        }
        // The process itself may have been stopped for longer than the stream keeps entries.
        if let Err(error) = self.look_for_gap() {
            self.source.close();
            self.reading_fails(&error);
            return Ok(false);
        }
        if self.are_ids_ahead && !self.source.waits() {
            self.make_stream_anew();
        }
        let (due_at, preparable_at) = (self.due_at(), self.preparable_at());
        let until = due_at.into_iter().chain(preparable_at).min();
        let mut turn = self.read(until, stop);
        if let Ok(Turn::Silent) = turn {
            let now = Instant::now();
            self.core.prepare(us_since(self.epoch, now));
            if due_at.is_some_and(|due_at| due_at <= now) {
                turn = self.look_behind_silence(stop);
            }
        }
        self.behind = matches!(turn, Ok(Turn::Behind));
        match turn {
            Ok(Turn::CaughtUp { empty_at }) => {
                self.caught_up = true;
                self.await_answer = false;
                self.reading_works();
                let clock = self.core.clock();
                let real = us_since(self.epoch, if clock.is_running() { empty_at } else { Instant::now() });
                clock.start(real);
                self.core.tick(real, &mut self.records);
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
        self.are_ids_ahead = false;
        let (stream, last_id) = (self.source.stream(), self.source.last_id());
        let redis = self.publisher.settled(self.config);
        let made = redis.and_then(|redis| self.guard.make_anew(redis, stream, last_id, self.log));
        let Some(events) = self.answered(made) else { return };
        let now = Moment { wall: Some(wall_us()), real: Some(us_since(self.epoch, Instant::now())) };
        for event in events {
            self.core.message(&event, now, &mut self.records);
        }
        self.core.clock().stop();
        self.source.begin_anew();
    }

    fn reading_works(&mut self) {
        let now = Instant::now();
        if self.redis.reason().is_some() || self.read_at.is_none() {
            self.redis.works(now, self.log);
            self.say_status();
        }
        // An answer that comes so late was waited for in vain: what came behind it may be gone.
        if let Err(error) = self.look_for_gap() {
            self.source.close();
            return self.reading_fails(&error);
        }
        self.read_at = Some(now);
    }

    fn reading_fails(&mut self, error: &RedisError) {
        self.core.clock().stop();
        self.redis.failed(Instant::now(), error.to_string().into(), self.log);
        self.say_status();
    }

    /// One turn of the source; what it hands on is read now.
    fn read(&mut self, until: Option<Instant>, stop: &UnixStream) -> Result<Turn, RedisError> {
        let block = self.block();
        let (core, records, epoch) = (&mut self.core, &mut self.records, self.epoch);
        let mut moment = None;
        self.source.turn(block, until, stop.as_fd(), &mut |message| {
            let now = || Moment { wall: Some(wall_us()), real: Some(us_since(epoch, Instant::now())) };
            core.message(message, *moment.get_or_insert_with(now), records);
        })
    }

    /// Something is due, and the read is not answered. Redis keeps `BLOCK` in whole ms and by a timer of its own, so it is
    /// asked whether there is anything that has not been read: if not, time counts up to the question.
    fn look_behind_silence(&mut self, stop: &UnixStream) -> Result<Turn, RedisError> {
        let asked_at = Instant::now();
        let first = [b"(", self.source.last_id().as_bytes()].concat();
        let stream = self.source.stream();
        let redis = self.publisher.settled(self.config);
        let is_behind = redis.and_then(|redis| has_entries(redis, stream, &first, b"+"));
        if is_behind.is_err() {
            self.publisher.close();
        }
        if asked_at.elapsed() > PROMPT {
            // Nobody knows since when Redis hangs; meanwhile producers wait for it too.
            self.core.clock().stop();
            return Ok(Turn::Silent);
        }
        // When it is not as silent as it seems, or does not say, the read will be answered.
        self.await_answer = is_behind.unwrap_or(true);
        if self.await_answer {
            return Ok(Turn::Silent);
        }
        let turn = self.read(Some(asked_at), stop);
        if let Ok(Turn::Silent) = turn {
            self.core.tick(us_since(self.epoch, asked_at), &mut self.records);
        }
        turn
    }

    /// How long the next read may block.
    fn block(&mut self) -> Duration {
        if !self.core.clock().is_running() {
            return CATCHING_UP;
        }
        // Redis counts in whole ms; one more makes sure that the duty is due then.
        self.next_duty().saturating_duration_since(Instant::now()) + Duration::from_millis(1)
    }

    /// When the next window closes or the next event is taken, were nothing to come; none while nobody can know.
    fn due_at(&mut self) -> Option<Instant> {
        let due = self.core.due().filter(|_| !self.await_answer)?;
        let real = self.core.clock().real_at(due)?;
        Some(self.instant_of(real))
    }

    /// When a window can be computed before it closes.
    fn preparable_at(&mut self) -> Option<Instant> {
        let from = self.core.preparable()?;
        let real = self.core.clock().real_soon(from)?;
        Some(self.instant_of(real))
    }

    /// The moment that is so many µs after the epoch.
    fn instant_of(&self, real: i64) -> Instant {
        self.epoch + Duration::from_micros(u64::try_from(real).unwrap_or(0))
    }
}

/// Whether the stream has an entry between these ids.
fn has_entries(redis: &mut Redis, stream: &[u8], from: &[u8], to: &[u8]) -> Result<bool, RedisError> {
    let command: [&[u8]; 6] = [b"XRANGE", stream, from, to, b"COUNT", b"1"];
    redis.call("XRANGE", &command, |entries| !entries.items().is_empty())
}
