//! Who is woken, how often, and that no wake is lost.

use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::StreamExt;
use pushest_driver::unstable::Client;
use pushest_driver::{Config, Event, Options, SubscribeOptions};

use super::frames;
use super::rig::{Rig, address, config, received, words};
use super::wakes::{Hand, Wakes};
use super::world::{Attempt, Call, Outcome};

/// A client that is connected, with a private channel.
fn chatting() -> Rig {
    let mut rig = Rig::connected();
    rig.want("private-chat");
    rig.settle();
    rig.server().take_received();
    rig.world.take_calls();
    rig
}

type Command = fn(&Client);

#[test]
fn each_command_wakes_a_sleeping_pump_exactly_once_however_many_follow() {
    let commands: [(&str, Command); 12] = [
        ("subscribe", |client| client.subscribe("news").unwrap().detach()),
        ("subscribe again", |client| client.subscribe("private-chat").unwrap().detach()),
        ("subscribe and drop", |client| drop(client.subscribe("news").unwrap())),
        ("unsubscribe", |client| client.unsubscribe("private-chat").unwrap()),
        ("trigger", |client| client.trigger("private-chat", "client-hello", "hi").unwrap()),
        ("retry", |client| client.retry("private-chat").unwrap()),
        ("sign in", |client| client.sign_in(Some(r#"{"id":"1"}"#)).unwrap()),
        ("flush", |client| drop(client.flush())),
        ("network change", |client| client.network_changed()),
        ("endpoint", |client| client.set_endpoint(client.config().endpoint().clone())),
        ("disconnect", |client| client.disconnect()),
        ("shutdown", |client| drop(client.shutdown())),
    ];
    for (name, command) in commands {
        let mut rig = chatting();
        let other = rig.client.clone();
        command(&other);
        assert_eq!(rig.count_wakes(), 1, "{name}");
        // It is awake already.
        other.network_changed();
        assert_eq!(rig.count_wakes(), 0, "{name}");
        rig.settle();
        other.network_changed();
        assert_eq!(rig.count_wakes(), 1, "after {name}");
    }
}

#[test]
fn a_refused_command_leaves_the_pump_asleep_and_an_accepted_one_wakes_it_once() {
    type Refused = fn(&Client) -> bool;
    let commands: [(&str, Refused); 13] = [
        ("subscribe to no name", |client| client.subscribe("a b").is_err()),
        ("subscribe as nobody", |client| client.subscribe("presence-room").is_err()),
        ("unsubscribe", |client| client.unsubscribe("news").is_err()),
        ("retry", |client| client.retry("news").is_err()),
        ("trigger no client event", |client| client.trigger("private-chat", "hello", "").is_err()),
        ("trigger elsewhere", |client| client.trigger("private-x", "client-hello", "").is_err()),
        ("trigger on a public channel", |client| client.trigger("news", "client-x", "").is_err()),
        ("trigger too much", |client| {
            client.trigger("private-chat", "client-x", &"x".repeat(1024 * 1024)).is_err()
        }),
        ("trigger what is no JSON", |client| {
            let keys = std::collections::HashMap::from([((1, 2), 3)]);
            client.trigger("private-chat", "client-x", &keys).is_err()
        }),
        ("trigger when allowed", |client| {
            Hand::new(client.trigger_when_allowed("private-x", "client-x", "")).done().is_err()
        }),
        ("sign in as no user", |client| client.sign_in(Some("{}")).is_err()),
        ("sign in as nobody", |client| client.sign_in(None).is_err()),
        ("subscribe with bad info", |client| {
            let me = SubscribeOptions::member("1").info("{");
            client.subscribe_with("presence-room", &me).is_err()
        }),
    ];
    let mut rig = chatting();
    for (name, command) in commands {
        assert!(command(&rig.client), "{name} is accepted");
        assert_eq!(rig.count_wakes(), 0, "{name}");
        assert_eq!(rig.run(), 0, "{name}");
    }
    rig.client.trigger("private-chat", "client-hello", "hi").unwrap();
    assert_eq!(rig.count_wakes(), 1);
    rig.settle();
    assert_eq!(rig.server().take_received(), ["client-hello private-chat"]);
}

#[test]
fn what_is_refused_for_the_state_of_the_client_wakes_nobody() {
    // A receiver of a channel that was unsubscribed from.
    let mut rig = chatting();
    let news = rig.client.subscribe("private-news").unwrap();
    rig.client.unsubscribe("private-news").unwrap();
    rig.settle();
    news.trigger("client-hello", "hi").unwrap_err();
    assert_eq!(rig.count_wakes(), 0);
    // Without a connection.
    rig.client.disconnect();
    rig.settle();
    rig.client.trigger("private-chat", "client-hello", "hi").unwrap_err();
    assert!(Hand::new(rig.client.flush()).done().is_err());
    assert_eq!(rig.count_wakes(), 0);
    // More a second than is allowed, and a caller that does not wait for it.
    let config = config().client_events_per_second(Some(1));
    let mut rig = Rig::connected_with(config, Options::default());
    rig.want("private-chat");
    rig.settle();
    rig.client.trigger("private-chat", "client-a", "1").unwrap();
    rig.settle();
    rig.client.trigger("private-chat", "client-a", "2").unwrap_err();
    assert_eq!(rig.count_wakes(), 0);
    // One that waits needs the pump to keep the time.
    let mut waits = Hand::new(rig.client.trigger_when_allowed("private-chat", "client-a", "2"));
    assert!(waits.poll().is_pending());
    assert_eq!(rig.count_wakes(), 1);
    // There is no authorizer.
    let mut rig =
        Rig::with(Config::builder("app-key").host("server.example").port(80), Options::default());
    rig.settle();
    assert!(rig.client.subscribe("private-chat").is_err());
    rig.client.sign_in(None).unwrap_err();
    assert_eq!(rig.count_wakes(), 0);
}

#[test]
fn a_recording_gets_the_refused_commands_at_once_too() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let sink = lines.clone();
    let options =
        Options::default().record(move |line| sink.lock().unwrap().push(line.to_string()));
    let mut rig = Rig::connected_with(config(), options);
    let before = lines.lock().unwrap().len();
    rig.client.unsubscribe("news").unwrap_err();
    assert_eq!(rig.count_wakes(), 1);
    rig.run();
    let lines = lines.lock().unwrap();
    assert!(lines[before..].iter().any(|line| line.contains("news")), "{:?}", &lines[before..]);
}

#[test]
fn a_look_at_the_client_wakes_nobody() {
    let mut rig = chatting();
    let client = rig.client.clone();
    let mut chat = client.subscribe("private-chat").unwrap();
    rig.settle();
    received(&mut chat);
    let _ = (client.status(), client.statistics(), client.members("private-chat"));
    let _ = (chat.state(), client.me("private-chat"), client.channel_state("private-chat"));
    drop((client.events(), client.user_events()));
    let mut events = client.events();
    assert_eq!(received(&mut events), [""; 0]);
    assert!(Hand::new(client.connected()).done().is_ok());
    assert!(Hand::new(client.connected_timeout(Duration::from_secs(1))).done().is_ok());
    assert!(Hand::new(chat.subscribed()).done().is_ok());
    assert!(Hand::new(client.signed_in()).done().is_err());
    drop(client.clone());
    assert_eq!(rig.count_wakes(), 0);
}

#[test]
fn whoever_waits_for_a_time_wakes_the_pump_once_and_is_woken_once() {
    let mut rig = Rig::new();
    rig.world.plan_attempts([Attempt::Silent]);
    rig.settle();
    let mut without = Hand::new(rig.client.connected());
    let mut within = Hand::new(rig.client.connected_timeout(Duration::from_millis(50)));
    assert!(without.poll().is_pending());
    assert_eq!(rig.count_wakes(), 0);
    assert!(within.poll().is_pending());
    assert_eq!(rig.count_wakes(), 1);
    rig.run();
    assert!(within.poll().is_pending());
    assert_eq!(rig.count_wakes(), 0);
    rig.world.clock().advance(Duration::from_millis(49));
    rig.run();
    assert_eq!(within.wakes.take(), 0);
    rig.world.clock().advance(Duration::from_millis(1));
    rig.run();
    assert_eq!((within.wakes.take(), without.wakes.take()), (1, 0));
    assert!(within.done().is_err());
    assert!(without.poll().is_pending());
}

/// Does something once, at each call of the driver in turn, then lets it be seen. Returns the calls.
/// The clock is looked at under the driver's lock, so that no command can come from there.
fn at_each_call(
    begin: fn() -> Rig,
    go_on: fn(&mut Rig),
    is_command: bool,
    deed: impl Fn(&Rig) -> Box<dyn FnOnce() + Send>,
    is_seen: impl Fn(&mut Rig) -> bool,
) -> Vec<Call> {
    let mut tried = Vec::new();
    loop {
        let mut rig = begin();
        let (mut left, mut deed) = (tried.len(), Some(deed(&rig)));
        let calls = Arc::new(Mutex::new(None));
        let done = calls.clone();
        rig.world.at_each_call(move |call| {
            if is_command && call == Call::Now {
                return;
            }
            if left == 0
                && let Some(deed) = deed.take()
            {
                deed();
                *done.lock().expect("no deed panics") = Some(call);
            }
            left = usize::saturating_sub(left, 1);
        });
        go_on(&mut rig);
        rig.world.forget_hook();
        let Some(call) = *calls.lock().expect("no deed panics") else { return tried };
        assert!(is_seen(&mut rig), "lost at {}, {call:?}", tried.len());
        tried.push(call);
    }
}

/// One that is about to read, to write and to look at the time, and then has nothing to do: the
/// server is silent, and a command has woken it already.
fn before_its_last_poll() -> Rig {
    let mut rig = chatting();
    rig.server().habits.confirms = false;
    rig.want("news");
    rig.server().says(&frames::event("private-chat", "headline", "rain"));
    rig
}

fn run(rig: &mut Rig) {
    rig.run();
}

fn subscribe(rig: &Rig) -> Box<dyn FnOnce() + Send> {
    let client = rig.client.clone();
    Box::new(move || client.subscribe("late").expect("a good name").detach())
}

fn has_subscribed(rig: &mut Rig) -> bool {
    rig.server().take_received().contains(&"pusher:subscribe late".to_string())
}

#[track_caller]
fn expect_calls(tried: &[Call], expected: &[Call]) {
    for call in expected {
        assert!(tried.contains(call), "{call:?} is not among {tried:?}");
    }
}

const OF_A_POLL: [Call; 3] =
    [Call::Flush(Outcome::Done(0)), Call::Read(Outcome::Pending), Call::Sleep];

#[test]
fn a_command_at_any_moment_of_a_poll_is_carried_out() {
    let tried = at_each_call(before_its_last_poll, run, true, subscribe, has_subscribed);
    expect_calls(&tried, &OF_A_POLL);
}

#[test]
fn a_command_at_any_moment_of_a_dial_is_carried_out() {
    let tried = at_each_call(Rig::new, Rig::settle, true, subscribe, has_subscribed);
    let of_a_dial =
        [Call::Resolve, Call::Connect(address(1)), Call::Dial, Call::Dropped("attempt")];
    expect_calls(&tried, &of_a_dial);
}

#[test]
fn a_message_at_any_moment_of_a_poll_is_told() {
    let say = |rig: &Rig| -> Box<dyn FnOnce() + Send> {
        let socket = rig.world.sockets()[0].clone();
        Box::new(move || socket.arrives(&frames::event("private-chat", "headline", "late")))
    };
    let is_told = |rig: &mut Rig| rig.client.statistics().events == 2;
    let tried = at_each_call(before_its_last_poll, run, false, say, is_told);
    expect_calls(&tried, &OF_A_POLL);
    expect_calls(&tried, &[Call::Now]);
}

#[test]
fn time_that_passes_at_any_moment_of_a_poll_is_noticed() {
    let pass = |rig: &Rig| -> Box<dyn FnOnce() + Send> {
        let world = rig.world.clone();
        Box::new(move || world.clock().advance(Duration::from_secs(121)))
    };
    let is_noticed = |rig: &mut Rig| {
        // It is a ping of the client's, or the message came after that time.
        let has_pinged = rig.server().take_received().contains(&"pusher:ping".to_string());
        let next = rig.world.clock().next();
        has_pinged || next.is_some_and(|next| next <= Duration::from_secs(120))
    };
    let tried = at_each_call(before_its_last_poll, run, false, pass, is_noticed);
    expect_calls(&tried, &OF_A_POLL);
    expect_calls(&tried, &[Call::Now]);
}

#[test]
fn a_receiver_is_woken_in_four_batches_once_or_in_each_on_the_pumps_thread_and_may_use_the_client()
{
    let cases = [1, 63, 64, 65, 500].map(|messages| [(messages, true), (messages, false)]);
    for (messages, is_here) in cases.into_iter().flatten() {
        let mut rig = Rig::connected();
        let news = rig.client.subscribe("news").unwrap();
        rig.settle();
        let receiver = Arc::new(Mutex::new((news, Vec::new(), Wakes::default())));
        let (shared, client) = (receiver.clone(), rig.client.clone());
        let receive_here = move || {
            let (news, told, wakes) = &mut *shared.lock().unwrap();
            let waker = wakes.waker();
            let context = &mut Context::from_waker(&waker);
            while let Poll::Ready(Some(event)) = news.poll_next_unpin(context) {
                told.push(words(&event));
            }
            // None of the driver's locks is held.
            let _ = client.status();
            client.network_changed();
        };
        let receive = move || match is_here {
            true => receive_here(),
            false => std::thread::scope(|scope| scope.spawn(&receive_here).join().unwrap()),
        };
        receive();
        receiver.lock().unwrap().1.clear();
        let wakes = Wakes::running(receive.clone());
        receiver.lock().unwrap().2 = wakes.clone();
        // From here on it waits with these.
        receive();
        rig.server().says(&frames::events("news", 0..messages));
        rig.settle();
        let told = std::mem::take(&mut receiver.lock().unwrap().1);
        assert_eq!(told.len(), messages);
        assert!(told.iter().enumerate().all(|(at, words)| words.ends_with(&format!(" {at}"))));
        let batches = if is_here { 1 } else { 4 };
        assert_eq!(wakes.take(), messages.div_ceil(batches * 64), "{messages}, here: {is_here}");
        // The test's own circle: a waker that holds its receiver.
        receiver.lock().unwrap().2 = Wakes::default();
    }
}

#[test]
fn a_receiver_that_moves_to_the_pumps_thread_or_away_is_noticed_by_its_next_wake() {
    let mut rig = Rig::connected();
    let mut news = rig.client.subscribe("news").unwrap();
    rig.settle();
    received(&mut news);
    let large = frames::event("news", "large", &"x".repeat(8 * 1024));
    let mut most = Vec::new();
    for is_here in [true, false, true] {
        // A wake says where it had waited, and what follows is read accordingly.
        rig.server().says(&large);
        rig.settle();
        let mut wait = || received(&mut news).len();
        let waited = match is_here {
            true => wait(),
            false => std::thread::scope(|scope| scope.spawn(wait).join().unwrap()),
        };
        assert_eq!(waited, 1);
        rig.server().says(&large.repeat(200));
        assert!(rig.poll().is_pending());
        most.push(received(&mut news).len());
        rig.settle();
        received(&mut news);
    }
    // One batch of 32 KiB, and several of 256 KiB.
    assert!(most[0] <= 5 && most[2] <= 5 && most[1] > 100, "{most:?}");
}

#[test]
fn only_those_are_woken_whom_it_concerns() {
    let mut rig = chatting();
    rig.server().habits.confirms = false;
    let mut news = rig.client.subscribe("news").unwrap();
    let orders = rig.client.subscribe("orders").unwrap();
    let mut confirmed = Hand::new(orders.subscribed());
    let mut other_confirmed = Hand::new(news.subscribed());
    let mut signed_in = Hand::new(rig.client.signed_in());
    rig.settle();
    let receiver = Wakes::default();
    let waker = receiver.waker();
    assert!(news.poll_next_unpin(&mut Context::from_waker(&waker)).is_pending());
    assert!(confirmed.poll().is_pending() && other_confirmed.poll().is_pending());
    assert!(signed_in.done().is_err());

    let confirmation = frames::event("orders", "pusher_internal:subscription_succeeded", r#"{}"#);
    rig.server().says(&[confirmation, frames::events("orders", 0..100)].concat());
    rig.settle();
    let counts = [&confirmed.wakes, &other_confirmed.wakes, &receiver].map(Wakes::take);
    assert_eq!(counts, [1, 0, 0]);
    assert!(confirmed.done().is_ok());
}

#[test]
fn those_who_wait_for_the_end_are_woken_by_it_and_not_by_each_turn_before() {
    let mut rig = chatting();
    rig.habits.closes = false;
    rig.server().habits.closes = false;
    let mut closed = Hand::new(rig.client.shutdown());
    rig.settle();
    assert!(closed.poll().is_pending());
    closed.wakes.take();
    for _ in 0..10 {
        assert!(rig.poll().is_pending());
    }
    // A thread that runs the pump for the one who waits would never sleep.
    assert_eq!(closed.wakes.take(), 0);
    rig.world.clock().advance(Duration::from_secs(2));
    rig.settle();
    assert_eq!(closed.wakes.take(), 1);
    closed.done();
}

#[test]
fn those_who_wait_for_the_rate_are_woken_when_it_allows_and_only_then() {
    let config = config().client_events_per_second(Some(1));
    let mut rig = Rig::connected_with(config, Options::default());
    rig.want("private-chat");
    rig.settle();
    let trigger =
        |rig: &Rig| Hand::new(rig.client.trigger_when_allowed("private-chat", "client-a", "1"));
    let (mut first, mut second) = (trigger(&rig), trigger(&rig));
    assert!(first.done().is_ok());
    assert!(second.poll().is_pending());
    rig.settle();
    let mut waited = Duration::ZERO;
    let mut rounds = 0..10_000;
    while second.wakes.take() == 0 {
        rounds.next().expect("it comes to an end");
        let next = rig.world.clock().next().expect("somebody keeps the time");
        rig.world.clock().advance(next);
        waited += next;
        rig.run();
    }
    assert!(waited > Duration::ZERO && waited <= Duration::from_secs(1), "{waited:?}");
    assert!(second.done().is_ok());
    rig.settle();
    let sent = rig.server().take_received();
    assert_eq!(sent[sent.len() - 2..], ["client-a private-chat", "client-a private-chat"]);
}

#[test]
fn an_event_wakes_nobody_who_has_given_up() {
    let mut rig = chatting();
    let client = rig.client.clone();
    let me = SubscribeOptions::member("1");
    rig.server().habits.confirms = false;
    let room = client.subscribe_with("presence-room", &me).unwrap();
    client.sign_in(Some(r#"{"id":"1"}"#)).unwrap();
    let mut subscribed = Hand::new(room.subscribed());
    let mut signed_in = Hand::new(client.signed_in());
    let mut flushed = Hand::new(client.flush());
    let mut events = Hand::new(async move {
        let mut events = client.events();
        let _: Option<Event> = events.recv().await;
    });
    let shutdown = rig.client.clone();
    let hands: [&mut dyn Waits; 4] = [&mut subscribed, &mut signed_in, &mut flushed, &mut events];
    let wakes: Vec<Wakes> = hands.into_iter().map(|hand| hand.wait()).collect();
    drop((subscribed, signed_in, flushed, events));
    assert!(wakes.iter().all(|wakes| wakes.held() == 0), "a waker is kept");
    rig.server().habits.confirms = true;
    rig.settle();
    shutdown.disconnect();
    rig.settle();
    assert!(wakes.iter().all(|wakes| wakes.take() == 0), "one who is gone was woken");
}

trait Waits {
    fn wait(&mut self) -> Wakes;
}

impl<T> Waits for Hand<T> {
    fn wait(&mut self) -> Wakes {
        assert!(self.poll().is_pending());
        self.wakes.clone()
    }
}
