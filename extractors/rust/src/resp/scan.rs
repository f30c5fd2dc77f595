//! How long a reply is, found while it comes in pieces.

use super::entry::fast_entry;
use super::{ProtocolError, Token, Tokens};

/// How far a reply has been looked at: one that comes in pieces is not looked at from its start each time.
#[derive(Clone, Copy, Debug)]
pub struct Scan {
    at: usize,
    /// How many frames are still to come.
    open: usize,
    /// How long the first list is, and where the last [plain entry](Entry) begins.
    list: usize,
    last_entry: usize,
}

impl Scan {
    /// Nothing has been looked at.
    pub fn new() -> Scan {
        Scan { at: 0, open: 1, list: 0, last_entry: 0 }
    }

    /// Of bytes that are a whole reply and end with the last element of its list: how long the list is, and the id of that
    /// element. It has to be a [plain entry](Entry) that came in one piece.
    pub fn last_entry<'a>(&self, bytes: &'a [u8]) -> Option<(usize, &'a [u8])> {
        let (last, length) = fast_entry(&bytes[self.last_entry..])?;
        (self.last_entry + length == self.at).then_some((self.list, last.id))
    }

    /// How many bytes the reply at their start takes; none when it is not all there yet. The next time the same bytes
    /// are given, and more behind them.
    ///
    /// # Errors
    /// When the bytes are no RESP.
    pub fn length(&mut self, bytes: &[u8]) -> Result<Option<usize>, ProtocolError> {
        let mut tokens = Tokens { bytes, at: self.at };
        while self.open > 0 {
            if tokens.fast_entry().is_some() {
                self.last_entry = self.at;
                self.at = tokens.at;
                self.open -= 1;
                continue;
            }
            let Some(token) = tokens.next_token()? else { return Ok(None) };
            self.at = tokens.at;
            self.open -= 1;
            if let (Token::Array(length), 0) = (token, self.list) {
                self.list = length;
            }
            self.open += match token {
                Token::Array(length) | Token::Map(length) | Token::Push(length) => length,
                Token::Attributes(length) => length + 1,
                _ => 0,
            };
        }
        Ok(Some(self.at))
    }
}

impl Default for Scan {
    fn default() -> Self {
        Scan::new()
    }
}
