//! Plays InfluxDB: answers as prepared, and remembers what it was sent.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;

/// A write as it came.
#[derive(Clone, Debug)]
pub struct Request {
    pub at: Instant,
    pub head: String,
    pub lines: Vec<String>,
    pub status: u16,
}

/// What to answer.
pub enum Answer {
    Status(u16),
    /// With more headers and a body.
    Full(u16, &'static str, &'static str),
    /// Never.
    Silence,
}

type Decide = dyn Fn(usize, &[String]) -> Answer + Send + Sync;

#[derive(Clone)]
pub struct Stub {
    pub url: String,
    writes: Arc<Mutex<Vec<Request>>>,
}

impl Stub {
    /// Answers a write by its number, counted from 0, and its lines.
    pub fn start(decide: impl Fn(usize, &[String]) -> Answer + Send + Sync + 'static) -> Stub {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let stub = Stub { url, writes: Arc::default() };
        let (writes, decide): (_, Arc<Decide>) = (Arc::clone(&stub.writes), Arc::new(decide));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, writes, decide) = (stream.unwrap(), Arc::clone(&writes), Arc::clone(&decide));
                thread::spawn(move || converse(stream, &writes, decide.as_ref()));
            }
        });
        stub
    }

    /// Takes everything.
    pub fn good() -> Stub {
        Stub::start(|_, _| Answer::Status(204))
    }

    pub fn writes(&self) -> Vec<Request> {
        self.writes.lock().unwrap().clone()
    }

    /// The lines that were stored, in order.
    pub fn stored(&self) -> Vec<String> {
        self.writes().into_iter().filter(|write| write.status == 204).flat_map(|write| write.lines).collect()
    }
}

/// Reads one request, head and body.
pub fn read_request(reader: &mut impl BufRead) -> Option<(String, Vec<u8>)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "))?.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    if head.contains("Content-Encoding: gzip") {
        let mut plain = Vec::new();
        GzDecoder::new(body.as_slice()).read_to_end(&mut plain).ok()?;
        body = plain;
    }
    Some((head, body))
}

fn converse(stream: TcpStream, writes: &Mutex<Vec<Request>>, decide: &Decide) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    while let Some((head, body)) = read_request(&mut reader) {
        let lines: Vec<String> = String::from_utf8_lossy(&body).lines().map(str::to_owned).collect();
        let mut writes = writes.lock().unwrap();
        let (status, headers, body) = match decide(writes.len(), &lines) {
            Answer::Status(status) => (status, "", ""),
            Answer::Full(status, headers, body) => (status, headers, body),
            Answer::Silence => (0, "", ""),
        };
        writes.push(Request { at: Instant::now(), head, lines, status });
        drop(writes);
        if status == 0 {
            thread::sleep(Duration::from_secs(60));
            return;
        }
        let length = body.len();
        let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n{headers}\r\n{body}");
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}
