//! The Redis protocol: RESP3 replies, borrowed from the bytes that were read, and commands.
//!
//! [`parse`] looks at the bytes from their start each time: a reply that is not all there yet costs a second look, and
//! nothing is copied out of one that is.

/// One reply.
#[derive(Clone, Debug, PartialEq)]
pub enum Frame<'a> {
    /// `OK`, `QUEUED`, `PONG`…
    Simple(&'a str),
    /// An error, its code first: `NOPERM …`.
    Error(&'a str),
    /// A whole number; a boolean is 1 or 0.
    Integer(i64),
    /// Bytes.
    Bulk(&'a [u8]),
    /// Nothing.
    Null,
    /// A list or a set.
    Array(Vec<Frame<'a>>),
    /// Keys and values, one after the other.
    Map(Vec<Frame<'a>>),
    /// What comes without having been asked for: messages of a channel.
    Push(Vec<Frame<'a>>),
}

/// The bytes are no RESP: the connection is of no use any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the server does not speak the Redis protocol")]
pub struct ProtocolError;

const DEEPEST: usize = 8;
const LONGEST: usize = 64 << 20;

/// A frame and how many bytes it takes; none when it is not all there yet.
///
/// # Errors
/// When the bytes are no RESP.
pub fn parse(bytes: &[u8]) -> Result<Option<(Frame<'_>, usize)>, ProtocolError> {
    let mut cursor = Cursor { bytes, at: 0 };
    match cursor.frame(DEEPEST) {
        Ok(frame) => Ok(Some((frame, cursor.at))),
        Err(Stop::Incomplete) => Ok(None),
        Err(Stop::Nonsense) => Err(ProtocolError),
    }
}

/// Appends a command as an array of bulk strings.
pub fn write_command(out: &mut Vec<u8>, arguments: &[&[u8]]) {
    out.extend_from_slice(format!("*{}\r\n", arguments.len()).as_bytes());
    for argument in arguments {
        out.extend_from_slice(format!("${}\r\n", argument.len()).as_bytes());
        out.extend_from_slice(argument);
        out.extend_from_slice(b"\r\n");
    }
}

enum Stop {
    Incomplete,
    Nonsense,
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn frame(&mut self, depth: usize) -> Result<Frame<'a>, Stop> {
        let depth = depth.checked_sub(1).ok_or(Stop::Nonsense)?;
        let line = self.line()?;
        let (kind, rest) = line.split_at_checked(1).ok_or(Stop::Nonsense)?;
        Ok(match kind {
            "+" | "," | "(" => Frame::Simple(rest),
            "-" => Frame::Error(without_arguments(rest)),
            ":" => Frame::Integer(rest.parse().map_err(|_| Stop::Nonsense)?),
            "#" => Frame::Integer(i64::from(rest == "t")),
            "_" => Frame::Null,
            "$" | "=" => self.bulk(rest)?.map_or(Frame::Null, Frame::Bulk),
            "!" => {
                let text = self.bulk(rest)?.ok_or(Stop::Nonsense)?;
                Frame::Error(without_arguments(std::str::from_utf8(text).map_err(|_| Stop::Nonsense)?))
            }
            "*" if rest == "-1" => Frame::Null,
            "*" | "~" => Frame::Array(self.list(length(rest)?, depth)?),
            "%" => Frame::Map(self.list(length(rest)? * 2, depth)?),
            ">" => Frame::Push(self.list(length(rest)?, depth)?),
            "|" => {
                // Attributes say something about the frame that follows; nobody here wants to know.
                self.list(length(rest)? * 2, depth)?;
                self.frame(depth)?
            }
            _ => return Err(Stop::Nonsense),
        })
    }

    fn line(&mut self) -> Result<&'a str, Stop> {
        let rest = &self.bytes[self.at..];
        let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
            return Err(if rest.len() > 1 << 16 { Stop::Nonsense } else { Stop::Incomplete });
        };
        let line = rest[..end].strip_suffix(b"\r").ok_or(Stop::Nonsense)?;
        self.at += end + 1;
        std::str::from_utf8(line).map_err(|_| Stop::Nonsense)
    }

    fn bulk(&mut self, announced: &str) -> Result<Option<&'a [u8]>, Stop> {
        if announced == "-1" {
            return Ok(None);
        }
        let length = length(announced)?;
        let rest = &self.bytes[self.at..];
        let (text, rest) = rest.split_at_checked(length).ok_or(Stop::Incomplete)?;
        let ending = rest.get(..2).ok_or(Stop::Incomplete)?;
        if ending != b"\r\n" {
            return Err(Stop::Nonsense);
        }
        self.at += length + 2;
        Ok(Some(text))
    }

    fn list(&mut self, length: usize, depth: usize) -> Result<Vec<Frame<'a>>, Stop> {
        let mut frames = Vec::with_capacity(length.min(1024));
        for _ in 0..length {
            frames.push(self.frame(depth)?);
        }
        Ok(frames)
    }
}

/// Of a command that it does not know, Redis repeats the arguments: they may be secrets.
fn without_arguments(error: &str) -> &str {
    error.split_once(", with args").map_or(error, |(error, _)| error)
}

fn length(text: &str) -> Result<usize, Stop> {
    text.parse().ok().filter(|length| *length <= LONGEST).ok_or(Stop::Nonsense)
}

impl<'a> Frame<'a> {
    /// The text, if it is one.
    pub fn text(&self) -> Option<&'a str> {
        match self {
            Frame::Simple(text) => Some(text),
            Frame::Bulk(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    /// The bytes, if it has any.
    pub fn bytes(&self) -> Option<&'a [u8]> {
        match self {
            Frame::Bulk(bytes) => Some(bytes),
            Frame::Simple(text) => Some(text.as_bytes()),
            _ => None,
        }
    }

    /// The elements of a list or map.
    pub fn items(&self) -> &[Frame<'a>] {
        match self {
            Frame::Array(items) | Frame::Map(items) | Frame::Push(items) => items,
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn whole(bytes: &[u8]) -> Frame<'_> {
        let (frame, length) = parse(bytes).unwrap().unwrap();
        assert_eq!(length, bytes.len());
        frame
    }

    #[test]
    fn every_type_is_known() {
        assert_eq!(whole(b"+OK\r\n"), Frame::Simple("OK"));
        assert_eq!(whole(b"-NOPERM no\r\n"), Frame::Error("NOPERM no"));
        assert_eq!(whole(b"!6\r\nOOM no\r\n"), Frame::Error("OOM no"));
        let unknown = b"-ERR unknown command 'HELLO', with args beginning with: '3' 'AUTH' 'u' 'sesame' \r\n";
        assert_eq!(whole(unknown), Frame::Error("ERR unknown command 'HELLO'"));
        assert_eq!(whole(b":-5\r\n"), Frame::Integer(-5));
        assert_eq!(whole(b"#t\r\n"), Frame::Integer(1));
        assert_eq!(whole(b",1.5\r\n"), Frame::Simple("1.5"));
        assert_eq!(whole(b"$4\r\na\r\nb\r\n"), Frame::Bulk(b"a\r\nb"));
        assert_eq!(whole(b"=5\r\ntxt:a\r\n"), Frame::Bulk(b"txt:a"));
        for null in [&b"_\r\n"[..], b"$-1\r\n", b"*-1\r\n"] {
            assert_eq!(whole(null), Frame::Null);
        }
        assert_eq!(whole(b"*2\r\n:1\r\n~0\r\n"), Frame::Array(vec![Frame::Integer(1), Frame::Array(vec![])]));
        assert_eq!(whole(b"%1\r\n$1\r\na\r\n:1\r\n"), Frame::Map(vec![Frame::Bulk(b"a"), Frame::Integer(1)]));
        assert_eq!(whole(b">1\r\n+x\r\n"), Frame::Push(vec![Frame::Simple("x")]));
        assert_eq!(whole(b"|1\r\n+ttl\r\n:3\r\n+OK\r\n"), Frame::Simple("OK"));
    }

    #[test]
    fn nonsense_is_refused() {
        for bytes in
            [&b"HTTP/1.1 400 Bad Request\r\n"[..], b":x\r\n", b"$3\r\nabcd\r\n", b"+a\n", b"\r\n", b"*-2\r\n"]
        {
            assert_eq!(parse(bytes), Err(ProtocolError), "{bytes:?}");
        }
        assert_eq!(parse(&b"*1\r\n".repeat(9)), Err(ProtocolError));
        assert_eq!(parse(b"$99999999999\r\n"), Err(ProtocolError));
    }

    #[test]
    fn commands_are_arrays_of_bulks() {
        let mut out = Vec::new();
        write_command(&mut out, &[b"PUBLISH", b"a", b"\xff\r\n"]);
        assert_eq!(out, b"*3\r\n$7\r\nPUBLISH\r\n$1\r\na\r\n$3\r\n\xff\r\n\r\n");
    }

    fn any_frame() -> impl Strategy<Value = Vec<u8>> {
        let leaf = prop_oneof![
            "[ -~]{0,8}".prop_map(|text| format!("+{text}\r\n").into_bytes()),
            any::<i64>().prop_map(|number| format!(":{number}\r\n").into_bytes()),
            prop::collection::vec(any::<u8>(), 0..20)
                .prop_map(|bytes| { [format!("${}\r\n", bytes.len()).as_bytes(), &bytes, b"\r\n"].concat() }),
        ];
        leaf.prop_recursive(3, 20, 4, |inner| {
            prop::collection::vec(inner, 0..4)
                .prop_map(|items| [format!("*{}\r\n", items.len()).as_bytes(), &items.concat()].concat())
        })
    }

    proptest! {
        #[test]
        fn a_frame_in_pieces_is_waited_for(bytes in any_frame()) {
            for end in 0..bytes.len() {
                prop_assert_eq!(parse(&bytes[..end]), Ok(None));
            }
            prop_assert_eq!(parse(&bytes).unwrap().unwrap().1, bytes.len());
        }

        #[test]
        fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
        }
    }
}
