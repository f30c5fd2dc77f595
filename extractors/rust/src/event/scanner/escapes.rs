//! Strings that hold escapes: seldom, and so apart from the fast path.

use super::{Scanner, Text};

#[cold]
pub(super) fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut scanner = Scanner::of(text);
    let mut text = Vec::with_capacity(text.len());
    while let Some(byte) = scanner.next() {
        if byte != b'\\' {
            text.push(byte);
        } else if let Some(character) = scanner.escape() {
            text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
    text
}

impl<'a> Scanner<'a> {
    /// A string that may hold escapes; it begins with so many plain bytes.
    #[cold]
    pub(super) fn slow_string(&mut self, mut plain: usize) -> Option<Text<'a>> {
        let all = self.rest;
        loop {
            self.rest = &self.rest[plain..];
            match self.next()? {
                b'"' => break,
                b'\\' => self.escape()?,
                _ => return None,
            };
            plain = self.plain_length()?;
        }
        Some(Text(&all[..all.len() - self.rest.len() - 1]))
    }

    fn escape(&mut self) -> Option<char> {
        Some(match self.next()? {
            character @ (b'"' | b'\\' | b'/') => character.into(),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.code_point(),
            _ => return None,
        })
    }

    /// What stands behind `\u`: a code unit of UTF-16, or two that are a pair.
    fn code_point(&mut self) -> Option<char> {
        let first = self.code_unit()?;
        if !(0xd800..0xdc00).contains(&first) {
            return char::from_u32(first);
        }
        let (b'\\', b'u') = (self.next()?, self.next()?) else { return None };
        let second = self.code_unit()?.checked_sub(0xdc00).filter(|second| *second < 0x400)?;
        char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + second)
    }

    fn code_unit(&mut self) -> Option<u32> {
        let mut unit = 0;
        for _ in 0..4 {
            unit = unit * 16 + char::from(self.next()?).to_digit(16)?;
        }
        Some(unit)
    }
}
