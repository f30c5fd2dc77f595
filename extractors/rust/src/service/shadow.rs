//! `--shadow`: reads what the running extractor reads, and prints what that would publish. Redis is only read, the
//! store is not started, and no state of a run is looked at: windows that were open when it began come out short.

use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use super::{Service, begin};
use crate::config::Config;
use crate::logs::lines;
use crate::output::Writer;
use crate::publish::failure;
use crate::schema::Kind;
use crate::store::Store;
use crate::timestamp::wall_us;
use crate::waits::IDLE;

/// Runs for so long, or without a limit until SIGTERM or SIGINT. The counters as JSON.
///
/// # Errors
/// When the system gives no signal handler or socket, or the output cannot be written.
pub fn shadow(
    kind: Kind,
    config: &Config,
    writer: Writer,
    limit: Option<Duration>,
    output: &mut dyn Write,
) -> io::Result<String> {
    let stop = begin(config)?;
    let mut service = Service::new(kind, config, writer, Store::idle(config));
    let listening_since = service.watch(&stop, limit, output)?;
    Ok(service.core.counters().shadow_json(listening_since))
}

impl Service<'_> {
    /// Prints until it is time to stop. When it began to listen, in µs since the Unix epoch; 0 for never.
    fn watch(
        &mut self,
        stop: &UnixStream,
        limit: Option<Duration>,
        output: &mut dyn Write,
    ) -> io::Result<i64> {
        let until = limit.map(|limit| Instant::now() + limit);
        let mut listening_since = 0;
        loop {
            let now = Instant::now();
            if until.is_some_and(|until| now >= until) {
                return Ok(listening_since);
            }
            self.notifier.alive(now);
            if self.reading.may_connect(now) && self.listen(now) {
                listening_since = wall_us();
                self.notifier.ready();
            }
            // There is no housekeeping to wake up for.
            self.housekeeping.put_off(until.map_or(now + IDLE, |until| until.min(now + IDLE)));
            let sessions = self.core.counters().sessions;
            let stopped = self.wait(stop)?;
            for _ in sessions..self.core.counters().sessions {
                self.config.log.line(&lines::SESSION_BEGUN, []);
            }
            self.print(output)?;
            if stopped {
                return Ok(listening_since);
            }
        }
    }

    fn print(&mut self, output: &mut dyn Write) -> io::Result<()> {
        for record in std::mem::take(&mut self.made).records {
            self.core.came_out(record.ts);
            writeln!(output, "{}", self.outputs.text(&record))?;
        }
        output.flush()
    }

    /// Connects, without asking what the last run left. Whether that worked.
    fn listen(&mut self, now: Instant) -> bool {
        let opened = self.reading.source.open(self.config);
        match &opened {
            Ok(()) => self.reading.connections += 1,
            Err(error) => {
                self.reading.redis.failed(now, failure(self.config, error), &self.config.log);
            }
        }
        // What broke one connection has most likely broken the other.
        self.outputs.publisher.close();
        opened.is_ok()
    }
}
