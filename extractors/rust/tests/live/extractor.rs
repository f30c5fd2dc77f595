//! One of the three programs, started by a test.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::redis_server::RedisServer;

pub const KEYSTROKE: &str = env!("CARGO_BIN_EXE_keystroke_extractor");
pub const MOUSE: &str = env!("CARGO_BIN_EXE_mouse_extractor");
pub const APP: &str = env!("CARGO_BIN_EXE_app_tracker");

/// Nothing listens there.
pub const NOWHERE: &str = "http://127.0.0.1:9";

/// Windows that are short enough for a test, and what is last closes at once: producers of these tests do not lag.
pub const SHORT_WINDOWS: [(&str, &str); 5] = [
    ("SECLYZER_IDLE_TIMEOUT_MS", "0"),
    ("WINDOW_SECONDS", "2"),
    ("UPDATE_INTERVAL", "1"),
    ("SECLYZER_LATENESS_MS", "100"),
    ("SECLYZER_MIN_EVENTS", "3"),
];

/// The settings that a test's programs share.
#[derive(Clone)]
pub struct Settings {
    program: &'static str,
    environment: Vec<(String, String)>,
}

impl Settings {
    pub fn new(program: &'static str, redis: &RedisServer, influx: &str) -> Settings {
        let settings = Settings { program, environment: Vec::new() };
        let settings =
            settings.and("REDIS_URL", &redis.url()).and("INFLUX_URL", influx).and("SECLYZER_HOST", "test");
        SHORT_WINDOWS.iter().fold(settings, |settings, (key, value)| settings.and(key, value))
    }

    pub fn and(mut self, key: &str, value: &str) -> Settings {
        self.environment.retain(|(known, _)| known != key);
        self.environment.push((key.to_owned(), value.to_owned()));
        self
    }

    fn command(&self) -> Command {
        let mut command = Command::new(self.program);
        command.env_clear().envs(self.environment.iter().cloned());
        command
    }

    /// Runs it to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command().args(arguments).output().unwrap()
    }

    /// What it makes of events in a replay, line by line.
    pub fn replay(&self, events: &[String]) -> Vec<String> {
        let mut command = self.command();
        command.args(["--replay", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        let text = events.join("\n");
        let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
    }

    pub fn start(&self) -> Extractor {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("log");
        let child = self.command().stderr(File::create(&log).unwrap()).spawn().unwrap();
        Extractor { child, log, _directory: directory }
    }
}

pub struct Extractor {
    child: Child,
    log: PathBuf,
    _directory: TempDir,
}

impl Extractor {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Tells it to stop, and how it ended and how long that took.
    pub fn terminate(&mut self) -> (ExitStatus, Duration) {
        let start = Instant::now();
        let pid = self.pid().to_string();
        assert!(Command::new("kill").args(["-s", "TERM", &pid]).status().unwrap().success());
        let status = crate::eventually("the program ends", || self.child.try_wait().unwrap());
        (status, start.elapsed())
    }

    /// Tells it to stop, and asserts that it does as it should.
    #[track_caller]
    pub fn stop(&mut self) {
        let (status, time) = self.terminate();
        assert_eq!(status.code(), Some(0), "{}", self.log());
        assert!(time < Duration::from_secs(5), "it took {time:?}: {}", self.log());
    }

    /// Ends it without a word.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Extractor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
