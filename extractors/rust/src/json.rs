//! A flat JSON object, written in the order in which its members are given. Keys are names that this program gives:
//! nothing in them needs an escape.

use std::fmt::Write as _;

/// Writes one object.
#[derive(Debug)]
pub struct Object {
    text: String,
    comma: &'static str,
    colon: &'static str,
}

impl Default for Object {
    fn default() -> Self {
        Object::new()
    }
}

impl Object {
    /// An empty object, a blank behind each comma and colon.
    pub fn new() -> Object {
        Object { text: String::from("{"), comma: ", ", colon: "\": " }
    }

    /// An empty object without blanks.
    pub fn compact() -> Object {
        Object { comma: ",", colon: "\":", ..Object::new() }
    }

    /// Adds a string.
    pub fn text(&mut self, key: &str, value: &str) -> &mut Self {
        self.key(key);
        quote(&mut self.text, value);
        self
    }

    /// Adds a finite float; what is written reads back as the same float64.
    pub fn number(&mut self, key: &str, value: f64) -> &mut Self {
        self.key(key);
        number(&mut self.text, value);
        self
    }

    /// Adds a whole number.
    pub fn integer(&mut self, key: &str, value: i64) -> &mut Self {
        self.raw(key, format_args!("{value}"))
    }

    /// Adds a boolean.
    pub fn bool(&mut self, key: &str, value: bool) -> &mut Self {
        self.raw(key, format_args!("{value}"))
    }

    /// Adds what is JSON already.
    pub fn raw(&mut self, key: &str, value: std::fmt::Arguments<'_>) -> &mut Self {
        self.key(key);
        // Writing to a String cannot fail.
        let _ = self.text.write_fmt(value);
        self
    }

    /// The text of the object.
    pub fn finish(mut self) -> String {
        self.text.push('}');
        // Outputs wait in memory while Redis is away: without the room in which they grew.
        self.text.shrink_to_fit();
        self.text
    }

    fn key(&mut self, key: &str) {
        if self.text.len() > 1 {
            self.text.push_str(self.comma);
        }
        debug_assert!(!key.contains(['"', '\\']), "{key:?} needs an escape");
        self.text.push('"');
        self.text.push_str(key);
        self.text.push_str(self.colon);
    }
}

/// Appends a finite float64, as short as it can be to read back as the same.
pub fn number(out: &mut String, value: f64) {
    out.push_str(zmij::Buffer::new().format_finite(value));
}

/// Appends a JSON string.
pub fn quote(out: &mut String, text: &str) {
    // Every text can be written as JSON.
    out.push_str(&serde_json::to_string(text).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn members_stand_in_the_order_given() {
        let mut object = Object::new();
        object.text("b", "x").integer("a", -3).number("c", 5.0).bool("d", true);
        assert_eq!(object.finish(), r#"{"b": "x", "a": -3, "c": 5.0, "d": true}"#);
    }

    proptest! {
        #[test]
        fn texts_read_back(text in any::<String>()) {
            let mut quoted = String::new();
            quote(&mut quoted, &text);
            prop_assert_eq!(serde_json::from_str::<String>(&quoted).unwrap(), text);
        }

        #[test]
        fn floats_read_back_to_the_bit(bits in any::<u64>()) {
            let value = f64::from_bits(bits);
            prop_assume!(value.is_finite());
            let mut object = Object::new();
            object.number("v", value);
            let read: serde_json::Value = serde_json::from_str(&object.finish()).unwrap();
            prop_assert_eq!(read["v"].as_f64().unwrap().to_bits(), bits);
        }
    }
}
