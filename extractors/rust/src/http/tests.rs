//! A server that is no InfluxDB: it sends the bytes of a script.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::*;
use crate::config::address::parse_influx_url;
use crate::net::words;

const PATIENCE: Duration = Duration::from_secs(20);

/// What a connection is answered; each element is one request's.
#[derive(Clone)]
enum Reply {
    Bytes(Vec<u8>),
    /// The bytes, and then the end.
    Close(Vec<u8>),
    /// The bytes, and then silence.
    Silence(Vec<u8>),
    /// The bytes as soon as the head is there, and the end, whatever is still to come.
    Refuse(Vec<u8>),
}

struct Server {
    client: Client,
    heads: mpsc::Receiver<String>,
}

impl Server {
    /// Each list of replies is one connection's.
    fn start(connections: Vec<Vec<Reply>>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (heard, heads) = mpsc::channel();
        thread::spawn(move || {
            for replies in connections {
                let (mut stream, _) = listener.accept().unwrap();
                replies.into_iter().for_each(|reply| serve(&mut stream, reply, &heard));
            }
        });
        Server { client: Client::new(parse_influx_url(&url, None).unwrap()), heads }
    }

    fn post(&mut self, deadline: Duration) -> io::Result<Response> {
        self.client.post("/write", &[("X", "y")], b"body", Instant::now() + deadline)
    }
}

fn serve(stream: &mut TcpStream, reply: Reply, heard: &mpsc::Sender<String>) {
    let mut request = Vec::new();
    let refuses = matches!(reply, Reply::Refuse(_));
    let is_enough = |request: &[u8]| request.ends_with(b"\r\n\r\nbody") || (refuses && request.len() > 100);
    while !is_enough(&request) {
        let mut buffer = [0; 1000];
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return,
            Ok(read) => request.extend_from_slice(&buffer[..read]),
        }
    }
    heard.send(String::from_utf8_lossy(&request).into_owned()).unwrap();
    let (bytes, silent) = match reply {
        Reply::Bytes(bytes) => return stream.write_all(&bytes).unwrap(),
        Reply::Close(bytes) => (bytes, false),
        Reply::Silence(bytes) => (bytes, true),
        // What it has not read makes the close a reset.
        Reply::Refuse(bytes) => return stream.write_all(&bytes).unwrap(),
    };
    // Who has read enough of an endless answer closes.
    let _ = stream.write_all(&bytes);
    if silent {
        thread::sleep(PATIENCE * 2);
    }
    let _ = stream.shutdown(std::net::Shutdown::Both);
}

fn bytes(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

fn answered(reply: Reply) -> io::Result<Response> {
    Server::start(vec![vec![reply]]).post(PATIENCE)
}

#[track_caller]
fn no_http_for(reply: Reply) {
    let error = answered(reply).unwrap_err();
    assert_eq!(error.to_string(), "does not speak HTTP");
}

#[test]
fn a_request_has_length_host_and_headers() {
    let mut server = Server::start(vec![vec![Reply::Bytes(bytes("HTTP/1.1 204 No Content\r\n\r\n"))]]);
    assert_eq!(server.post(PATIENCE).unwrap(), Response { status: 204, ..Response::default() });
    let head = server.heads.recv().unwrap();
    assert!(head.starts_with("POST /write HTTP/1.1\r\nHost: 127.0.0.1:"), "{head}");
    assert!(head.contains("\r\nX: y\r\nContent-Length: 4\r\n\r\nbody"), "{head}");
}

#[test]
fn every_status_comes_with_its_body_and_what_it_asks_for() {
    for status in [400, 401, 403, 404, 413, 422, 429, 503] {
        let text = format!("HTTP/1.1 {status} X\r\nRetry-After: 7\r\nContent-Length: 3\r\n\r\n{{}}\n");
        let expected = Response { status, retry_after: Some(7), json: false, body: "{}\n".into() };
        assert_eq!(answered(Reply::Bytes(bytes(&text))).unwrap(), expected);
    }
}

#[test]
fn a_date_to_retry_after_lies_behind_or_ahead() {
    let text = |date| bytes(&format!("HTTP/1.1 503 X\r\nretry-after: {date}\r\nContent-Length: 0\r\n\r\n"));
    let retry_after = |date| answered(Reply::Bytes(text(date))).unwrap().retry_after;
    assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:37 GMT"), Some(0));
    assert!(retry_after("Sat, 06 Nov 2094 08:49:37 GMT").is_some_and(|seconds| seconds > 1_000_000_000));
    assert_eq!(retry_after("later"), None);
}

#[test]
fn a_connection_is_kept_and_a_closed_one_is_opened_anew_once() {
    let good = bytes("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let mut server = Server::start(vec![
        vec![Reply::Bytes(good.clone()), Reply::Close(good.clone())],
        vec![Reply::Bytes(good.clone()), Reply::Close(bytes(""))],
        vec![Reply::Close(bytes(""))],
    ]);
    for _ in 0..3 {
        assert_eq!(server.post(PATIENCE).unwrap().status, 200);
    }
    // The kept connection closes without an answer, and so does the new one: that is an error.
    let error = server.post(PATIENCE).unwrap_err();
    assert_eq!(words(&error), "closed the connection");
    assert_eq!(server.heads.iter().count(), 5);
}

#[test]
fn a_server_that_accepts_and_is_silent_is_given_up_at_the_deadline() {
    for text in ["", "HTTP/1.1 204 No Content\r\nX: y\r\n"] {
        let mut server = Server::start(vec![vec![Reply::Silence(bytes(text))]]);
        let error = server.post(Duration::from_millis(300)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
    }
}

#[test]
fn a_head_that_breaks_off_is_no_answer() {
    for text in ["", "HTTP/1.1", "HTTP/1.1 204 No Content\r\n", "HTTP/1.1 204 No Content\r\nX: y\r\n"] {
        let error = answered(Reply::Close(bytes(text))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "{text}");
    }
}

#[test]
fn a_body_that_breaks_off_or_is_none_leaves_the_status() {
    for text in [
        "HTTP/1.1 400 X\r\nContent-Length: 100\r\n\r\nhalf",
        "HTTP/1.1 400 X\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nhalf",
        "HTTP/1.1 400 X\r\nTransfer-Encoding: chunked\r\n\r\nno length\r\n",
        "HTTP/1.1 400 X\r\n\r\nto the end",
    ] {
        assert_eq!(answered(Reply::Close(bytes(text))).unwrap().status, 400, "{text}");
    }
    // Also when it just does not come: the connection is not used again.
    let half = Reply::Silence(bytes("HTTP/1.1 400 X\r\nContent-Length: 100\r\n\r\nhalf"));
    let mut server = Server::start(vec![vec![half]]);
    assert_eq!(server.post(Duration::from_millis(300)).unwrap().status, 400);
    assert!(server.client.connection.is_none());
}

#[test]
fn chunks_are_put_together() {
    let text = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 400 X\r\ntransfer-encoding: Chunked\r\n\r\n\
                3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: x\r\n\r\n";
    assert_eq!(answered(Reply::Bytes(bytes(text))).unwrap().body, "abcde");
}

#[test]
fn what_is_no_http_is_reported() {
    for text in [
        "-ERR unknown command\r\n",
        "\x16\x03\x01\r\n",
        "HTTP/1.1 20 X\r\n\r\n",
        "HTTP/1.1 +20 X\r\n\r\n",
        "HTTP/1.1 65000 X\r\n\r\n",
        "HTTP/1.1 099 X\r\n\r\n",
        "HTTP/2 200\r\n\r\n",
        "HTTP/1.1 204 X\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 X\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 X\r\nContent-Length: 99999999999999999999999\r\n\r\n",
    ] {
        no_http_for(Reply::Close(bytes(text)));
    }
}

#[test]
fn of_an_endless_answer_a_bounded_part_is_read() {
    let endless = vec![b'x'; 8 << 20];
    no_http_for(Reply::Close(endless.clone()));
    no_http_for(Reply::Close([bytes("HTTP/1.1 204 X\r\nX: "), endless.clone()].concat()));
    for head in [
        "HTTP/1.1 400 X\r\n\r\n",
        "HTTP/1.1 400 X\r\nContent-Length: 8388608\r\n\r\n",
        "HTTP/1.1 400 X\r\nTransfer-Encoding: chunked\r\n\r\n800000\r\n",
    ] {
        let mut server = Server::start(vec![vec![Reply::Close([bytes(head), endless.clone()].concat())]]);
        let answer = server.post(PATIENCE).unwrap();
        assert_eq!(answer.status, 400);
        assert!(answer.body.len() <= LONGEST_BODY + 4096, "{}", answer.body.len());
        assert!(server.client.connection.is_none());
    }
}

#[test]
fn a_refusal_that_comes_before_all_was_sent_is_heard() {
    let refusal = bytes("HTTP/1.1 413 X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    let mut server = Server::start(vec![vec![Reply::Refuse(refusal)]]);
    let large = vec![b'x'; 4 << 20];
    let answer = server.client.post("/write", &[], &large, Instant::now() + PATIENCE);
    assert_eq!(answer.unwrap().status, 413);
}
