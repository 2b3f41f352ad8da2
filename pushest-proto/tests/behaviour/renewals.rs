//! Subscribing again with other member data, on the same connection: what is sent between the end
//! of the former subscription and the new one is missing, and a gap says so.

use std::time::Duration;

use crate::harness::{Harness, asking, message, succeeded, unsubscribe_frame};
use pushest_proto::{
    Action, Authorization, AuthorizationError, ChannelState, Event, Loss, PresenceChange,
    PresenceUpdate, SubscribeOptions,
};

const ROOM: &str = "presence-room";
const SECOND: Duration = Duration::from_secs(1);

impl Harness {
    /// A session without the secret that is subscribed to the room, its first events looked at.
    fn in_the_room() -> Self {
        let mut harness = Self::new(asking());
        harness.connect();
        harness.subscribe_as(ROOM, "me");
        harness.authorize_as("me");
        harness.succeed(ROOM);
        harness.actions.clear();
        harness
    }

    fn authorize_as(&mut self, id: &str) {
        self.answer_with(Ok(
            Authorization::new("a:b").channel_data(&*format!(r#"{{"user_id":"{id}"}}"#))
        ));
    }

    fn answer_with(&mut self, answer: Result<Authorization, AuthorizationError>) {
        let requests = self.requests();
        let [request] = &requests[..] else { panic!("{requests:?}") };
        self.session.handle_authorization(request.ticket, answer, self.now);
        self.drain();
    }

    fn carry(&mut self, name: &str) {
        self.receive(&message(name, Some(ROOM), "1"));
    }

    /// The events, in words.
    fn told(&mut self) -> Vec<String> {
        let word = |event: &Event| match event {
            Event::Channel(event) => event.name().to_owned(),
            Event::Subscribed { .. } => "subscribed".to_owned(),
            Event::Gap { silent_for, cause, .. } => {
                format!("gap of {} s: {cause}", silent_for.as_secs_f64())
            }
            Event::SubscriptionFailed { .. } => "failed".to_owned(),
            other => panic!("{other:?}"),
        };
        self.events().iter().map(word).collect()
    }
}

#[test]
fn what_is_sent_until_the_new_confirmation_lies_in_a_gap() {
    let mut harness = Harness::connected();
    harness.subscribed(ROOM);
    harness.pass_seconds(40);
    harness.subscribe_as(ROOM, "somebody else");
    assert_eq!(harness.sent().len(), 2);
    harness.pass_seconds(3);
    assert!(harness.events().is_empty());
    let list = r#"{"presence":{"ids":["somebody else"],"hash":{"somebody else":null},"count":1}}"#;
    harness.receive(&succeeded(ROOM, list));
    harness.carry("e");
    let [
        Action::Emit(Event::Subscribed { .. }),
        Action::Emit(Event::Gap { silent_for, cause, .. }),
        Action::UpdatePresence(PresenceUpdate { change: PresenceChange::Reset { .. }, .. }),
        Action::Emit(Event::Channel(_)),
    ] = &harness.actions[..]
    else {
        panic!("{:?}", harness.actions)
    };
    assert_eq!((*silent_for, &**cause), (3 * SECOND, &Loss::Resubscribed));
    assert_eq!(harness.session.status(harness.now).last_loss, None, "the connection was not lost");
}

#[test]
fn the_gap_begins_when_the_unsubscribe_leaves_and_what_comes_meanwhile_is_told() {
    let mut harness = Harness::in_the_room();
    harness.session.handle_writable(harness.current(), false, harness.now);
    harness.subscribe_as(ROOM, "another");
    harness.pass_seconds(5);
    harness.carry("before the unsubscribe");
    assert_eq!(harness.told(), ["before the unsubscribe"]);
    harness.session.handle_writable(harness.current(), true, harness.now);
    harness.drain();
    assert_eq!(harness.sent(), [unsubscribe_frame(ROOM)]);
    harness.pass_seconds(1);
    harness.carry("while it is authorized");
    harness.pass_seconds(1);
    harness.authorize_as("another");
    harness.carry("while it is unanswered");
    harness.pass_seconds(1);
    harness.succeed(ROOM);
    harness.carry("after it");
    let told = harness.told();
    let gap = format!("gap of 3 s: {}", Loss::Resubscribed);
    let meanwhile = ["while it is authorized", "while it is unanswered"];
    assert_eq!(told, [meanwhile[0], meanwhile[1], "subscribed", &gap, "after it"]);
}

#[test]
fn a_loss_meanwhile_makes_one_gap_from_the_earlier_beginning() {
    for has_news in [false, true] {
        let mut harness = Harness::in_the_room();
        harness.pass_seconds(7);
        harness.subscribe_as(ROOM, "another");
        if has_news {
            harness.pass_seconds(1);
            harness.carry("news");
        }
        harness.pass_seconds(2);
        harness.actions.retain(|action| !matches!(action, Action::Authorize(_)));
        harness.lose(Loss::reset("gone"));
        let away = harness.wait_for_retry();
        harness.establish();
        harness.authorize_as("another");
        harness.actions.clear();
        harness.succeed(ROOM);
        harness.carry("e");
        // Without news the connection was silent for longer: what was sent before the unsubscribe
        // may be missing, too.
        let (began, cause) = if has_news {
            (3 * SECOND, Loss::Resubscribed)
        } else {
            (9 * SECOND, Loss::reset("gone"))
        };
        let gap = format!("gap of {} s: {cause}", (began + away).as_secs_f64());
        assert_eq!(harness.told(), ["subscribed", &gap, "e"]);
    }
}

#[test]
fn a_gap_that_was_there_before_is_told_once_and_at_the_last_confirmation() {
    let mut harness = Harness::connected();
    harness.subscribed(ROOM);
    harness.lose(Loss::reset("gone"));
    let away = harness.wait_for_retry();
    harness.establish();
    harness.pass_seconds(1);
    harness.session.subscribe(ROOM, &SubscribeOptions::member("another"), harness.now).unwrap();
    harness.drain();
    harness.carry("early");
    harness.pass_seconds(1);
    // The answer to the former subscribe, and the answer to the new one.
    harness.succeed(ROOM);
    harness.pass_seconds(1);
    harness.succeed(ROOM);
    harness.succeed(ROOM);
    let first =
        format!("gap of {} s: the connection was lost: gone", (away + 2 * SECOND).as_secs_f64());
    let second = format!("gap of 1 s: {}", Loss::Resubscribed);
    assert_eq!(harness.told(), ["early", "subscribed", &first, "subscribed", &second]);
}

#[test]
fn a_refusal_leaves_the_gap_to_the_confirmation_that_comes_at_last() {
    let mut harness = Harness::in_the_room();
    harness.subscribe_as(ROOM, "another");
    harness.answer_with(Err(AuthorizationError::refused(Some(403), "no")));
    harness.pass_seconds(60);
    harness.session.retry(ROOM, harness.now).unwrap();
    harness.drain();
    harness.authorize_as("another");
    let refusal = r#"{"type":"AuthError","error":"no","status":401}"#;
    harness.receive(&message("pusher:subscription_error", Some(ROOM), refusal));
    assert_eq!(harness.session.channel(ROOM).unwrap().state(), ChannelState::Failed);
    harness.pass_seconds(60);
    harness.session.retry(ROOM, harness.now).unwrap();
    harness.drain();
    harness.authorize_as("another");
    harness.succeed(ROOM);
    let gap = format!("gap of 120 s: {}", Loss::Resubscribed);
    assert_eq!(harness.told(), ["failed", "failed", "subscribed", &gap]);
}

#[test]
fn an_answer_to_the_former_subscribe_does_not_end_the_gap() {
    let mut harness = Harness::connected();
    harness.subscribe_as(ROOM, "me");
    harness.subscribe_as(ROOM, "another");
    harness.pass_seconds(1);
    // Whose it is cannot be seen.
    harness.succeed(ROOM);
    harness.carry("of the former");
    harness.pass_seconds(1);
    harness.succeed(ROOM);
    harness.carry("of the new one");
    // Nothing is missing from before the first confirmation, since nothing was subscribed.
    let gap = format!("gap of 1 s: {}", Loss::Resubscribed);
    let told = ["subscribed", "of the former", "subscribed", &gap, "of the new one"];
    assert_eq!(harness.told(), told);
}

#[test]
fn an_answer_to_a_former_subscribe_during_the_authorization_is_not_taken_for_the_new_one() {
    let mut harness = Harness::new(asking());
    harness.connect();
    harness.subscribe_as(ROOM, "me");
    harness.authorize_as("me");
    harness.carry("early");
    harness.subscribe_as(ROOM, "another");
    harness.pass_seconds(1);
    harness.succeed(ROOM);
    assert_eq!(harness.told(), ["early"]);
    harness.authorize_as("another");
    harness.pass_seconds(1);
    harness.succeed(ROOM);
    harness.succeed(ROOM);
    let gap = format!("gap of 2 s: {}", Loss::Resubscribed);
    assert_eq!(harness.told(), ["subscribed", &gap]);
}

#[test]
fn unsubscribing_first_makes_another_subscription_without_a_gap() {
    for was_polled in [true, false] {
        let mut harness = Harness::connected();
        harness.subscribed(ROOM);
        harness.session.handle_writable(harness.current(), was_polled, harness.now);
        harness.session.unsubscribe(ROOM, harness.now).unwrap();
        harness.drain();
        harness.subscribe_as(ROOM, "another");
        harness.carry("of the former");
        harness.pass_seconds(1);
        harness.session.handle_writable(harness.current(), true, harness.now);
        harness.drain();
        assert_eq!(harness.sent().len(), 2);
        harness.succeed(ROOM);
        let told = harness.told();
        // Once the new subscribe has left, it cannot be seen whose an event is.
        let expected = ["of the former", "subscribed"];
        assert_eq!(told, expected[usize::from(!was_polled)..]);
    }
}

#[test]
fn the_time_in_which_the_machine_was_suspended_is_in_that_gap_too() {
    let mut harness = Harness::in_the_room();
    harness.session.handle_wall_clock(Duration::from_secs(1_000), harness.now);
    harness.subscribe_as(ROOM, "another");
    harness.pass_seconds(1);
    harness.session.handle_wall_clock(Duration::from_secs(1_101), harness.now);
    harness.drain();
    harness.authorize_as("another");
    harness.succeed(ROOM);
    let events = harness.events();
    let [_, Event::Gap { silent_for, since, .. }] = &events[..] else { panic!("{events:?}") };
    assert_eq!(*silent_for, 101 * SECOND);
    assert_eq!(*since, Some(Duration::from_secs(1_000)));
}

#[test]
fn each_subscribe_that_may_be_unanswered_counts_also_that_of_a_subscription_that_was_ended() {
    let mut harness = Harness::connected();
    harness.subscribe_as(ROOM, "me");
    harness.session.unsubscribe(ROOM, harness.now).unwrap();
    harness.subscribe_as(ROOM, "me");
    harness.subscribe_as(ROOM, "another");
    assert_eq!(harness.sent().len(), 5);
    for number in ["1", "2", "3"] {
        harness.pass_seconds(1);
        harness.succeed(ROOM);
        harness.carry(number);
    }
    let gap = &*format!("gap of 1 s: {}", Loss::Resubscribed);
    let told = ["subscribed", "1", "subscribed", gap, "2", "subscribed", gap, "3"];
    assert_eq!(harness.told(), told);
}

#[test]
fn a_gap_of_a_subscription_that_was_ended_is_not_told_in_the_next_one() {
    let mut harness = Harness::connected();
    harness.subscribed(ROOM);
    harness.lose(Loss::reset("gone"));
    harness.establish();
    harness.actions.clear();
    // The next one begins before the end of the former was polled.
    harness.session.unsubscribe(ROOM, harness.now).unwrap();
    harness.subscribe_as(ROOM, "me");
    harness.succeed(ROOM);
    harness.succeed(ROOM);
    assert_eq!(harness.told(), ["subscribed"]);
}

#[test]
fn other_member_data_before_the_server_was_told_of_the_channel_renews_nothing() {
    let mut harness = Harness::connected();
    harness.session.handle_writable(harness.current(), false, harness.now);
    harness.subscribe_as(ROOM, "me");
    harness.subscribe_as(ROOM, "another");
    harness.carry("stray");
    assert!(harness.told().is_empty());
    assert_eq!(harness.session.statistics().unwanted, 1);
    harness.session.handle_writable(harness.current(), true, harness.now);
    harness.drain();
    assert_eq!(harness.sent().len(), 1);
    harness.succeed(ROOM);
    assert_eq!(harness.told(), ["subscribed"]);
}
