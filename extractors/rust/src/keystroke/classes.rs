//! Classes of keys: by which hand, or for what.

/// What a key is for, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A letter under the left hand.
    Left,
    /// A letter under the right hand.
    Right,
    Space,
    /// It deletes.
    Backspace,
    Shift,
    Other,
}

/// So many classes there are.
pub const CLASSES: usize = Class::Other as usize + 1;

const LEFT_HAND: &str = "QWERTASDFGZXCVB";

impl Class {
    /// The first class that fits. A producer may write the class and a slot in place of the key, as `Left(1)`.
    pub fn of(name: &str) -> Class {
        if deletes(name) {
            Class::Backspace
        } else if name.contains("Shift") || name.contains("shift") {
            Class::Shift
        } else if matches!(name, "Space" | "space" | " ") || is_slot_of("Space", name) {
            Class::Space
        } else if is_slot_of("Left", name) {
            Class::Left
        } else if is_slot_of("Right", name) {
            Class::Right
        } else {
            letter(name).map_or(Class::Other, |letter| {
                if LEFT_HAND.contains(letter) { Class::Left } else { Class::Right }
            })
        }
    }
}

/// Whether a key of this name deletes: `Backspace`, `BackSpace`, `Key.backspace`, `KEY_DELETE` and the like.
fn deletes(name: &str) -> bool {
    let is_separator = |letter: &char| matches!(letter, '_' | '-' | '.' | ' ');
    let plain: String = name
        .chars()
        .filter(|letter| !is_separator(letter))
        .map(|letter| letter.to_ascii_lowercase())
        .collect();
    plain.contains("backspace") || plain.contains("delete")
}

/// Whether a name is this class and a slot: a number of 1 to 9 digits that begins with none of 0.
fn is_slot_of(class: &str, name: &str) -> bool {
    let number = name
        .strip_prefix(class)
        .and_then(|rest| rest.strip_prefix('('))
        .and_then(|rest| rest.strip_suffix(')'));
    number.is_some_and(|number| {
        (1..=9).contains(&number.len())
            && number.bytes().all(|digit| digit.is_ascii_digit())
            && !number.starts_with('0')
    })
}

/// The letter of the key, in capitals: of `KeyA`, `A`, `a`.
fn letter(name: &str) -> Option<char> {
    let (letter, is_small_allowed) = match name.strip_prefix("Key") {
        Some(rest) => (rest, false),
        None => (name, true),
    };
    match letter.as_bytes() {
        [byte @ b'A'..=b'Z'] => Some(char::from(*byte)),
        [byte @ b'a'..=b'z'] if is_small_allowed => Some(char::from(byte.to_ascii_uppercase())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn are(class: Class, names: &[&str]) {
        for name in names {
            assert_eq!(Class::of(name), class, "{name:?}");
        }
    }

    #[test]
    fn deleting_keys_are_known_however_they_are_written() {
        are(
            Class::Backspace,
            &[
                "Backspace",
                "BackSpace",
                "backspace",
                "Key.backspace",
                "KEY_BACKSPACE",
                "Back Space",
                "back-space",
                "Delete",
                "Key.delete",
                "KEY_DELETE",
                "KpDelete",
                "ForwardDelete",
                "DELETE",
                "Backspace(2)",
                "ShiftDelete",
            ],
        );
        // Of another alphabet, parted by something else, and something else.
        are(
            Class::Other,
            &["Back/Space", "\u{ff22}ackspace", "Back\u{a0}Space", "Back\tSpace", "Del", "", "\u{130}delet"],
        );
    }

    #[test]
    fn letters_are_of_the_hand_that_reaches_them() {
        for letter in 'A'..='Z' {
            let class = if "YUIOPHJKLNM".contains(letter) { Class::Right } else { Class::Left };
            are(
                class,
                &[&format!("Key{letter}"), &letter.to_string(), &letter.to_ascii_lowercase().to_string()],
            );
        }
        are(
            Class::Other,
            &["Keya", "KeyAB", "AB", "Key", "KEYA", "key", "\u{e9}", "\u{41}\u{301}", "1", "Digit1"],
        );
    }

    #[test]
    fn spaces_and_shifts_are_known_by_their_names() {
        are(Class::Space, &["Space", "space", " ", "Space(1)", "Space(999999999)"]);
        are(Class::Shift, &["Shift", "ShiftLeft", "Key.shift_r", "leftshift", "Shift(2)", "Shift(0)"]);
        are(Class::Other, &["SPACE", "  ", "Key.space", "SHIFT", "KEY_LEFTSHIFT", "Other(3)"]);
    }

    #[test]
    fn a_slot_is_a_number_of_at_most_nine_digits_that_begins_with_none_of_zero() {
        are(Class::Left, &["Left(1)", "Left(10)", "Left(999999999)"]);
        are(Class::Right, &["Right(1)", "Right(123456789)"]);
        are(
            Class::Other,
            &[
                "Left",
                "Left()",
                "Left(0)",
                "Left(01)",
                "Left(1234567890)",
                "Left(+1)",
                "Left( 1)",
                "Left(1) ",
                "left(1)",
                "Left(1",
                "Left1",
                "Left(\u{661})",
                "Right(x)",
                "Right(1.0)",
                "LeftRight(1)",
                "Space()",
                "Space(0)",
                "Other(1)",
                "Unknown(94)",
            ],
        );
    }
}
