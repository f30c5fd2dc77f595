use proptest::prelude::*;

use super::*;
use crate::event::{Action, Keystroke, Mouse};
use crate::window::Windows;

const S: i64 = 1_000_000;
/// A multiple of every interval used here.
const START: i64 = 1_700_000_000 * S;
const END: i64 = START + 5 * S;

/// Windows whose only value is the number of their events.
#[derive(Default)]
struct Counted {
    computed: usize,
}

#[derive(Clone, Copy)]
struct At(i64);

impl Timed for At {
    fn ts(&self) -> i64 {
        self.0
    }
}

impl Features for Counted {
    type Held = At;

    fn hold(&mut self, event: Event<'_>) -> Option<At> {
        Some(At(event.ts()))
    }

    fn placed(&mut self, _events: &mut VecDeque<At>, _place: usize) {}

    fn of(&mut self, _events: &mut VecDeque<At>, count: usize, _settings: &Settings) -> Vec<Value> {
        self.computed += 1;
        vec![Value::Count(count as u64)]
    }
}

struct Run<F: Features> {
    operator: WindowOperator<F>,
    counters: Counters,
    out: Vec<Record>,
}

impl<F: Features> Run<F> {
    fn new(windows: Windows, buffer_events: usize) -> Run<F> {
        let settings = Settings { windows, idle_timeout: 0, min_events: 1, buffer_events, dev_mode: false };
        Run { operator: WindowOperator::new(settings), counters: Counters::default(), out: Vec::new() }
    }

    fn event(&mut self, ts: i64) {
        self.insert(Event::Mouse(Mouse { ts, dev_mode: false, action: Action::Scroll(None) }));
    }

    fn insert(&mut self, event: Event<'_>) {
        self.operator.insert(event, &mut self.counters);
    }

    fn advance(&mut self, now: i64) {
        self.operator.advance(now, &mut self.counters, &mut self.out);
    }

    /// Real time goes on to there.
    fn tick(&mut self, now: i64) {
        self.advance(now);
        self.operator.prepare(now);
    }

    /// Ends and values of the windows.
    fn windows(&self) -> Vec<(i64, Vec<Value>)> {
        self.out.iter().map(|record| (record.ts, record.values.clone())).collect()
    }
}

const WINDOWS: Windows = Windows { interval: 5 * S, window: 30 * S, lateness: 250_000 };

/// One whose first window, of a single event, is computed 125 ms and a µs after its end.
fn prepared() -> Run<Counted> {
    let mut run = Run::<Counted>::new(WINDOWS, 2);
    run.event(END);
    run.tick(END + 125_000);
    assert_eq!((run.operator.features.computed, run.operator.preparable()), (0, Some(END + 125_001)));
    run.tick(END + 125_001);
    assert_eq!((run.operator.features.computed, run.operator.preparable()), (1, None));
    run
}

#[test]
fn a_window_is_computed_before_it_closes_and_only_once() {
    let mut run = prepared();
    run.tick(END + 250_000);
    assert!(run.out.is_empty());
    run.tick(END + 250_001);
    assert_eq!(run.windows(), [(END, vec![Value::Count(1)])]);
    assert_eq!(run.operator.features.computed, 1);
}

#[test]
fn what_is_computed_stands_when_an_event_comes_for_a_later_window() {
    let mut run = prepared();
    run.event(END + 1);
    run.advance(END + 250_001);
    assert_eq!((run.windows(), run.operator.features.computed), (vec![(END, vec![Value::Count(1)])], 1));
}

#[test]
fn an_event_that_still_comes_into_it_is_counted_in() {
    for ts in [END, END - S] {
        let mut run = prepared();
        run.event(ts);
        run.tick(END + 200_000);
        assert_eq!(run.operator.features.computed, 1, "not computed again and again");
        run.tick(END + 250_001);
        assert_eq!((run.windows(), run.operator.features.computed), (vec![(END, vec![Value::Count(2)])], 2));
    }
}

#[test]
fn an_event_that_is_dropped_from_it_is_not_counted_in() {
    let mut run = Run::<Counted>::new(WINDOWS, 2);
    run.event(END - 1);
    run.event(END);
    run.tick(END + 200_000);
    assert_eq!(run.operator.features.computed, 1);
    run.event(END + 1);
    assert_eq!(run.counters.dropped, 1);
    run.advance(END + 250_001);
    assert_eq!(run.windows(), [(END, vec![Value::Count(1)])]);
}

#[test]
fn a_new_session_computes_the_same_window_anew() {
    let mut run = prepared();
    run.operator.end_session(&mut run.counters, &mut run.out);
    run.event(END - 1);
    run.event(END);
    run.tick(END + 250_001);
    let ends_and_counts = [(END, vec![Value::Count(1)]), (END, vec![Value::Count(2)])];
    assert_eq!(run.windows()[..1], ends_and_counts[..1]);
    assert_eq!(run.windows().last(), ends_and_counts.last());
}

/// Events at a time, some of them far back, or only time that passes.
fn steps() -> impl Strategy<Value = Vec<(i64, i64, bool)>> {
    let at = prop_oneof![0..20i64, 0..400i64];
    let passed = prop::sample::select(vec![0, 1, 5, 20, 300]);
    prop::collection::vec((at, passed, any::<bool>()), 0..80)
}

fn shapes() -> impl Strategy<Value = Windows> {
    prop::sample::select(vec![(5, 30, 25), (3, 7, 0), (10, 10, 1), (4, 9, 50)]).prop_map(
        |(interval, window, lateness)| {
            let unit = S / 100;
            Windows { interval: interval * unit, window: window * unit, lateness: lateness * unit }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn preparing_changes_no_window(
        steps in steps(), windows in shapes(), buffer_events in prop::sample::select(vec![1usize, 5, 100]),
    ) {
        let (mut quick, mut plain) = (Run::<Counted>::new(windows, buffer_events), Run::<Counted>::new(windows, buffer_events));
        let mut now = START;
        for (at, passed, is_event) in steps {
            now += passed * S / 100;
            if is_event {
                let ts = now - at * S / 100;
                if !plain.operator.is_late(ts) {
                    quick.event(ts);
                    plain.event(ts);
                }
            }
            quick.tick(now);
            plain.advance(now);
            prop_assert_eq!(quick.windows(), plain.windows());
            prop_assert_eq!(&quick.counters, &plain.counters);
        }
    }

    /// What strokes are known from earlier windows, or from before an event came in between, changes nothing.
    #[test]
    fn windows_of_keystrokes_are_those_of_their_own_events_alone(
        events in prop::collection::vec((0..6u32, any::<bool>(), prop_oneof![Just(0), 0..400i64], prop::bool::weighted(0.2), 0..3000i64), 0..150),
        spread in prop::sample::select(vec![1, 10, 100]),
        buffer_events in prop::sample::select(vec![7usize, 40, 1000]),
    ) {
        use crate::keystroke::Typing;
        let windows = Windows { interval: 2 * S, window: 5 * S, lateness: 250_000 };
        let mut run = Run::<Typing>::new(windows, buffer_events);
        // All that are held, in order, as the buffer is to hold them.
        let (mut now, mut held) = (START, Vec::<(i64, u32, bool)>::new());
        let mut expected = Vec::new();
        for (key, press, after, is_back, back) in events {
            now += after * 1000 * spread / 100;
            let ts = if is_back { now - back * 1000 } else { now };
            let ends_before = run.operator.closed_through;
            // Sometimes the next window is computed before it closes.
            if is_back { run.advance(now) } else { run.tick(now) }
            if run.operator.closed_through != ends_before {
                for record in run.out.drain(..) {
                    let alone = held.iter().filter(|(ts, ..)| record.ts - windows.window < *ts && *ts <= record.ts);
                    let mut fresh = Run::<Typing>::new(windows, usize::MAX);
                    alone.for_each(|(ts, key, press)| fresh.insert(typed(*ts, *key, *press)));
                    fresh.advance(record.ts + windows.lateness + 1);
                    expected.push((fresh.windows().pop(), Some((record.ts, record.values))));
                }
            }
            if !run.operator.is_late(ts) {
                run.insert(typed(ts, key, press));
                held.insert(held.partition_point(|other| other.0 <= ts), (ts, key, press));
                let useless = run.operator.useless_through();
                held.retain(|(ts, ..)| *ts > useless);
                held.drain(..held.len().saturating_sub(buffer_events));
            }
        }
        for (alone, found) in expected {
            prop_assert_eq!(alone, found);
        }
    }
}

/// One key's events are made in developer mode.
fn typed(ts: i64, key: u32, press: bool) -> Event<'static> {
    Event::Keystroke(Keystroke {
        ts,
        dev_mode: key == 5 && ts / 1000 % 8 == 0,
        key: format!("Key{key}").into(),
        press,
    })
}
