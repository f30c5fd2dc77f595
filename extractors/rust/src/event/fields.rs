//! The JSON of a message, checked in one pass and without a copy: a flat object of the keys that the contract lists.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

use super::{Action, Button, Focus, Keystroke, Mouse};

const MAX_TS: i64 = 253_402_300_799_999_999;
const MAX_COORDINATE: f64 = 1e6;

/// The values of the keys that the contract lists; the others are checked as JSON and forgotten.
#[derive(Default)]
pub struct Fields<'a> {
    /// `type`
    pub kind: Value<'a>,
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
    /// A checked keystroke.
    pub fn keystroke(&self) -> Option<Keystroke> {
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

    /// A checked mouse event.
    pub fn mouse(&self) -> Option<Mouse> {
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

    /// A checked focus.
    pub fn app(&self) -> Option<Focus> {
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
pub enum Value<'a> {
    #[default]
    /// `null`, or no such key.
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number written without fraction and exponent that an i64 holds.
    Integer(i64),
    /// Any other number, within float64.
    Float(f64),
    /// A string, borrowed unless it holds an escape.
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
