//! What the store is put through.

use proptest::prelude::*;

use super::*;
use crate::histogram::Histogram;

const CAP: u64 = 64 << 20;

fn seconds(seconds: u64) -> Step {
    Step::Pass(Duration::from_secs(seconds))
}

fn run(cap: u64, steps: &[Step]) -> World {
    let mut world = World::new(cap);
    // The state directory is there.
    world.disk.place("/state/app-state.json", b"");
    world.steps(steps);
    world
}

#[test]
fn nothing_touches_the_disk_while_influxdb_answers() {
    let world = run(
        CAP,
        &[Step::Put(3, 20), seconds(2), Step::Put(100, 20), seconds(500), Step::Put(1, 20), seconds(9)],
    );
    assert_eq!(world.disk.changes(), 0);
    assert_eq!(world.stored(), world.points);
    assert_eq!((world.stats().written, world.stats().spooled), (104, 0));
    // Each of the answers, to points and to nothing, took 5 ms.
    let asked = world.far.0.borrow().asked;
    let all = format!("0 0 0 {asked} 0 0 0 0 0 0 0 0 0 0 0 {}", asked * 5000);
    assert!(asked > 3 && world.stats().took.to_string() == all, "{asked} {}", world.stats().took);
}

#[test]
fn ten_seconds_of_silence_bring_everything_to_disk_and_an_answer_brings_it_back() {
    for mode in [Mode::Silent, Mode::Away, Mode::Busy, Mode::Misconfigured] {
        let mut world = run(CAP, &[Step::Influx(mode), Step::Put(3, 20), seconds(9)]);
        assert_eq!(world.stats().spooled, 0, "{mode:?}");
        assert_eq!(world.store.settled(), 0);
        world.step(seconds(2));
        assert_eq!((world.stats().spooled, world.stats().spool_bytes), (3, 63), "{mode:?}");
        let no_answer = matches!(mode, Mode::Silent | Mode::Away);
        assert_eq!(world.stats().took == Histogram::default(), no_answer, "{mode:?}");
        // It is in the spool: the cursor may move.
        assert_eq!(world.store.settled(), 3);
        assert_eq!(world.store.common.waiting().0, 0);
        // From now on points follow as soon as InfluxDB can be waited for no longer.
        world.steps(&[Step::Pass(Duration::from_secs(300)), Step::Put(1, 20), seconds(12)]);
        assert_eq!(world.stats().spooled, 4, "{mode:?}");
        world.steps(&[Step::Influx(Mode::Answers), seconds(61)]);
        assert_eq!(world.stored(), world.points, "{mode:?}");
        let stats = world.stats();
        assert_eq!((stats.written, stats.spool_bytes, stats.dropped), (4, 0, 0));
        assert_eq!((&*stats.outage.reason, stats.outage.until > 0), ("", true));
        // And nothing is written any more.
        let changes = world.disk.changes();
        world.steps(&[Step::Put(5, 20), seconds(5)]);
        assert_eq!((world.disk.changes(), world.stored().len()), (changes, 9));
    }
}

#[test]
fn who_has_nothing_to_send_asks_once_a_minute_whether_it_might() {
    let mut world = run(CAP, &[seconds(59)]);
    assert_eq!(world.far.0.borrow().asked, 0);
    world.steps(&[Step::Influx(Mode::Misconfigured), seconds(2)]);
    let (asked, stats) = (world.far.0.borrow().asked, world.stats());
    let outage = stats.outage;
    assert_eq!((asked, &*outage.fault, outage.until), (1, "401", 0));
    assert_eq!((outage.advice, stats.errors, stats.answered_at), ("check influx_token", 1, 0));
    world.steps(&[Step::Influx(Mode::Answers), seconds(61)]);
    let (asked, stats) = (world.far.0.borrow().asked, world.stats());
    let after = stats.outage;
    assert_eq!((asked, &*after.fault, &*after.reason, after.since), (2, "", "", outage.since));
    assert!(after.until >= after.since && stats.answered_at >= after.since);
    assert_eq!((stats.written, stats.rejected, stats.spooled, world.stored().len()), (0, 0, 0, 0));
}

#[test]
fn points_that_were_sent_are_proof_enough() {
    let world = run(CAP, &[Step::Put(1, 20), seconds(30)].repeat(10));
    assert_eq!((world.far.0.borrow().asked, world.stored().len()), (10, 10));
}

#[test]
fn points_that_follow_while_influxdb_refuses_wait_a_second_only() {
    let mut world = run(CAP, &[Step::Influx(Mode::Away), Step::Put(1, 20), seconds(11)]);
    for already in 1..30 {
        assert_eq!(world.stats().spooled, already);
        world.steps(&[Step::Put(1, 20), Step::Pass(Duration::from_millis(1100))]);
    }
}

#[test]
fn a_wrong_line_is_found_set_aside_and_counted_from_memory_and_from_disk() {
    for mode in [Mode::Answers, Mode::Away] {
        let mut world =
            run(CAP, &[Step::Influx(mode), Step::Put(7, 20), Step::PutBad, Step::Put(70, 20), Step::PutBad]);
        world.steps(&[seconds(12), Step::Influx(Mode::Answers), seconds(61)]);
        let (bad, good): (Vec<String>, Vec<String>) =
            world.points.iter().cloned().partition(|point| point.starts_with("bad"));
        assert_eq!(world.stored(), good);
        assert_eq!(world.rejected_lines(), bad);
        assert_eq!((world.stats().rejected, world.stats().written), (2, 77));
        world.end();
        world.check();
    }
}

#[test]
fn a_silence_in_the_middle_of_halving_refuses_no_point_twice() {
    let away = [Step::Influx(Mode::Away), Step::PutBad, Step::Put(30, 20), Step::PutBad, seconds(12)];
    for requests in 1..20 {
        let mut world = run(CAP, &away);
        world.steps(&[Step::Influx(Mode::Answers), Step::InfluxIn(requests, Mode::Silent), seconds(100)]);
        world.steps(&[Step::Influx(Mode::Answers), seconds(200)]);
        assert_eq!((world.stats().rejected, world.rejected_lines().len()), (2, 2), "after {requests}");
        assert_eq!(world.stats().written, 30, "after {requests}");
        world.end();
        world.check();
        world.check_order();
    }
}

#[test]
fn a_stop_saves_what_is_not_answered_and_asks_only_who_may_answer() {
    // InfluxDB answered before: one attempt more, and the rest to disk.
    let mut world = run(
        CAP,
        &[Step::Put(1, 20), seconds(2), Step::Influx(Mode::Silent), Step::Put(4, 20), Step::Restart],
    );
    assert_eq!((world.base, world.far.0.borrow().asked), (5, 2));
    world.end();
    world.check();
    world.check_order();
    // It is known to be away: straight to disk.
    let mut world = run(CAP, &[Step::Influx(Mode::Away), Step::Put(4, 20), seconds(2)]);
    let asked = world.far.0.borrow().asked;
    world.step(Step::Restart);
    assert_eq!((world.base, world.far.0.borrow().asked), (4, asked));
    // It answers: nothing is written.
    let world = run(CAP, &[Step::Put(4, 20), Step::Restart]);
    assert_eq!((world.base, world.disk.changes(), world.stored().len()), (4, 0, 4));
}

#[test]
fn a_disk_that_is_full_leaves_points_in_memory_and_is_tried_every_ten_seconds() {
    let mut world = run(CAP, &[Step::FillDisk, Step::Influx(Mode::Away), Step::Put(5, 20), seconds(15)]);
    assert_eq!((world.stats().spooled, world.store.common.waiting().0, world.store.settled()), (0, 5, 0));
    let full = world.stats().spool_outage;
    assert_eq!((&*full.fault, full.reason.is_empty(), full.until), ("unwritable", false, 0));
    let changes = world.disk.changes();
    world.step(seconds(100));
    assert!(world.disk.changes() - changes <= 11 * 4, "{} calls", world.disk.changes() - changes);
    assert_eq!(world.stats().spool_outage, full, "it began when it was first seen");
    world.steps(&[Step::HealDisk, seconds(11)]);
    let over = world.stats().spool_outage;
    assert_eq!((&*over.fault, over.since, over.until >= full.since), ("", full.since, true));
    assert_eq!((world.stats().spooled, world.store.settled()), (5, 5));
    world.end();
    world.check();
    world.check_order();
}

#[test]
fn a_folder_whose_maker_was_killed_survives_a_power_cut() {
    for fault in [Fault::KillWithin, Fault::Full] {
        let mut world =
            run(CAP, &[Step::Influx(Mode::Away), Step::BreakIn(1, fault), Step::Put(2, 20), seconds(12)]);
        assert_eq!(world.disk.struck(), Some((1, fault)));
        world.steps(&[Step::HealDisk, Step::Kill, seconds(24)]);
        assert_eq!(world.base + world.stats().spooled as usize, 2, "{fault:?}");
        world.steps(&[Step::BreakIn(0, Fault::PowerCut), Step::Put(1, 20), seconds(12)]);
        world.end();
        world.check();
    }
}

#[test]
fn points_that_were_not_sent_yet_are_not_written_to_disk() {
    let mut world = run(CAP, &[]);
    for _ in 0..50 {
        // Longer than the silence that is allowed lies between the first point and its batch.
        world.worker.timeout = Duration::from_millis(500);
        world.steps(&[Step::Put(1, 20), Step::Pass(Duration::from_millis(1700))]);
    }
    assert_eq!((world.disk.changes(), world.stored().len()), (0, 50));
}

#[test]
fn at_the_cap_the_oldest_points_go_and_are_counted() {
    let mut world = run(1 << 20, &[Step::Influx(Mode::Away)]);
    for _ in 0..40 {
        world.steps(&[Step::Put(1, 64 << 10), seconds(11)]);
        assert!(world.stats().spool_bytes <= 1 << 20);
    }
    let dropped = world.stats().dropped;
    assert!((24..=28).contains(&dropped), "{dropped}");
    world.end();
    assert_eq!(world.stored(), world.points[usize::try_from(dropped).unwrap()..]);
}

/// Everything the store does with a disk, in few calls.
const SHORT: [Step; 17] = [
    Step::Put(3, 20),
    Step::Influx(Mode::Away),
    Step::Pass(Duration::from_secs(12)),
    Step::Put(1, 200 << 10),
    Step::PutBad,
    Step::Put(1, 100 << 10),
    Step::Pass(Duration::from_secs(3)),
    Step::Put(2, 300 << 10),
    Step::Put(2, 20),
    Step::Pass(Duration::from_secs(2)),
    Step::Influx(Mode::Answers),
    Step::Pass(Duration::from_secs(100)),
    Step::Influx(Mode::Silent),
    Step::Put(2, 20),
    Step::Restart,
    Step::Influx(Mode::Answers),
    Step::Pass(Duration::from_secs(70)),
];

const FAULTS: [Fault; 7] = [
    Fault::Kill,
    Fault::KillWithin,
    Fault::PowerCut,
    Fault::PowerCutHalf,
    Fault::Full,
    Fault::Fails(ErrorKind::PermissionDenied),
    Fault::Fails(ErrorKind::Interrupted),
];

/// The cap lets everything in, or makes the oldest go.
const CAPS: [u64; 2] = [CAP, 600 << 10];

#[test]
fn whatever_breaks_at_whatever_system_call_no_point_is_lost() {
    for cap in CAPS {
        let mut whole = run(cap, &SHORT);
        let calls = whole.disk.calls();
        assert!((40..400).contains(&calls), "{calls} calls");
        whole.end();
        whole.check();
        whole.check_order();
        for call in 0..calls {
            for fault in FAULTS {
                let steps = [&[Step::BreakIn(call, fault)], &SHORT[..]].concat();
                let mut world = run(cap, &steps);
                let struck = world.disk.struck();
                world.end();
                let held = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                    world.check();
                    if !matches!(fault, Fault::Fails(_)) {
                        world.check_order();
                    }
                }));
                assert!(held.is_ok(), "cap {cap}, call {call}, {fault:?}, struck {struck:?}");
            }
        }
    }
}

fn any_fault() -> impl Strategy<Value = Fault> {
    prop::sample::select(FAULTS.to_vec())
}

fn any_step() -> impl Strategy<Value = Step> {
    let mode = prop::sample::select(vec![
        Mode::Answers,
        Mode::Answers,
        Mode::LosesAnswers,
        Mode::Silent,
        Mode::Away,
        Mode::Busy,
        Mode::Misconfigured,
    ]);
    prop_oneof![
        5 => (1usize..60, 30usize..3000).prop_map(|(count, size)| Step::Put(count, size)),
        1 => (1usize..5, 60_000usize..300_000).prop_map(|(count, size)| Step::Put(count, size)),
        1 => Just(Step::PutBad),
        5 => (0u64..40_000).prop_map(|ms| Step::Pass(Duration::from_millis(ms))),
        3 => mode.clone().prop_map(Step::Influx),
        2 => (1usize..9, mode).prop_map(|(requests, mode)| Step::InfluxIn(requests, mode)),
        3 => (0usize..30, any_fault()).prop_map(|(calls, fault)| Step::BreakIn(calls, fault)),
        1 => Just(Step::FillDisk),
        1 => Just(Step::HealDisk),
        1 => Just(Step::Restart),
        1 => Just(Step::Kill),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
    #[test]
    fn random_operations_lose_nothing_and_make_nothing_up(
        steps in prop::collection::vec(any_step(), 1..40),
        cap in prop::sample::select(vec![CAP, 1 << 20]),
    ) {
        let mut world = run(cap, &steps);
        world.end();
        world.check();
        let disturbs_order = |step: &Step| matches!(step, Step::BreakIn(_, Fault::Fails(_) | Fault::Full));
        if !steps.iter().any(disturbs_order) {
            world.check_order();
        }
    }
}
