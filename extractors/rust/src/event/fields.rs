//! The fields of a message that the contract lists, and what they have to be for each kind of event.

use super::scanner::{Value, members};
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

impl<'a> Fields<'a> {
    /// Reads a message that is strict JSON; of a key given twice the last value.
    pub fn read(&mut self, message: &'a [u8]) -> Option<()> {
        let fields = self;
        members(message, |key, value| match key {
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
        })
    }

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

impl Value<'_> {
    /// A text of 1 to `longest` code points.
    fn text(&self, longest: usize) -> Option<&str> {
        match self {
            Value::Text(text) if !text.is_empty() && is_within(text, longest) => Some(text),
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

/// Whether a text has at most so many code points, which are not more than its bytes.
fn is_within(text: &str, longest: usize) -> bool {
    text.len() <= longest || text.chars().take(longest + 1).count() <= longest
}
