//! One write to InfluxDB 2, and what its answer means.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::time::Instant;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::config::Config;
use crate::http::{Client, Response};
use crate::refusal::Reason;

/// What InfluxDB did with a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It has all of it.
    Stored,
    /// It has all but so many points (422).
    Partly {
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
    /// It has nothing, and an operator must mend something (401, 403, 404 and others): keep, and try slowly.
    Misconfigured(String),
    /// It has nothing now (429, 5xx): try again, not before so many seconds.
    Later {
        /// What was asked for by `Retry-After`.
        seconds: u64,
        /// Its own words.
        reason: String,
    },
}

/// Writes batches of lines.
pub struct Influx {
    client: Client,
    path: String,
    token: Option<String>,
}

impl Influx {
    /// A writer that has not connected yet.
    pub fn new(config: &Config) -> Influx {
        let (org, bucket) = (url_encoded(&config.influx_org), url_encoded(&config.influx_bucket));
        Influx {
            client: Client::new(config.influx.clone()),
            path: format!("/api/v2/write?org={org}&bucket={bucket}&precision=us"),
            token: config.influx_token.as_ref().map(|token| format!("Token {}", token.reveal())),
        }
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
        let mut headers = vec![("Content-Type", "text/plain; charset=utf-8")];
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

fn meaning(response: &Response) -> Answer {
    let reason = explained(response);
    match response.status {
        200..300 => Answer::Stored,
        status @ (400 | 413) => Answer::Refused { status },
        422 => Answer::Partly {
            refused: dropped_points(&response.body),
            reason: Reason::of(422, &response.body),
        },
        408 | 429 | 500.. => Answer::Later { seconds: response.retry_after.unwrap_or(0), reason },
        _ => Answer::Misconfigured(reason),
    }
}

/// Status and InfluxDB's own words, without the data it may quote.
fn explained(response: &Response) -> String {
    let Response { status, body, .. } = response;
    let words = match status {
        401 | 403 | 404 => serde_json::from_str::<serde_json::Value>(body)
            .ok()
            .and_then(|body| Some(body.get("message")?.as_str()?.chars().take(200).collect::<String>())),
        _ => None,
    };
    match words {
        Some(words) => format!("{status}: {words}"),
        None => status.to_string(),
    }
}

/// `… dropped=3 …` in the message of a partial write; at least one.
fn dropped_points(body: &str) -> u64 {
    let digits = body.split("dropped=").nth(1).unwrap_or_default();
    let digits: String = digits.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(1)
}

/// For a parameter of a URL.
fn url_encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        meaning(&Response { status, retry_after: Some(7), body: body.to_owned() })
    }

    #[test]
    fn every_status_has_a_meaning() {
        assert_eq!(answer(204, ""), Answer::Stored);
        assert_eq!(answer(400, r#"{"message":"KeyA"}"#), Answer::Refused { status: 400 });
        assert_eq!(answer(413, ""), Answer::Refused { status: 413 });
        assert_eq!(
            answer(422, r#"{"message":"partial write: points beyond retention policy dropped=3"}"#),
            Answer::Partly { refused: 3, reason: Reason::BeyondRetention }
        );
        assert_eq!(answer(422, "?"), Answer::Partly { refused: 1, reason: Reason::Other });
        let unauthorized = Answer::Misconfigured("401: unauthorized access".into());
        assert_eq!(answer(401, r#"{"code":"unauthorized","message":"unauthorized access"}"#), unauthorized);
        assert_eq!(answer(404, ""), Answer::Misconfigured("404".into()));
        assert_eq!(answer(418, r#"{"message":"Firefox"}"#), Answer::Misconfigured("418".into()));
        assert_eq!(answer(302, ""), Answer::Misconfigured("302".into()));
        for status in [429, 500, 503] {
            assert_eq!(answer(status, ""), Answer::Later { seconds: 7, reason: status.to_string() });
        }
    }

    #[test]
    fn parameters_are_encoded() {
        assert_eq!(url_encoded("my org&x=ü"), "my%20org%26x%3D%C3%BC");
    }
}
