//! Events, and the two ways in.

use std::sync::LazyLock;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::redis_server::RedisServer;

/// One second, in µs.
pub const S: i64 = 1_000_000;
/// Events may be old: stream time begins with the first of them. It is a multiple of every interval.
static START: LazyLock<i64> = LazyLock::new(|| {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    (now.as_secs() / 3600 - 24) as i64 * 3600 * S
});

/// A person types for some seconds, ten keys a second, from `from` s after the start.
pub fn typing(from: i64, seconds: i64) -> Vec<String> {
    let keys = ["KeyT", "KeyH", "KeyE", "Space", "Backspace"];
    (0..seconds * 10)
        .flat_map(|i| {
            let (key, ts) = (keys[i as usize % keys.len()], *START + from * S + i * 100_000 + 1 + i % 7);
            [("press", ts), ("release", ts + 60_000 + i % 11)].map(|(event, ts)| {
                format!(r#"{{"type":"keystroke","ts":{ts},"key":"{key}","event":"{event}"}}"#)
            })
        })
        .collect()
}

/// A mouse that is moved for some seconds.
pub fn moving(from: i64, seconds: i64) -> Vec<String> {
    (0..seconds * 20)
        .map(|i| {
            let (ts, x, y) = (*START + from * S + i * 50_000 + 1, 100 + i * 3 % 17, 300 + i * i % 23);
            format!(r#"{{"type":"mouse","ts":{ts},"event":"move","x":{x},"y":{y}}}"#)
        })
        .collect()
}

/// An application gains the focus `s` s after the start.
pub fn focus(s: i64, app: &str) -> String {
    format!(r#"{{"type":"app","ts":{},"app_name":"{app}"}}"#, *START + s * S)
}

impl RedisServer {
    pub fn add(&self, kind: &str, events: &[String]) {
        let stream = format!("seclyzer:stream:{kind}");
        let commands: Vec<Vec<&str>> =
            events.iter().map(|event| vec!["XADD", &stream, "*", "e", event]).collect();
        self.pipeline(&commands);
    }

    pub fn publish(&self, events: &[String]) {
        let commands: Vec<Vec<&str>> =
            events.iter().map(|event| vec!["PUBLISH", "seclyzer:events", event]).collect();
        self.pipeline(&commands);
    }
}
