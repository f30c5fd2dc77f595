//! Points on their way to InfluxDB: a bounded queue in memory, behind it the spool on disk, and one thread that sends.
//!
//! The thread sleeps while there is nothing to do. Points stay in order; what InfluxDB has not answered is kept and
//! tried again. While it answers nothing is written to disk; [`due`] decides when points go there: when it has been
//! silent for `influx_timeout_seconds`, when memory is full, and when we stop. A point is *settled* when InfluxDB has
//! answered for it or the spool has it: the cursor `stored` follows. Redis never waits for this, nor this for Redis.

mod delivery;
mod disk_buffer;
mod due;
mod memory_buffer;
mod worker;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

use self::delivery::Delivered;
use self::disk_buffer::DiskBuffer;
use self::due::LARGEST_BATCH;
use self::memory_buffer::{MOST, Memory, Point};
use self::worker::Worker;
use crate::config::Config;
use crate::dependency::{Dependency, Outage};
use crate::histogram::Histogram;
use crate::influx::Influx;
use crate::refusal::Refusal;
use crate::spool::disk::{Disk, System};
use crate::timestamp::wall_us;
use crate::waits::{REDIS_ANSWER, STOP};

/// How long InfluxDB may take for the last attempt of a process that stops.
const LAST_ATTEMPT: Duration = STOP.saturating_sub(REDIS_ANSWER).saturating_sub(LAST_PUT);
/// How long the thread may take after that to put what is left into the spool.
const LAST_PUT: Duration = Duration::from_millis(500);
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// What the store has done so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreStats {
    /// Points that InfluxDB has.
    pub written: u64,
    /// Points that were put into the spool.
    pub spooled: u64,
    /// Points that InfluxDB refused.
    pub rejected: u64,
    /// Why it did, the last time.
    pub refusal: Option<Refusal>,
    /// Points that there was no room for.
    pub dropped: u64,
    /// How many bytes the spool has now.
    pub spool_bytes: u64,
    /// The time (µs) of the oldest point in it; 0 when it is empty, or was not read yet.
    pub spool_oldest_ts: i64,
    /// When it could not be written, the last time, and why.
    pub spool_outage: Outage,
    /// Segments that a later version wrote, left alone.
    pub skipped: u64,
    /// How long InfluxDB took for its answers.
    pub took: Histogram,
    /// Attempts that failed.
    pub errors: u64,
    /// When nothing could be written, the last time, and why.
    pub outage: Outage,
    /// Rises whenever the reason changes.
    pub trouble_changes: u32,
    /// When InfluxDB last settled a write, of points or of nothing: Unix time in µs, 0 for never.
    pub answered_at: i64,
}

impl StoreStats {
    fn see<D: Disk>(&mut self, disk_buffer: &DiskBuffer<D>) {
        self.spool_bytes = disk_buffer.bytes();
        self.spool_oldest_ts = disk_buffer.oldest_ts();
        self.spool_outage.clone_from(disk_buffer.outage());
    }
}

#[derive(Debug, Default)]
struct Shared {
    memory: Memory,
    handed_out: u64,
    settled: u64,
    news: bool,
    stop_at: Option<Instant>,
    finished: bool,
    stats: StoreStats,
}

/// What the main thread and the store's own share. Who needs both locks takes the disk_buffer's first.
pub struct Common<D: Disk> {
    disk_buffer: Mutex<DiskBuffer<D>>,
    shared: Mutex<Shared>,
    changed: Condvar,
}

/// The handle of the main thread.
pub struct Store<D: Disk = System> {
    common: Arc<Common<D>>,
}

impl Store {
    /// One without a thread or a disk buffer, for who stores nothing.
    pub fn idle(config: &Config) -> Store {
        Store { common: Common::new(DiskBuffer::new(&System, None, 0, config.log)) }
    }

    /// Starts the thread.
    ///
    /// # Errors
    /// When the system has no thread to give.
    pub fn start(config: &Config) -> std::io::Result<Store> {
        let disk_buffer = DiskBuffer::new(
            &System,
            config.state_dir.as_deref(),
            config.values.spool_bytes.unsigned_abs(),
            config.log,
        );
        let store = Store { common: Common::new(disk_buffer) };
        let influx = Influx::new(config);
        let (timeout, retry) =
            (config.values.influx_timeout_seconds.duration(), config.values.influx_retry_seconds.duration());
        let worker = Worker::new(Arc::clone(&store.common), influx, config.log, timeout, retry);
        thread::Builder::new().name("store".into()).spawn(move || worker.run())?;
        Ok(store)
    }
}

impl<D: Disk> Store<D> {
    /// Hands a line over. The number it gets rises with every line.
    pub fn push(&self, line: String) -> u64 {
        self.push_at(line, Instant::now())
    }

    fn push_at(&self, line: String, arrived: Instant) -> u64 {
        let mut shared = self.common.shared();
        shared.handed_out += 1;
        let sequence = shared.handed_out;
        let dropped = shared.memory.push(Point { sequence, line: line.into(), arrived });
        shared.stats.dropped += dropped;
        // The thread knows of the first already when it sleeps, and when a batch is due.
        if matches!(shared.memory.len(), 1 | LARGEST_BATCH | MOST) {
            shared.news = true;
            self.common.changed.notify_all();
        }
        sequence
    }

    /// What was done so far.
    pub fn stats(&self) -> StoreStats {
        self.common.shared().stats.clone()
    }

    /// All points up to this number are answered, in the spool, or gone.
    pub fn settled(&self) -> u64 {
        self.common.shared().settled
    }

    /// Rises whenever it changes why nothing can be written.
    pub fn trouble_changes(&self) -> u32 {
        self.common.shared().stats.trouble_changes
    }

    /// Tries once more to write what waits, and puts the rest into the spool. How many points wait still.
    pub fn stop(&self) -> usize {
        let attempt_until = Instant::now() + LAST_ATTEMPT;
        let until = attempt_until + LAST_PUT;
        let mut shared = self.common.shared();
        shared.stop_at = Some(attempt_until);
        shared.news = true;
        self.common.changed.notify_all();
        while !shared.finished && Instant::now() < until {
            shared = self.common.wait(shared, LOOK_AGAIN);
            // Whatever the thread is held up by, a name server for instance, the points are saved.
            if !shared.finished && Instant::now() > attempt_until + LOOK_AGAIN {
                drop(shared);
                self.common.put_all_unless_busy();
                shared = self.common.shared();
                if shared.memory.is_empty() {
                    break;
                }
            }
        }
        shared.memory.len()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A thread that panicked ended the process.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<D: Disk> Common<D> {
    fn new(disk_buffer: DiskBuffer<D>) -> Arc<Common<D>> {
        let shared = Mutex::new(Shared::default());
        Arc::new(Common { disk_buffer: Mutex::new(disk_buffer), shared, changed: Condvar::new() })
    }

    fn disk_buffer(&self) -> MutexGuard<'_, DiskBuffer<D>> {
        locked(&self.disk_buffer)
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        locked(&self.shared)
    }

    fn wait<'a>(&self, shared: MutexGuard<'a, Shared>, longest: Duration) -> MutexGuard<'a, Shared> {
        self.changed.wait_timeout(shared, longest).unwrap_or_else(PoisonError::into_inner).0
    }

    /// Sleeps until then (none: for ever), or until there is news.
    fn sleep(&self, until: Option<Instant>) {
        let mut shared = self.shared();
        while !std::mem::take(&mut shared.news) {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            shared = match left {
                Some(Duration::ZERO) => return,
                Some(left) => self.wait(shared, left),
                None => self.changed.wait(shared).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    fn finish(&self) {
        self.shared().finished = true;
        self.changed.notify_all();
    }

    fn stop_at(&self) -> Option<Instant> {
        self.shared().stop_at
    }

    /// How many points wait in memory, and since when the oldest does.
    fn waiting(&self) -> (usize, Option<Instant>) {
        let shared = self.shared();
        (shared.memory.len(), shared.memory.oldest())
    }

    fn lend(&self, most: usize) -> Vec<Point> {
        self.shared().memory.lend(most)
    }

    /// Counts what was delivered; points of memory up to this number (0 for none) are settled.
    fn count(&self, disk_buffer: &DiskBuffer<D>, done: &Delivered, through: u64) {
        let mut shared = self.shared();
        shared.settle(through);
        let stats = &mut shared.stats;
        stats.written += done.written;
        stats.rejected += done.rejected;
        stats.errors += done.errors;
        stats.took.add(&done.took);
        stats.see(disk_buffer);
        if done.refusal.is_some() {
            stats.refusal.clone_from(&done.refusal);
        }
    }

    /// Takes over how the dependency fares.
    fn note_outage(&self, dependency: &Dependency, answered: bool) {
        let mut shared = self.shared();
        let stats = &mut shared.stats;
        stats.outage.clone_from(dependency.outage());
        stats.trouble_changes = dependency.changes();
        if answered {
            stats.answered_at = wall_us();
        }
    }

    fn count_spool(&self, disk_buffer: &DiskBuffer<D>) {
        let mut shared = self.shared();
        shared.stats.see(disk_buffer);
        shared.stats.skipped = disk_buffer.skipped();
    }

    /// Puts everything that waits in memory into the spool, as far as that can be done.
    fn put_all(&self, now: Instant) {
        self.put_all_into(&mut self.disk_buffer(), now);
    }

    fn put_all_unless_busy(&self) {
        match self.disk_buffer.try_lock() {
            Ok(mut disk_buffer) => self.put_all_into(&mut disk_buffer, Instant::now()),
            Err(TryLockError::Poisoned(disk_buffer)) => {
                self.put_all_into(&mut disk_buffer.into_inner(), Instant::now())
            }
            Err(TryLockError::WouldBlock) => {}
        }
    }

    fn put_all_into(&self, disk_buffer: &mut DiskBuffer<D>, now: Instant) {
        let points = self.lend(usize::MAX);
        if points.is_empty() || !disk_buffer.is_there() {
            self.shared().memory.settle(0);
            return;
        }
        let lines: Vec<&str> = points.iter().map(|point| &*point.line).collect();
        let (put, dropped) = disk_buffer.put(&lines, now);
        let mut shared = self.shared();
        shared.settle(put.checked_sub(1).map_or(0, |last| points[last].sequence));
        shared.stats.spooled += put as u64;
        shared.stats.dropped += dropped;
        shared.stats.see(disk_buffer);
    }
}

impl Shared {
    fn settle(&mut self, through: u64) {
        self.memory.settle(through);
        self.settled = self.settled.max(through);
    }
}

#[cfg(test)]
mod model;
