//! The live service: one loop that reads events, does what is due and puts out features, and never stops for a
//! dependency that is away. Writing to InfluxDB has a thread of its own ([`crate::store`]).
//!
//! What it is made of: [`Reading`] (events in), [`Outputs`] (features out), [`Housekeeping`] (what is due whether events
//! come or not). Between them stands the [`Extractor`]'s core, and what it has [`Made`] and [`Outputs`] has not taken.

mod housekeeping;
mod made;
mod outputs;
mod reading;
mod resuming;
mod shadow;
mod skipped;
mod status;

use std::io;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level::pipe;

use self::housekeeping::Housekeeping;
use self::made::Made;
use self::outputs::Outputs;
use self::reading::Reading;
pub use self::shadow::shadow;
use self::skipped::Skipped;
use self::status::Status;
use crate::checkpoint::Occasion;
use crate::config::Config;
use crate::core::Moment;
use crate::logs::lines;
use crate::notify::Notifier;
use crate::operators::Extractor;
use crate::output::Writer;
use crate::publish::Text;
use crate::schema::Kind;
use crate::store::Store;
use crate::timestamp::wall_us;

/// While there is more to read, outputs are gathered for so long, or until they fill a transaction: Redis is busy answering
/// us, and would let us wait for each.
const GATHER: Duration = Duration::from_millis(20);

/// Runs until SIGTERM or SIGINT.
///
/// # Errors
/// When the system gives no signal handler, socket or thread.
pub fn run(kind: Kind, config: &Config, writer: Writer) -> io::Result<()> {
    let stop = begin(config)?;
    let mut service = Service::new(kind, config, writer, Store::start(config)?);
    service.serve(&stop)?;
    service.finish();
    Ok(())
}

/// What a crash logs is settled; gives what becomes readable with SIGTERM or SIGINT. One function for both ways to run:
/// the only call of the standard library's is part of it then, and does not lie among what never runs (`cold.ld`).
fn begin(config: &Config) -> io::Result<UnixStream> {
    config.log.crashes();
    let (stop, signal) = UnixStream::pair()?;
    pipe::register(SIGTERM, signal.try_clone()?)?;
    pipe::register(SIGINT, signal)?;
    Ok(stop)
}

struct Service<'a> {
    kind: Kind,
    config: &'a Config,
    core: Extractor,
    made: Made,
    reading: Reading,
    outputs: Outputs<'a>,
    housekeeping: Housekeeping,
    skipped: Skipped,
    status: Status,
    notifier: Notifier,
    time: Time,
}

/// The process's own monotonic time.
#[derive(Clone, Copy)]
struct Time {
    epoch: Instant,
}

impl Time {
    /// In µs since the process started.
    fn us(self, at: Instant) -> i64 {
        i64::try_from(at.saturating_duration_since(self.epoch).as_micros()).unwrap_or(i64::MAX)
    }

    /// The moment that is so many µs after the process started.
    fn instant(self, us: i64) -> Instant {
        self.epoch + Duration::from_micros(u64::try_from(us).unwrap_or(0))
    }

    /// For a message that is read now.
    fn moment(self) -> Moment {
        Moment { wall: Some(wall_us()), real: Some(self.us(Instant::now())) }
    }
}

impl<'a> Service<'a> {
    fn new(kind: Kind, config: &'a Config, writer: Writer, store: Store) -> Service<'a> {
        let now = Instant::now();
        Service {
            kind,
            config,
            core: Extractor::new(kind, config.core),
            made: Made::default(),
            reading: Reading::new(kind),
            outputs: Outputs::new(kind, config, writer, store, now),
            housekeeping: Housekeeping::new(now),
            skipped: Skipped::default(),
            status: Status::default(),
            notifier: Notifier::new(now, config.log),
            time: Time { epoch: now },
        }
    }

    fn serve(&mut self, stop: &UnixStream) -> io::Result<()> {
        let (redis, influx) = (&self.config.redis, &self.config.influx);
        let (program, version) = (self.kind.program(), crate::VERSION);
        let fields = [(&program).into(), (&version).into(), redis.into(), influx.into()];
        self.config.log.line(&lines::STARTED, fields);
        self.notifier.ready();
        loop {
            let now = Instant::now();
            self.notifier.alive(now);
            if self.reading.may_connect(now) {
                self.connect(now);
            }
            let stopped = self.wait(stop)?;
            self.put_out();
            let now = Instant::now();
            if self.reading.is_open() && !(self.reading.is_behind() && self.outputs.may_gather(now)) {
                self.outputs.flush(now);
            }
            self.skipped.log(&self.core, now, self.config.log);
            self.keep_house(now);
            self.report_status();
            if stopped {
                return Ok(());
            }
        }
    }

    /// Hands what the core has made to Redis and InfluxDB, unless the last run did.
    fn put_out(&mut self) {
        let sessions = self.core.counters().sessions;
        self.outputs.see_sessions(sessions, self.reading.has_caught_up());
        let made = std::mem::take(&mut self.made);
        let texts = self.outputs.put_out(made, &mut self.core);
        self.save(texts, Occasion::Events);
    }

    /// The application tracker's state goes with its transitions, and by itself when it changed without one; with
    /// its patterns once in a while.
    fn save(&mut self, texts: Vec<Text>, occasion: Occasion) {
        let max_ts = self.core.clock().largest();
        if let Some(apps) = self.core.apps() {
            self.outputs.save(apps, self.reading.last_id(), max_ts, texts, occasion);
        }
    }

    /// Writes what can be written in the time that a stopping process has.
    #[cold]
    fn finish(&mut self) {
        let log = self.config.log;
        log.line(&lines::STOPPING, []);
        self.skipped.log_rest(&self.core, log);
        self.notifier.stopping();
        let points_left = self.outputs.stop_store();
        self.save(Vec::new(), Occasion::Stop);
        if self.reading.is_open() {
            self.outputs.flush(Instant::now());
            if self.outputs.publisher.trouble().is_none() {
                self.write_housekeeping(true, false);
                // Redis has read them before we are gone.
                let _ = self.outputs.publisher.read_owed();
            }
        }
        self.outputs.checkpoint.save_file();
        let outputs_left = self.outputs.publisher.waiting();
        if outputs_left > 0 {
            log.line(&lines::OUTPUTS_LEFT, [outputs_left.into()]);
        }
        if points_left > 0 {
            log.line(&lines::POINTS_LEFT, [points_left.into()]);
        }
        let counters = self.core.counters();
        let fields =
            [counters.events.into(), counters.windows.into(), outputs_left.into(), points_left.into()];
        log.line(&lines::STOPPED, fields);
    }
}
