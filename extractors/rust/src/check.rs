//! `--check`: reports of Redis and InfluxDB what is right or wrong, and what to do about it.

use std::io::{self, Write};
use std::time::Instant;

use crate::config::Config;
use crate::config::address::Endpoint;
use crate::influx::{self, Influx};
use crate::net::words;
use crate::redis::{Redis, RedisError};
use crate::waits::CHECK_ANSWER;

/// Reaches both, one line each. True when both are good.
///
/// # Errors
/// When the lines cannot be written.
pub fn run(config: &Config, output: &mut dyn Write) -> io::Result<bool> {
    let (redis, influx) = (check_redis(config), check_influx(config));
    for (name, found) in [("redis", &redis), ("influxdb", &influx)] {
        match found {
            Ok(good) => writeln!(output, "{name}: good: {good}")?,
            Err(bad) => writeln!(output, "{name}: bad: {bad}")?,
        }
    }
    Ok(redis.is_ok() && influx.is_ok())
}

fn check_redis(config: &Config) -> Result<String, String> {
    let endpoint = &config.redis;
    let user = config.user();
    let ping = Redis::open_patiently(config, CHECK_ANSWER)
        .and_then(|mut redis| redis.call("PING", &[b"PING"], |_| ()));
    ping.map(|()| format!("{endpoint} answers user {user}")).map_err(|error| {
        let advice = match &error {
            RedisError::Refused { .. } => "check redis_username and redis_password",
            RedisError::Protocol(_) => "check redis_url: something else listens there",
            RedisError::Io(error) => match (error.kind(), endpoint) {
                (io::ErrorKind::PermissionDenied, Endpoint::Unix(_)) => {
                    "may this user open the socket? see its group"
                }
                (io::ErrorKind::InvalidData, _) => "check the CA file and the server's certificate",
                _ => "does it run, and listen there? check redis_url",
            },
        };
        format!("{endpoint}: {error}; {advice}")
    })
}

fn check_influx(config: &Config) -> Result<String, String> {
    let endpoint = &config.influx;
    let answer = Influx::new(config).post(&[], Instant::now() + CHECK_ANSWER);
    let answer = answer.map_err(|error| {
        let advice = match (error.kind(), &endpoint.socket) {
            (io::ErrorKind::InvalidData, _) => {
                "check influx_ca_file, the server's certificate and influx_url"
            }
            (_, None) => "does it run, and listen there? check influx_url",
            (io::ErrorKind::PermissionDenied, Some(_)) => "may this user open the socket? see its group",
            (_, Some(_)) => {
                "does it run, and what listens at the socket reach it? check influx_url and influx_socket"
            }
        };
        format!("{endpoint}: {}; {advice}", words(&error))
    })?;
    let (org, bucket) = (&config.values.influx_org, &config.values.influx_bucket);
    let status = answer.status;
    let advice = match status {
        _ if influx::settles(&answer) => return Ok(format!("{endpoint} takes points into {org}/{bucket}")),
        _ if influx::is_foreign(&answer) => "this is no InfluxDB 2; check influx_url",
        401 if config.values.influx_token.is_none() => "a token is required; set influx_token",
        401 => "the token is not known; check influx_token",
        403 => "the token may not write there; give it write permission, or check influx_bucket",
        404 => "no such organisation or bucket; check influx_org and influx_bucket",
        429 | 503 => "it is busy or starting; try again",
        _ => "is that InfluxDB 2? check influx_url",
    };
    Err(format!("{endpoint}: status {status} for {org}/{bucket}; {advice}"))
}
