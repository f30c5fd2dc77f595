//! The disk buffer: the spool and `rejected.lp` as the store uses them. What happens to them is logged once, and counted.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::config::reason;
use crate::dependency::Outage;
use crate::logs::{Log, lines};
use crate::spool::disk::Disk;
use crate::spool::rejected::Rejected;
use crate::spool::{Appended, Failed, Load, Spool};

/// The fault of a spool that cannot be written.
const UNWRITABLE: &str = "unwritable";
/// How often it is tried while that does not work.
const WRITE_AGAIN: Duration = Duration::from_secs(10);

/// What survives a restart.
pub struct DiskBuffer<D: Disk> {
    log: Log,
    spool: Option<Spool<D>>,
    rejected: Option<Rejected<D>>,
    /// Not to be written to before; none while it works.
    next_put: Option<Instant>,
    outage: Outage,
    /// What the last run left has been found.
    found: bool,
    /// What was logged in this outage.
    logged_begun: bool,
    logged_full: bool,
    /// Points that left the spool since it was empty: answered, and dropped at the cap.
    sent: u64,
    dropped: u64,
    rejected_is_full: bool,
    rejected_fails: bool,
}

impl<D: Disk + Clone> DiskBuffer<D> {
    /// In this directory, of at most so many bytes. Without a directory or with none, nothing survives.
    pub fn new(disk: &D, state_dir: Option<&Path>, cap: u64, log: Log) -> DiskBuffer<D> {
        let spool = state_dir.filter(|_| cap > 0).map(|state_dir| Spool::new(disk.clone(), state_dir, cap));
        DiskBuffer {
            log,
            found: spool.is_none(),
            spool,
            rejected: state_dir.map(|state_dir| Rejected::new(disk.clone(), state_dir)),
            next_put: None,
            outage: Outage::default(),
            logged_begun: false,
            logged_full: false,
            sent: 0,
            dropped: 0,
            rejected_is_full: false,
            rejected_fails: false,
        }
    }
}

impl<D: Disk> DiskBuffer<D> {
    /// Finds what the last run left; when that fails it is tried again later. Returns when.
    pub fn find(&mut self, now: Instant) -> Option<Instant> {
        if let Some(spool) = self.spool.as_mut().filter(|_| !self.found) {
            if self.next_put.is_some_and(|next| now < next) {
                return self.next_put;
            }
            match spool.find() {
                Ok(()) => {
                    let later = spool.later();
                    if later.count > 0 {
                        let fields = [(&"spool").into(), later.version.into(), later.count.into()];
                        self.log.line(&lines::STATE_SKIPPED, fields);
                    }
                    self.works();
                }
                Err(error) => self.failed(&error, now),
            }
        }
        self.next_put.filter(|_| !self.found)
    }

    /// Whether there is a spool at all.
    pub fn is_there(&self) -> bool {
        self.spool.is_some()
    }

    /// Whether nothing waits in the spool.
    pub fn is_empty(&self) -> bool {
        self.spool.as_ref().is_none_or(Spool::is_empty)
    }

    /// How many bytes the spool has.
    pub fn bytes(&self) -> u64 {
        self.spool.as_ref().map_or(0, Spool::bytes)
    }

    /// The time (µs) of the oldest point in the spool; 0 when it is empty, or was not read yet.
    pub fn oldest_ts(&self) -> i64 {
        self.spool.as_ref().map_or(0, Spool::oldest_ts)
    }

    /// When it could not be written, the last time, and why.
    pub fn outage(&self) -> &Outage {
        &self.outage
    }

    /// How many segments a later version wrote, which are left alone.
    pub fn skipped(&self) -> u64 {
        self.spool.as_ref().map_or(0, |spool| spool.later().count)
    }

    /// When points may be put into it; none when there is no spool.
    pub fn next_put(&self, now: Instant) -> Option<Instant> {
        self.spool.as_ref().map(|_| self.next_put.unwrap_or(now))
    }

    /// Puts lines into the spool. How many, from the first on, are in it, and how many others were dropped for them.
    pub fn put(&mut self, lines: &[&str], now: Instant) -> (usize, u64) {
        let Some(spool) = &mut self.spool else {
            return (0, 0);
        };
        let Appended { lines, dropped, error } = spool.append(lines);
        self.dropped += dropped;
        if lines > 0 && !self.logged_begun {
            self.logged_begun = true;
            self.log.line(&lines::SPOOL_BEGUN, []);
        }
        if dropped > 0 && !self.logged_full {
            self.logged_full = true;
            self.log.line(&lines::SPOOL_FULL, []);
        }
        self.log_troubles();
        match error {
            Some(error) => self.failed(&error, now),
            None => self.works(),
        }
        (lines, dropped)
    }

    fn works(&mut self) {
        self.found = true;
        self.outage.ends();
        if self.next_put.take().is_some() {
            self.log.line(&lines::SPOOL_WRITABLE, []);
        }
    }

    fn failed(&mut self, error: &std::io::Error, now: Instant) {
        self.outage.lasts(UNWRITABLE.to_owned(), reason(error), "");
        if self.next_put.replace(now + WRITE_AGAIN).is_none() {
            self.log.line(&lines::SPOOL_UNWRITABLE, [(&reason(error)).into()]);
        }
    }

    /// What is to be sent next.
    pub fn oldest(&mut self) -> Option<Load> {
        let load = self.spool.as_mut()?.oldest();
        self.log_troubles();
        if load.is_none() {
            self.log_sent();
        }
        load
    }

    /// So many of its lines, from the first on, are answered.
    pub fn settle(&mut self, load: &Load, lines: usize) {
        if let Some(spool) = &mut self.spool {
            spool.settle(load, lines);
            self.sent += lines as u64;
            self.log_troubles();
            self.log_sent();
        }
    }

    fn log_sent(&mut self) {
        if !self.is_empty() || self.sent + self.dropped == 0 {
            return;
        }
        let (points, dropped) = (std::mem::take(&mut self.sent), std::mem::take(&mut self.dropped));
        (self.logged_begun, self.logged_full) = (false, false);
        let dropped = Some(dropped).filter(|dropped| *dropped > 0);
        self.log.line(&lines::SPOOL_SENT, [points.into(), dropped.into()]);
    }

    fn log_troubles(&mut self) {
        for trouble in self.spool.iter_mut().flat_map(Spool::troubles) {
            let line = match trouble.failed {
                Failed::Read => lines::SEGMENT_UNREADABLE,
                Failed::Remove => lines::SEGMENT_UNREMOVABLE,
            };
            self.log.line(&line, [(&trouble.segment).into(), (&reason(&trouble.error)).into()]);
        }
    }

    /// Keeps lines that InfluxDB refused.
    pub fn set_aside(&mut self, lines: &[&[u8]]) {
        let Some(rejected) = self.rejected.as_ref().filter(|_| !lines.is_empty()) else {
            return;
        };
        match rejected.add(lines) {
            Ok(all) => {
                self.rejected_fails = false;
                if !all && !self.rejected_is_full {
                    self.rejected_is_full = true;
                    self.log.line(&lines::REJECTED_FULL, []);
                }
            }
            Err(error) if !self.rejected_fails => {
                self.rejected_fails = true;
                self.log.line(&lines::REJECTED_UNWRITABLE, [(&reason(&error)).into()]);
            }
            Err(_) => {}
        }
    }
}
