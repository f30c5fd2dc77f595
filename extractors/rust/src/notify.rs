//! Words to systemd, over the socket that it names: `READY=1`, `WATCHDOG=1`, `STATUS=…`, `STOPPING=1`.

use std::time::{Duration, Instant};

use sd_notify::NotifyState;

use crate::logs::lines::status::STOPPING;
use crate::logs::{Log, lines};

/// Speaks to systemd, if it started the process.
pub struct Notifier {
    log: Log,
    watchdog: Option<Watchdog>,
    status: String,
}

struct Watchdog {
    every: Duration,
    next: Instant,
}

impl Notifier {
    /// Reads `$WATCHDOG_USEC` and `$WATCHDOG_PID`; `$NOTIFY_SOCKET` is read each time.
    pub fn new(now: Instant, log: Log) -> Notifier {
        let watchdog = sd_notify::watchdog_enabled().filter(|longest| !longest.is_zero());
        let watchdog = watchdog.map(|longest| Watchdog { every: longest / 2, next: now });
        Notifier { log, watchdog, status: String::new() }
    }

    /// The loop runs.
    pub fn ready(&self) {
        self.send(NotifyState::Ready);
    }

    /// The loop ends.
    pub fn stopping(&mut self) {
        self.send(NotifyState::Stopping);
        self.status(STOPPING);
    }

    /// What is going on, in words; sent when it changes.
    pub fn status(&mut self, status: &str) {
        if self.status != status {
            status.clone_into(&mut self.status);
            self.send(NotifyState::Status(&status.replace(char::is_control, " ")));
        }
    }

    /// The loop is alive: sent twice in the time that systemd waits.
    pub fn alive(&mut self, now: Instant) {
        if let Some(watchdog) = self.watchdog.as_mut().filter(|watchdog| watchdog.next <= now) {
            watchdog.next = now + watchdog.every;
            self.send(NotifyState::Watchdog);
        }
    }

    /// When [`Notifier::alive`] is to be called next.
    pub fn next(&self) -> Option<Instant> {
        self.watchdog.as_ref().map(|watchdog| watchdog.next)
    }

    fn send(&self, state: NotifyState<'_>) {
        // A systemd that does not listen is no reason to stop.
        if let Err(error) = sd_notify::notify(&[state]) {
            self.log.line(&lines::NOTIFY_FAILED, [(&crate::config::reason(&error)).into()]);
        }
    }
}
