//! Keys by number, so that a window is worked out without looking at a name.

use std::collections::{HashMap, VecDeque};

use super::Held;
use super::classes::Class;

/// So many keys that no event names any more may be known, beside as many as there are events.
const SPARE: usize = 1000;

/// The keys seen, numbered from 0 in order of appearance. It prints no name: raw events hold what a person types.
#[derive(Default)]
pub struct Keys {
    numbers: HashMap<Box<str>, u32>,
    /// By the key's number.
    classes: Vec<Class>,
}

impl Keys {
    /// How many keys are known.
    pub fn len(&self) -> usize {
        self.classes.len()
    }

    /// The number of the key of this name.
    pub fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = self.classes.len() as u32;
        self.numbers.insert(name.into(), number);
        self.classes.push(Class::of(name));
        number
    }

    /// The class of the key of this number.
    pub fn class(&self, number: u32) -> Class {
        self.classes[number as usize]
    }

    /// Numbers the keys anew when most of those known are in no event any more: a producer may make up names. Whether it
    /// did.
    pub fn forget_unused(&mut self, events: &mut VecDeque<Held>) -> bool {
        if self.len() <= 2 * events.len() + SPARE {
            return false;
        }
        let mut anew = vec![None; self.len()];
        let mut classes = Vec::new();
        for event in events {
            let number = anew[event.key as usize].get_or_insert_with(|| {
                classes.push(self.classes[event.key as usize]);
                classes.len() as u32 - 1
            });
            event.key = *number;
        }
        self.classes = classes;
        self.numbers.retain(|_, number| anew[*number as usize].inspect(|anew| *number = *anew).is_some());
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!((keys.class(0), keys.class(1)), (Class::Backspace, Class::Other));
    }
}
