//! One message: parsed and checked.
//!
//! [`parse`] is strict over the whole message (contract, section 1): what it calls malformed does not depend on who
//! reads it, so every extractor counts the same.

mod fields;
mod scanner;

use std::borrow::Cow;
use std::fmt;

use self::fields::Fields;
use crate::schema::Kind;

/// The longest message, its line ending not counted.
pub const MAX_BYTES: usize = 4096;

/// A checked event. Times are µs since the Unix epoch.
#[derive(Clone, Debug, PartialEq)]
pub enum Event<'a> {
    /// A key went down or up.
    Keystroke(Keystroke<'a>),
    /// The mouse was moved, clicked or scrolled.
    Mouse(Mouse),
    /// An application has the focus now.
    App(Focus),
}

impl Event<'_> {
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
pub struct Keystroke<'a> {
    /// When it happened, in µs.
    pub ts: i64,
    /// Synthetic, or made in developer mode.
    pub dev_mode: bool,
    /// The key's name.
    pub key: Cow<'a, str>,
    /// Down, or up.
    pub press: bool,
}

/// Raw events hold what a person types: not even a debug print shows it.
impl fmt::Debug for Keystroke<'_> {
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
#[derive(Clone, PartialEq)]
pub struct Focus {
    /// When it happened, in µs.
    pub ts: i64,
    /// Synthetic, or made in developer mode.
    pub dev_mode: bool,
    /// The application's name.
    pub app: String,
}

impl fmt::Debug for Focus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Focus").field("ts", &self.ts).finish_non_exhaustive()
    }
}

/// What a message turned out to be.
#[derive(Clone, Debug, PartialEq)]
pub enum Parsed<'a> {
    /// An event that keeps all rules.
    Valid(Event<'a>),
    /// A message that breaks a rule.
    Malformed,
    /// An event of a type that is none of ours.
    Ignored,
}

/// Parses one message; a line ending at its end is not part of it.
pub fn parse(message: &[u8]) -> Parsed<'_> {
    let message = strip_line_ending(message);
    if message.len() > MAX_BYTES {
        return Parsed::Malformed;
    }
    let mut fields = Fields::default();
    if fields.read(message).is_none() {
        return Parsed::Malformed;
    }
    let Some(kind) = fields.kind() else {
        return Parsed::Malformed;
    };
    let event = match kind.as_ref() {
        b"keystroke" => fields.keystroke().map(Event::Keystroke),
        b"mouse" => fields.mouse().map(Event::Mouse),
        b"app" => fields.app().map(Event::App),
        _ => return Parsed::Ignored,
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
