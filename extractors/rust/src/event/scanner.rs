//! Strict JSON (RFC 8259), flat: one object of strings, numbers, booleans and nulls, read in one pass and without a
//! copy.
//!
//! It does what serde_json does with a visitor that refuses containers, in little more than half of the time: it is
//! what an event costs. The tests hold it to serde_json's verdicts and values.

use std::borrow::Cow;

/// A JSON value that is no container. `null` and an absent key are the same.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value<'a> {
    #[default]
    /// `null`, or no such key.
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number written without fraction and exponent that an i64 holds; `-0` is a float.
    Integer(i64),
    /// Any other number, within float64.
    Float(f64),
    /// A string, borrowed unless it holds an escape.
    Text(Cow<'a, str>),
}

/// Hands on every member of the object that `message` is. None when it is anything else, or breaks a rule anywhere.
pub fn members<'a>(message: &'a [u8], mut on_member: impl FnMut(&str, Value<'a>)) -> Option<()> {
    let mut scanner = Scanner { text: std::str::from_utf8(message).ok()?, at: 0 };
    scanner.expect(b'{')?;
    if !scanner.found(b'}') {
        loop {
            let key = scanner.string()?;
            scanner.expect(b':')?;
            on_member(&key, scanner.value()?);
            if scanner.found(b'}') {
                break;
            }
            scanner.expect(b',')?;
        }
    }
    scanner.blanks();
    (scanner.at == message.len()).then_some(())
}

/// Whether a byte ends a run of plain characters in a string.
const ENDS: [bool; 256] = {
    let mut ends = [false; 256];
    let mut byte = 0;
    while byte < 0x20 {
        ends[byte] = true;
        byte += 1;
    }
    ends[b'"' as usize] = true;
    ends[b'\\' as usize] = true;
    ends
};

/// So many digits always fit an i64.
const SURE_DIGITS: usize = 18;

struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn blanks(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// Passes over blanks, and over the byte if it is next.
    fn found(&mut self, byte: u8) -> bool {
        self.blanks();
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        self.found(byte).then_some(())
    }

    fn value(&mut self) -> Option<Value<'a>> {
        self.blanks();
        match self.peek()? {
            b'"' => self.string().map(Value::Text),
            b'-' | b'0'..=b'9' => self.number(),
            b't' => self.literal("true", Value::Bool(true)),
            b'f' => self.literal("false", Value::Bool(false)),
            b'n' => self.literal("null", Value::Null),
            _ => None,
        }
    }

    fn literal(&mut self, name: &str, value: Value<'a>) -> Option<Value<'a>> {
        let found = self.text.as_bytes()[self.at..].starts_with(name.as_bytes());
        self.at += name.len();
        found.then_some(value)
    }

    fn number(&mut self) -> Option<Value<'a>> {
        let start = self.at;
        let is_negative = self.peek() == Some(b'-');
        self.at += usize::from(is_negative);
        let begins_with_0 = self.peek() == Some(b'0');
        let (digits, magnitude) = self.digits()?;
        if begins_with_0 && digits > 1 {
            return None;
        }
        let mut is_integer = true;
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
            is_integer = false;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            self.digits()?;
            is_integer = false;
        }
        if is_integer && digits <= SURE_DIGITS && !(is_negative && magnitude == 0) {
            return Some(Value::Integer(if is_negative { -magnitude } else { magnitude }));
        }
        let text = &self.text[start..self.at];
        match text.parse() {
            Ok(number) if number != 0 => Some(Value::Integer(number)),
            _ => text.parse().ok().filter(|number: &f64| number.is_finite()).map(Value::Float),
        }
    }

    /// How many digits stand here, one at least, and what they say if they are not more than [`SURE_DIGITS`].
    fn digits(&mut self) -> Option<(usize, i64)> {
        let (start, mut magnitude) = (self.at, 0_i64);
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            magnitude = magnitude.wrapping_mul(10).wrapping_add(i64::from(digit - b'0'));
            self.at += 1;
        }
        (self.at > start).then_some((self.at - start, magnitude))
    }

    fn string(&mut self) -> Option<Cow<'a, str>> {
        self.expect(b'"')?;
        let (part, mut ending) = self.characters()?;
        if ending == b'"' {
            return Some(Cow::Borrowed(part));
        }
        let mut text = part.to_owned();
        while ending != b'"' {
            text.push(self.escape()?);
            let part;
            (part, ending) = self.characters()?;
            text.push_str(part);
        }
        Some(Cow::Owned(text))
    }

    /// The characters before the next quote or backslash, and which of the two it is.
    fn characters(&mut self) -> Option<(&'a str, u8)> {
        let rest = &self.text[self.at..];
        let length = rest.bytes().position(|byte| ENDS[usize::from(byte)])?;
        self.at += length + 1;
        match rest.as_bytes()[length] {
            ending @ (b'"' | b'\\') => Some((&rest[..length], ending)),
            _ => None,
        }
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

#[cfg(test)]
mod tests;
