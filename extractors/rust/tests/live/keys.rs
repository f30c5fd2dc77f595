//! Keys that are flushed, of another type or damaged; commands that are refused.

use std::thread::sleep;
use std::time::Duration;

use crate::extractor::{APP, KEYSTROKE, NOWHERE, Settings};
use crate::feed::{focus, typing};
use crate::redis_server::RedisServer;
use crate::stub::Stub;
use crate::until;

const LIST: &str = "seclyzer:features:keystroke";
const APP_LIST: &str = "seclyzer:features:app";
const STATE: &str = "seclyzer:app:state";

fn focuses(from: i64, names: &[&str]) -> Vec<String> {
    (from..).zip(names).map(|(second, name)| focus(second, name)).collect()
}

#[test]
fn a_redis_that_requires_a_password_is_logged_once_and_waited_for() {
    let redis = RedisServer::started();
    redis.call(&["CONFIG", "SET", "requirepass", "sesame"]);
    let mut extractor = Settings::new(KEYSTROKE, &redis, NOWHERE).start();
    until("it says so", || extractor.log().contains("NOAUTH"));
    sleep(Duration::from_secs(2));
    assert_eq!(extractor.log().matches("does not work").count(), 1, "{}", extractor.log());
    redis.call(&["CONFIG", "SET", "requirepass", ""]);
    redis.add("keystroke", &typing(0, 2));
    until("windows come out", || redis.list(LIST).len() == 2);
    extractor.stop();
}

#[test]
fn a_stream_of_another_type_is_logged_once_and_waited_for() {
    let redis = RedisServer::started();
    redis.call(&["SET", "seclyzer:stream:keystroke", "no stream"]);
    let mut extractor = Settings::new(KEYSTROKE, &redis, NOWHERE).start();
    until("it says so", || extractor.log().contains("WRONGTYPE"));
    sleep(Duration::from_secs(3));
    let log = extractor.log();
    assert_eq!(log.matches("Reading from Redis does not work").count(), 1, "{log}");
    assert!(!log.contains("works again"), "{log}");
    redis.call(&["DEL", "seclyzer:stream:keystroke"]);
    redis.add("keystroke", &typing(0, 2));
    until("windows come out", || redis.list(LIST).len() == 2);
    assert!(extractor.log().contains("Reading from Redis works again"));
    extractor.stop();
}

#[test]
fn a_cursor_and_a_state_of_another_type_are_logged_and_stop_nothing() {
    let (redis, influx) = (RedisServer::started(), Stub::good());
    redis.call(&["RPUSH", "seclyzer:cursor:app", "no cursor"]);
    redis.call(&["RPUSH", STATE, "no state"]);
    redis.add("app", &focuses(0, &["a", "b", "c"]));
    let mut extractor = Settings::new(APP, &redis, &influx.url).start();
    until("transitions come out", || redis.list(APP_LIST).len() == 2);
    until("points too", || influx.stored().len() == 2);
    let log = extractor.log();
    assert!(log.contains("key=seclyzer:cursor:app") && log.contains(&format!("key={STATE}")), "{log}");
    extractor.stop();
}

#[test]
fn a_state_that_points_nowhere_is_as_if_there_were_none() {
    let redis = RedisServer::started();
    let settings = Settings::new(APP, &redis, NOWHERE);
    redis.add("app", &focuses(0, &["a", "b"]));
    let mut extractor = settings.start();
    until("the transition comes out", || redis.list(APP_LIST).len() == 1);
    extractor.stop();
    let state = redis.call(&["GET", STATE]).texts()[0].clone();
    let start = state.find(r#""last_id":""#).unwrap() + 11;
    let end = start + state[start..].find('"').unwrap();
    redis.call(&["SET", STATE, &format!("{}{}{}", &state[..start], "nowhere", &state[end..])]);
    redis.add("app", &focuses(2, &["c"]));
    let mut extractor = settings.start();
    // All is read again; the cursor holds what was published back.
    until("the next transition comes out", || redis.list(APP_LIST).len() == 2);
    assert_eq!(extractor.log().matches("the saved state cannot be used").count(), 1, "{}", extractor.log());
    extractor.stop();
    assert_eq!(redis.list(APP_LIST).len(), 2);
}

#[test]
fn a_file_that_is_older_than_the_cursor_doubles_nothing() {
    let (redis, state) = (RedisServer::started(), tempfile::tempdir().unwrap());
    let settings =
        Settings::new(APP, &redis, NOWHERE).and("STATE_DIRECTORY", &state.path().display().to_string());
    let file = state.path().join("app-state.json");
    let run = |events: &[String], transitions: usize| {
        let mut extractor = settings.start();
        redis.add("app", events);
        until("transitions come out", || redis.list(APP_LIST).len() >= transitions);
        extractor.stop();
        assert_eq!(redis.list(APP_LIST).len(), transitions);
        std::fs::read(&file).unwrap()
    };
    let older = run(&focuses(0, &["a", "b"]), 1);
    run(&focuses(600, &["c", "d"]), 3);
    // The host forgets what Redis held of it, and the file is of before.
    redis.call(&["DEL", STATE]);
    std::fs::write(&file, older).unwrap();
    run(&focuses(1200, &["e"]), 4);
    assert!(
        redis.list(APP_LIST)[3].contains(r#""from_app": "d", "to_app": "e""#),
        "{:?}",
        redis.list(APP_LIST)
    );
}

#[test]
fn a_cursor_that_was_removed_while_it_runs_is_written_again() {
    let (redis, influx) = (RedisServer::started(), Stub::good());
    let mut extractor = Settings::new(KEYSTROKE, &redis, &influx.url).start();
    redis.add("keystroke", &typing(0, 2));
    until("windows come out", || redis.list(LIST).len() == 2);
    let cursor = redis.wait_for("seclyzer:cursor:keystroke", "stored", |_| true);
    assert_eq!(cursor["published"], cursor["stored"]);
    redis.call(&["DEL", "seclyzer:cursor:keystroke"]);
    until("it is back", || redis.hash("seclyzer:cursor:keystroke") == cursor);
    extractor.stop();
}

#[test]
fn what_was_flushed_while_it_runs_is_written_again() {
    let (redis, influx) = (RedisServer::started(), Stub::good());
    let mut extractor = Settings::new(APP, &redis, &influx.url).start();
    redis.add("app", &focuses(0, &["a", "b", "c"]));
    until("transitions come out", || redis.list(APP_LIST).len() == 2);
    let cursor = redis.wait_for("seclyzer:cursor:app", "stored", |_| true);
    // Two rounds of stats, so that their loss is seen.
    redis.wait_for("seclyzer:stats:app", "points_written", |count| count == "2");
    redis.call(&["FLUSHALL"]);
    until("the state is back", || redis.call(&["EXISTS", STATE]).texts()[0] == "1");
    until("the cursor is back", || redis.hash("seclyzer:cursor:app") == cursor);
    // Whoever starts now goes on where this one stood.
    extractor.kill();
    redis.add("app", &focuses(600, &["d"]));
    let mut extractor = Settings::new(APP, &redis, &influx.url).start();
    until("the next transition comes out", || redis.list(APP_LIST).len() == 1);
    assert!(
        redis.list(APP_LIST)[0].contains(r#""from_app": "c", "to_app": "d""#),
        "{:?}",
        redis.list(APP_LIST)
    );
    extractor.stop();
}

#[test]
fn without_the_right_to_transactions_nothing_comes_out_twice() {
    let redis = RedisServer::started();
    redis.call(&["ACL", "SETUSER", "default", "-multi"]);
    let settings = Settings::new(KEYSTROKE, &redis, NOWHERE);
    let mut listener = redis.subscribe(LIST);
    let events = typing(0, 3);
    redis.add("keystroke", &events);
    let mut extractor = settings.start();
    until("it says so", || extractor.log().contains("NOPERM"));
    sleep(Duration::from_secs(2));
    assert!(redis.list(LIST).is_empty());
    redis.call(&["ACL", "SETUSER", "default", "+multi"]);
    let expected = settings.replay(&events);
    until("everything comes out", || redis.list(LIST) == expected);
    assert_eq!(listener.messages(), expected);
    extractor.stop();
}

#[test]
fn a_redis_that_is_loading_is_logged_once_and_waited_for() {
    let redis = RedisServer::started();
    let loading = redis.directory.path().join("loading.sock");
    let door = redis.loading_at(&loading);
    let settings = Settings::new(KEYSTROKE, &redis, NOWHERE);
    let mut extractor = settings.and("REDIS_URL", &format!("unix://{}", loading.display())).start();
    until("it says so", || extractor.log().contains("LOADING"));
    sleep(Duration::from_secs(2));
    assert_eq!(extractor.log().matches("does not work").count(), 1, "{}", extractor.log());
    door.open();
    redis.add("keystroke", &typing(0, 2));
    until("windows come out", || redis.list(LIST).len() == 2);
    extractor.stop();
}

#[test]
fn what_is_older_than_the_stream_keeps_is_read_before_it_goes() {
    let redis = RedisServer::started();
    // More than is read at once.
    let events = typing(0, 60);
    let ids: Vec<String> = (1..=events.len()).map(|ms| format!("{ms}-1")).collect();
    let commands: Vec<Vec<&str>> = ids
        .iter()
        .zip(&events)
        .map(|(id, event)| vec!["XADD", "seclyzer:stream:keystroke", id, "e", event])
        .collect();
    redis.pipeline(&commands);
    // Redis hangs until the first trim would be due.
    let settings = Settings::new(KEYSTROKE, &redis, NOWHERE);
    redis.signal("STOP");
    let mut extractor = settings.start();
    sleep(Duration::from_secs(12));
    redis.signal("CONT");
    let expected = settings.replay(&events);
    until("old entries are used", || redis.list(LIST) == expected);
    until("and go then", || redis.call(&["XLEN", "seclyzer:stream:keystroke"]).texts()[0] == "0");
    extractor.stop();
}
