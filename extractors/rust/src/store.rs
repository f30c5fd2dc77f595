//! Points on their way to InfluxDB: a bounded queue, and one thread that writes it in batches.
//!
//! The thread sleeps while there is nothing to write. Points stay in order; what InfluxDB has not answered is kept and
//! tried again, and past the bound the oldest go and are counted. Redis never waits for this, nor this for Redis.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::config::Config;
use crate::influx::{Answer, Influx};
use crate::logs::{Field, Log};
use crate::outage::{Dependency, Failure};

/// How many points wait in memory at most.
const LONGEST_QUEUE: usize = 20_000;
/// How many points go into one write at most.
const LARGEST_BATCH: usize = 5000;
/// How long a point waits for others to go with.
const BATCH_TIME: Duration = Duration::from_secs(1);
const ANSWER_TIME: Duration = Duration::from_secs(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// How often a mistake of the configuration is tried again.
const SLOW_RETRY: Duration = Duration::from_secs(60);
const ADVICE: &str = "points are kept; check influx_url, influx_token, influx_org and influx_bucket";
/// What `Retry-After` may ask for at most.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// What the store has done so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreStats {
    /// Points that InfluxDB has.
    pub written: u64,
    /// Points that InfluxDB refused.
    pub rejected: u64,
    /// Points that there was no room for.
    pub dropped: u64,
    /// Attempts that failed.
    pub errors: u64,
    /// Why nothing can be written, while it cannot.
    pub trouble: Option<String>,
}

/// A point that waits.
struct Point {
    sequence: u64,
    line: String,
}

/// Points to write at once.
struct Batch {
    points: Vec<Point>,
    deadline: Instant,
    last_try: bool,
}

#[derive(Default)]
struct Shared {
    queue: VecDeque<Point>,
    first_since: Option<Instant>,
    handed_out: u64,
    answered: u64,
    stop_at: Option<Instant>,
    finished: bool,
    stats: StoreStats,
}

/// The handle of the main thread.
pub struct Store {
    shared: Arc<(Mutex<Shared>, Condvar)>,
}

fn lock(mutex: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    // A thread that panicked ended the process.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Store {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system has no thread to give.
    pub fn start(config: &Config) -> std::io::Result<Store> {
        let shared = Arc::new((Mutex::new(Shared::default()), Condvar::new()));
        let mut worker = Worker {
            shared: Arc::clone(&shared),
            influx: Influx::new(config),
            dependency: Dependency::new("Writing to InfluxDB", LONGEST_PAUSE),
            log: config.log,
        };
        thread::Builder::new().name("store".into()).spawn(move || worker.run())?;
        Ok(Store { shared })
    }

    /// Hands a line over. The number it gets rises with every line.
    pub fn push(&self, line: String) -> u64 {
        let (mutex, changed) = &*self.shared;
        let mut shared = lock(mutex);
        shared.handed_out += 1;
        let sequence = shared.handed_out;
        shared.queue.push_back(Point { sequence, line });
        shared.first_since.get_or_insert_with(Instant::now);
        shared.make_room();
        changed.notify_all();
        sequence
    }

    /// What was done so far.
    pub fn stats(&self) -> StoreStats {
        lock(&self.shared.0).stats.clone()
    }

    /// All points up to this number are answered, or gone.
    pub fn answered(&self) -> u64 {
        lock(&self.shared.0).answered
    }

    /// Tries once more to write what waits, at most until the deadline. True when nothing waits any more.
    pub fn stop(&self, deadline: Instant) -> bool {
        let (mutex, changed) = &*self.shared;
        let mut shared = lock(mutex);
        shared.stop_at = Some(deadline);
        changed.notify_all();
        while !shared.finished {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            shared = changed.wait_timeout(shared, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        shared.finished && shared.queue.is_empty()
    }
}

impl Shared {
    fn make_room(&mut self) {
        while self.queue.len() > LONGEST_QUEUE {
            self.queue.pop_front();
            self.stats.dropped += 1;
        }
    }
}

/// What became of a part of a batch.
enum Sent {
    /// It is answered: so many points stored, so many refused.
    Done { written: u64, rejected: u64 },
    /// It is to be tried again, not before this has passed.
    Failed(Failure),
}

struct Worker {
    shared: Arc<(Mutex<Shared>, Condvar)>,
    influx: Influx,
    dependency: Dependency,
    log: Log,
}

impl Worker {
    fn run(&mut self) {
        while let Some(Batch { points, deadline, last_try }) = self.next_batch() {
            let sent = self.send_all(points, deadline);
            if last_try && !sent {
                break;
            }
        }
        let (mutex, changed) = &*self.shared;
        lock(mutex).finished = true;
        changed.notify_all();
    }

    /// Waits until a batch is due; none when it is time to end.
    fn next_batch(&self) -> Option<Batch> {
        let (mutex, changed) = &*self.shared;
        let mut shared = lock(mutex);
        loop {
            let now = Instant::now();
            if shared.stop_at.is_some_and(|stop_at| shared.queue.is_empty() || stop_at <= now) {
                return None;
            }
            shared = match self.due(&shared, now) {
                Some(due) if due <= now => break,
                Some(due) => {
                    changed.wait_timeout(shared, due - now).unwrap_or_else(PoisonError::into_inner).0
                }
                None => changed.wait(shared).unwrap_or_else(PoisonError::into_inner),
            };
        }
        let size = shared.queue.len().min(LARGEST_BATCH);
        let points = shared.queue.drain(..size).collect();
        shared.first_since = (!shared.queue.is_empty()).then(Instant::now);
        let answer_by = Instant::now() + ANSWER_TIME;
        let deadline = shared.stop_at.map_or(answer_by, |stop_at| stop_at.min(answer_by));
        Some(Batch { points, deadline, last_try: shared.stop_at.is_some() })
    }

    /// When the points that wait are to be written: at once when we stop, whatever the backoff says.
    fn due(&self, shared: &Shared, now: Instant) -> Option<Instant> {
        let since = shared.first_since?;
        if shared.stop_at.is_some() {
            return Some(now);
        }
        let ripe = if shared.queue.len() >= LARGEST_BATCH { now } else { since + BATCH_TIME };
        Some(self.dependency.next_try().map_or(ripe, |next| ripe.max(next)))
    }

    /// Sends a batch; from where it fails on, it goes back to the queue's front. True when all is answered.
    fn send_all(&mut self, batch: Vec<Point>, deadline: Instant) -> bool {
        let mut rest = batch;
        // Parts to send, as how many points each: halves of what was too large or held an invalid line.
        let mut parts = vec![rest.len()];
        while let Some(size) = parts.pop() {
            match self.send(&rest[..size], deadline) {
                Some(sent @ Sent::Done { .. }) => {
                    let sequence = rest[size - 1].sequence;
                    rest.drain(..size);
                    self.settle(&sent, sequence);
                }
                Some(Sent::Failed(failure)) => {
                    self.failed(failure);
                    break;
                }
                None => parts.extend([size - size / 2, size / 2]),
            }
        }
        let sent = rest.is_empty();
        self.give_back(rest);
        sent
    }

    /// Writes one part; none when it is to be halved.
    fn send(&mut self, points: &[Point], deadline: Instant) -> Option<Sent> {
        let count = points.len() as u64;
        let written = self.influx.write(points.iter().map(|point| point.line.as_str()), deadline);
        if written.as_ref().ok() != Some(&Answer::Stored) {
            lock(&self.shared.0).stats.errors += 1;
        }
        Some(match written {
            Ok(Answer::Stored) => Sent::Done { written: count, rejected: 0 },
            Ok(Answer::Partly { refused, reason }) => {
                let rejected = refused.min(count);
                let fields: [Field<'_>; 2] = [("refused", &rejected), ("reason", &reason)];
                self.log.warning("InfluxDB stored a part of a batch", &fields);
                Sent::Done { written: count - rejected, rejected }
            }
            Ok(Answer::Invalid(_) | Answer::TooLarge) if count > 1 => return None,
            Ok(Answer::Invalid(_) | Answer::TooLarge) => {
                self.log.warning("InfluxDB refused a point as invalid", &[]);
                Sent::Done { written: 0, rejected: 1 }
            }
            Ok(Answer::Misconfigured(reason)) => {
                Sent::Failed(Failure { reason, at_least: SLOW_RETRY, advice: Some(ADVICE) })
            }
            Ok(Answer::Later { seconds, reason }) => {
                let at_least = Duration::from_secs(seconds).min(LONGEST_RETRY_AFTER);
                Sent::Failed(Failure { reason, at_least, advice: None })
            }
            Err(error) => Sent::Failed(Failure::from(error.to_string())),
        })
    }

    fn settle(&mut self, sent: &Sent, sequence: u64) {
        self.dependency.works(Instant::now(), &self.log);
        let mut shared = lock(&self.shared.0);
        if let Sent::Done { written, rejected } = sent {
            shared.stats.written += written;
            shared.stats.rejected += rejected;
        }
        shared.answered = sequence;
        shared.stats.trouble = None;
    }

    fn failed(&mut self, failure: Failure) {
        lock(&self.shared.0).stats.trouble = Some(failure.reason.clone());
        self.dependency.failed(Instant::now(), failure, &self.log);
    }

    fn give_back(&self, rest: Vec<Point>) {
        if rest.is_empty() {
            return;
        }
        let mut shared = lock(&self.shared.0);
        for point in rest.into_iter().rev() {
            shared.queue.push_front(point);
        }
        shared.first_since.get_or_insert_with(Instant::now);
        shared.make_room();
    }
}
