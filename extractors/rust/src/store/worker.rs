//! The store's thread: what is due, done; then asleep until something is.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Common;
use super::delivery::{Delivered, Remote, deliver};
use super::disk_buffer::DiskBuffer;
use super::due::{LARGEST_BATCH, Situation};
use crate::dependency::Dependency;
use crate::logs::Log;
use crate::logs::lines::{self, dependency};
use crate::spool::disk::Disk;
use crate::waits::INFLUX_BACKOFF_FIRST;

/// When there is something to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Then, or when something is pushed.
    At(Instant),
    /// When something is pushed.
    WhenPushed,
    /// Never again.
    Ended,
}

/// Sends points, and puts them into the spool.
pub struct Worker<D: Disk, R: Remote> {
    pub(super) common: Arc<Common<D>>,
    pub(super) remote: R,
    log: Log,
    pub(super) timeout: Duration,
    retry: Duration,
    dependency: Dependency,
    last_answer: Option<Instant>,
    last_request: Instant,
    away: bool,
}

impl<D: Disk, R: Remote> Worker<D, R> {
    /// `timeout` is how long InfluxDB may be silent, `retry` the longest pause between two attempts.
    pub fn new(
        common: Arc<Common<D>>,
        remote: R,
        log: Log,
        timeout: Duration,
        retry: Duration,
    ) -> Worker<D, R> {
        let dependency = Dependency::new(dependency::INFLUXDB, INFLUX_BACKOFF_FIRST, retry);
        let last_request = remote.now();
        Worker {
            common,
            remote,
            log,
            timeout,
            retry,
            dependency,
            last_answer: None,
            last_request,
            away: false,
        }
    }

    /// Works until it is stopped.
    pub fn run(mut self) {
        loop {
            match self.turn() {
                Next::Ended => return self.common.finish(),
                Next::At(at) => self.common.sleep(Some(at)),
                Next::WhenPushed => self.common.sleep(None),
            }
        }
    }

    /// Does one thing that is due.
    pub fn turn(&mut self) -> Next {
        let now = self.remote.now();
        if let Some(stop_at) = self.common.stop_at() {
            self.end(stop_at);
            return Next::Ended;
        }
        let (situation, find_again) = self.situation(now);
        let (put_at, send_at) = (situation.put_at(), situation.send_at());
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if due(put_at) {
            self.away |= situation.is_silent();
            self.common.put_all(now);
            return Next::At(now);
        }
        if due(send_at) {
            if situation.spooled {
                self.send_segment()
            } else {
                self.send_batch()
            };
            return Next::At(now);
        }
        let prove_at = send_at.is_none().then(|| situation.prove_at());
        if due(prove_at) {
            self.prove();
            return Next::At(now);
        }
        let next = [put_at, send_at, prove_at, find_again].into_iter().flatten().min();
        next.map_or(Next::WhenPushed, Next::At)
    }

    fn situation(&self, now: Instant) -> (Situation, Option<Instant>) {
        let mut disk_buffer = self.common.disk_buffer();
        let find_again = disk_buffer.find(now);
        self.common.count_spool(&disk_buffer);
        let (spooled, next_put) = (!disk_buffer.is_empty(), disk_buffer.next_put(now));
        drop(disk_buffer);
        let (points, oldest) = self.common.waiting();
        let situation = Situation {
            now,
            points,
            oldest,
            last_answer: self.last_answer,
            last_request: self.last_request,
            away: self.away,
            failing: self.dependency.reason().is_some(),
            spooled,
            next_try: self.dependency.next_try(),
            next_put,
            timeout: self.timeout,
        };
        (situation, find_again)
    }

    /// Sends the oldest segment. True when all of it is settled.
    fn send_segment(&mut self) -> bool {
        let Some(load) = self.common.disk_buffer().oldest() else {
            return true;
        };
        let lines = load.lines();
        let done = self.deliver(&lines);
        let mut disk_buffer = self.common.disk_buffer();
        set_aside(&mut disk_buffer, &lines, &done);
        disk_buffer.settle(&load, done.settled);
        self.common.count(&disk_buffer, &done, 0);
        done.settled == lines.len()
    }

    /// Sends what is in memory. True when all that was sent is settled.
    fn send_batch(&mut self) -> bool {
        let points = self.common.lend(LARGEST_BATCH);
        let lines: Vec<&[u8]> = points.iter().map(|point| point.line.as_bytes()).collect();
        let done = self.deliver(&lines);
        let mut disk_buffer = self.common.disk_buffer();
        set_aside(&mut disk_buffer, &lines, &done);
        let through = done.settled.checked_sub(1).map_or(0, |last| points[last].sequence);
        self.common.count(&disk_buffer, &done, through);
        done.settled == lines.len()
    }

    /// Writes nothing, to see whether points would be taken.
    fn prove(&mut self) {
        let done = self.deliver(&[]);
        self.common.count(&self.common.disk_buffer(), &done, 0);
    }

    fn deliver(&mut self, lines: &[&[u8]]) -> Delivered {
        self.last_request = self.remote.now();
        let (common, timeout) = (&self.common, self.timeout);
        let deadline = |now: Instant| match common.stop_at() {
            Some(stop_at) => (now < stop_at).then(|| stop_at.min(now + timeout)),
            None => Some(now + timeout),
        };
        let done = deliver(&mut self.remote, lines, self.retry, &deadline);
        let now = self.remote.now();
        if done.answered.is_some() {
            self.last_answer = done.answered;
            self.away = false;
            self.dependency.works(now, &self.log);
        }
        if let Some(refusal) = &done.refusal {
            let (status, reason) = (refusal.status.into(), refusal.reason.words());
            let fields = [status, done.rejected.into(), (&reason).into(), refusal.year.into()];
            self.log.line(&lines::POINTS_REJECTED, fields);
        }
        if let Some(failure) = &done.failure {
            self.dependency.failed(now, failure.clone(), &self.log);
        }
        self.common.note_outage(&self.dependency, done.answered.is_some());
        done
    }

    /// One attempt more, unless it is known to be in vain; what is left then goes to the spool.
    fn end(&mut self, stop_at: Instant) {
        let (situation, _) = self.situation(self.remote.now());
        let in_vain = situation.spooled || self.away || self.dependency.reason().is_some();
        if !in_vain || situation.next_put.is_none() {
            while self.common.waiting().0 > 0 && self.remote.now() < stop_at && self.send_batch() {}
        }
        self.common.put_all(self.remote.now());
    }
}

fn set_aside<D: Disk>(disk_buffer: &mut DiskBuffer<D>, lines: &[&[u8]], done: &Delivered) {
    let at_fault: Vec<&[u8]> = done.at_fault.iter().map(|at| lines[*at]).collect();
    disk_buffer.set_aside(&at_fault);
}
