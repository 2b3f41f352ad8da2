use super::*;
use crate::channels;

/// Returns the books of one client of five channels, of which the first is public and the fourth a
/// cache channel; and a log in which numbers 1 to 9 of each were published, one a second from
/// second 1.
fn books() -> (Book, Log) {
    books_in(Order::Strict)
}

fn books_in(order: Order) -> (Book, Log) {
    let log = Log::new(5);
    for channel in 0..5 {
        for number in 1..10 {
            let time = Duration::from_secs(number);
            log.enter(channel, Published { began: time, ended: Some(time), answered: true });
        }
    }
    let mut book = Book::new(&channels::all(5), order);
    for channel in 0..5 {
        tell(&mut book, 0.0, Told::Subscribed { channel });
    }
    (book, log)
}

fn tell(book: &mut Book, at: f64, told: Told) {
    book.enter(Line { at: Duration::from_secs_f64(at), told });
}

fn events(book: &mut Book, channel: usize, numbers: impl IntoIterator<Item = u64>) {
    for number in numbers {
        tell(book, 10.0, Told::Event { channel, number });
    }
}

fn gap(book: &mut Book, since: f64, until: f64) {
    let (since, until) = (Duration::from_secs_f64(since), Duration::from_secs_f64(until));
    tell(book, 10.0, Told::Gap { channel: 0, silent_for: until - since, since });
}

fn lose(book: &mut Book) {
    let connections = book.connections + 1;
    tell(book, 10.0, Told::Status { connections, text: String::new() });
}

#[test]
fn numbers_in_order_are_right() {
    let (mut book, log) = books();
    events(&mut book, 0, 1..10);
    assert_eq!(book.problems(), [""; 0]);
    assert_eq!((book.verdict(&log, Duration::ZERO).lost, book.events()), (0, 9));
}

#[test]
fn a_doubled_number_and_one_out_of_order_are_wrong() {
    let (mut book, _) = books();
    events(&mut book, 0, [1, 2, 2, 4, 3]);
    let problems = book.problems().join("\n");
    assert!(problems.contains("number 2 came doubled, after 2"), "{problems}");
    assert!(problems.contains("number 3 came out of order, after 4"), "{problems}");
}

#[test]
fn a_skipped_number_is_lost_unless_a_gap_holds_its_time() {
    for (since, until, lost) in [(2.5, 6.0, 0), (3.5, 6.0, 1), (2.5, 4.5, 1), (9.0, 9.5, 3)] {
        let (mut book, log) = books();
        events(&mut book, 0, [1, 2]);
        tell(&mut book, 10.0, Told::Subscribed { channel: 0 });
        gap(&mut book, since, until);
        events(&mut book, 0, 6..10);
        assert_eq!(book.problems(), [""; 0]);
        let verdict = book.verdict(&log, Duration::ZERO);
        assert_eq!((verdict.lost, verdict.in_gaps), (lost, 3 - lost), "{since} to {until}");
    }
}

#[test]
fn what_the_way_may_have_held_is_told_with_how_early_it_was() {
    let (mut book, log) = books();
    events(&mut book, 0, [1, 2]);
    tell(&mut book, 10.0, Told::Subscribed { channel: 0 });
    gap(&mut book, 3.25, 6.0);
    events(&mut book, 0, [6]);
    let verdict = book.verdict(&log, Duration::from_millis(250));
    assert_eq!((verdict.lost, verdict.early), (0, Duration::from_millis(250)));
    assert_eq!(book.verdict(&log, Duration::from_millis(249)).lost, 1);
}

#[test]
fn refetching_brings_what_was_sent_since_the_gap_says() {
    let (mut book, log) = books();
    events(&mut book, 0, [1, 2]);
    tell(&mut book, 10.0, Told::Subscribed { channel: 0 });
    // From second 3 on; silent for so long that it is known at second 6.5, and told at second 10.
    gap(&mut book, 3.0, 6.5);
    events(&mut book, 0, [8]);
    assert_eq!((book.refetched(&log).in_gaps, book.refetched(&log).lost), (5, 0));
    let by_silence = book.refetched_by_silence(&log);
    assert_eq!((by_silence.in_gaps, by_silence.lost), (1, 4));
}

#[test]
fn what_the_server_did_not_take_need_not_arrive() {
    let (mut book, log) = books();
    let time = Duration::from_secs(10);
    log.enter(0, Published { began: time, ended: Some(time), answered: false });
    log.enter(0, Published { began: time, ended: Some(time), answered: true });
    events(&mut book, 0, (1..10).chain([11]));
    assert_eq!(book.verdict(&log, Duration::ZERO).lost, 0);
    assert_eq!(log.unanswered(&[0; 5], &[11, 9, 9, 9, 9]), 1);
    assert_eq!(log.unanswered(&[10; 5], &[11, 9, 9, 9, 9]), 0);
}

#[test]
fn a_confirmation_without_a_gap_and_a_gap_without_a_loss_are_wrong() {
    let (mut book, _) = books();
    tell(&mut book, 10.0, Told::Subscribed { channel: 0 });
    events(&mut book, 0, [1]);
    assert!(book.problems()[0].contains("no gap between"), "{:?}", book.problems());

    for (losses, gaps, is_wrong) in [(1, 1, false), (1, 2, true), (1, 0, true), (2, 1, false)] {
        let (mut book, _) = books();
        lose(&mut book);
        book.turn();
        (0..losses).for_each(|_| lose(&mut book));
        tell(&mut book, 10.0, Told::Subscribed { channel: 0 });
        (0..gaps).for_each(|_| gap(&mut book, 3.0, 4.0));
        book.check_gaps();
        assert_eq!(!book.problems().is_empty(), is_wrong, "{losses} losses, {gaps} gaps");
    }
}

#[test]
fn a_cache_channel_may_repeat_its_newest_event_once_a_confirmation() {
    let (mut book, _) = books();
    events(&mut book, 3, [1, 2, 2]);
    assert_eq!(book.problems(), [""; 0]);
    events(&mut book, 3, [2]);
    assert!(book.problems()[0].contains("number 2 came doubled"), "{:?}", book.problems());
}

#[test]
fn a_lag_hides_a_gap_only_where_one_is_missing() {
    let (mut book, _) = books();
    lose(&mut book);
    book.turn();
    tell(&mut book, 10.0, Told::Lagged { channel: Some(0), count: 3 });
    assert_eq!((book.lagged, book.is_blurred()), (3, false));
    lose(&mut book);
    assert!(book.is_blurred());
}

#[test]
fn in_any_order_a_number_may_come_late_and_not_twice() {
    let (mut book, log) = books_in(Order::Any);
    events(&mut book, 0, [1, 4, 2, 3, 3, 5]);
    assert_eq!(book.problems(), [""; 0]);
    assert_eq!(book.channels[0].overtaken, 2);
    assert_eq!(book.channels[0].again, [3]);
    assert_eq!(book.verdict(&log, Duration::ZERO).lost, 0);
}

#[test]
fn in_any_order_what_a_cache_channel_keeps_may_be_far_behind_once_a_confirmation() {
    let (mut book, _) = books_in(Order::Any);
    events(&mut book, 3, [1, 2, 3, 4, 5, 6, 7, 1, 2]);
    assert_eq!(book.channels[3].again, [2]);
    assert_eq!(book.problems(), [""; 0]);
}

#[test]
fn what_did_not_come_up_to_the_last_number_is_missing_and_judged_once() {
    let (mut book, log) = books_in(Order::Any);
    events(&mut book, 0, [1, 3]);
    book.close(&[5, 0, 0, 0, 0]);
    assert_eq!(book.verdict(&log, Duration::ZERO).lost_numbers, [(0, 2), (0, 4), (0, 5)]);
    book.turn();
    assert_eq!(book.verdict(&log, Duration::ZERO).lost, 0);
    // What was given up may still come, and may come once.
    events(&mut book, 0, [4, 4, 6]);
    assert_eq!((book.channels[0].overtaken, &book.channels[0].again), (1, &vec![4]));
}
