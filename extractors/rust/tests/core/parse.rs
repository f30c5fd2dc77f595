//! What is an event, what is malformed, and what belongs to another program.

use proptest::prelude::*;
use seclyzer_extractors::event::{Action, Button, Event, Focus, Keystroke, Mouse, Parsed, parse};

fn valid(message: &str) -> Event<'_> {
    match parse(message.as_bytes()) {
        Parsed::Valid(event) => event,
        other => panic!("{message} is {other:?}"),
    }
}

fn assert_malformed(messages: &[&str]) {
    for message in messages {
        assert_eq!(parse(message.as_bytes()), Parsed::Malformed, "{message}");
    }
}

const KEY: &str = r#""type":"keystroke","ts":5,"key":"KeyA","event":"press""#;

#[test]
fn a_keystroke_is_read() {
    let expected = Keystroke { ts: 5, dev_mode: false, key: "KeyA".into(), press: true };
    assert_eq!(valid(&format!("{{{KEY}}}")), Event::Keystroke(expected.clone()));
    assert_eq!(
        valid(r#" {"type":"keystroke","ts":5,"key":"KeyA","event":"release","dev_mode":true} "#),
        Event::Keystroke(Keystroke { press: false, dev_mode: true, ..expected })
    );
}

#[test]
fn mouse_events_are_read() {
    let action = |fields: &str| match valid(&format!(r#"{{"type":"mouse","ts":5,{fields}}}"#)) {
        Event::Mouse(Mouse { ts: 5, dev_mode: false, action }) => action,
        other => panic!("{other:?}"),
    };
    assert_eq!(action(r#""event":"move","x":-1.5,"y":1e6"#), Action::Move(-1.5, 1e6));
    assert_eq!(action(r#""event":"press","button":"Left""#), Action::Press(Button::Left));
    assert_eq!(action(r#""event":"release","button":"Right""#), Action::Release(Button::Right));
    assert_eq!(action(r#""event":"press","button":"Middle""#), Action::Press(Button::Middle));
    assert_eq!(action(r#""event":"press","button":"Unknown(9)""#), Action::Press(Button::Other));
    assert_eq!(action(r#""event":"scroll","scroll_delta":-2"#), Action::Scroll(Some(-2.0)));
    assert_eq!(action(r#""event":"scroll""#), Action::Scroll(None));
    assert_eq!(action(r#""event":"scroll","scroll_delta":null"#), Action::Scroll(None));
}

#[test]
fn minus_zero_is_a_coordinate_of_its_own() {
    let Event::Mouse(Mouse { action: Action::Move(x, _), .. }) =
        valid(r#"{"type":"mouse","ts":5,"event":"move","x":-0,"y":0}"#)
    else {
        panic!("no move")
    };
    assert!(x == 0.0 && x.is_sign_negative());
}

#[test]
fn a_focus_is_read() {
    let focus = Event::App(Focus { ts: 5, dev_mode: false, app: "e\"1".into() });
    assert_eq!(valid(r#"{"type":"app","ts":5,"app_name":"e\"1","event":"focus","window_class":""}"#), focus);
    assert_eq!(
        valid(r#"{"type":"app","ts":5,"app_name":"e\u00221","event":null,"window_class":null}"#),
        focus
    );
}

#[test]
fn a_type_of_another_program_is_ignored_and_one_that_is_no_type_is_malformed() {
    for message in [r#"{"type":"window"}"#, r#"{"type":"","ts":1.5}"#, r#"{"type":"Keystroke","ts":true}"#] {
        assert_eq!(parse(message.as_bytes()), Parsed::Ignored, "{message}");
    }
    assert_malformed(&[r#"{}"#, r#"{"type":null}"#, r#"{"type":5}"#, r#"{"type":true}"#]);
}

#[test]
fn json_must_be_strict_whatever_the_type() {
    assert_malformed(&[
        "",
        " ",
        "null",
        "[]",
        "5",
        r#""type""#,
        r#"{"type":"window","x":[1]}"#,
        r#"{"type":"window","x":{}}"#,
        r#"{"type":"window","x":NaN}"#,
        r#"{"type":"window","x":Infinity}"#,
        r#"{"type":"window","x":1e999}"#,
        r#"{"type":"window","x":01}"#,
        r#"{"type":"window","x":"\ud800"}"#,
        r#"{"type":"window","x":"\udc00\ud800"}"#,
        r#"{"type":"window","\ud800":1}"#,
        r#"{"type":"window",}"#,
        r#"{"type":"window"} x"#,
        r#"{"type":"window"}{}"#,
        r#"{'type':"window"}"#,
        "{\"type\":\"window\",\"x\":\"a\tb\"}",
        "\u{feff}{\"type\":\"window\"}",
        &format!(r#"{{"type":"window","x":{}}}"#, "9".repeat(400)),
        // A key given twice counts once, but nesting is nesting.
        r#"{"type":"window","x":[],"x":1}"#,
    ]);
    assert_eq!(parse(b"{\"type\":\"window\",\"x\":\"\xff\"}"), Parsed::Malformed);
    assert_eq!(parse(b"{\"type\":\"window\",\"\xff\":1}"), Parsed::Malformed);
    assert_eq!(parse(br#"{"type":"window","x":"\ud83d\ude00","y":1e308,"z":-0}"#), Parsed::Ignored);
}

#[test]
fn of_a_key_given_twice_the_last_one_counts() {
    assert_eq!(valid(&format!(r#"{{"ts":"x",{KEY},"ts":7}}"#)).ts(), 7);
    assert_malformed(&[&format!(r#"{{{KEY},"ts":null}}"#)]);
    assert_eq!(parse(format!(r#"{{{KEY},"type":"window"}}"#).as_bytes()), Parsed::Ignored);
}

#[test]
fn ts_is_an_integer_within_its_range() {
    let message = |ts: &str| format!(r#"{{"type":"app","app_name":"a","ts":{ts}}}"#);
    assert_eq!(valid(&message("1")).ts(), 1);
    assert_eq!(valid(&message("253402300799999999")).ts(), 253_402_300_799_999_999);
    for ts in
        ["0", "-1", "-0", "253402300800000000", "99999999999999999999", "1.0", "1e3", "true", "\"1\"", "null"]
    {
        assert_malformed(&[&message(ts)]);
    }
    assert_malformed(&[r#"{"type":"app","app_name":"a"}"#]);
}

#[test]
fn listed_fields_must_have_their_type_and_value() {
    let replaced = |from: &str, to: &str| format!("{{{}}}", KEY.replace(from, to));
    let long_key = "ü".repeat(64);
    assert!(
        matches!(valid(&replaced("KeyA", &long_key)), Event::Keystroke(event) if *event.key == *long_key)
    );
    assert_malformed(&[
        &replaced("KeyA", ""),
        &replaced("KeyA", &"k".repeat(65)),
        &replaced(r#""KeyA""#, "5"),
        &replaced(r#""KeyA""#, "null"),
        &replaced("press", "move"),
        &replaced("press", "presses and more"),
        &replaced(r#""press""#, "true"),
        &format!(r#"{{{KEY},"dev_mode":1}}"#),
        &format!(r#"{{{KEY},"dev_mode":"true"}}"#),
    ]);
    let mouse = |fields: &str| format!(r#"{{"type":"mouse","ts":5,{fields}}}"#);
    for fields in [
        r#""x":1,"y":1"#,
        r#""event":"focus""#,
        r#""event":"move","x":1"#,
        r#""event":"move","x":1,"y":null"#,
        r#""event":"move","x":"1","y":1"#,
        r#""event":"move","x":1,"y":1000000.1"#,
        r#""event":"move","x":-1000001,"y":1"#,
        r#""event":"press""#,
        r#""event":"press","button":"""#,
        r#""event":"release","button":1"#,
        r#""event":"scroll","scroll_delta":"1""#,
        r#""event":"scroll","scroll_delta":1e7"#,
    ] {
        assert_malformed(&[&mouse(fields)]);
    }
    let app = |fields: &str| format!(r#"{{"type":"app","ts":5,{fields}}}"#);
    for fields in [
        r#""window_class":"x""#,
        r#""app_name":"""#,
        r#""app_name":null"#,
        r#""app_name":"a","event":"blur""#,
        r#""app_name":"a","event":1"#,
        r#""app_name":"a","window_class":1"#,
    ] {
        assert_malformed(&[&app(fields)]);
    }
    assert_malformed(&[&app(&format!(r#""app_name":"{}""#, "a".repeat(257)))]);
}

#[test]
fn fields_that_an_event_does_not_use_are_not_looked_at() {
    valid(&format!(r#"{{{KEY},"x":"no number","button":5,"app_name":"","scroll_delta":true,"more":null}}"#));
    valid(
        r#"{"type":"mouse","ts":5,"event":"press","button":"Left","x":"a","y":1e9,"key":7,"window_class":5}"#,
    );
    valid(r#"{"type":"app","ts":5,"app_name":"a","key":7,"x":"a"}"#);
}

#[test]
fn a_message_has_4096_bytes_at_most_and_its_line_ending_does_not_count() {
    let message = |length: usize| {
        let bare = format!(r#"{{{KEY},"more":""}}"#);
        bare.replace(r#""more":"""#, &format!(r#""more":"{}""#, "x".repeat(length - bare.len())))
    };
    let longest = message(4096);
    assert_eq!(longest.len(), 4096);
    for ending in ["", "\n", "\r\n"] {
        valid(&format!("{longest}{ending}"));
        assert_malformed(&[&format!("{}{ending}", message(4097))]);
    }
    assert_malformed(&[&format!("{longest}\r"), &format!("{longest}\n\n")]);
}

proptest! {
    #[test]
    fn random_bytes_are_no_event_and_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert_eq!(parse(&bytes), Parsed::Malformed);
    }

    #[test]
    fn broken_messages_never_panic(cut in 0..60usize, at in 0..60usize, byte in any::<u8>()) {
        let mut message = format!("{{{KEY}}}").into_bytes();
        let at = at % message.len();
        message[at] = byte;
        message.truncate(message.len() - cut.min(message.len()));
        let _ = parse(&message);
    }

    #[test]
    fn every_coordinate_is_read_to_the_bit(x in -1e6..1e6f64) {
        let message = format!(r#"{{"type":"mouse","ts":5,"event":"move","x":{x:?},"y":{x:?}}}"#);
        let Event::Mouse(Mouse { action: Action::Move(read, _), .. }) = valid(&message) else { panic!() };
        prop_assert_eq!(read.to_bits(), x.to_bits());
    }
}
