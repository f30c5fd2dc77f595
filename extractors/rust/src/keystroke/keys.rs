//! Keys by number, so that a window is worked out without looking at a name.

use std::collections::{HashMap, VecDeque};

use super::Held;

/// So many keys that no event names any more may be known, beside as many as there are events.
const SPARE: usize = 1000;

/// The keys seen, numbered from 0 in order of appearance. It prints no name: raw events hold what a person types.
#[derive(Default)]
pub struct Keys {
    numbers: HashMap<Box<str>, u32>,
    /// Whether a key deletes, by its number.
    deleting: Vec<bool>,
}

impl Keys {
    /// How many keys are known.
    pub fn len(&self) -> usize {
        self.deleting.len()
    }

    /// The number of the key of this name.
    pub fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = self.deleting.len() as u32;
        self.numbers.insert(name.into(), number);
        self.deleting.push(deletes(name));
        number
    }

    /// Whether the key of this number deletes.
    pub fn is_deleting(&self, number: u32) -> bool {
        self.deleting[number as usize]
    }

    /// Numbers the keys anew when most of those known are in no event any more: a producer may make up names. Whether it
    /// did.
    pub fn forget_unused(&mut self, events: &mut VecDeque<Held>) -> bool {
        if self.len() <= 2 * events.len() + SPARE {
            return false;
        }
        let mut anew = vec![None; self.len()];
        let mut deleting = Vec::new();
        for event in events {
            let number = anew[event.key as usize].get_or_insert_with(|| {
                deleting.push(self.deleting[event.key as usize]);
                deleting.len() as u32 - 1
            });
            event.key = *number;
        }
        self.deleting = deleting;
        self.numbers.retain(|_, number| anew[*number as usize].inspect(|anew| *number = *anew).is_some());
        true
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deleting_keys_are_known_however_they_are_written() {
        let names = [
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
        ];
        assert!(names.into_iter().all(deletes));
        // Of another alphabet, parted by something else, and something else.
        let others = [
            "Back/Space",
            "\u{ff22}ackspace",
            "Back\u{a0}Space",
            "Back\tSpace",
            "Del",
            "space",
            "Space",
            "",
            "\u{130}delet",
        ];
        assert!(!others.into_iter().any(deletes));
    }

    #[test]
    fn names_that_no_event_holds_are_forgotten_and_the_others_keep_their_meaning() {
        let mut keys = Keys::default();
        let numbers: Vec<u32> = (0..SPARE as u32 + 4).map(|n| keys.number(&format!("Key{n}"))).collect();
        let delete = keys.number("Delete");
        let held = |key| Held { ts: 1, key, press: true, dev_mode: false, is_known: false };
        let mut events = VecDeque::from([held(delete), held(numbers[900]), held(delete)]);
        assert!(!keys.forget_unused(&mut events));
        assert_eq!(keys.len(), SPARE + 5, "still within what may be spare");
        events.pop_back();
        assert!(keys.forget_unused(&mut events));
        assert_eq!(keys.len(), 2);
        assert_eq!(events.iter().map(|event| event.key).collect::<Vec<_>>(), [0, 1]);
        assert_eq!((keys.number("Delete"), keys.number("Key900"), keys.number("Key1")), (0, 1, 2));
        assert!(keys.is_deleting(0) && !keys.is_deleting(1));
    }
}
