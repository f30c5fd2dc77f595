//! The little of HTTP/1.1 that writing to InfluxDB needs: POST over a kept connection, with a deadline.

mod date;

use std::io::{self, ErrorKind};
use std::time::Instant;

use crate::config::address::InfluxUrl;
use crate::net::Connection;
use crate::timestamp::wall_us;
use crate::waits::INFLUX_CONNECT;

/// What of an answer is worth reading.
const LONGEST_BODY: usize = 64 << 10;
const LONGEST_HEAD: usize = 16 << 10;

/// An answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// How many seconds the server asks us to wait.
    pub retry_after: Option<u64>,
    /// The body is declared as JSON.
    pub json: bool,
    /// The beginning of the body.
    pub body: String,
}

/// Keeps a connection to one server.
pub struct Client {
    url: InfluxUrl,
    connection: Option<Connection>,
}

impl Client {
    /// A client that has not connected yet.
    pub fn new(url: InfluxUrl) -> Client {
        Client { url, connection: None }
    }

    /// Where the server listens.
    pub fn url(&self) -> &InfluxUrl {
        &self.url
    }

    /// Sends one POST and reads the answer. A kept connection that the server has closed meanwhile is opened anew.
    ///
    /// # Errors
    /// When the server is away, too slow, or answers what is no HTTP.
    pub fn post(
        &mut self,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
        deadline: Instant,
    ) -> io::Result<Response> {
        let mut head = format!("POST {}{path} HTTP/1.1\r\nHost: {}\r\n", self.url.prefix, self.url.authority);
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
        let request = [head.as_bytes(), body].concat();

        if let Some(connection) = self.connection.take() {
            match self.exchange(connection, &request, deadline) {
                Err(error) if was_closed(&error) => {}
                answered => return answered,
            }
        }
        self.post_anew(&request, deadline)
    }

    /// On a connection of its own.
    fn post_anew(&mut self, request: &[u8], deadline: Instant) -> io::Result<Response> {
        let left = deadline.saturating_duration_since(Instant::now()).min(INFLUX_CONNECT);
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        let connection = Connection::open(&self.url.endpoint, self.url.socket.as_deref(), left)?;
        self.exchange(connection, request, deadline)
    }

    fn exchange(
        &mut self,
        mut connection: Connection,
        request: &[u8],
        deadline: Instant,
    ) -> io::Result<Response> {
        let written = connection.write_all(request, deadline);
        let mut reader = Reader { connection: &mut connection, deadline, bytes: Vec::new() };
        if let Err(error) = written {
            // One who finds a request too large may answer so and close before it has read all of it.
            let answered =
                if was_closed(&error) { reader.response() } else { Err(ErrorKind::NotConnected.into()) };
            return answered.map(|(response, _)| response).map_err(|_| error);
        }
        let (response, keep) = reader.response()?;
        if keep {
            self.connection = Some(connection);
        }
        Ok(response)
    }
}

fn was_closed(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)
}

fn no_http() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "does not speak HTTP")
}

/// Three digits, from 100 on.
fn status_of(text: &str) -> Option<u16> {
    let plain = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|status| plain && *status >= 100)
}

/// Reads one answer.
struct Reader<'a> {
    connection: &'a mut Connection,
    deadline: Instant,
    bytes: Vec<u8>,
}

#[derive(Default)]
struct Head {
    status: u16,
    retry_after: Option<u64>,
    /// None when the body's type is not declared.
    json: Option<bool>,
    length: Option<usize>,
    chunked: bool,
    close: bool,
}

impl Reader<'_> {
    /// The answer, and whether the connection can be used again. Its head is the answer: a body that breaks off only
    /// costs the connection.
    fn response(&mut self) -> io::Result<(Response, bool)> {
        let mut head = self.head()?;
        while (100..200).contains(&head.status) {
            head = self.head()?;
        }
        let (body, whole) = self.body(&head).unwrap_or_default();
        let Head { status, retry_after, json, close, .. } = head;
        let (json, body) = (json.unwrap_or(false), String::from_utf8_lossy(&body).into_owned());
        Ok((Response { status, retry_after, json, body }, whole && !close && self.bytes.is_empty()))
    }

    /// What of the body is worth reading, and whether that is all of it.
    fn body(&mut self, head: &Head) -> io::Result<(Vec<u8>, bool)> {
        match (head.status, head.chunked, head.length) {
            (204 | 304, _, _) => Ok((Vec::new(), true)),
            (_, true, _) => self.chunks(),
            (_, _, Some(length)) => Ok((self.take(length.min(LONGEST_BODY))?, length <= LONGEST_BODY)),
            _ => Ok((self.rest()?, false)),
        }
    }

    fn head(&mut self) -> io::Result<Head> {
        let first = self.line()?;
        let mut words = first.split(' ');
        let version = words.next().filter(|version| version.starts_with("HTTP/1."));
        let status = words.next().and_then(status_of);
        let (Some(version), Some(status)) = (version, status) else {
            return Err(no_http());
        };
        let mut head = Head { status, close: version == "HTTP/1.0", ..Head::default() };
        loop {
            let line = self.line()?;
            if line.is_empty() {
                return Ok(head);
            }
            let (name, value) = line.split_once(':').ok_or_else(no_http)?;
            let value = value.trim();
            match name.to_ascii_lowercase().as_str() {
                "content-length" => head.length = Some(value.parse().map_err(|_| no_http())?),
                "transfer-encoding" => head.chunked = value.eq_ignore_ascii_case("chunked"),
                "connection" => head.close |= value.eq_ignore_ascii_case("close"),
                "content-type" => {
                    let kind = value.split(';').next().unwrap_or_default().trim();
                    // Of two types neither can be relied on.
                    head.json = Some(head.json.is_none() && kind.eq_ignore_ascii_case("application/json"));
                }
                "retry-after" => {
                    head.retry_after = date::retry_after(value, (wall_us() / 1_000_000).unsigned_abs())
                }
                _ => {}
            }
        }
    }

    /// The chunks of a body, and whether that is all of it.
    fn chunks(&mut self) -> io::Result<(Vec<u8>, bool)> {
        let mut body = Vec::new();
        loop {
            let line = self.line()?;
            let size = line.split(';').next().unwrap_or_default().trim();
            let size = usize::from_str_radix(size, 16).map_err(|_| no_http())?;
            if body.len().saturating_add(size) > LONGEST_BODY {
                return Ok((body, false));
            }
            body.extend(self.take(size)?);
            // The line that ends the chunk; after the last one, trailers up to an empty line.
            while !self.line()?.is_empty() {}
            if size == 0 {
                return Ok((body, true));
            }
        }
    }

    fn line(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = self.bytes.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.bytes.drain(..=end).collect();
                return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
            if self.bytes.len() > LONGEST_HEAD {
                return Err(no_http());
            }
            self.more()?;
        }
    }

    fn take(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.bytes.len() < length {
            self.more()?;
        }
        Ok(self.bytes.drain(..length).collect())
    }

    fn rest(&mut self) -> io::Result<Vec<u8>> {
        loop {
            match self.more() {
                Ok(()) if self.bytes.len() < LONGEST_BODY => {}
                Ok(()) => break,
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => break,
                Err(error) => return Err(error),
            }
        }
        Ok(std::mem::take(&mut self.bytes))
    }

    fn more(&mut self) -> io::Result<()> {
        let mut buffer = [0; 4096];
        match self.connection.read(&mut buffer, self.deadline)? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            read => {
                self.bytes.extend_from_slice(&buffer[..read]);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests;
