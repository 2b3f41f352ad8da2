//! However bytes are cut, whenever a call is `Pending`, a timer early, a task polled without need or
//! a receiver slow: the same is told, and the same is sent.

use futures_util::Stream;
use pushest_driver::{Event, Events, Options, Overflow, SubscribeOptions, Subscription};

use super::chance::Chance;
use super::frames;
use super::rig::{Rig, config, next};
use super::stream::End;
use super::wakes::Hand;

/// What a story came to.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    everything: Vec<String>,
    news: Vec<String>,
    /// By connection.
    sent: Vec<Vec<String>>,
}

struct Story {
    rig: Rig,
    chance: Option<Chance>,
    events: Events,
    news: Subscription,
    told: Told,
}

/// Tells the story, with chance at work everywhere if there is a seed.
fn story(seed: Option<u64>, overflow: Overflow) -> Told {
    // Enough for what is not received at once, or so little that reading stops all the time.
    let room = if overflow == Overflow::Wait { 3 } else { 10_000 };
    let options = Options::default().queue(room, usize::MAX).overflow(overflow);
    let rig = Rig::with(config().client_events_per_second(None), options);
    if let Some(seed) = seed {
        rig.world.clock().end_early();
        rig.world.leave_to(Chance::new(seed));
    }
    let (events, news) = (rig.client.events(), rig.client.subscribe("news").expect("a good name"));
    let told = Told { everything: Vec::new(), news: Vec::new(), sent: Vec::new() };
    let mut story = Story { rig, chance: seed.map(Chance::new), events, news, told };
    story.begin();
    story.go_through();
    story.end()
}

impl Story {
    fn begin(&mut self) {
        self.settle();
        let client = self.rig.client.clone();
        client.subscribe("private-chat").expect("a good name").detach();
        client.subscribe("cache-orders").expect("a good name").detach();
        let me = SubscribeOptions::member("1");
        client.subscribe_with("presence-room", &me).expect("a good name").detach();
        client.sign_in(Some(r#"{"id":"1"}"#)).expect("good data");
        self.settle();
    }

    fn go_through(&mut self) {
        self.burst(0);
        for number in 0..30 {
            self.rig.client.trigger("private-chat", "client-a", &number).expect("sent");
        }
        self.rig.client.trigger("private-chat", "client-a", &"x".repeat(9_000)).expect("sent");
        let mut flushed = Hand::new(self.rig.client.flush());
        assert!(flushed.poll().is_pending());
        self.settle();
        assert!(flushed.done().is_ok());
        self.rig.socket().ends(End::Reset);
        self.come_back(1);
        self.burst(1_000);
        self.rig.client.unsubscribe("cache-orders").expect("it is subscribed to");
        self.settle();
        // It ends the stream once its close frame was answered.
        self.say(&frames::close(4200, "come back"));
        self.come_back(2);
        self.burst(2_000);
    }

    /// Every kind of frame, and every kind of size.
    fn burst(&mut self, first: usize) {
        let member = |name: &str, id: usize| {
            let data = format!(r#"{{"user_id":"{id}","user_info":{{"name":"Ada"}}}}"#);
            frames::event("presence-room", &format!("pusher_internal:member_{name}"), &data)
        };
        let large = "x".repeat(70 * 1024);
        let bytes = [
            frames::events("news", first..first + 100),
            frames::fragmented(&frames::message("news", "in-parts", "one two three")),
            frames::frame(frames::PING, b"there?"),
            member("added", first + 2),
            frames::event("cache-orders", r"App\Events\OrderShipped", &"y".repeat(300)),
            frames::text("not JSON"),
            frames::frame(frames::PONG, b""),
            frames::event("news", "large", &large),
            frames::frame(frames::PING, &[b'p'; 125]),
            frames::event("news", "small", "after it"),
            frames::fragmented(&frames::message("news", "large-in-parts", &large)),
            member("removed", first + 2),
            frames::events("private-chat", first..first + 30),
        ];
        self.say(&bytes.concat());
        self.settle();
    }

    fn say(&mut self, bytes: &[u8]) {
        let socket = self.rig.socket();
        let Some(chance) = &mut self.chance else { return socket.arrives(bytes) };
        let mut rest = bytes;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(1 + chance.below(rest.len()));
            socket.arrives(now);
            rest = later;
            for _ in 0..chance.below(4) {
                // Woken or not.
                let _ = self.rig.poll();
            }
        }
    }

    /// Until nothing happens any more.
    fn settle(&mut self) {
        loop {
            self.rig.world.take_calls();
            let is_hasty = self.chance.as_mut().is_some_and(|chance| chance.is_one_of(3));
            let has_run = self.rig.is_woken() || is_hasty;
            if has_run {
                let _ = self.rig.poll();
            }
            let is_slow = self.chance.as_mut().is_some_and(|chance| chance.is_one_of(2));
            let has_received = !is_slow && self.receive();
            let is_woken = self.rig.is_woken();
            let has_answered = (!is_woken || is_hasty) && self.rig.serve();
            let has_gone_on = (!is_woken || is_hasty) && self.rig.world.go_on();
            let rests = !is_woken && !is_slow && !has_received && !has_answered && !has_gone_on;
            if rests && !self.rig.is_woken() && !has_run {
                return;
            }
        }
    }

    fn receive(&mut self) -> bool {
        let mut has_received = false;
        let limit = self.chance.as_mut().map_or(usize::MAX, |chance| 1 + chance.below(20));
        let Self { events, news, told, .. } = self;
        has_received |= take(events, &mut told.everything, limit);
        has_received |= take(news, &mut told.news, limit);
        has_received
    }

    /// Until it has reconnected so often.
    fn come_back(&mut self, times: u64) {
        self.settle();
        while self.rig.client.statistics().reconnects < times {
            let next = self.rig.world.clock().next().expect("it tries again");
            self.rig.world.clock().advance(next);
            self.settle();
        }
    }

    fn end(mut self) -> Told {
        self.rig.client.disconnect();
        self.settle();
        let servers = self.rig.servers();
        self.told.sent = servers.iter_mut().map(|server| server.take_received()).collect();
        self.told
    }
}

fn take(
    receiver: &mut (impl Stream<Item = Event> + Unpin),
    told: &mut Vec<String>,
    limit: usize,
) -> bool {
    let before = told.len();
    told.extend(std::iter::from_fn(|| next(receiver)).take(limit));
    told.len() > before
}

#[test]
fn the_story_without_chance_is_told_in_full() {
    let told = story(None, Overflow::DropOldest);
    let count = |words: &str| told.everything.iter().filter(|told| told.contains(words)).count();
    assert_eq!((count("news: number"), count("private-chat: number")), (300, 90));
    assert_eq!((count("news: large"), count("gap"), count("Malformed")), (6, 9, 3));
    assert_eq!((count("Lagged"), count("LimitReached"), count("Connected")), (0, 0, 3));
    assert_eq!(told.sent.len(), 3);
    assert_eq!(told.sent[0].iter().filter(|sent| *sent == "pong").count(), 4);
    assert_eq!(told, story(None, Overflow::Wait));
}

#[test]
fn chance_changes_nothing_of_what_is_told_and_sent() {
    let mut expected = story(None, Overflow::DropOldest);
    for seed in 0..100 {
        for overflow in [Overflow::DropOldest, Overflow::Wait] {
            let mut told = story(Some(seed), overflow);
            // Of pings that wait for the sink only the last one is answered (RFC 6455, 5.5.3).
            for sent in told.sent.iter_mut().chain(&mut expected.sent) {
                sent.retain(|sent| sent != "pong");
            }
            let about = format!("seed {seed}, {overflow:?}");
            same(&told.everything, &expected.everything, &about);
            same(&told.news, &expected.news, &about);
            assert_eq!(told.sent.len(), expected.sent.len(), "{about}");
            for (sent, expected) in told.sent.iter().zip(&expected.sent) {
                same(sent, expected, &about);
            }
        }
    }
}

#[track_caller]
fn same(told: &[String], expected: &[String], about: &str) {
    let mut pairs = told.iter().zip(expected).enumerate();
    let first = pairs.find(|(_, (told, expected))| told != expected);
    let lengths = (told.len(), expected.len());
    assert!(told == expected, "{about}: {lengths:?}, first {first:.200?}");
}
