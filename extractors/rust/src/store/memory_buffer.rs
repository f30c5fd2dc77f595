//! Points that wait in memory: in order, bounded.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

/// How many wait at most.
pub const MOST: usize = 20_000;
/// What an empty queue keeps room for.
const ROOM_KEPT: usize = 64;

/// A point that waits.
#[derive(Clone, Debug)]
pub struct Point {
    /// Rises from point to point.
    pub sequence: u64,
    /// Line protocol, without a line end.
    pub line: Arc<str>,
    /// Since when it waits.
    pub arrived: Instant,
}

/// The points.
#[derive(Debug, Default)]
pub struct Memory {
    points: VecDeque<Point>,
    /// So many of the first are being sent or written to disk.
    lent: usize,
}

impl Memory {
    /// How many wait.
    pub fn len(&self) -> usize {
        self.points.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    /// Since when the oldest waits.
    pub fn oldest(&self) -> Option<Instant> {
        self.points.front().map(|point| point.arrived)
    }

    /// Puts one behind the others. Past the bound the oldest that is not lent goes: how many did.
    pub fn push(&mut self, point: Point) -> u64 {
        self.points.push_back(point);
        if self.points.len() <= MOST {
            return 0;
        }
        self.points.remove(self.lent);
        1
    }

    /// The first points, at most so many. They stay until they are settled.
    pub fn lend(&mut self, most: usize) -> Vec<Point> {
        self.lent = self.points.len().min(most);
        self.points.range(..self.lent).cloned().collect()
    }

    /// What was lent is given back: of it, those up to this number (0 for none) are settled.
    pub fn settle(&mut self, through: u64) {
        self.lent = 0;
        while self.points.front().is_some_and(|first| first.sequence <= through) {
            self.points.pop_front();
        }
        if self.points.is_empty() {
            self.points.shrink_to(ROOM_KEPT);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(count: u64) -> (Memory, u64) {
        let mut memory = Memory::default();
        let arrived = Instant::now();
        let dropped =
            (1..=count).map(|sequence| memory.push(Point { sequence, line: "x".into(), arrived })).sum();
        (memory, dropped)
    }

    fn first(memory: &Memory) -> u64 {
        memory.points.front().unwrap().sequence
    }

    #[test]
    fn past_the_bound_the_oldest_go_and_are_counted() {
        let (memory, dropped) = memory(20_003);
        assert_eq!((memory.len(), dropped, first(&memory)), (20_000, 3, 4));
    }

    #[test]
    fn what_is_on_its_way_does_not_go() {
        let (mut memory, _) = memory(20_000);
        assert_eq!(memory.lend(2).len(), 2);
        assert_eq!(memory.push(Point { sequence: 20_001, line: "x".into(), arrived: Instant::now() }), 1);
        memory.settle(2);
        assert_eq!((memory.len(), first(&memory)), (19_998, 4));
    }

    #[test]
    fn what_is_not_settled_stays_in_order() {
        let (mut memory, _) = memory(5);
        memory.lend(3);
        memory.settle(0);
        assert_eq!((memory.len(), first(&memory)), (5, 1));
        memory.lend(3);
        memory.settle(2);
        assert_eq!((memory.len(), first(&memory)), (3, 3));
    }
}
