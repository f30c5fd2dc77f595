//! What InfluxDB may answer.

use std::time::Duration;

use crate::extractor::{APP, Settings};
use crate::feed::focus;
use crate::redis_server::RedisServer;
use crate::stub::{Answer, Stub};
use crate::until;

/// Nine transitions, read at once by a tracker that starts after them.
fn nine_transitions(influx: &Stub) -> (RedisServer, crate::extractor::Extractor) {
    let redis = RedisServer::started();
    redis.add("app", &(0..10).map(|i| focus(i, &format!("app{i}"))).collect::<Vec<_>>());
    let extractor = Settings::new(APP, &redis, &influx.url).and("INFLUX_TOKEN", "t0ken").start();
    (redis, extractor)
}

fn stats(redis: &RedisServer, field: &str, value: &str) {
    redis.wait_for("seclyzer:stats:app", field, |found| found == value);
}

#[test]
fn points_go_in_one_batch_with_token_organisation_and_precision() {
    let influx = Stub::good();
    let (redis, mut extractor) = nine_transitions(&influx);
    until("all are stored", || influx.stored().len() == 9);
    let writes = influx.writes();
    assert_eq!(writes.len(), 1);
    assert!(
        writes[0]
            .head
            .starts_with("POST /api/v2/write?org=seclyzer&bucket=behavioral_data&precision=us HTTP/1.1\r\n")
    );
    assert!(writes[0].head.contains("\r\nAuthorization: Token t0ken\r\n"));
    assert!(writes[0].head.contains("\r\nContent-Encoding: gzip\r\n"));
    stats(&redis, "points_written", "9");
    extractor.stop();
    assert!(!extractor.log().contains("t0ken"));
}

#[test]
fn an_invalid_point_is_found_and_the_rest_is_sent() {
    let bad = |line: &String| line.contains("to_app=app4") || line.contains("to_app=app7");
    let influx = Stub::start(move |_, lines| Answer::Status(if lines.iter().any(bad) { 400 } else { 204 }));
    let (redis, mut extractor) = nine_transitions(&influx);
    until("the others are stored", || influx.stored().len() == 7);
    stats(&redis, "points_rejected", "2");
    let times: Vec<String> =
        influx.stored().iter().map(|line| line.rsplit(' ').next().unwrap().into()).collect();
    assert!(times.is_sorted(), "{times:?}");
    extractor.stop();
}

#[test]
fn too_much_at_once_is_split() {
    let influx = Stub::start(|_, lines| Answer::Status(if lines.len() > 2 { 413 } else { 204 }));
    let (redis, mut extractor) = nine_transitions(&influx);
    until("all are stored", || influx.stored().len() == 9);
    stats(&redis, "points_rejected", "0");
    extractor.stop();
}

#[test]
fn a_partial_write_is_counted_and_not_sent_again() {
    let body = r#"{"code":"unprocessable entity","message":"partial write: points beyond retention policy dropped=2"}"#;
    let influx = Stub::start(move |_, _| Answer::Full(422, "", body));
    let (redis, mut extractor) = nine_transitions(&influx);
    stats(&redis, "points_rejected", "2");
    stats(&redis, "points_written", "7");
    extractor.stop();
    assert_eq!(influx.writes().len(), 1);
}

#[test]
fn a_wrong_token_is_logged_as_an_error_once_and_points_are_kept() {
    let body = r#"{"code":"unauthorized","message":"unauthorized access"}"#;
    let influx = Stub::start(move |_, _| Answer::Full(401, "", body));
    let (redis, mut extractor) = nine_transitions(&influx);
    until("it says so", || extractor.log().contains("level=error"));
    let log = extractor.log();
    assert!(log.contains("status 401\" advice=\"InfluxDB refuses the token: check influx_token\""), "{log}");
    stats(&redis, "influx_errors", "1");
    extractor.stop();
    // The last try, at the stop.
    assert_eq!(influx.writes().len(), 2);
    assert_eq!(extractor.log().matches("level=error").count(), 1);
    assert!(redis.call(&["GET", "seclyzer:app:state"]).texts()[0].contains(r#""app8","app9""#));
}

#[test]
fn a_busy_influxdb_is_given_the_time_it_asks_for() {
    for status in [429, 503] {
        let influx = Stub::start(move |number, _| match number {
            0 => Answer::Full(status, "Retry-After: 2\r\n", ""),
            _ => Answer::Status(204),
        });
        let (_redis, mut extractor) = nine_transitions(&influx);
        until("all are stored", || influx.stored().len() == 9);
        let writes = influx.writes();
        assert!(writes[1].at - writes[0].at >= Duration::from_secs(2));
        extractor.stop();
        assert!(extractor.log().contains("Writing to InfluxDB works again"));
    }
}

#[test]
fn a_silent_influxdb_does_not_hold_back_the_end() {
    let influx = Stub::start(|_, _| Answer::Silence);
    let (_redis, mut extractor) = nine_transitions(&influx);
    until("it was asked", || !influx.writes().is_empty());
    extractor.stop();
}
