//! The live service: one loop that reads events, does what is due and puts out features, and never stops for a
//! dependency that is away. Writing to InfluxDB has a thread of its own ([`crate::store`]).

mod duties;

use std::collections::BTreeMap;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level::pipe;

use self::duties::{Complained, Timers};
use crate::config::Config;
use crate::core::{Core, Moment};
use crate::cursor::Cursor;
use crate::keeper::{Keeper, Occasion, Position};
use crate::logs::{Log, wall_us};
use crate::net::{Wait, sleep_until};
use crate::notify::Notifier;
use crate::outage::Dependency;
use crate::output::{Record, Writer};
use crate::publish::{Output, Publisher, read_cursor};
use crate::redis::RedisError;
use crate::schema::Kind;
use crate::source::{START, Source, Turn};
use crate::store::Store;

/// How long it waits while it does not know whether it has read all there was.
const CATCHING_UP: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Runs until SIGTERM or SIGINT.
///
/// # Errors
/// When the system gives no signal handler, socket or thread.
pub fn run(
    kind: Kind,
    config: &Config,
    writer: Writer,
    environment: &BTreeMap<String, String>,
) -> io::Result<()> {
    config.log.crashes();
    let (stop, signal) = UnixStream::pair()?;
    pipe::register(SIGTERM, signal.try_clone()?)?;
    pipe::register(SIGINT, signal)?;
    let mut service = Service::new(kind, config, writer, environment)?;
    service.serve(&stop)?;
    service.finish();
    Ok(())
}

struct Service<'a> {
    kind: Kind,
    config: &'a Config,
    log: &'a Log,
    core: Core,
    writer: Writer,
    source: Source,
    redis: Dependency,
    publisher: Publisher,
    store: Store,
    cursor: Cursor,
    keeper: Keeper<'a>,
    notifier: Notifier,
    records: Vec<Record>,
    /// What the last run left has been asked for.
    resumed: bool,
    /// All of the stream has been read once.
    caught_up: bool,
    /// The stored cursor that Redis is still to be told.
    stored: Option<i64>,
    sessions: u64,
    /// How often reading from Redis began.
    connections: u64,
    complained: Complained,
    timers: Timers,
    epoch: Instant,
    started_at: i64,
}

impl<'a> Service<'a> {
    fn new(
        kind: Kind,
        config: &'a Config,
        writer: Writer,
        environment: &BTreeMap<String, String>,
    ) -> io::Result<Service<'a>> {
        let now = Instant::now();
        Ok(Service {
            kind,
            config,
            log: &config.log,
            core: Core::new(kind, config.core),
            source: Source::new(kind, START.to_owned()),
            redis: Dependency::new("Reading from Redis", LONGEST_PAUSE),
            publisher: Publisher::new(kind, writer.channel()),
            writer,
            store: Store::start(config)?,
            cursor: Cursor::default(),
            keeper: Keeper::new(config.state_dir.as_deref(), config.log),
            notifier: Notifier::new(environment, now),
            records: Vec::new(),
            resumed: false,
            caught_up: false,
            stored: None,
            sessions: 0,
            connections: 0,
            complained: Complained::default(),
            timers: Timers::new(now),
            epoch: now,
            started_at: wall_us(),
        })
    }

    fn serve(&mut self, stop: &UnixStream) -> io::Result<()> {
        let (redis, influx) = (&self.config.redis, &self.config.influx.endpoint);
        let version = crate::VERSION;
        self.log.info("started", &[("version", &version), ("redis", redis), ("influx", influx)]);
        self.notifier.ready();
        loop {
            let now = Instant::now();
            self.notifier.alive(now);
            if !self.source.is_open() && self.redis.may_try(now) {
                self.connect(now);
            }
            let stopped = self.wait(stop)?;
            self.put_out();
            let now = Instant::now();
            if self.source.is_open() {
                self.publisher.flush(self.config, now, self.log);
            }
            self.complain(now);
            self.duties(now);
            if stopped {
                return Ok(());
            }
        }
    }

    fn connect(&mut self, now: Instant) {
        match self.open() {
            Ok(()) => {
                self.redis.works(now, self.log);
                self.connections += 1;
                self.timers.stats = now;
            }
            Err(error) => {
                self.publisher.close();
                self.redis.failed(now, error.to_string().into(), self.log);
            }
        }
        self.say_status();
    }

    fn open(&mut self) -> Result<(), RedisError> {
        if !self.resumed {
            self.resume()?;
        } else {
            // What broke one connection has most likely broken the other.
            self.publisher.close();
        }
        self.source.open(self.config)
    }

    /// Learns how far the last run had come.
    fn resume(&mut self) -> Result<(), RedisError> {
        let now = wall_us();
        let key = self.publisher.cursor_key().to_owned();
        let redis = self.publisher.redis(self.config)?;
        let (published, stored) = read_cursor(redis, &key)?;
        self.cursor = Cursor::new(published, stored, now);
        if self.kind == Kind::App
            && let Some(state) = self.keeper.load(redis)?
        {
            // The state tells exactly what was done; the cursor would hide a second transition at the same time.
            self.cursor.forget_last_run();
            self.source = Source::new(self.kind, state.last_id.clone());
            state.unstored().for_each(|record| self.hand_over(record));
            self.core.restore(&state, now, &mut self.records);
        }
        self.resumed = true;
        Ok(())
    }

    /// Waits for events, or until something is due. True when it is time to stop.
    fn wait(&mut self, stop: &UnixStream) -> io::Result<bool> {
        if !self.source.is_open() {
            let until = self.next_duty().min(self.redis.next_try().unwrap_or_else(Instant::now));
            return Ok(sleep_until(until, stop.as_fd())? == Wait::Woken);
        }
        let block = self.block();
        let (core, records, epoch) = (&mut self.core, &mut self.records, self.epoch);
        let mut moment = None;
        let turn = self.source.turn(block, stop.as_fd(), &mut |message| {
            let now = || Moment { wall: Some(wall_us()), real: Some(us_since(epoch, Instant::now())) };
            core.message(message, *moment.get_or_insert_with(now), records);
        });
        match turn {
            Ok(Turn::CaughtUp { empty_at }) => {
                self.caught_up = true;
                let clock = self.core.clock();
                let real = if clock.is_running() { empty_at } else { Instant::now() };
                clock.start(us_since(epoch, real));
                self.core.tick(us_since(epoch, real), &mut self.records);
            }
            Ok(Turn::Behind) => self.core.clock().stop(),
            Ok(Turn::Message) => {}
            Ok(Turn::Woken) => return Ok(true),
            Err(error) => {
                self.core.clock().stop();
                self.redis.failed(Instant::now(), error.to_string().into(), self.log);
                self.say_status();
            }
        }
        Ok(false)
    }

    /// How long the next read may block.
    fn block(&mut self) -> Duration {
        if !self.core.clock().is_running() {
            return CATCHING_UP;
        }
        let duty = self.next_duty().saturating_duration_since(Instant::now());
        let left = self.core.time_left().map(|left| Duration::from_micros(u64::try_from(left).unwrap_or(0)));
        // Redis counts in whole ms; one more makes sure that what is due then is due.
        left.map_or(duty, |left| duty.min(left + Duration::from_millis(1)))
    }

    /// Hands what the core has made to Redis and InfluxDB, unless the last run did.
    fn put_out(&mut self) {
        if self.sessions != self.core.counters().sessions {
            self.sessions = self.core.counters().sessions;
            if self.caught_up {
                self.cursor.forget_last_run();
            }
        }
        let mut texts = Vec::new();
        for record in std::mem::take(&mut self.records) {
            let ts = record.ts;
            if self.cursor.wants_published(ts) {
                let text = self.writer.json(&record);
                match self.kind {
                    Kind::App => texts.push(text),
                    _ => self.publisher.push(Output {
                        texts: vec![text],
                        published: Some(ts),
                        ..Output::default()
                    }),
                }
            }
            if self.cursor.wants_stored(ts) {
                self.hand_over(record);
            }
        }
        self.save(texts, Occasion::Events);
    }

    fn hand_over(&mut self, record: Record) {
        let sequence = self.store.push(self.writer.line(&record, &self.config.identity));
        let (ts, kept) = (record.ts, self.kind == Kind::App);
        self.cursor.handed_over(sequence, ts, kept.then_some(record));
    }

    /// The application tracker's state goes with its transitions, and by itself when it changed without one; with
    /// its patterns once in a while.
    fn save(&mut self, texts: Vec<String>, occasion: Occasion) {
        let max_ts = self.core.clock().largest();
        if let Some(apps) = self.core.apps() {
            let position = Position { last_id: self.source.last_id(), max_ts, cursor: &self.cursor };
            let output = self.keeper.output(apps, position, texts, occasion);
            output.into_iter().for_each(|output| self.publisher.push(output));
        }
    }

    /// Writes what can be written in the time that is left to a process that was told to stop.
    fn finish(&mut self) {
        self.notifier.stopping();
        self.log.info("stopping", &[]);
        let all_stored = self.store.stop();
        self.stored = self.cursor.answered(self.store.settled()).or(self.stored);
        self.save(Vec::new(), Occasion::Stop);
        if self.source.is_open() {
            self.publisher.flush(self.config, Instant::now(), self.log);
            if self.publisher.trouble().is_none() {
                self.housekeeping(true, false);
                // Redis has read them before we are gone.
                let _ = self.publisher.settle();
            }
        }
        self.keeper.save_file();
        let waiting = self.publisher.waiting();
        self.log.info("stopped", &[("all_stored", &all_stored), ("outputs_left", &waiting)]);
    }
}

/// Monotonic time in µs.
fn us_since(epoch: Instant, at: Instant) -> i64 {
    i64::try_from(at.saturating_duration_since(epoch).as_micros()).unwrap_or(i64::MAX)
}
