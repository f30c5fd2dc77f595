//! Any bytes as a message: no panic, and the same as a slow reader over serde_json says.

#![no_main]

use std::collections::HashMap;

use libfuzzer_sys::fuzz_target;
use seclyzer_extractors::event::{
    Action, Button, Event, Focus, Keystroke, MAX_BYTES, Mouse, Parsed, parse, strip_line_ending,
};
use serde_json::Value;

#[path = "../../src/event/scanner/tests/members.rs"]
mod members;

use members::Members;

const MAX_TS: i64 = 253_402_300_799_999_999;
const MAX_NUMBER: f64 = 1e6;

fuzz_target!(|data: &[u8]| {
    let parsed = parse(data);
    assert_eq!(shown(&parsed), shown(&slowly(data)));
    if !data.ends_with(b"\r") && !data.ends_with(b"\n") {
        let line = [data, b"\n"].concat();
        assert_eq!(parse(&line), parsed, "a line ending is no part of the message");
    }
});

/// Names too, which the debug print of an event does not show.
fn shown(parsed: &Parsed<'_>) -> String {
    match parsed {
        Parsed::Valid(Event::Keystroke(event)) => format!("{parsed:?} {}", event.key),
        Parsed::Valid(Event::App(event)) => format!("{parsed:?} {}", event.app),
        _ => format!("{parsed:?}"),
    }
}

fn slowly(message: &[u8]) -> Parsed<'static> {
    let message = strip_line_ending(message);
    if message.len() > MAX_BYTES || std::str::from_utf8(message).is_err() {
        return Parsed::Malformed;
    }
    let Ok(Members(members)) = serde_json::from_slice(message) else {
        return Parsed::Malformed;
    };
    if members.iter().any(|(_, value)| value.is_array() || value.is_object()) {
        return Parsed::Malformed;
    }
    let fields: HashMap<String, Value> = members.into_iter().collect();
    let field = |name: &str| fields.get(name).filter(|value| !value.is_null());
    let Some(kind) = field("type").and_then(Value::as_str) else {
        return Parsed::Malformed;
    };
    let event = match kind {
        "keystroke" | "mouse" | "app" => read(kind, &field),
        _ => return Parsed::Ignored,
    };
    event.map_or(Parsed::Malformed, Parsed::Valid)
}

fn read<'a>(kind: &str, field: &impl Fn(&str) -> Option<&'a Value>) -> Option<Event<'static>> {
    let ts = field("ts")?.as_i64().filter(|ts| (1..=MAX_TS).contains(ts))?;
    let dev_mode = field("dev_mode").map_or(Some(false), Value::as_bool)?;
    let name = |key: &str, longest: usize| {
        let text = field(key)?.as_str()?;
        (1..=longest).contains(&text.chars().count()).then_some(text)
    };
    let number = |value: &Value| value.as_f64().filter(|number| number.abs() <= MAX_NUMBER);
    let event = field("event");
    Some(match (kind, event.and_then(Value::as_str)) {
        ("keystroke", Some(event @ ("press" | "release"))) => Event::Keystroke(Keystroke {
            ts,
            dev_mode,
            key: name("key", 64)?.to_owned().into(),
            press: event == "press",
        }),
        ("app", _) if event.is_none_or(|event| event == "focus") => {
            field("window_class").map_or(Some(""), Value::as_str)?;
            Event::App(Focus { ts, dev_mode, app: name("app_name", 256)?.to_owned() })
        }
        ("mouse", Some(event)) => {
            let button = || {
                Some(match name("button", 64)? {
                    "Left" => Button::Left,
                    "Right" => Button::Right,
                    "Middle" => Button::Middle,
                    _ => Button::Other,
                })
            };
            let action = match event {
                "move" => Action::Move(number(field("x")?)?, number(field("y")?)?),
                "press" => Action::Press(button()?),
                "release" => Action::Release(button()?),
                "scroll" => {
                    Action::Scroll(field("scroll_delta").map_or(Some(None), |delta| number(delta).map(Some))?)
                }
                _ => return None,
            };
            Event::Mouse(Mouse { ts, dev_mode, action })
        }
        _ => return None,
    })
}
