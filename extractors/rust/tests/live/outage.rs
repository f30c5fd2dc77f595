//! Redis goes away, hangs, forgets, refuses.

use std::thread::sleep;
use std::time::Duration;

use crate::extractor::{KEYSTROKE, NOWHERE, Settings};
use crate::feed::typing;
use crate::redis_server::RedisServer;
use crate::relay::{Break, Relay};
use crate::stub::Stub;
use crate::until;

const LIST: &str = "seclyzer:features:keystroke";

#[test]
fn redis_may_come_late_go_away_and_come_back() {
    let redis = RedisServer::new();
    let settings = Settings::new(KEYSTROKE, &redis, NOWHERE);
    let mut extractor = settings.start();
    until("it says that Redis is away", || extractor.log().contains("Reading from Redis does not work"));
    sleep(Duration::from_secs(1));
    assert_eq!(extractor.log().matches("does not work").count(), 1, "{}", extractor.log());

    redis.start();
    let first = typing(0, 3);
    redis.add("keystroke", &first);
    until("windows come out", || redis.list(LIST) == settings.replay(&first));
    assert!(extractor.log().contains("Reading from Redis works again"));

    // All of its memory is gone afterwards, but what the extractor holds is not.
    redis.kill();
    until("it says that Redis is away again", || {
        extractor.log().matches("Reading from Redis does not work").count() == 2
    });
    redis.start();
    let second = typing(60, 3);
    redis.add("keystroke", &second);
    until("windows come out again", || redis.list(LIST) == settings.replay(&second));
    redis.wait_for("seclyzer:stats:keystroke", "redis_reconnects", |count| count == "1");
    extractor.stop();
}

#[test]
fn a_redis_that_hangs_makes_nothing_late() {
    let redis = RedisServer::started();
    let settings = Settings::new(KEYSTROKE, &redis, NOWHERE);
    let mut extractor = settings.start();
    let mut events = typing(0, 3);
    redis.add("keystroke", &events);
    until("windows come out", || redis.list(LIST).len() >= 2);
    redis.signal("STOP");
    sleep(Duration::from_secs(5));
    redis.signal("CONT");
    // No more than the time before the hang and after it has passed for the stream: these are in time.
    let more = typing(3, 3);
    redis.add("keystroke", &more);
    events.extend(more);
    until("all windows come out", || redis.list(LIST).len() == settings.replay(&events).len());
    let stats = redis.wait_for("seclyzer:stats:keystroke", "events", |count| count == "120");
    assert_eq!(stats["late"], "0");
    assert_eq!(redis.list(LIST), settings.replay(&events));
    extractor.stop();
}

#[test]
fn the_time_in_which_redis_hung_does_not_count() {
    let redis = RedisServer::started();
    let settings = Settings::new(KEYSTROKE, &redis, NOWHERE).and("WINDOW_SECONDS", "1");
    let mut extractor = settings.start();
    let mut events = typing(0, 3);
    redis.add("keystroke", &events);
    until("windows come out", || redis.list(LIST).len() >= 2);
    // Not long enough to be given up: the answer comes, but late.
    redis.signal("STOP");
    sleep(Duration::from_millis(1700));
    redis.signal("CONT");
    // An event that does not move stream time is read first; had the hang counted, the others would be late by now.
    let older = events.pop().unwrap();
    redis.add("keystroke", std::slice::from_ref(&older));
    sleep(Duration::from_millis(100));
    let more = typing(3, 2);
    redis.add("keystroke", &more);
    events = [events, vec![older], more].concat();
    until("all windows come out", || redis.list(LIST).len() == settings.replay(&events).len());
    redis.wait_for("seclyzer:stats:keystroke", "late", |count| count == "0");
    extractor.stop();
}

/// Events go in directly; the program reaches Redis through a relay that breaks its first transactions. What windows are
/// closed together go out together, so events come in three parts.
fn broken_transactions_come_out_once(at: Break) {
    let redis = RedisServer::started();
    let relay = Relay::start(&redis.socket(), redis.directory.path().join("relay.sock"), at, 3);
    let settings = Settings::new(KEYSTROKE, &redis, NOWHERE).and("REDIS_URL", &relay.url());
    let mut listener = redis.subscribe(LIST);
    let mut extractor = settings.start();
    let (mut events, mut expected) = (Vec::new(), Vec::new());
    for part in 0..3 {
        let more = typing(10 * part, 4);
        redis.add("keystroke", &more);
        events.extend(more);
        expected = settings.replay(&events);
        until("everything comes out", || redis.list(LIST).len() >= expected.len());
    }
    extractor.stop();
    assert!(redis.list(LIST) == expected, "{} texts for {}", redis.list(LIST).len(), expected.len());
    assert!(listener.messages() == expected);
    assert_eq!(relay.broken(), 3);
}

#[test]
fn a_transaction_that_redis_never_saw_is_sent_again() {
    broken_transactions_come_out_once(Break::BeforeExec);
}

#[test]
fn a_transaction_whose_answer_was_lost_is_not_sent_again() {
    broken_transactions_come_out_once(Break::AfterExec);
}

#[test]
fn it_stops_in_time_while_redis_hangs() {
    let redis = RedisServer::started();
    let mut extractor = Settings::new(KEYSTROKE, &redis, NOWHERE).start();
    redis.wait_for_listener();
    redis.signal("STOP");
    sleep(Duration::from_secs(4));
    extractor.stop();
    redis.signal("CONT");
}

#[test]
fn a_full_redis_holds_output_back_and_loses_none() {
    let (redis, influx) = (RedisServer::started(), Stub::good());
    let settings = Settings::new(KEYSTROKE, &redis, &influx.url);
    let events = typing(0, 4);
    redis.add("keystroke", &events);
    redis.call(&["CONFIG", "SET", "maxmemory", "1"]);
    let mut extractor = settings.start();
    until("it says that Redis is full", || extractor.log().contains("OOM"));
    let expected = settings.replay(&events);
    until("InfluxDB gets its points nevertheless", || influx.stored().len() == expected.len());
    assert!(redis.list(LIST).is_empty());
    redis.call(&["CONFIG", "SET", "maxmemory", "0"]);
    until("everything comes out", || redis.list(LIST) == expected);
    extractor.stop();
}

#[test]
fn a_command_that_fails_inside_a_transaction_is_counted_and_not_tried_again() {
    let (redis, influx) = (RedisServer::started(), Stub::good());
    redis.call(&["SET", LIST, "not a list"]);
    let settings = Settings::new(KEYSTROKE, &redis, &influx.url);
    let mut listener = redis.subscribe(LIST);
    let mut extractor = settings.start();
    let events = typing(0, 2);
    redis.add("keystroke", &events);
    let expected = settings.replay(&events);
    // LPUSH and LTRIM for each window.
    redis.wait_for("seclyzer:stats:keystroke", "output_errors", |count| {
        count == (2 * expected.len()).to_string()
    });
    assert_eq!(listener.messages(), expected);
    assert!(extractor.log().contains("WRONGTYPE"));
    extractor.stop();
}

#[test]
fn a_user_that_may_not_read_is_logged_and_goes_on_once_it_may() {
    let redis = RedisServer::started();
    redis.call(&["ACL", "SETUSER", "keystroke", "on", ">secret", "~*", "+@all", "-xread", "&*"]);
    let settings = Settings::new(KEYSTROKE, &redis, NOWHERE).and("REDIS_USERNAME", "keystroke");
    let mut extractor = settings.and("REDIS_PASSWORD", "secret").start();
    until("it says what is refused", || extractor.log().contains("NOPERM"));
    assert!(!extractor.log().contains("secret"));
    redis.call(&["ACL", "SETUSER", "keystroke", "+xread"]);
    redis.add("keystroke", &typing(0, 2));
    until("windows come out", || redis.list(LIST).len() == 2);
    extractor.stop();
}
