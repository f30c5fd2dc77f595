//! Lines to InfluxDB, and which of them are settled: what it refuses as a whole is halved until the lines at fault are
//! alone.

use std::io;
use std::time::{Duration, Instant};

use crate::dependency::Failure;
use crate::histogram::Histogram;
use crate::influx::{Answer, Influx};
use crate::net::words;
use crate::refusal::{Reason, Refusal};

/// What `Retry-After` may ask for at most.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// InfluxDB and the time, which tests play.
pub trait Remote {
    /// Where it listens.
    fn place(&self) -> String;

    /// The time.
    fn now(&self) -> Instant;

    /// Writes lines.
    ///
    /// # Errors
    /// When InfluxDB is away or does not answer before the deadline.
    fn write(&mut self, lines: &[&[u8]], deadline: Instant) -> io::Result<Answer>;
}

impl Remote for Influx {
    fn place(&self) -> String {
        Influx::place(self)
    }

    fn now(&self) -> Instant {
        Instant::now()
    }

    fn write(&mut self, lines: &[&[u8]], deadline: Instant) -> io::Result<Answer> {
        Influx::write(self, lines, deadline)
    }
}

/// What became of lines.
#[derive(Debug, Default)]
pub struct Delivered {
    /// How many, from the first on, are settled.
    pub settled: usize,
    /// How many of them InfluxDB has.
    pub written: u64,
    /// How many of them it refused.
    pub rejected: u64,
    /// Those of them that are known to be at fault.
    pub at_fault: Vec<usize>,
    /// Why it refused some; the last time, when it did more than once.
    pub refusal: Option<Refusal>,
    /// How long each answer was waited for.
    pub took: Histogram,
    /// How many answers were no success.
    pub errors: u64,
    /// Whether and when it last settled something.
    pub answered: Option<Instant>,
    /// Why the rest is not settled.
    pub failure: Option<Failure>,
}

/// Sends lines until all are settled, one request fails or there is no time for another. `slow` is how long a mistake
/// of an operator's is waited out. Without lines InfluxDB is asked whether it would take some.
pub fn deliver(
    remote: &mut impl Remote,
    lines: &[&[u8]],
    slow: Duration,
    deadline: &dyn Fn(Instant) -> Option<Instant>,
) -> Delivered {
    let mut done = Delivered::default();
    // How many lines each request still to be sent has.
    let mut parts = vec![lines.len()];
    while let Some(size) = parts.pop() {
        let asked_at = remote.now();
        let Some(deadline) = deadline(asked_at) else { break };
        let part = &lines[done.settled..done.settled + size];
        let answer = remote.write(part, deadline);
        if answer.is_ok() {
            done.took.observe(remote.now().saturating_duration_since(asked_at));
        }
        done.errors += u64::from(answer.as_ref().ok() != Some(&Answer::Stored));
        let count = size as u64;
        let rejected = match answer {
            Ok(Answer::Stored) => 0,
            // It rejects nothing, but it answers.
            Ok(Answer::Partly { .. } | Answer::Refused { .. }) if size == 0 => 0,
            Ok(Answer::Partly { status, refused, reason }) => {
                done.refusal = Some(Refusal::new(status, reason, part));
                refused.min(count)
            }
            Ok(Answer::Refused { .. }) if size > 1 => {
                done.answered = Some(remote.now());
                parts.extend([size - size / 2, size / 2]);
                continue;
            }
            Ok(Answer::Refused { status }) => {
                done.at_fault.push(done.settled);
                done.refusal = Some(Refusal::new(status, Reason::of(status, ""), part));
                1
            }
            Ok(Answer::Misconfigured { status, advice }) => {
                done.failure = Some(answered(remote, status, slow, Some(advice)));
                break;
            }
            Ok(Answer::Later { seconds, status }) => {
                let at_least = Duration::from_secs(seconds).min(LONGEST_RETRY_AFTER);
                done.failure = Some(answered(remote, status, at_least, None));
                break;
            }
            Err(error) => {
                done.failure = Some(format!("{}: {}", remote.place(), words(&error)).into());
                break;
            }
        };
        done.answered = Some(remote.now());
        done.settled += size;
        done.written += count - rejected;
        done.rejected += rejected;
    }
    done
}

fn answered(remote: &impl Remote, status: u16, at_least: Duration, advice: Option<&'static str>) -> Failure {
    let reason = format!("{}: status {status}", remote.place());
    Failure { fault: status.to_string(), reason, at_least, advice }
}
