//! One write to InfluxDB 2, and what its answer means.

use std::io::{self, Write};
use std::time::Instant;

use flate2::Compression;
use flate2::write::GzEncoder;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::VERSION;
use crate::config::Config;
use crate::http::{Client, Response};
use crate::refusal::Reason;

/// What InfluxDB did with a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It has all of it.
    Stored,
    /// It has all but so many points (422; 206).
    Partly {
        /// The status.
        status: u16,
        /// How many points it refused.
        refused: u64,
        /// Why.
        reason: Reason,
    },
    /// It has nothing: a line is invalid (400), or it is too much at once (413). Which lines is for us to find.
    Refused {
        /// The status.
        status: u16,
    },
    /// It has nothing, and an operator must mend something (401, 403, 404), or something else answers (3xx, a success
    /// that InfluxDB 2 never gives): keep, and try slowly.
    Misconfigured {
        /// The status.
        status: u16,
        /// What to mend.
        advice: &'static str,
    },
    /// It has nothing now (429, 5xx): try again, not before so many seconds.
    Later {
        /// The wait that `Retry-After` requires.
        seconds: u64,
        /// The status.
        status: u16,
    },
}

/// Writes batches of lines.
pub struct Influx {
    client: Client,
    path: String,
    token: Option<String>,
    agent: String,
}

impl Influx {
    /// A writer that has not connected yet.
    pub fn new(config: &Config) -> Influx {
        let (org, bucket) =
            (url_encoded(&config.values.influx_org), url_encoded(&config.values.influx_bucket));
        Influx {
            client: Client::new(config.influx.clone()),
            path: format!("/api/v2/write?org={org}&bucket={bucket}&precision=us"),
            agent: format!("seclyzer-extractors/{VERSION}"),
            token: config.values.influx_token.as_ref().map(|token| format!("Token {}", token.reveal())),
        }
    }

    /// Where it listens, for people.
    pub fn place(&self) -> String {
        self.client.url().to_string()
    }

    /// Writes lines, one point each. Nothing at all is a way to ask whether writing is allowed.
    ///
    /// # Errors
    /// When InfluxDB is away or does not answer before the deadline.
    pub fn write(&mut self, lines: &[&[u8]], deadline: Instant) -> io::Result<Answer> {
        let response = self.post(lines, deadline)?;
        Ok(meaning(&response))
    }

    /// Writes lines and hands back the answer as it is.
    ///
    /// # Errors
    /// As [`Influx::write`].
    pub fn post(&mut self, lines: &[&[u8]], deadline: Instant) -> io::Result<Response> {
        let mut headers =
            vec![("User-Agent", self.agent.as_str()), ("Content-Type", "text/plain; charset=utf-8")];
        let body = if lines.is_empty() {
            Vec::new()
        } else {
            headers.push(("Content-Encoding", "gzip"));
            zipped(lines)?
        };
        headers.extend(self.token.as_deref().map(|token| ("Authorization", token)));
        self.client.post(&self.path, &headers, &body, deadline)
    }
}

fn zipped(lines: &[&[u8]]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    for line in lines {
        encoder.write_all(line)?;
        encoder.write_all(b"\n")?;
    }
    encoder.finish()
}

/// Whether InfluxDB has taken the points. A proxy's page is also a success, and the points would be nowhere.
pub fn settles(response: &Response) -> bool {
    response.status == 204 || matches!(response.status, 200 | 206) && response.json && is_own(&response.body)
}

/// Whether InfluxDB 2 never answers a write so: something else listens at the address.
pub fn is_foreign(response: &Response) -> bool {
    (200..400).contains(&response.status) && !settles(response)
}

/// JSON of InfluxDB's shape.
fn is_own(body: &str) -> bool {
    let body: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    ["code", "message"].iter().all(|key| body.get(key).is_some_and(serde_json::Value::is_string))
}

fn meaning(response: &Response) -> Answer {
    let status = response.status;
    let refused = dropped_points(&response.body);
    let partly = |refused| Answer::Partly { status, refused, reason: Reason::of(status, &response.body) };
    match status {
        _ if settles(response) => match refused {
            None | Some(0) => Answer::Stored,
            Some(refused) => partly(refused),
        },
        400 | 413 => Answer::Refused { status },
        422 => partly(refused.unwrap_or(1)),
        408 | 429 | 500.. => Answer::Later { seconds: response.retry_after.unwrap_or(0), status },
        _ => Answer::Misconfigured { status, advice: advice(status) },
    }
}

fn advice(status: u16) -> &'static str {
    match status {
        401 => "InfluxDB refuses the token: check influx_token",
        403 => "the token may not write: check influx_token, influx_org and influx_bucket",
        404 => "there is no such organisation or bucket: check influx_org and influx_bucket",
        _ => "this is no InfluxDB 2: check influx_url",
    }
}

/// `… dropped=3 …` in the message of a partial write.
fn dropped_points(body: &str) -> Option<u64> {
    let digits = body.split("dropped=").nth(1)?;
    let digits: String = digits.chars().take_while(char::is_ascii_digit).take(9).collect();
    digits.parse().ok()
}

/// What needs no escape in a parameter of a URL.
const UNRESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// For a parameter of a URL.
fn url_encoded(text: &str) -> String {
    utf8_percent_encode(text, &UNRESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cases that the Python implementation is held to, too.
    #[test]
    fn every_answer_has_a_meaning() {
        let cases = include_str!("../../../tests/cases/answers.json");
        let cases: Vec<serde_json::Value> = serde_json::from_str(cases).unwrap();
        for case in &cases {
            let text = |key: &str| case[key].as_str().unwrap_or_default().to_owned();
            let status = u16::try_from(case["status"].as_u64().unwrap()).unwrap();
            let kind = text("type");
            let kind = kind.split(';').next().unwrap_or_default();
            let json = kind.eq_ignore_ascii_case("application/json");
            let response = Response { status, retry_after: Some(7), json, body: text("body") };
            let found = meaning(&response);
            let refused = case["dropped"].as_u64().unwrap_or_default();
            let right = match (&*text("means"), &found) {
                ("stored", Answer::Stored) => true,
                ("partly", Answer::Partly { status: with, refused: count, .. }) => {
                    (*with, *count) == (status, refused)
                }
                ("refused", Answer::Refused { .. }) => found == Answer::Refused { status },
                ("misconfigured", Answer::Misconfigured { status: with, advice }) => {
                    *with == status && !advice.contains("no InfluxDB")
                }
                ("no InfluxDB", Answer::Misconfigured { status: with, advice }) => {
                    *with == status && *advice == "this is no InfluxDB 2: check influx_url"
                }
                ("later", Answer::Later { .. }) => found == Answer::Later { seconds: 7, status },
                _ => false,
            };
            assert!(right, "{case} is {found:?}");
        }
        assert!(cases.len() > 40);
    }

    #[test]
    fn parameters_are_encoded() {
        assert_eq!(url_encoded("my org&x=ü"), "my%20org%26x%3D%C3%BC");
    }
}
