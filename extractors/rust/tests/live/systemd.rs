//! What is reported to systemd.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use crate::eventually;
use crate::extractor::{KEYSTROKE, NOWHERE, Settings};
use crate::redis_server::RedisServer;

struct Systemd {
    socket: UnixDatagram,
    path: String,
}

impl Systemd {
    fn new(redis: &RedisServer) -> Systemd {
        let path = redis.directory.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        Systemd { socket, path: path.display().to_string() }
    }

    #[track_caller]
    fn hears(&self, what: &str) {
        eventually(what, || {
            let mut buffer = [0; 500];
            let length = self.socket.recv(&mut buffer).ok()?;
            std::str::from_utf8(&buffer[..length]).unwrap().contains(what).then_some(())
        });
    }
}

#[test]
fn systemd_hears_that_the_loop_runs_and_what_it_waits_for() {
    let redis = RedisServer::new();
    let systemd = Systemd::new(&redis);
    let settings = Settings::new(KEYSTROKE, &redis, NOWHERE).and("NOTIFY_SOCKET", &systemd.path);
    let mut extractor = settings.and("WATCHDOG_USEC", "1000000").start();
    systemd.hears("READY=1");
    systemd.hears("STATUS=waiting for Redis");
    for _ in 0..3 {
        systemd.hears("WATCHDOG=1");
    }
    redis.start();
    systemd.hears("STATUS=reading events");
    for _ in 0..3 {
        systemd.hears("WATCHDOG=1");
    }
    let (status, _) = extractor.terminate();
    assert!(status.success());
    systemd.hears("STOPPING=1");
}
