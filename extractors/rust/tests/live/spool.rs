//! Points outlive an InfluxDB that is away, the process and a full disk.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tempfile::TempDir;

use crate::extractor::{APP, Extractor, KEYSTROKE, NOWHERE, Settings};
use crate::feed::{focus, typing};
use crate::redis_server::RedisServer;
use crate::stub::{Answer, Stub};
use crate::until;

const LIST: &str = "seclyzer:features:keystroke";

/// Points that go to disk soon.
fn settings(program: &'static str, redis: &RedisServer, influx: &str, state: &TempDir) -> Settings {
    Settings::new(program, redis, influx)
        .and("STATE_DIRECTORY", &state.path().display().to_string())
        .and("SECLYZER_INFLUX_TIMEOUT_SECONDS", "0.5")
        .and("SECLYZER_INFLUX_RETRY_SECONDS", "0.5")
}

fn segments(state: &TempDir) -> Vec<PathBuf> {
    let Ok(folder) = fs::read_dir(state.path().join("spool")) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = folder.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn spooled(state: &TempDir) -> Vec<String> {
    let read = |path: &PathBuf| fs::read_to_string(path).unwrap_or_default();
    segments(state)
        .iter()
        .map(read)
        .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

/// An InfluxDB that is away until it is made to answer.
fn switched() -> (Stub, Arc<AtomicBool>) {
    let there = Arc::new(AtomicBool::new(false));
    let answers = Arc::clone(&there);
    let stub =
        Stub::start(move |_, _| Answer::Status(if answers.load(Ordering::SeqCst) { 204 } else { 503 }));
    (stub, there)
}

fn published(redis: &RedisServer, settings: &Settings, events: &[String]) {
    let expected = settings.replay(events);
    until("windows come out", || redis.list(LIST) == expected);
}

/// Starts, and has five windows in the spool.
fn five_in_the_spool(influx: &Stub) -> (RedisServer, TempDir, Settings, Extractor) {
    let (redis, state) = (RedisServer::started(), tempfile::tempdir().unwrap());
    let settings = settings(KEYSTROKE, &redis, &influx.url, &state);
    let events = typing(0, 5);
    redis.add("keystroke", &events);
    let extractor = settings.start();
    published(&redis, &settings, &events);
    until("points are on disk", || spooled(&state).len() == 5);
    (redis, state, settings, extractor)
}

#[test]
fn points_wait_on_disk_and_are_sent_in_order_when_influxdb_is_back() {
    let (influx, there) = switched();
    let (redis, state, _, mut extractor) = five_in_the_spool(&influx);
    let on_disk = spooled(&state);
    // The cursor moves: they are safe.
    let last = on_disk[4].rsplit(' ').next().unwrap().to_owned();
    redis.wait_for("seclyzer:cursor:keystroke", "stored", |stored| stored == last);
    let stats = redis.wait_for("seclyzer:stats:keystroke", "points_spooled", |count| count == "5");
    let bytes: usize = on_disk.iter().map(|line| line.len() + 1).sum();
    assert_eq!(stats["spool_bytes"], bytes.to_string());
    assert_eq!(stats["points_written"], "0");
    there.store(true, Ordering::SeqCst);
    until("all are sent", || segments(&state).is_empty());
    assert_eq!(influx.stored(), on_disk);
    let stats = redis.wait_for("seclyzer:stats:keystroke", "points_written", |count| count == "5");
    assert_eq!((stats["spool_bytes"].as_str(), stats["points_dropped"].as_str()), ("0", "0"));
    let log = extractor.log();
    assert_eq!(log.matches("InfluxDB is away: points go to the disk buffer").count(), 1, "{log}");
    assert!(log.contains("msg=\"the disk buffer was sent\" points=5\n"), "{log}");
    extractor.stop();
}

#[test]
fn a_killed_process_leaves_its_points_to_the_next() {
    let (influx, there) = switched();
    let (_redis, state, settings, mut extractor) = five_in_the_spool(&influx);
    let on_disk = spooled(&state);
    extractor.kill();
    there.store(true, Ordering::SeqCst);
    let mut extractor = settings.start();
    until("all are sent", || segments(&state).is_empty());
    assert_eq!(influx.stored()[..5], on_disk);
    extractor.stop();
}

#[test]
fn a_stop_puts_what_influxdb_has_not_answered_on_disk() {
    let influx = Stub::start(|_, _| Answer::Silence);
    let (redis, state) = (RedisServer::started(), tempfile::tempdir().unwrap());
    let settings =
        settings(KEYSTROKE, &redis, &influx.url, &state).and("SECLYZER_INFLUX_TIMEOUT_SECONDS", "30");
    let events = typing(0, 5);
    redis.add("keystroke", &events);
    let mut extractor = settings.start();
    published(&redis, &settings, &events);
    until("InfluxDB is asked", || !influx.writes().is_empty());
    assert!(segments(&state).is_empty());
    extractor.stop();
    assert_eq!(spooled(&state).len(), 5);
    let last = spooled(&state)[4].rsplit(' ').next().unwrap().to_owned();
    assert_eq!(redis.hash("seclyzer:cursor:keystroke")["stored"], last);
    assert!(extractor.log().contains("points_left=0"));
}

#[test]
fn what_the_last_run_left_is_cut_sent_and_refused_line_by_line() {
    let state = tempfile::tempdir().unwrap();
    let folder = state.path().join("spool");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("00000000000000000003.lp"), b"m v=1 1\n\xff\0 damaged\nm v=2 2\nm v=3").unwrap();
    fs::write(folder.join("README"), b"not ours\n").unwrap();
    let influx = Stub::start(|_, lines| {
        Answer::Status(if lines.iter().any(|line| line.contains("damaged")) { 400 } else { 204 })
    });
    let redis = RedisServer::started();
    let mut extractor = settings(APP, &redis, &influx.url, &state).start();
    until("the segment is gone", || segments(&state).len() == 1);
    assert_eq!(influx.stored(), ["m v=1 1", "m v=2 2"]);
    assert_eq!(fs::read(state.path().join("rejected.lp")).unwrap(), b"\xff\0 damaged\n");
    redis.wait_for("seclyzer:stats:app", "points_rejected", |count| count == "1");
    extractor.stop();
    assert!(!extractor.log().contains("damaged"), "{}", extractor.log());
}

#[test]
fn a_place_that_cannot_be_written_leaves_points_in_memory_until_it_can() {
    let (influx, there) = switched();
    let (redis, state) = (RedisServer::started(), tempfile::tempdir().unwrap());
    // A file stands where the folder should be.
    let obstacle = state.path().join("spool");
    fs::write(&obstacle, b"").unwrap();
    let mut extractor = settings(APP, &redis, &influx.url, &state).start();
    redis.add("app", &(0..5).map(|i| focus(i, &format!("app{i}"))).collect::<Vec<_>>());
    until("it says so", || extractor.log().contains("the disk buffer cannot be written"));
    let stats = redis.wait_for("seclyzer:stats:app", "influx_errors", |count| count != "0");
    assert_eq!((stats["points_spooled"].as_str(), stats["points_dropped"].as_str()), ("0", "0"));
    fs::remove_file(&obstacle).unwrap();
    until("it works again", || extractor.log().contains("the disk buffer can be written again"));
    until("all are in it", || spooled(&state).len() == 4);
    there.store(true, Ordering::SeqCst);
    until("all are sent", || influx.stored().len() == 4);
    extractor.stop();
    assert_eq!(extractor.log().matches("the disk buffer cannot be written").count(), 1);
}

#[test]
fn a_second_process_does_without_the_spool_of_the_first() {
    let (influx, _) = switched();
    let (_redis, state, _, mut first) = five_in_the_spool(&influx);
    let other = RedisServer::started();
    let mut second = settings(KEYSTROKE, &other, NOWHERE, &state).start();
    until("it says so", || second.log().contains("state_dir is used by another process"));
    second.stop();
    first.stop();
    assert_eq!(spooled(&state).len(), 5);
}

#[test]
fn without_a_spool_nothing_is_written() {
    let state = tempfile::tempdir().unwrap();
    let redis = RedisServer::started();
    let mut extractor = settings(KEYSTROKE, &redis, NOWHERE, &state).and("SECLYZER_SPOOL_BYTES", "0").start();
    redis.add("keystroke", &typing(0, 5));
    redis.wait_for("seclyzer:stats:keystroke", "influx_errors", |count| count.parse::<u32>().unwrap() >= 3);
    extractor.stop();
    assert_eq!(fs::read_dir(Path::new(state.path())).unwrap().count(), 0);
}
