//! The life of a client, step by step.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use pushest_driver::{Options, Overflow, SubscribeOptions, Subscription};

use super::parts::{Part, Parts, Receiver, Task};
use crate::frames;
use crate::rig::{Rig, config};
use crate::server::Habits;
use crate::stream::End;

struct Life {
    rig: Rig,
    parts: Parts,
    /// Nothing is dropped before its time.
    is_whole: bool,
}

/// A client's life, in which the victims are dropped at this step. Returns whether there were so
/// many steps.
pub(super) fn live(stop: usize, victims: &[Part]) -> bool {
    let what = Shown(stop, victims);
    let config = config().client_events_per_second(Some(1));
    let options = Options::default().queue(3, usize::MAX).overflow(Overflow::Wait);
    let mut rig = Rig::with(config, options);
    let parts = Parts::new(rig.take_client(), stop, victims);
    let hooked = parts.clone();
    rig.world.at_each_call(move |call| hooked.called(call));
    let mut life = Life { rig, parts, is_whole: stop == usize::MAX };
    life.connect();
    life.receive();
    life.wait();
    life.lose();
    life.part();
    let has_stopped = life.parts.has_stopped();
    life.end();
    std::mem::forget(what);
    has_stopped
}

impl Life {
    fn connect(&mut self) {
        if let Some(client) = self.parts.client() {
            let events = Receiver::new(client.events());
            let news = client.subscribe("news").ok().map(Receiver::new);
            let connected = client.connected();
            let within = client.connected_timeout(Duration::from_secs(60));
            drop(client);
            self.parts.add_receiver(Part::Events, events);
            if let Some(news) = news {
                self.parts.add_receiver(Part::News, news);
            }
            self.parts.add_task(Part::Connected, Task::new(async { drop(connected.await) }));
            self.parts.add_task(Part::ConnectedWithin, Task::new(async { drop(within.await) }));
        }
        self.rig.world.plan_attempts([crate::world::Attempt::OpensAfter(1)]);
        self.settle();
    }

    fn receive(&mut self) {
        let bytes = frames::events("news", 0..20);
        for half in bytes.chunks(bytes.len() / 2 + 1) {
            self.say(half);
            self.settle();
        }
        self.say(&frames::frame(frames::PING, b""));
        self.settle();
    }

    /// What is never answered is waited for.
    fn wait(&mut self) {
        self.rig.habits = Habits { confirms: false, pongs: false, ..Habits::default() };
        if !self.rig.servers().is_empty() {
            self.rig.server().habits = self.rig.habits;
        }
        if let Some(client) = self.parts.client() {
            let me = SubscribeOptions::member("1");
            // Where the pump is gone, nothing can be subscribed to.
            let room = client.subscribe_with("presence-room", &me).ok();
            let subscribed = room.as_ref().map(|room| room.subscribed());
            room.into_iter().for_each(|room| self.parts.hold_room(room));
            client.sign_in(Some(r#"{"id":"1"}"#)).expect("good data");
            let (signed_in, flushed) = (client.signed_in(), client.flush());
            if let Some(subscribed) = subscribed {
                self.parts.add_task(Part::Subscribed, Task::new(async { drop(subscribed.await) }));
            }
            self.parts.add_task(Part::SignedIn, Task::new(async { drop(signed_in.await) }));
            self.parts.add_task(Part::Flushed, Task::new(async { drop(flushed.await) }));
        }
        self.settle();
        self.rig.habits = Habits::default();
        if let Some(client) = self.parts.client() {
            client.subscribe("private-chat").into_iter().for_each(Subscription::detach);
            let trigger = |data: u8| client.trigger_when_allowed("private-chat", "client-a", &data);
            let (first, second) = (trigger(1), trigger(2));
            drop(client);
            self.say(&frames::event(
                "private-chat",
                "pusher_internal:subscription_succeeded",
                "{}",
            ));
            self.settle();
            self.parts.add_task(Part::Triggered, Task::new(async { drop(first.await) }));
            self.parts.add_task(Part::Triggered, Task::new(async { drop(second.await) }));
        }
        self.settle();
    }

    fn lose(&mut self) {
        if !self.rig.servers().is_empty() {
            self.rig.socket().ends(End::Reset);
        }
        self.pass(Duration::from_secs(40));
        if let Some(client) = self.parts.client()
            && self.is_whole
        {
            let statistics = client.statistics();
            assert_eq!((statistics.reconnects, statistics.events), (1, 20));
            assert_eq!(self.parts.waiting(), [Part::Events, Part::News]);
        }
    }

    fn part(&mut self) {
        self.rig.habits.closes = false;
        if let Some(client) = self.parts.client() {
            let shutdown = client.shutdown();
            self.parts.add_task(Part::Shutdown, Task::new(shutdown));
        }
        self.pass(Duration::from_secs(5));
        if let Some(client) = self.parts.client() {
            client.connect();
        }
        self.settle();
    }

    /// Drops the client, and looks at who still waits, and at what is left.
    fn end(mut self) {
        self.rig.world.forget_hook();
        self.parts.drop_part(Part::Client);
        self.pass(Duration::from_secs(3));
        assert!(self.rig.pump.is_none(), "the pump does not end");
        assert!(self.parts.run(), "somebody waits for what will never come");
        for part in super::parts::ALL {
            self.parts.drop_part(part);
        }
        assert_eq!(self.rig.world.lives(), 0, "of runtime, streams, timers and attempts");
        assert_eq!(self.rig.world.clock().timers(), 0);
        assert_eq!((self.rig.wakes.held(), self.parts.wakers().0), (0, 0), "wakers are kept");
        self.rig.wakes.take();
        self.rig.world.clock().advance(Duration::from_secs(3_600));
        for socket in self.rig.world.sockets() {
            assert!(!socket.is_open());
            socket.arrives(b"late");
            socket.set_room(usize::MAX);
        }
        self.rig.world.go_on();
        assert_eq!((self.rig.wakes.take(), self.parts.wakers().1), (0, 0), "wakes come too late");
    }

    fn say(&mut self, bytes: &[u8]) {
        if !self.rig.servers().is_empty() {
            self.rig.server().says(bytes);
        }
    }

    /// Runs everything until nothing happens any more, a step at a time.
    fn settle(&mut self) {
        loop {
            self.step();
            self.parts.run();
            if self.rig.is_woken() {
                self.poll();
            } else if !self.rig.serve() && !self.rig.world.go_on() {
                return;
            }
        }
    }

    fn pass(&mut self, by: Duration) {
        let until = self.rig.world.clock().now() + by;
        loop {
            self.settle();
            let left = until.saturating_duration_since(self.rig.world.clock().now());
            if left.is_zero() {
                return;
            }
            let next = self.rig.world.clock().next().unwrap_or(left).min(left);
            self.rig.world.clock().advance(next);
        }
    }

    fn poll(&mut self) {
        self.parts.set_polling(true);
        let polled = catch_unwind(AssertUnwindSafe(|| self.rig.poll()));
        self.parts.set_polling(false);
        if polled.is_err() {
            // As an executor does.
            self.rig.pump = None;
        }
        self.step();
    }

    fn step(&mut self) {
        if self.parts.step() {
            self.rig.pump = None;
        }
    }
}

/// Says where it was, if it ends with a panic.
struct Shown<'a>(usize, &'a [Part]);

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        eprintln!("{:?} dropped at step {}", self.1, self.0);
    }
}
