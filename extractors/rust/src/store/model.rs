//! The store against a model: by identity of the points, over a disk, an InfluxDB and a clock that are played.
//!
//! Points are pushed in order; after a crash those are pushed again that the cursor does not cover, as the stream
//! gives them again. In the end InfluxDB answers, and every point must be there, refused or counted as dropped.

mod scripts;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::delivery::Remote;
use super::disk_buffer::DiskBuffer;
use super::worker::{Next, Worker};
use super::{Common, Store, StoreStats};
use crate::influx::Answer;
use crate::logs::{Format, Level, Log};
use crate::spool::simulated::{Fault, Simulated};

const LOG: Log = Log { level: Level::Error, format: Format::Logfmt };
const TIMEOUT: Duration = Duration::from_secs(10);
const RETRY: Duration = Duration::from_secs(60);
/// How long InfluxDB takes for an answer.
const TURNAROUND: Duration = Duration::from_millis(5);

/// How InfluxDB behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Answers,
    /// It stores, and the answer is lost.
    LosesAnswers,
    Silent,
    Away,
    Busy,
    Misconfigured,
}

/// What a script is made of.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// So many points of so many bytes.
    Put(usize, usize),
    /// A point that InfluxDB refuses.
    PutBad,
    Pass(Duration),
    Influx(Mode),
    /// It behaves so from this request on, counted from 1.
    InfluxIn(usize, Mode),
    /// Something breaks so many system calls later.
    BreakIn(usize, Fault),
    FillDisk,
    HealDisk,
    /// SIGTERM, and a new process.
    Restart,
    Kill,
}

struct Played {
    now: Instant,
    mode: Mode,
    asked: usize,
    turns_at: Option<(usize, Mode)>,
    stored: Vec<String>,
    disk: Simulated,
}

#[derive(Clone)]
struct Far(Rc<RefCell<Played>>);

impl Remote for Far {
    fn place(&self) -> String {
        "far".to_owned()
    }

    fn now(&self) -> Instant {
        self.0.borrow().now
    }

    fn write(&mut self, lines: &[&[u8]], deadline: Instant) -> io::Result<Answer> {
        let mut played = self.0.borrow_mut();
        if played.disk.is_dead() {
            return Err(ErrorKind::NotConnected.into());
        }
        played.asked += 1;
        played.now += TURNAROUND;
        if let Some((_, mode)) = played.turns_at.filter(|(at, _)| *at == played.asked) {
            played.mode = mode;
        }
        let texts: Vec<String> =
            lines.iter().map(|line| String::from_utf8_lossy(line).into_owned()).collect();
        match played.mode {
            Mode::Silent => {
                played.now = deadline;
                return Err(ErrorKind::TimedOut.into());
            }
            Mode::Away => return Err(ErrorKind::ConnectionRefused.into()),
            Mode::Busy => return Ok(Answer::Later { seconds: 7, status: 429 }),
            Mode::Misconfigured => {
                return Ok(Answer::Misconfigured { status: 401, advice: "check influx_token" });
            }
            Mode::Answers | Mode::LosesAnswers => {}
        }
        if texts.len() > 40 {
            return Ok(Answer::Refused { status: 413 });
        }
        if texts.iter().any(|text| text.starts_with("bad")) {
            return Ok(Answer::Refused { status: 400 });
        }
        played.stored.extend(texts);
        match played.mode {
            Mode::LosesAnswers => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(Answer::Stored),
        }
    }
}

struct World {
    disk: Simulated,
    far: Far,
    cap: u64,
    store: Store<Simulated>,
    worker: Worker<Simulated, Far>,
    /// Every point ever made.
    points: Vec<String>,
    /// How many of them the cursor covered when this process began.
    base: usize,
    dropped: u64,
    rejected: u64,
}

impl World {
    fn new(cap: u64) -> World {
        let disk = Simulated::default();
        let now = Instant::now();
        let played = Played {
            now,
            mode: Mode::Answers,
            asked: 0,
            turns_at: None,
            stored: Vec::new(),
            disk: disk.clone(),
        };
        let far = Far(Rc::new(RefCell::new(played)));
        let (store, worker) = process(&disk, &far, cap);
        World { disk, far, cap, store, worker, points: Vec::new(), base: 0, dropped: 0, rejected: 0 }
    }

    fn now(&self) -> Instant {
        self.far.now()
    }

    fn stats(&self) -> StoreStats {
        self.store.stats()
    }

    fn stored(&self) -> Vec<String> {
        self.far.0.borrow().stored.clone()
    }

    fn steps(&mut self, steps: &[Step]) {
        steps.iter().for_each(|step| self.step(*step));
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Put(count, size) => (0..count).for_each(|_| self.put("good", size)),
            Step::PutBad => self.put("bad", 20),
            Step::Pass(time) => self.pass(time),
            Step::Influx(mode) => self.far.0.borrow_mut().mode = mode,
            Step::InfluxIn(requests, mode) => {
                let mut played = self.far.0.borrow_mut();
                played.turns_at = Some((played.asked + requests, mode));
            }
            Step::BreakIn(calls, fault) => self.disk.break_at(self.disk.calls() + calls, fault),
            Step::FillDisk => self.disk.fill(),
            Step::HealDisk => self.disk.heal(),
            Step::Restart => self.restart(),
            Step::Kill => self.new_process(),
        }
        if self.disk.is_dead() {
            self.new_process();
        }
    }

    fn put(&mut self, kind: &str, size: usize) {
        let number = self.points.len();
        let point = format!("{kind},n={number} v=1 {number}");
        let padding = "x".repeat(size.saturating_sub(point.len() + 1));
        let point = format!("{point} {padding}");
        self.points.push(point.clone());
        self.store.push_at(point, self.now());
    }

    /// Lets the store do what is due until so much time has passed.
    fn pass(&mut self, time: Duration) {
        let until = self.now() + time;
        for _ in 0..10_000 {
            if self.disk.is_dead() {
                self.new_process();
            }
            let next = match self.worker.turn() {
                Next::At(at) => at,
                Next::WhenPushed => until,
                Next::Ended => panic!("it was not stopped"),
            };
            let now = self.now();
            if now >= until && !self.disk.is_dead() {
                return;
            }
            self.far.0.borrow_mut().now = next.clamp(now, until);
        }
        panic!("it never rests");
    }

    fn restart(&mut self) {
        self.store.common.shared().stop_at = Some(self.now() + Duration::from_millis(1500));
        let began = self.now();
        assert_eq!(self.worker.turn(), Next::Ended);
        assert!(self.now() <= began + Duration::from_millis(1510), "the stop took too long");
        self.new_process();
    }

    /// What the last process held is gone; the stream gives again what its cursor does not cover.
    fn new_process(&mut self) {
        let stats = self.stats();
        (self.dropped, self.rejected) = (self.dropped + stats.dropped, self.rejected + stats.rejected);
        self.base += usize::try_from(self.store.settled()).unwrap();
        self.dropped += self.disk.new_process() as u64;
        (self.store, self.worker) = process(&self.disk, &self.far, self.cap);
        for point in &self.points[self.base..] {
            self.store.push_at(point.clone(), self.now());
        }
    }

    /// Everything works again, and then there is time enough.
    fn end(&mut self) {
        self.disk.heal();
        let mut played = self.far.0.borrow_mut();
        (played.mode, played.turns_at) = (Mode::Answers, None);
        drop(played);
        self.pass(Duration::from_secs(4000));
        // A segment that could not be read once is read by the next process.
        self.restart();
        self.pass(Duration::from_secs(4000));
        self.restart();
    }

    /// Every point is stored as it was put, refused for a reason, or counted as dropped.
    fn check(&self) {
        let (put, stored): (BTreeSet<String>, BTreeSet<String>) =
            (self.points.iter().cloned().collect(), self.stored().into_iter().collect());
        let strange: Vec<&String> = stored.difference(&put).collect();
        assert!(strange.is_empty(), "stored and never put: {}", numbers(&strange));
        let missing: Vec<&String> =
            put.difference(&stored).filter(|point| !point.starts_with("bad")).collect();
        assert!(
            missing.len() as u64 <= self.dropped,
            "lost with {} dropped: {}",
            self.dropped,
            numbers(&missing)
        );
        let bad = self.points.iter().filter(|point| point.starts_with("bad")).count() as u64;
        assert!(self.rejected + self.dropped >= bad, "{} of {bad} refusals counted", self.rejected);
        let left: Vec<_> =
            self.disk.files().into_keys().filter(|path| path.starts_with("/state/spool")).collect();
        assert!(left.is_empty(), "left behind: {left:?}");
    }

    /// Points were stored for the first time in the order in which they were made.
    fn check_order(&self) {
        let number: BTreeMap<&String, usize> = self.points.iter().zip(0..).collect();
        let mut seen = BTreeSet::new();
        let stored = self.stored();
        let firsts: Vec<usize> =
            stored.iter().map(|point| number[point]).filter(|number| seen.insert(*number)).collect();
        assert!(firsts.is_sorted(), "{firsts:?}");
    }

    fn rejected_lines(&self) -> Vec<String> {
        let files = self.disk.files();
        let bytes = files.get(Path::new("/state/rejected.lp")).cloned().unwrap_or_default();
        String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect()
    }
}

/// The beginnings of points.
fn numbers(points: &[&String]) -> String {
    points.iter().map(|point| point.split(' ').next().unwrap_or_default()).collect::<Vec<_>>().join(" ")
}

fn process(disk: &Simulated, far: &Far, cap: u64) -> (Store<Simulated>, Worker<Simulated, Far>) {
    let common = Common::new(DiskBuffer::new(disk, Some(Path::new("/state")), cap, LOG));
    let worker = Worker::new(Arc::clone(&common), far.clone(), LOG, TIMEOUT, RETRY);
    (Store { common }, worker)
}
