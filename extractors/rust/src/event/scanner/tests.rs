use proptest::prelude::*;

use super::*;

mod members;

use self::members::Members;

impl<'a> Places<'a> for Vec<(Text<'a>, Value<'a>)> {
    fn place(&mut self, key: Text<'a>) -> &mut Value<'a> {
        self.push((key, Value::Null));
        &mut self.last_mut().unwrap().1
    }

    fn fast_place<'t>(&mut self, text: &'t [u8]) -> Option<(&mut Value<'a>, &'t [u8])> {
        let rest = text.strip_prefix(br#""usual":"#)?;
        Some((self.place(Text(b"usual")), rest))
    }
}

fn decoded(text: Text<'_>) -> String {
    String::from_utf8(text.decoded().into_owned()).unwrap()
}

/// Every member as a text: its key, and its value as a debug print, which tells -0.0 from 0.0.
fn scanned(message: &[u8]) -> Option<Vec<(String, String)>> {
    let mut found = Vec::new();
    members(message, &mut found)?;
    let shown = |value| match value {
        Value::Text(text) => format!("{:?}", decoded(text)),
        value => format!("{value:?}"),
    };
    Some(found.into_iter().map(|(key, value)| (decoded(key), shown(value))).collect())
}

/// The same by serde_json.
fn expected(message: &[u8]) -> Option<Vec<(String, String)>> {
    let Members(members) = serde_json::from_slice(message).ok()?;
    let value = |value| {
        Some(match value {
            serde_json::Value::Null => format!("{:?}", Value::Null),
            serde_json::Value::Bool(flag) => format!("{:?}", Value::Bool(flag)),
            serde_json::Value::Number(number) => match number.as_i64() {
                Some(number) => format!("{:?}", Value::Integer(number)),
                None => format!("{:?}", Value::Float(number.as_f64()?)),
            },
            serde_json::Value::String(text) => format!("{text:?}"),
            _ => return None,
        })
    };
    members.into_iter().map(|(key, item)| Some((key, value(item)?))).collect()
}

fn same(message: &[u8]) {
    let found = scanned(message);
    assert_eq!(format!("{found:?}"), format!("{:?}", expected(message)), "{}", message.escape_ascii());
}

#[test]
fn numbers_are_what_they_are_to_serde_json() {
    for number in [
        "0",
        "-0",
        "-0.0",
        "00",
        "-",
        "+1",
        "1.",
        ".1",
        "1.5",
        "1e3",
        "1E+3",
        "1e-3",
        "1e",
        "1e+",
        "0e0",
        "-01",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "-9223372036854775809",
        "1e308",
        "1e309",
        "-1e309",
        "1e-400",
        "5e-324",
        "2.2250738585072011e-308",
        "0.1",
        "1.7976931348623157e308",
        "1.7976931348623159e308",
        "123456789012345678901234567890",
        "NaN",
        "Infinity",
        "1_0",
        "0x1",
        "1 2",
    ] {
        same(format!("{{\"a\":{number}}}").as_bytes());
        same(format!("{{ \"a\" : {number} }}").as_bytes());
    }
    same(format!("{{\"a\":{}}}", "9".repeat(400)).as_bytes());
}

#[test]
fn every_message_cut_short_is_malformed() {
    let message = br#"{"a":"x\n\u00e9\ud83d\ude00","b":-1.5e+3,"c":true,"d":false,"e":null}"#;
    assert_eq!(scanned(message).map(|members| members.len()), Some(5));
    for end in 0..message.len() {
        assert_eq!(scanned(&message[..end]), None);
    }
}

/// Pieces of JSON that are valid, nearly valid or nonsense.
fn any_message() -> impl Strategy<Value = Vec<u8>> {
    let string = prop_oneof![
        Just("\"usual\"".to_owned()),
        "\"[ -~]{0,6}\"",
        any::<String>().prop_map(|text| format!("\"{text}\"")),
        r#""(\\["\\/bfnrtu]|\\u[0-9a-fA-F]{4}|\\u[dD][89a-fA-F][0-9a-f]{2}|[a-z"]){0,5}""#,
    ];
    let value = prop_oneof![
        string.clone(),
        "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,3})?",
        "[-+0-9.eE]{1,6}",
        "true|false|null|nul|True|\\[\\]|\\{\\}|\\[1\\]|",
    ];
    let blank = "[ \t\r\n]{0,2}";
    let member = (string, blank, value, blank).prop_map(|(k, a, v, b)| format!("{a}{k}{b}:{a}{v}{b}"));
    let object = prop::collection::vec(member, 0..4).prop_map(|members| format!("{{{}}}", members.join(",")));
    (object, prop::option::of((any::<prop::sample::Index>(), any::<u8>()))).prop_map(|(text, damage)| {
        let mut bytes = text.into_bytes();
        if let Some((at, byte)) = damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn messages_are_what_they_are_to_serde_json(message in any_message()) {
        same(&message);
    }
}
