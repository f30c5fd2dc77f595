//! Events in order of (`ts`, arrival), bounded.

use std::collections::VecDeque;

/// Something that happened at a time.
pub trait Timed {
    /// When, in µs.
    fn ts(&self) -> i64;
}

/// Holds at most `limit` events; above that the smallest (`ts`, arrival) goes.
#[derive(Clone, Debug)]
pub struct Buffer<T> {
    events: VecDeque<T>,
    limit: usize,
}

impl<T: Timed> Buffer<T> {
    /// An empty buffer.
    pub fn new(limit: usize) -> Buffer<T> {
        Buffer { events: VecDeque::new(), limit }
    }

    /// Puts an event behind all that are not later. Returns its place among them.
    pub fn insert(&mut self, event: T) -> usize {
        let later = self.events.iter().rev().take_while(|other| other.ts() > event.ts()).count();
        let place = self.events.len() - later;
        if self.events.len() == self.events.capacity() {
            // By a quarter: twice as much would stay, and be resident, though less than that is ever held.
            self.events.reserve_exact(self.events.len() / 4 + 16);
        }
        self.events.insert(place, event);
        place
    }

    /// Lets go of what is above the limit. Returns how many events that was.
    pub fn drop_surplus(&mut self) -> u64 {
        let mut dropped = 0;
        while self.events.len() > self.limit {
            self.events.pop_front();
            dropped += 1;
        }
        dropped
    }

    /// All events, in order; their times and their number stay as they are.
    pub fn events_mut(&mut self) -> &mut VecDeque<T> {
        &mut self.events
    }

    /// The first event.
    pub fn first(&self) -> Option<&T> {
        self.events.front()
    }

    /// The last event.
    pub fn last(&self) -> Option<&T> {
        self.events.back()
    }

    /// The last one of the first `count` events.
    pub fn last_of(&self, count: usize) -> Option<&T> {
        self.events.get(count.checked_sub(1)?)
    }

    /// Takes the first event out when it is at or before `ts`.
    pub fn pop_through(&mut self, ts: i64) -> Option<T> {
        if self.first()?.ts() > ts {
            return None;
        }
        self.events.pop_front()
    }

    /// How many events are at or before `ts`; they stand first.
    pub fn through(&self, ts: i64) -> usize {
        self.events.partition_point(|event| event.ts() <= ts)
    }

    /// All events, in order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.events.iter()
    }

    /// Forgets all events.
    pub fn clear(&mut self) {
        self.events.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug, PartialEq)]
    struct At(i64, &'static str);

    impl Timed for At {
        fn ts(&self) -> i64 {
            self.0
        }
    }

    fn names(buffer: &Buffer<At>) -> Vec<&'static str> {
        buffer.iter().map(|at| at.1).collect()
    }

    #[test]
    fn events_stand_in_order_of_time_then_arrival() {
        let mut buffer = Buffer::new(10);
        for (event, place) in
            [At(5, "a"), At(3, "b"), At(5, "c"), At(4, "d"), At(3, "e")].into_iter().zip([0, 0, 2, 1, 1])
        {
            assert_eq!(buffer.insert(event), place);
        }
        assert_eq!(buffer.drop_surplus(), 0);
        assert_eq!(names(&buffer), ["b", "e", "d", "a", "c"]);
        assert_eq!(buffer.through(4), 3);
    }

    #[test]
    fn a_full_buffer_gives_up_its_smallest_be_it_the_new_one() {
        let mut buffer = Buffer::new(2);
        buffer.insert(At(5, "a"));
        buffer.insert(At(6, "b"));
        buffer.insert(At(4, "too small"));
        assert_eq!(buffer.drop_surplus(), 1);
        assert_eq!(names(&buffer), ["a", "b"]);
        buffer.insert(At(5, "c"));
        assert_eq!(buffer.drop_surplus(), 1);
        assert_eq!(names(&buffer), ["c", "b"]);
    }

    #[test]
    fn only_what_is_due_is_taken_out() {
        let mut buffer = Buffer::new(2);
        buffer.insert(At(5, "a"));
        assert_eq!(buffer.pop_through(4), None);
        assert_eq!(buffer.pop_through(5), Some(At(5, "a")));
        assert_eq!(buffer.first(), None);
    }
}
