//! A restart neither loses nor doubles a window.

use std::thread::sleep;
use std::time::Duration;

use crate::extractor::{KEYSTROKE, Settings};
use crate::feed::typing;
use crate::redis_server::RedisServer;
use crate::stub::{Answer, Stub};
use crate::until;

const LIST: &str = "seclyzer:features:keystroke";

#[test]
fn a_stop_in_the_middle_of_a_window_loses_nothing() {
    let (redis, influx) = (RedisServer::started(), Stub::good());
    let settings = Settings::new(KEYSTROKE, &redis, &influx.url);
    let mut events = typing(0, 5);
    let mut extractor = settings.start();
    redis.add("keystroke", &events);
    until("windows come out", || redis.list(LIST).len() >= 4);
    extractor.stop();
    let published = redis.list(LIST).len();
    // While it is down, the person types on; the gap is longer than the test takes.
    let more = typing(60, 5);
    redis.add("keystroke", &more);
    events.extend(more);
    let mut extractor = settings.start();
    let expected = settings.replay(&events);
    until("all windows are in the list, once", || redis.list(LIST) == expected);
    until("all points are stored", || {
        let mut stored = influx.stored();
        stored.dedup();
        stored.len() == expected.len()
    });
    // What came out before did not come out again, and does not count.
    let own = (expected.len() - published).to_string();
    redis.wait_for("seclyzer:stats:keystroke", "windows", |windows| *windows == own);
    extractor.stop();
}

#[test]
fn kills_at_any_moment_neither_lose_nor_double_a_window() {
    let (redis, influx) = (RedisServer::started(), Stub::good());
    let settings = Settings::new(KEYSTROKE, &redis, &influx.url);
    let mut events = Vec::new();
    for round in 0..12 {
        let mut extractor = settings.start();
        let more = typing(round * 30, 4);
        redis.add("keystroke", &more);
        events.extend(more);
        sleep(Duration::from_millis(17 * round as u64));
        extractor.kill();
    }
    let expected = settings.replay(&events);
    let mut extractor = settings.start();
    until("all windows are in the list, once", || redis.list(LIST) == expected);
    until("every window is stored", || {
        let mut stored = influx.stored();
        stored.sort();
        stored.dedup();
        stored.len() == expected.len()
    });
    extractor.stop();
}

#[test]
fn points_without_an_answer_are_sent_again_after_a_restart() {
    let redis = RedisServer::started();
    let silent = Stub::start(|_, _| Answer::Silence);
    let events = typing(0, 5);
    let mut extractor = Settings::new(KEYSTROKE, &redis, &silent.url).start();
    redis.add("keystroke", &events);
    until("the stub was asked", || !silent.writes().is_empty());
    until("windows are published", || redis.list(LIST).len() >= 5);
    extractor.stop();
    assert!(!redis.hash("seclyzer:cursor:keystroke").contains_key("stored"));

    let influx = Stub::good();
    let settings = Settings::new(KEYSTROKE, &redis, &influx.url);
    let mut extractor = settings.start();
    let expected = settings.replay(&events);
    until("all points are stored", || influx.stored().len() == expected.len());
    assert_eq!(redis.list(LIST), expected);
    extractor.stop();
}

#[test]
fn a_cursor_from_before_the_clock_was_set_back_is_ignored() {
    let redis = RedisServer::started();
    redis.call(&["HSET", "seclyzer:cursor:keystroke", "published", "9000000000000000"]);
    let mut extractor = Settings::new(KEYSTROKE, &redis, crate::extractor::NOWHERE).start();
    redis.add("keystroke", &typing(0, 2));
    until("windows come out", || redis.list(LIST).len() == 2);
    extractor.stop();
}
