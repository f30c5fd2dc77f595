//! The fields of a message that the contract lists, and what they have to be for each kind of event.

use std::borrow::Cow;

use super::scanner::{Places, Text, Value, members};
use super::{Action, Button, Focus, Keystroke, Mouse};

const MAX_TS: i64 = 253_402_300_799_999_999;
const MAX_COORDINATE: f64 = 1e6;

/// The keys that the contract lists, and all others.
#[derive(Clone, Copy)]
enum Member {
    Type,
    Ts,
    DevMode,
    Key,
    Event,
    X,
    Y,
    Button,
    ScrollDelta,
    AppName,
    WindowClass,
    Other,
}

impl Member {
    fn of(name: &[u8]) -> Member {
        match name {
            b"type" => Member::Type,
            b"ts" => Member::Ts,
            b"dev_mode" => Member::DevMode,
            b"key" => Member::Key,
            b"event" => Member::Event,
            b"x" => Member::X,
            b"y" => Member::Y,
            b"button" => Member::Button,
            b"scroll_delta" => Member::ScrollDelta,
            b"app_name" => Member::AppName,
            b"window_class" => Member::WindowClass,
            _ => Member::Other,
        }
    }
}

/// Short keys as producers write them: compared at once.
const FAST: [(&[u8], Member); 6] = [
    (br#""type":"#, Member::Type),
    (br#""ts":"#, Member::Ts),
    (br#""event":"#, Member::Event),
    (br#""x":"#, Member::X),
    (br#""y":"#, Member::Y),
    (br#""key":"#, Member::Key),
];

/// The values of a message's keys; of a key given twice the last one stands.
#[derive(Default)]
pub struct Fields<'a>([Value<'a>; Member::Other as usize + 1]);

impl<'a> Places<'a> for Fields<'a> {
    fn place(&mut self, key: Text<'a>) -> &mut Value<'a> {
        let mut known = Member::of(key.written());
        if matches!(known, Member::Other) && key.is_escaped() {
            known = Member::of(&key.decoded());
        }
        &mut self.0[known as usize]
    }

    fn fast_place<'t>(&mut self, text: &'t [u8]) -> Option<(&mut Value<'a>, &'t [u8])> {
        let (member, rest) =
            FAST.iter().find_map(|(key, member)| Some((*member, text.strip_prefix(*key)?)))?;
        Some((&mut self.0[member as usize], rest))
    }
}

impl<'a> Fields<'a> {
    /// Reads a message that is strict JSON.
    pub fn read(&mut self, message: &'a [u8]) -> Option<()> {
        members(message, self)
    }

    fn value(&self, member: Member) -> Value<'a> {
        self.0[member as usize]
    }

    /// The event's type, which is any text.
    pub fn kind(&self) -> Option<Cow<'a, [u8]>> {
        if let Value::Text(kind) = self.value(Member::Type) { Some(kind.decoded()) } else { None }
    }

    /// A checked keystroke.
    pub fn keystroke(&self) -> Option<Keystroke<'a>> {
        Some(Keystroke {
            ts: self.ts()?,
            dev_mode: self.dev_mode()?,
            key: self.value(Member::Key).name(64)?,
            press: match self.value(Member::Event).text(7)?.as_ref() {
                b"press" => true,
                b"release" => false,
                _ => return None,
            },
        })
    }

    /// A checked mouse event.
    pub fn mouse(&self) -> Option<Mouse> {
        let action = match self.value(Member::Event).text(7)?.as_ref() {
            b"move" => Action::Move(self.value(Member::X).coordinate()?, self.value(Member::Y).coordinate()?),
            b"press" => Action::Press(self.button()?),
            b"release" => Action::Release(self.button()?),
            b"scroll" => Action::Scroll(match self.value(Member::ScrollDelta) {
                Value::Null => None,
                delta => Some(delta.coordinate()?),
            }),
            _ => return None,
        };
        Some(Mouse { ts: self.ts()?, dev_mode: self.dev_mode()?, action })
    }

    /// A checked focus.
    pub fn app(&self) -> Option<Focus> {
        let event_is_focus = match self.value(Member::Event) {
            Value::Null => true,
            event => *event.text(5)? == *b"focus",
        };
        let class_is_text = matches!(self.value(Member::WindowClass), Value::Null | Value::Text(_));
        if !(event_is_focus && class_is_text) {
            return None;
        }
        Some(Focus {
            ts: self.ts()?,
            dev_mode: self.dev_mode()?,
            app: self.value(Member::AppName).name(256)?.into_owned(),
        })
    }

    fn ts(&self) -> Option<i64> {
        match self.value(Member::Ts) {
            Value::Integer(ts) if (1..=MAX_TS).contains(&ts) => Some(ts),
            _ => None,
        }
    }

    fn dev_mode(&self) -> Option<bool> {
        match self.value(Member::DevMode) {
            Value::Null => Some(false),
            Value::Bool(dev_mode) => Some(dev_mode),
            _ => None,
        }
    }

    fn button(&self) -> Option<Button> {
        Some(match self.value(Member::Button).name(64)?.as_bytes() {
            b"Left" => Button::Left,
            b"Right" => Button::Right,
            b"Middle" => Button::Middle,
            _ => Button::Other,
        })
    }
}

impl<'a> Value<'a> {
    /// A text of at most so many bytes.
    fn text(self, longest: usize) -> Option<Cow<'a, [u8]>> {
        let Value::Text(text) = self else { return None };
        Some(text.decoded()).filter(|text| text.len() <= longest)
    }

    /// A text of 1 to `longest` code points, which are at most four bytes each.
    fn name(self, longest: usize) -> Option<Cow<'a, str>> {
        let name = match self.text(4 * longest)? {
            Cow::Borrowed(text) => Cow::Borrowed(std::str::from_utf8(text).ok()?),
            Cow::Owned(text) => Cow::Owned(String::from_utf8(text).ok()?),
        };
        Some(name).filter(|name| !name.is_empty() && is_within(name, longest))
    }

    /// A number up to ±1e6.
    fn coordinate(self) -> Option<f64> {
        let number = match self {
            Value::Integer(number) => number as f64,
            Value::Float(number) => number,
            _ => return None,
        };
        (number.abs() <= MAX_COORDINATE).then_some(number)
    }
}

/// Whether a text has at most so many code points, which are not more than its bytes.
fn is_within(text: &str, longest: usize) -> bool {
    text.len() <= longest || text.chars().take(longest + 1).count() <= longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_says_the_same_however_it_is_written() {
        for name in ["type", "ts", "dev_mode", "key", "event", "x", "y", "button", "app_name"] {
            let escaped = format!("\\u{:04x}{}", name.as_bytes()[0], &name[1..]);
            for written in [format!("\"{name}\":"), format!(" \"{name}\" :"), format!("\"{escaped}\":")] {
                let message = format!("{{{written}7}}");
                let mut fields = Fields::default();
                assert_eq!(fields.read(message.as_bytes()), Some(()), "{message}");
                assert_eq!(fields.value(Member::of(name.as_bytes())), Value::Integer(7), "{message}");
            }
        }
        let mut fields = Fields::default();
        assert_eq!(fields.read(br#"{"t":1,"tsx":2,"xy":3,"":4,"ty":5}"#), Some(()));
        assert!(fields.0[..Member::Other as usize].iter().all(|value| *value == Value::Null));
    }
}
