//! Strict JSON (RFC 8259), flat: one object of strings, numbers, booleans and nulls, read in one pass and without a
//! copy: a string that holds an escape is checked now and decoded when it is used.
//!
//! It does what serde_json does with a visitor that refuses containers, in a fraction of the time: it is what an event
//! costs. Strings and digits are looked at eight bytes at a time. The tests hold it to serde_json's verdicts and values.

mod escapes;

use std::borrow::Cow;

/// A JSON value that is no container. `null` and an absent key are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
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
    /// A string.
    Text(Text<'a>),
}

/// A string as it is written, without its quotes: UTF-8, every escape valid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Text<'a>(&'a [u8]);

impl<'a> Text<'a> {
    /// As it is written.
    pub fn written(self) -> &'a [u8] {
        self.0
    }

    /// Whether its text differs from what is written.
    pub fn is_escaped(self) -> bool {
        self.0.contains(&b'\\')
    }

    /// Its text; borrowed unless it holds an escape.
    pub fn decoded(self) -> Cow<'a, [u8]> {
        if self.is_escaped() { Cow::Owned(escapes::unescaped(self.0)) } else { Cow::Borrowed(self.0) }
    }
}

/// Where values go.
///
/// A value is written to its place at once, in two words: passed on by value it would be read back as one wide word,
/// for which the processor waits until both have left its buffers. That was half of what an event cost.
pub trait Places<'a> {
    /// Where the value of this key goes.
    fn place(&mut self, key: Text<'a>) -> &mut Value<'a>;

    /// The same of a key that a text begins with, on the fast path: in quotes, and a colon behind it. And what is behind
    /// that.
    fn fast_place<'t>(&mut self, text: &'t [u8]) -> Option<(&mut Value<'a>, &'t [u8])>;
}

/// Puts every member of the object that `message` is into its place. None when it is anything else, or breaks a rule
/// anywhere.
pub fn members<'a>(message: &'a [u8], places: &mut impl Places<'a>) -> Option<()> {
    let mut scanner = Scanner::of(message);
    scanner.expect(b'{')?;
    if !scanner.found(b'}') {
        loop {
            let place = if let Some((place, rest)) = places.fast_place(scanner.rest) {
                scanner.rest = rest;
                place
            } else {
                let key = scanner.string()?;
                scanner.expect(b':')?;
                places.place(key)
            };
            scanner.value(place)?;
            if scanner.found(b'}') {
                break;
            }
            scanner.expect(b',')?;
        }
    }
    scanner.blanks();
    // Outside of strings nothing but ASCII got so far.
    let is_text = scanner.seen & each(0x80) == 0 || std::str::from_utf8(message).is_ok();
    (is_text && scanner.rest.is_empty()).then_some(())
}

/// So many digits always fit an i64.
const SURE_DIGITS: usize = 18;
/// So many digits always fit a float64's 53 bits, and these powers of ten are floats: one division rounds correctly.
const EXACT_DIGITS: usize = 15;
const POWERS_OF_TEN: [f64; EXACT_DIGITS + 1] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];
/// Of as many digits as are read together.
const WHOLE_POWERS_OF_TEN: [i64; 9] =
    [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

struct Scanner<'a> {
    /// What is still to be read.
    rest: &'a [u8],
    /// All words of strings, one over the other: whether a highest bit is set among them.
    seen: u64,
}

impl<'a> Scanner<'a> {
    fn of(text: &'a [u8]) -> Scanner<'a> {
        Scanner { rest: text, seen: 0 }
    }

    fn next(&mut self) -> Option<u8> {
        let (byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*byte)
    }

    /// Passes over the byte if it is next.
    fn took(&mut self, byte: u8) -> bool {
        let took = self.rest.first() == Some(&byte);
        if took {
            self.rest = &self.rest[1..];
        }
        took
    }

    fn blanks(&mut self) {
        while let [b' ' | b'\t' | b'\n' | b'\r', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    /// Passes over blanks, and over the byte if it is next.
    fn found(&mut self, byte: u8) -> bool {
        self.took(byte) || {
            self.blanks();
            self.took(byte)
        }
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        self.found(byte).then_some(())
    }

    fn value(&mut self, place: &mut Value<'a>) -> Option<()> {
        self.blanks();
        match self.rest.first()? {
            b'"' => *place = Value::Text(self.string()?),
            b'-' | b'0'..=b'9' => return self.number(place),
            b't' => *place = self.literal(b"true", Value::Bool(true))?,
            b'f' => *place = self.literal(b"false", Value::Bool(false))?,
            b'n' => *place = self.literal(b"null", Value::Null)?,
            _ => return None,
        }
        Some(())
    }

    fn literal(&mut self, name: &[u8], value: Value<'a>) -> Option<Value<'a>> {
        self.rest = self.rest.strip_prefix(name)?;
        Some(value)
    }

    fn number(&mut self, place: &mut Value<'a>) -> Option<()> {
        let all = self.rest;
        let is_negative = self.took(b'-');
        let begins_with_0 = self.rest.first() == Some(&b'0');
        let (digits, magnitude) = self.digits(0)?;
        if begins_with_0 && digits > 1 {
            return None;
        }
        let (mut decimals, mut scaled) = (0, magnitude);
        if self.took(b'.') {
            (decimals, scaled) = self.digits(magnitude)?;
        }
        if let [b'e' | b'E', rest @ ..] = self.rest {
            self.rest = rest;
            let _ = self.took(b'+') || self.took(b'-');
            self.digits(0)?;
        } else if decimals == 0 && digits <= SURE_DIGITS && !(is_negative && magnitude == 0) {
            *place = Value::Integer(if is_negative { -magnitude } else { magnitude });
            return Some(());
        } else if digits + decimals <= EXACT_DIGITS {
            let number = scaled as f64 / POWERS_OF_TEN[decimals];
            *place = Value::Float(if is_negative { -number } else { number });
            return Some(());
        }
        *place = slow_number(&all[..all.len() - self.rest.len()])?;
        Some(())
    }

    /// How many digits stand here, one at least, and their number behind those of `before`, if all of them are
    /// not more than [`SURE_DIGITS`].
    fn digits(&mut self, before: i64) -> Option<(usize, i64)> {
        let (all, mut magnitude) = (self.rest.len(), before);
        while let Some(eight) = self.rest.first_chunk() {
            let (digits, number) = leading_digits(*eight);
            magnitude = magnitude.wrapping_mul(WHOLE_POWERS_OF_TEN[digits]).wrapping_add(number);
            self.rest = &self.rest[digits..];
            if digits < 8 {
                break;
            }
        }
        while let [digit @ b'0'..=b'9', rest @ ..] = self.rest {
            magnitude = magnitude.wrapping_mul(10).wrapping_add(i64::from(digit - b'0'));
            self.rest = rest;
        }
        let digits = all - self.rest.len();
        (digits > 0).then_some((digits, magnitude))
    }

    fn string(&mut self) -> Option<Text<'a>> {
        self.expect(b'"')?;
        let (raw, rest) = self.rest.split_at(self.plain_length()?);
        if let [b'"', rest @ ..] = rest {
            self.rest = rest;
            return Some(Text(raw));
        }
        self.slow_string(raw.len())
    }

    /// How many bytes stand before the next quote, backslash or control character; none when there is no such byte.
    /// Eight are looked at together: the highest bit of a byte in `ends` tells that it is one of them, and the lowest
    /// such bit is right whatever a borrow did to those above it.
    fn plain_length(&mut self) -> Option<usize> {
        let mut rest = self.rest;
        while let Some((word, behind)) = rest.split_first_chunk() {
            let word = u64::from_le_bytes(*word);
            self.seen |= word;
            let (quotes, backslashes) = (word ^ each(b'"'), word ^ each(b'\\'));
            let ends = quotes.wrapping_sub(each(1)) & !quotes
                | backslashes.wrapping_sub(each(1)) & !backslashes
                | word.wrapping_sub(each(b' ')) & !word;
            let ends = ends & each(0x80);
            if ends != 0 {
                return Some(self.rest.len() - rest.len() + ends.trailing_zeros() as usize / 8);
            }
            rest = behind;
        }
        let at = rest.iter().position(|byte| {
            self.seen |= u64::from(*byte);
            matches!(byte, b'"' | b'\\' | ..b' ')
        })?;
        Some(self.rest.len() - rest.len() + at)
    }
}

/// A number that is too long or too large to be read at one go.
#[cold]
fn slow_number<'a>(text: &[u8]) -> Option<Value<'a>> {
    let text = std::str::from_utf8(text).ok()?;
    match text.parse() {
        Ok(number) if number != 0 => Some(Value::Integer(number)),
        _ => text.parse().ok().filter(|number: &f64| number.is_finite()).map(Value::Float),
    }
}

/// `byte` eight times.
const fn each(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// How many digits eight bytes begin with, and their number. Neighbours are joined three times: digits to
/// pairs, pairs to fours, fours to the whole.
fn leading_digits(text: [u8; 8]) -> (usize, i64) {
    let values = u64::from_le_bytes(text) ^ each(b'0');
    // The highest bit of a byte tells that it is more than 9.
    let others = (((values & each(0x7f)) + each(0x80 - 10)) | values) & each(0x80);
    let digits = others.trailing_zeros() as usize / 8;
    // What is no digit falls off at the end, and zeros come in front; there is no shift by 64.
    let padded = if digits == 0 { 0 } else { values << (64 - 8 * digits) };
    let pairs = (padded * 10 + (padded >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs * 100 + (pairs >> 16)) & 0x0000_ffff_0000_ffff;
    (digits, ((fours * 10_000 + (fours >> 32)) & 0xffff_ffff).cast_signed())
}

#[cfg(test)]
mod tests;
