//! Words to systemd: `READY=1`, `WATCHDOG=1`, `STATUS=…`, over the socket that it names.

use std::collections::BTreeMap;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::{Duration, Instant};

/// Speaks to systemd, or to nobody when the process was started by hand.
#[derive(Debug, Default)]
pub struct Notifier {
    socket: Option<(UnixDatagram, SocketAddr)>,
    watchdog: Option<Watchdog>,
    status: String,
}

#[derive(Debug)]
struct Watchdog {
    every: Duration,
    next: Instant,
}

impl Notifier {
    /// Takes `$NOTIFY_SOCKET`, `$WATCHDOG_USEC` and `$WATCHDOG_PID` from the environment.
    pub fn new(environment: &BTreeMap<String, String>, now: Instant) -> Notifier {
        let address = environment.get("NOTIFY_SOCKET").and_then(|path| match path.strip_prefix('@') {
            Some(name) => SocketAddr::from_abstract_name(name).ok(),
            None => SocketAddr::from_pathname(path).ok(),
        });
        let socket = address.and_then(|address| Some((UnixDatagram::unbound().ok()?, address)));
        let for_us = |pid: &String| *pid == std::process::id().to_string();
        let watchdog = environment
            .get("WATCHDOG_USEC")
            .filter(|_| environment.get("WATCHDOG_PID").is_none_or(for_us))
            .and_then(|us| us.parse().ok())
            .filter(|us| *us > 0)
            .map(|us| Watchdog { every: Duration::from_micros(us) / 2, next: now });
        Notifier { socket, watchdog, status: String::new() }
    }

    /// The loop runs.
    pub fn ready(&self) {
        self.send("READY=1");
    }

    /// The loop ends.
    pub fn stopping(&self) {
        self.send("STOPPING=1");
    }

    /// What is going on, in words; said when it changes.
    pub fn status(&mut self, status: &str) {
        if self.status != status {
            status.clone_into(&mut self.status);
            self.send(&format!("STATUS={}", status.replace(char::is_control, " ")));
        }
    }

    /// The loop is alive: said twice in the time that systemd waits.
    pub fn alive(&mut self, now: Instant) {
        if let Some(watchdog) = self.watchdog.as_mut().filter(|watchdog| watchdog.next <= now) {
            watchdog.next = now + watchdog.every;
            self.send("WATCHDOG=1");
        }
    }

    /// When [`Notifier::alive`] is to be called next.
    pub fn next(&self) -> Option<Instant> {
        self.watchdog.as_ref().map(|watchdog| watchdog.next)
    }

    fn send(&self, message: &str) {
        if let Some((socket, address)) = &self.socket {
            // A systemd that does not listen is no reason to stop.
            let _ = socket.send_to_addr(message.as_bytes(), address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(socket: &UnixDatagram) -> String {
        let mut buffer = [0; 200];
        let length = socket.recv(&mut buffer).unwrap_or(0);
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    }

    #[test]
    fn systemd_hears_readiness_status_changes_and_the_watchdog() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let systemd = UnixDatagram::bind(&path).unwrap();
        systemd.set_nonblocking(true).unwrap();
        let environment =
            [("NOTIFY_SOCKET", path.display().to_string()), ("WATCHDOG_USEC", "4000000".into())];
        let environment = environment.map(|(key, value)| (key.to_owned(), value)).into();
        let start = Instant::now();
        let mut notifier = Notifier::new(&environment, start);
        notifier.ready();
        assert_eq!(heard(&systemd), "READY=1");
        notifier.status("waiting");
        notifier.status("waiting");
        assert_eq!(heard(&systemd), "STATUS=waiting");
        assert_eq!(heard(&systemd), "");
        notifier.alive(start);
        assert_eq!(heard(&systemd), "WATCHDOG=1");
        notifier.alive(start + Duration::from_secs(1));
        assert_eq!(heard(&systemd), "");
        notifier.alive(start + Duration::from_secs(2));
        assert_eq!(heard(&systemd), "WATCHDOG=1");
        assert_eq!(notifier.next(), Some(start + Duration::from_secs(4)));
    }

    #[test]
    fn without_systemd_nothing_is_said() {
        let mut notifier = Notifier::new(&BTreeMap::new(), Instant::now());
        notifier.ready();
        notifier.alive(Instant::now());
        assert_eq!(notifier.next(), None);
    }

    #[test]
    fn another_process_watchdog_is_not_ours() {
        let environment = [("WATCHDOG_USEC", "4000000"), ("WATCHDOG_PID", "1")];
        let environment = environment.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        assert_eq!(Notifier::new(&environment, Instant::now()).next(), None);
    }
}
