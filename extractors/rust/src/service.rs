//! The live service: one loop that reads events, does what is due and puts out features, and never stops for a
//! dependency that is away. Writing to InfluxDB has a thread of its own ([`crate::store`]).

mod duties;
mod reading;

use std::collections::BTreeMap;
use std::io;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level::pipe;

use self::duties::{Complained, Timers};
use crate::config::Config;
use crate::core::Core;
use crate::cursor::Cursor;
use crate::guard::Guard;
use crate::keeper::{Keeper, Occasion, Position};
use crate::logs::{Log, wall_us};
use crate::notify::Notifier;
use crate::outage::Dependency;
use crate::output::{Record, Writer};
use crate::publish::{Output, Publisher};
use crate::schema::Kind;
use crate::source::{START, Source};
use crate::store::Store;

const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// While there is more to read, outputs are gathered for so long, or until they fill a transaction: Redis is busy answering
/// us, and would let us wait for each.
const GATHER: Duration = Duration::from_millis(20);

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
    guard: Guard,
    /// The stream's ids are ahead of the clock, and it is to be made anew.
    are_ids_ahead: bool,
    store: Store,
    cursor: Cursor,
    keeper: Keeper<'a>,
    notifier: Notifier,
    records: Vec<Record>,
    /// What the last run left has been asked for.
    resumed: bool,
    /// All of the stream has been read once.
    caught_up: bool,
    /// There is more to read: the next answer is on its way.
    behind: bool,
    /// Redis has not answered the read though there is something to read, or nobody knows.
    await_answer: bool,
    /// When outputs were sent last.
    flushed_at: Instant,
    /// The cursor `stored`, as far as this process knows.
    stored: Option<i64>,
    /// Redis is to be told of it before the next stats.
    tell_stored: bool,
    /// When Redis last answered a read.
    read_at: Option<Instant>,
    /// How often the stream was trimmed before it was read.
    gaps: u64,
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
            guard: Guard::default(),
            are_ids_ahead: false,
            writer,
            store: Store::start(config)?,
            cursor: Cursor::default(),
            keeper: Keeper::new(config.state_dir.as_deref(), config.log),
            notifier: Notifier::new(environment, now),
            records: Vec::new(),
            resumed: false,
            caught_up: false,
            behind: false,
            await_answer: false,
            flushed_at: now,
            stored: None,
            tell_stored: false,
            read_at: None,
            gaps: 0,
            sessions: 0,
            connections: 0,
            complained: Complained::default(),
            timers: Timers::new(now),
            epoch: now,
            started_at: wall_us(),
        })
    }

    fn serve(&mut self, stop: &UnixStream) -> io::Result<()> {
        let (redis, influx) = (&self.config.redis, &self.config.influx);
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
            let gathers = self.behind && now < self.flushed_at + GATHER && !self.publisher.has_plenty();
            if self.source.is_open() && !gathers {
                self.publisher.flush(self.config, now, self.log);
                self.flushed_at = now;
            }
            self.complain(now);
            self.duties(now);
            if stopped {
                return Ok(());
            }
        }
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
            if self.cursor.wants_published(ts) || self.cursor.wants_stored(ts) {
                self.core.came_out(ts);
            }
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
        self.note_stored();
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
