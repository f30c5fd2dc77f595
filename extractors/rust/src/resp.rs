//! The Redis protocol: RESP3 replies, borrowed from the bytes that were read, and commands.
//!
//! A reply is a run of [`Token`]s. [`Scan`] finds its end while it comes in pieces; [`parse`] makes a tree of it, and who
//! reads many of the same shape takes the tokens one by one. Nothing is copied.

mod entry;
mod scan;

pub use self::entry::Entry;
use self::entry::fast_entry;
pub use self::scan::Scan;

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
    /// What arrives without a request: messages of a channel.
    Push(Vec<Frame<'a>>),
}

/// A piece of a reply: a value, or the head of a list and how many frames follow as its elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token<'a> {
    /// As [`Frame::Simple`].
    Simple(&'a str),
    /// As [`Frame::Error`].
    Error(&'a str),
    /// As [`Frame::Integer`].
    Integer(i64),
    /// As [`Frame::Bulk`].
    Bulk(&'a [u8]),
    /// As [`Frame::Null`].
    Null,
    /// As [`Frame::Array`].
    Array(usize),
    /// As [`Frame::Map`].
    Map(usize),
    /// As [`Frame::Push`].
    Push(usize),
    /// They describe the frame that follows; they are skipped.
    Attributes(usize),
}

/// The bytes are no RESP: the connection is of no use any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("does not speak RESP")]
pub struct ProtocolError;

const DEEPEST: usize = 8;
const LONGEST: usize = 64 << 20;
const LONGEST_LINE: usize = 64 << 10;

/// Takes bytes apart.
#[derive(Clone, Copy, Debug)]
pub struct Tokens<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Tokens<'a> {
    /// Of bytes that begin with a reply.
    pub fn of(bytes: &'a [u8]) -> Tokens<'a> {
        Tokens { bytes, at: 0 }
    }

    /// The next token; none when it is not all there yet.
    ///
    /// # Errors
    /// When the bytes are no RESP.
    pub fn next_token(&mut self) -> Result<Option<Token<'a>>, ProtocolError> {
        let rest = &self.bytes[self.at..];
        let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
            return if rest.len() > LONGEST_LINE { Err(ProtocolError) } else { Ok(None) };
        };
        let (line, rest) = rest.split_at(end + 1);
        let [kind, line @ .., b'\r', b'\n'] = line else { return Err(ProtocolError) };
        let mut taken = end + 1;
        let token = match kind {
            b'$' | b'=' | b'!' if line != b"-1" => {
                let length = length(line)?;
                let Some((bytes, b"\r\n")) = rest.get(..length + 2).map(|bytes| bytes.split_at(length))
                else {
                    return if rest.len() < length + 2 { Ok(None) } else { Err(ProtocolError) };
                };
                taken += length + 2;
                if *kind == b'!' { Token::Error(without_arguments(text(bytes)?)) } else { Token::Bulk(bytes) }
            }
            b'*' if line != b"-1" => Token::Array(length(line)?),
            b'$' | b'=' | b'*' | b'_' => Token::Null,
            b'~' => Token::Array(length(line)?),
            b'%' => Token::Map(length(line)? * 2),
            b'>' => Token::Push(length(line)?),
            b'|' => Token::Attributes(length(line)? * 2),
            b'+' | b',' | b'(' => Token::Simple(text(line)?),
            b'-' => Token::Error(without_arguments(text(line)?)),
            b':' => Token::Integer(text(line)?.parse().map_err(|_| ProtocolError)?),
            b'#' => Token::Integer(i64::from(line == b"t")),
            _ => return Err(ProtocolError),
        };
        self.at += taken;
        Ok(Some(token))
    }

    /// The next token of a reply that is all there.
    ///
    /// # Errors
    /// When the reply ends before it.
    pub fn token(&mut self) -> Result<Token<'a>, ProtocolError> {
        self.next_token()?.ok_or(ProtocolError)
    }

    /// The next token, which is bytes.
    ///
    /// # Errors
    /// When it is something else.
    pub fn bulk(&mut self) -> Result<&'a [u8], ProtocolError> {
        if let Token::Bulk(bytes) = self.token()? { Ok(bytes) } else { Err(ProtocolError) }
    }

    /// The next token, which is the head of a list: how many frames it has.
    ///
    /// # Errors
    /// When it is something else.
    pub fn list(&mut self) -> Result<usize, ProtocolError> {
        if let Token::Array(length) = self.token()? { Ok(length) } else { Err(ProtocolError) }
    }

    /// The next reply, when it is a [plain entry](Entry) of a stream.
    pub fn fast_entry(&mut self) -> Option<Entry<'a>> {
        let (entry, taken) = fast_entry(&self.bytes[self.at..])?;
        self.at += taken;
        Some(entry)
    }

    /// How many bytes have been taken apart.
    pub fn taken(&self) -> usize {
        self.at
    }

    fn frame(&mut self, depth: usize) -> Result<Option<Frame<'a>>, ProtocolError> {
        let depth = depth.checked_sub(1).ok_or(ProtocolError)?;
        let Some(token) = self.next_token()? else { return Ok(None) };
        Ok(match token {
            Token::Simple(text) => Some(Frame::Simple(text)),
            Token::Error(text) => Some(Frame::Error(text)),
            Token::Integer(number) => Some(Frame::Integer(number)),
            Token::Bulk(bytes) => Some(Frame::Bulk(bytes)),
            Token::Null => Some(Frame::Null),
            Token::Array(length) => self.frames(length, depth)?.map(Frame::Array),
            Token::Map(length) => self.frames(length, depth)?.map(Frame::Map),
            Token::Push(length) => self.frames(length, depth)?.map(Frame::Push),
            Token::Attributes(length) => match self.frames(length, depth)? {
                Some(_) => self.frame(depth)?,
                None => None,
            },
        })
    }

    fn frames(&mut self, length: usize, depth: usize) -> Result<Option<Vec<Frame<'a>>>, ProtocolError> {
        let mut frames = Vec::with_capacity(length.min(16));
        for _ in 0..length {
            match self.frame(depth)? {
                Some(frame) => frames.push(frame),
                None => return Ok(None),
            }
        }
        Ok(Some(frames))
    }
}

/// A frame and how many bytes it takes; none when it is not all there yet.
///
/// # Errors
/// When the bytes are no RESP.
pub fn parse(bytes: &[u8]) -> Result<Option<(Frame<'_>, usize)>, ProtocolError> {
    let mut tokens = Tokens::of(bytes);
    Ok(tokens.frame(DEEPEST)?.map(|frame| (frame, tokens.at)))
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

/// Of a command that it does not know, Redis repeats the arguments: they may be secrets.
fn without_arguments(error: &str) -> &str {
    error.split_once(", with args").map_or(error, |(error, _)| error)
}

/// The type, the number and the length of a line that holds a number of one to four digits, if such a line is all there.
fn short_head(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    let (kind, line) = bytes.split_first()?;
    let mut number = 0;
    for (digits, byte) in line.iter().take(5).enumerate() {
        match byte {
            b'0'..=b'9' => number = 10 * number + usize::from(byte - b'0'),
            b'\r' if digits > 0 && line.get(digits + 1) == Some(&b'\n') => {
                return Some((*kind, number, digits + 3));
            }
            _ => return None,
        }
    }
    None
}

fn text(bytes: &[u8]) -> Result<&str, ProtocolError> {
    std::str::from_utf8(bytes).map_err(|_| ProtocolError)
}

fn length(digits: &[u8]) -> Result<usize, ProtocolError> {
    let mut length = 0;
    for digit in digits {
        if !digit.is_ascii_digit() || length > LONGEST {
            return Err(ProtocolError);
        }
        length = length * 10 + usize::from(digit - b'0');
    }
    if digits.is_empty() || length > LONGEST { Err(ProtocolError) } else { Ok(length) }
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
mod tests;
