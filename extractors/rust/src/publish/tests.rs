use std::time::Duration;

use super::*;

fn text(ts: i64) -> Output {
    let texts = vec![Text { json: ts.to_string(), closed_at: Instant::now() }];
    Output { texts, published: Some(ts), ..Output::default() }
}

fn with_state(ts: i64) -> Output {
    Output { state: Some(format!("state {ts}")), ..text(ts) }
}

#[test]
fn a_transaction_moves_text_list_and_cursor_together() {
    let (request, names) = commands("seclyzer:features:mouse", "seclyzer:cursor:mouse", &[text(7)]);
    let request = String::from_utf8(request).unwrap();
    let words: Vec<&str> = request.lines().filter(|line| !line.starts_with(['*', '$'])).collect();
    assert_eq!(
        words.join(" "),
        "PUBLISH seclyzer:features:mouse 7 LPUSH seclyzer:features:mouse 7 \
         LTRIM seclyzer:features:mouse 0 999 HSET seclyzer:cursor:mouse published 7 version 1 EXEC"
    );
    assert_eq!(names, ["PUBLISH", "LPUSH", "LTRIM", "HSET"]);
}

#[test]
fn windows_that_wait_go_together_and_a_state_goes_alone() {
    let mut publisher = Publisher::new(Kind::Mouse, "c");
    for ts in 1..=40 {
        publisher.push(text(ts));
    }
    assert_eq!(publisher.together(), MOST_TOGETHER);
    let (request, names) = commands("c", "seclyzer:cursor:mouse", &[text(1), text(2), text(3)]);
    let request = String::from_utf8(request).unwrap();
    let words: Vec<&str> = request.lines().filter(|line| !line.starts_with(['*', '$'])).collect();
    assert_eq!(
        words.join(" "),
        "PUBLISH c 1 LPUSH c 1 PUBLISH c 2 LPUSH c 2 PUBLISH c 3 LPUSH c 3 LTRIM c 0 999 \
         HSET seclyzer:cursor:mouse published 3 version 1 EXEC"
    );
    assert_eq!(names.len(), 8);
    publisher.in_doubt = 2;
    assert_eq!(publisher.together(), 2, "what is in doubt came through as a whole, or not at all");
    let mut publisher = Publisher::new(Kind::App, "c");
    publisher.push(with_state(1));
    publisher.push(text(2));
    assert_eq!(publisher.together(), 1);
}

#[test]
fn the_cursor_is_not_written_while_a_transaction_is_in_doubt() {
    let mut publisher = Publisher::new(Kind::Mouse, "c");
    publisher.published = Some(100);
    publisher.push(text(105));
    assert_eq!(publisher.published(), Some(100));
    publisher.in_doubt = 1;
    assert_eq!(publisher.published(), None);
}

#[test]
fn a_transaction_does_not_end_where_the_cursor_is_already() {
    let mut publisher = Publisher::new(Kind::Mouse, "c");
    publisher.published = Some(100);
    for ts in [95, 100, 105] {
        publisher.push(text(ts));
    }
    assert_eq!(publisher.together(), 3);
    publisher.queue.pop_back();
    assert_eq!(publisher.together(), 1);
}

#[test]
fn what_fills_a_transaction_is_counted_by_texts() {
    let mut publisher = Publisher::new(Kind::App, "c");
    for ts in 1..MOST_TOGETHER as i64 {
        publisher.push(with_state(ts));
    }
    assert!(!publisher.has_plenty());
    publisher.push(with_state(1000));
    assert!(publisher.has_plenty() && publisher.queue.len() == 1);
}

#[test]
fn windows_wait_one_by_one_and_states_are_joined() {
    let mut publisher = Publisher::new(Kind::App, "c");
    publisher.push(text(1));
    publisher.push(text(2));
    assert_eq!(publisher.queue.len(), 2);
    publisher.push(with_state(3));
    publisher.push(with_state(4));
    assert_eq!(publisher.queue.len(), 3);
    let last = publisher.queue.back().unwrap();
    assert_eq!((last.texts.len(), last.published, last.state.as_deref()), (2, Some(4), Some("state 4")));
}

#[test]
fn an_output_in_doubt_is_not_changed() {
    let mut publisher = Publisher::new(Kind::App, "c");
    publisher.push(with_state(1));
    publisher.in_doubt = 1;
    publisher.push(with_state(2));
    assert_eq!(publisher.queue.len(), 2);
}

#[test]
fn past_the_bound_the_oldest_go_and_are_counted() {
    let mut publisher = Publisher::new(Kind::Mouse, "c");
    for ts in 0..1003 {
        publisher.push(text(ts));
    }
    assert_eq!((publisher.queue.len(), publisher.dropped), (1000, 3));
    assert_eq!(publisher.queue.front().unwrap().published, Some(3));
    let mut publisher = Publisher::new(Kind::App, "c");
    for ts in 0..1003 {
        publisher.push(with_state(ts));
    }
    assert_eq!((publisher.queue.len(), publisher.dropped, publisher.waiting()), (1, 3, 1000));
}

#[test]
fn a_window_counts_once_it_is_taken_by_how_long_it_waited() {
    let mut publisher = Publisher::new(Kind::App, "c");
    publisher.push(with_state(1));
    publisher.push(with_state(2));
    publisher.push(text(3));
    for text in &mut publisher.queue[0].texts {
        text.closed_at -= Duration::from_secs(20);
    }
    assert_eq!(publisher.delays, Histogram::default());
    publisher.taken(1);
    let delays = publisher.delays.to_string();
    assert!(delays.starts_with("0 0 0 0 0 0 0 0 0 0 0 0 0 0 2 4"), "{delays}");
    assert_eq!(publisher.queue.len(), 1);
}
