//! One message: parsed and checked.
//!
//! [`parse`] is strict over the whole message (contract, section 1): what it calls malformed does not depend on who
//! reads it, so every extractor counts the same.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

use crate::schema::Kind;

/// The longest message, its line ending not counted.
pub const MAX_BYTES: usize = 4096;
const MAX_TS: i64 = 253_402_300_799_999_999;
const MAX_COORDINATE: f64 = 1e6;

/// A checked event. Times are µs since the Unix epoch.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A key went down or up.
    Keystroke(Keystroke),
    /// The mouse was moved, clicked or scrolled.
    Mouse(Mouse),
    /// An application has the focus now.
    App(Focus),
}

impl Event {
    /// Whose event it is.
    pub fn kind(&self) -> Kind {
        match self {
            Event::Keystroke(_) => Kind::Keystroke,
            Event::Mouse(_) => Kind::Mouse,
            Event::App(_) => Kind::App,
        }
    }

    /// When it happened, in µs.
    pub fn ts(&self) -> i64 {
        match self {
            Event::Keystroke(event) => event.ts,
            Event::Mouse(event) => event.ts,
            Event::App(event) => event.ts,
        }
    }
}

/// A key went down or up.
#[derive(Clone, PartialEq)]
pub struct Keystroke {
    /// When it happened, in µs.
    pub ts: i64,
    /// Synthetic, or made in developer mode.
    pub dev_mode: bool,
    /// The key's name.
    pub key: Box<str>,
    /// Down, or up.
    pub press: bool,
}

/// Raw events hold what a person types: not even a debug print shows it.
impl fmt::Debug for Keystroke {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keystroke").field("ts", &self.ts).field("press", &self.press).finish_non_exhaustive()
    }
}

/// The mouse was moved, clicked or scrolled.
#[derive(Clone, Debug, PartialEq)]
pub struct Mouse {
    /// When it happened, in µs.
    pub ts: i64,
    /// Synthetic, or made in developer mode.
    pub dev_mode: bool,
    /// What happened.
    pub action: Action,
}

/// What happened to the mouse.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Action {
    /// It is at x, y (px) now.
    Move(f64, f64),
    /// A button went down.
    Press(Button),
    /// A button went up.
    Release(Button),
    /// The wheel turned, by so many steps, up positive; not every producer knows how many.
    Scroll(Option<f64>),
}

/// A mouse button.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Button {
    /// `Left`
    Left,
    /// `Right`
    Right,
    /// `Middle`
    Middle,
    /// Any other: it counts as an event and nowhere among the features.
    Other,
}

/// An application has the focus now.
#[derive(Clone, Debug, PartialEq)]
pub struct Focus {
    /// When it happened, in µs.
    pub ts: i64,
    /// Synthetic, or made in developer mode.
    pub dev_mode: bool,
    /// The application's name.
    pub app: String,
}

/// What a message turned out to be.
#[derive(Clone, Debug, PartialEq)]
pub enum Parsed {
    /// An event that keeps all rules.
    Valid(Event),
    /// A message that breaks a rule.
    Malformed,
    /// An event of a type that is none of ours.
    Ignored,
}

/// Parses one message; a line ending at its end is not part of it.
pub fn parse(message: &[u8]) -> Parsed {
    let message = strip_line_ending(message);
    if message.len() > MAX_BYTES {
        return Parsed::Malformed;
    }
    let Ok(fields) = serde_json::from_slice::<Fields>(message) else {
        return Parsed::Malformed;
    };
    let event = match &fields.kind {
        Value::Text(kind) => match kind.as_ref() {
            "keystroke" => fields.keystroke().map(Event::Keystroke),
            "mouse" => fields.mouse().map(Event::Mouse),
            "app" => fields.app().map(Event::App),
            _ => return Parsed::Ignored,
        },
        _ => None,
    };
    event.map_or(Parsed::Malformed, Parsed::Valid)
}

/// The message without one `\n` or `\r\n` at its end.
pub fn strip_line_ending(message: &[u8]) -> &[u8] {
    match message {
        [line @ .., b'\r', b'\n'] | [line @ .., b'\n'] => line,
        line => line,
    }
}

/// The values of the keys that the contract lists; the others are checked as JSON and forgotten.
#[derive(Default)]
struct Fields<'a> {
    kind: Value<'a>,
    ts: Value<'a>,
    dev_mode: Value<'a>,
    key: Value<'a>,
    event: Value<'a>,
    x: Value<'a>,
    y: Value<'a>,
    button: Value<'a>,
    scroll_delta: Value<'a>,
    app_name: Value<'a>,
    window_class: Value<'a>,
}

impl Fields<'_> {
    fn keystroke(&self) -> Option<Keystroke> {
        Some(Keystroke {
            ts: self.ts()?,
            dev_mode: self.dev_mode()?,
            key: self.key.text(64)?.into(),
            press: match self.event.text(7)? {
                "press" => true,
                "release" => false,
                _ => return None,
            },
        })
    }

    fn mouse(&self) -> Option<Mouse> {
        let action = match self.event.text(7)? {
            "move" => Action::Move(self.x.coordinate()?, self.y.coordinate()?),
            "press" => Action::Press(self.button()?),
            "release" => Action::Release(self.button()?),
            "scroll" => Action::Scroll(match self.scroll_delta {
                Value::Null => None,
                ref delta => Some(delta.coordinate()?),
            }),
            _ => return None,
        };
        Some(Mouse { ts: self.ts()?, dev_mode: self.dev_mode()?, action })
    }

    fn app(&self) -> Option<Focus> {
        let event_is_focus = match &self.event {
            Value::Null => true,
            event => event.text(5)? == "focus",
        };
        let class_is_text = matches!(self.window_class, Value::Null | Value::Text(_));
        if !(event_is_focus && class_is_text) {
            return None;
        }
        Some(Focus { ts: self.ts()?, dev_mode: self.dev_mode()?, app: self.app_name.text(256)?.to_owned() })
    }

    fn ts(&self) -> Option<i64> {
        match self.ts {
            Value::Integer(ts) if (1..=MAX_TS).contains(&ts) => Some(ts),
            _ => None,
        }
    }

    fn dev_mode(&self) -> Option<bool> {
        match self.dev_mode {
            Value::Null => Some(false),
            Value::Bool(dev_mode) => Some(dev_mode),
            _ => None,
        }
    }

    fn button(&self) -> Option<Button> {
        Some(match self.button.text(64)? {
            "Left" => Button::Left,
            "Right" => Button::Right,
            "Middle" => Button::Middle,
            _ => Button::Other,
        })
    }
}

/// A JSON value that is no container. `null` and an absent key are the same.
#[derive(Default)]
enum Value<'a> {
    #[default]
    Null,
    Bool(bool),
    /// A number written without fraction and exponent that an i64 holds.
    Integer(i64),
    /// Any other number, within float64.
    Float(f64),
    Text(Cow<'a, str>),
}

impl Value<'_> {
    /// A text of 1 to `longest` code points.
    fn text(&self, longest: usize) -> Option<&str> {
        match self {
            Value::Text(text) if !text.is_empty() && text.chars().take(longest + 1).count() <= longest => {
                Some(text)
            }
            _ => None,
        }
    }

    /// A number up to ±1e6.
    fn coordinate(&self) -> Option<f64> {
        let number = match *self {
            Value::Integer(number) => number as f64,
            Value::Float(number) => number,
            _ => return None,
        };
        (number.abs() <= MAX_COORDINATE).then_some(number)
    }
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a flat object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Fields::default();
        while let Some(Text(key)) = map.next_key()? {
            let value = map.next_value()?;
            match key.as_ref() {
                "type" => fields.kind = value,
                "ts" => fields.ts = value,
                "dev_mode" => fields.dev_mode = value,
                "key" => fields.key = value,
                "event" => fields.event = value,
                "x" => fields.x = value,
                "y" => fields.y = value,
                "button" => fields.button = value,
                "scroll_delta" => fields.scroll_delta = value,
                "app_name" => fields.app_name = value,
                "window_class" => fields.window_class = value,
                _ => {}
            }
        }
        Ok(fields)
    }
}

/// A key of the object, borrowed unless it holds an escape.
struct Text<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_str(ValueVisitor)? {
            Value::Text(text) => Ok(Text(text)),
            _ => Err(D::Error::custom("a key is a string")),
        }
    }
}

impl<'de> Deserialize<'de> for Value<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

/// Arrays and objects are refused by what is not here: `visit_seq` and `visit_map`.
struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, number, boolean or null")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Value::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(i64::try_from(value).map_or(Value::Float(value as f64), Value::Integer))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(Value::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Value::Text(Cow::Owned(value.to_owned())))
    }
}
