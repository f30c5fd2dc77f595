//! The application tracker goes on where it was.

use std::thread::sleep;
use std::time::Duration;

use crate::extractor::{APP, NOWHERE, Settings};
use crate::feed::focus;
use crate::redis_server::RedisServer;
use crate::relay::{Break, Relay};
use crate::stub::{Answer, Stub};
use crate::until;

const LIST: &str = "seclyzer:features:app";
const PATTERNS: &str = "seclyzer:app:patterns";

fn transitions(mut replayed: Vec<String>) -> Vec<String> {
    replayed.pop();
    replayed
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn kills_at_any_moment_neither_lose_nor_double_a_transition() {
    let (redis, influx) = (RedisServer::started(), Stub::good());
    let settings = Settings::new(APP, &redis, &influx.url);
    let mut events = Vec::new();
    for round in 0..10 {
        let mut extractor = settings.start();
        let more: Vec<String> =
            (0..40).map(|i| focus(round * 100 + i, &format!("app {}", (round + i * i) % 13))).collect();
        redis.add("app", &more);
        events.extend(more);
        sleep(Duration::from_millis(13 * round as u64));
        extractor.kill();
    }
    let mut extractor = settings.start();
    let replayed = settings.replay(&events);
    let patterns = json(replayed.last().unwrap());
    let expected = transitions(replayed);
    until("all transitions are in the list, once", || redis.list(LIST) == expected);
    until("every transition is stored", || {
        let mut stored = influx.stored();
        stored.sort();
        stored.dedup();
        stored.len() == expected.len()
    });
    extractor.stop();
    assert_eq!(json(&redis.call(&["GET", PATTERNS]).texts()[0]), patterns);
}

#[test]
fn of_a_long_backlog_every_transition_is_published() {
    let redis = RedisServer::started();
    let settings = Settings::new(APP, &redis, NOWHERE);
    let mut listener = redis.subscribe(LIST);
    let events: Vec<String> = (0..5000).map(|i| focus(i, if i % 2 == 0 { "a" } else { "b" })).collect();
    redis.add("app", &events);
    let mut extractor = settings.start();
    let expected = transitions(settings.replay(&events));
    redis.wait_for("seclyzer:stats:app", "windows", |count| count == expected.len().to_string());
    extractor.stop();
    assert!(listener.messages() == expected);
}

#[test]
fn patterns_that_a_kill_left_old_are_renewed_by_the_next_run() {
    let redis = RedisServer::started();
    let settings = Settings::new(APP, &redis, NOWHERE);
    let events = [focus(0, "a"), focus(2, "b"), focus(5, "c")];
    let mut extractor = settings.start();
    redis.add("app", &events);
    until("transitions come out", || redis.list(LIST).len() == 2);
    extractor.kill();
    let mut extractor = settings.start();
    redis.wait_for_listener();
    extractor.stop();
    let replayed = settings.replay(&events);
    assert_eq!(json(&redis.call(&["GET", PATTERNS]).texts()[0]), json(replayed.last().unwrap()));
}

#[test]
fn what_redis_forgets_is_taken_from_the_file() {
    let redis = RedisServer::started();
    let state = tempfile::tempdir().unwrap();
    let settings = Settings::new(APP, &redis, NOWHERE).and("STATE_DIRECTORY", state.path().to_str().unwrap());
    let mut extractor = settings.start();
    let mut events = vec![focus(0, "a"), focus(2, "b"), focus(5, "c")];
    redis.add("app", &events);
    until("transitions come out", || redis.list(LIST).len() == 2);
    extractor.stop();
    redis.call(&["FLUSHALL"]);

    let mut extractor = settings.start();
    let more = vec![focus(60, "a"), focus(61, "b")];
    redis.add("app", &more);
    events.extend(more);
    let replayed = settings.replay(&events);
    // From `c` on, which had the focus before Redis forgot.
    until("the tracker goes on", || redis.list(LIST) == transitions(replayed.clone())[2..]);
    extractor.stop();
    assert_eq!(json(&redis.call(&["GET", PATTERNS]).texts()[0]), json(replayed.last().unwrap()));
}

#[test]
fn transitions_without_an_answer_are_sent_again_after_a_restart() {
    let redis = RedisServer::started();
    let silent = Stub::start(|_, _| Answer::Silence);
    let mut extractor = Settings::new(APP, &redis, &silent.url).start();
    redis.add("app", &[focus(0, "a"), focus(2, "b"), focus(5, "c")]);
    until("transitions come out", || redis.list(LIST).len() == 2);
    extractor.kill();
    let influx = Stub::good();
    let mut extractor = Settings::new(APP, &redis, &influx.url).start();
    until("they are stored", || influx.stored().len() == 2);
    assert!(
        influx.stored()[0]
            .starts_with("app_transitions,user_id=default,host=test,from_app=a,to_app=b duration_ms=2000")
    );
    assert_eq!(redis.list(LIST).len(), 2);
    extractor.stop();
}

#[test]
fn a_transaction_whose_answer_was_lost_is_not_sent_again() {
    for at in [Break::BeforeExec, Break::AfterExec] {
        let redis = RedisServer::started();
        let relay = Relay::start(&redis.socket(), redis.directory.path().join("relay.sock"), at, 2);
        let settings = Settings::new(APP, &redis, NOWHERE).and("REDIS_URL", &relay.url());
        let events = [focus(0, "a"), focus(2, "b"), focus(5, "c")];
        redis.add("app", &events);
        let mut extractor = settings.start();
        let expected = transitions(settings.replay(&events));
        until("transitions come out", || redis.list(LIST).len() >= expected.len());
        extractor.stop();
        assert_eq!(redis.list(LIST), expected);
        assert_eq!(relay.broken(), 2);
    }
}

#[test]
fn a_first_focus_is_remembered_before_any_transition() {
    let redis = RedisServer::started();
    let settings = Settings::new(APP, &redis, NOWHERE);
    let mut extractor = settings.start();
    redis.add("app", &[focus(0, "a")]);
    until("the state is saved", || redis.call(&["EXISTS", "seclyzer:app:state"]).texts() == ["1"]);
    extractor.kill();
    redis.call(&["DEL", "seclyzer:stream:app"]);
    let mut extractor = settings.start();
    redis.add("app", &[focus(7, "b")]);
    until("the transition comes out", || redis.list(LIST).len() == 1);
    assert_eq!(json(&redis.list(LIST)[0])["duration_ms"], 7000);
    extractor.stop();
}
