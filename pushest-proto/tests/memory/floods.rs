//! Sessions that are flooded with each kind of message, and not polled, or too slowly: what the
//! allocator counts stays within the limits, and is what the session says.

use std::fmt::Debug;

use pushest_proto::{Limits, Loss, SubscribeOptions};
use serde_json::json;

use crate::world::{
    ENCRYPTED, FOREIGN, PRESENCE, SEALED, World, established, joined, left, members, object,
    signing, text,
};
use crate::{alone, live};

/// What a session may hold beside its limits: places that are free, the table of unescaped names,
/// what a channel is beside its members.
const BESIDE_LIMITS: usize = 1024 * 1024;

/// Below this, the configuration and other small things count.
const SMALL: usize = 32 * 1024;

/// A kind of flood: what the session is before it, and its messages by number.
struct Flood {
    kind: &'static str,
    world: fn(Limits) -> World,
    message: fn(usize) -> Vec<u8>,
}

fn plain(limits: Limits) -> World {
    World::limited(limits).subscribed(LONG_NAME)
}

fn room(limits: Limits) -> World {
    World::limited(limits).subscribed(PRESENCE)
}

fn watching(limits: Limits) -> World {
    World::limited(limits).watching()
}

/// An encrypted channel whose key comes from an authorizer.
fn encrypted(limits: Limits) -> World {
    let config = pushest_proto::Config::builder("key").host("localhost").limits(limits);
    World::with(config).subscribed(ENCRYPTED)
}

/// One whose key the session knows.
fn with_master_key(limits: Limits) -> World {
    let config = signing().limits(limits).master_key(&[7; 32]);
    World::with(config).subscribed(ENCRYPTED)
}

/// A channel's name of 200 bytes.
const LONG_NAME: &str = "cache-nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn";

fn event(event: &str, data_bytes: usize) -> Vec<u8> {
    object(event, Some(LONG_NAME), &json!("d".repeat(data_bytes))).into()
}

fn of_no_channel(event: &str, data: &serde_json::Value) -> Vec<u8> {
    object(event, None, data).into()
}

fn in_the_channel(event: &str, data: &serde_json::Value) -> Vec<u8> {
    object(event, Some(LONG_NAME), data).into()
}

fn error(code: u16, length: usize) -> Vec<u8> {
    of_no_channel("pusher:error", &json!({"code": code, "message": "e".repeat(length)}))
}

/// A long watchlist, in one form and the other by turns.
fn watchlist(number: usize, id: &str, count: usize) -> Vec<u8> {
    let user_ids = vec![id; count];
    if number.is_multiple_of(2) {
        return of_no_channel("online", &json!({"user_ids": user_ids}));
    }
    let events = json!({"events": [{"name": "online", "user_ids": user_ids}]});
    of_no_channel("pusher_internal:watchlist_events", &events)
}

fn ids(from: usize, count: usize) -> impl Iterator<Item = String> {
    (from..from + count).map(|id| id.to_string())
}

const FLOODS: &[Flood] = &[
    Flood { kind: "small events", world: plain, message: |_| event("e", 1) },
    Flood { kind: "large events", world: plain, message: |_| event("e", 20_000) },
    Flood { kind: "huge events", world: plain, message: |_| event("e", 1_000_000) },
    Flood { kind: "an escaped name", world: plain, message: |_| event(r"A\E", 1) },
    Flood {
        kind: "new escaped names",
        world: plain,
        message: |number| event(&format!("A\\{number}{}", "n".repeat(100)), 1),
    },
    Flood {
        kind: "long escaped names",
        world: plain,
        message: |number| event(&format!("A\\{number}{}", "n".repeat(100_000)), 1),
    },
    Flood {
        kind: "counts",
        world: plain,
        message: |number| {
            let data = json!({"subscription_count": number});
            in_the_channel("pusher_internal:subscription_count", &data)
        },
    },
    Flood {
        kind: "cache misses",
        world: plain,
        message: |_| in_the_channel("pusher:cache_miss", &json!({})),
    },
    Flood { kind: "short errors", world: plain, message: |_| error(4301, 0) },
    Flood { kind: "long errors", world: plain, message: |_| error(4302, 100_000) },
    Flood {
        kind: "errors of a subscription that stands",
        world: plain,
        message: |_| {
            let data = json!({"status": 401, "error": "e".repeat(1_000)});
            in_the_channel("pusher:subscription_error", &data)
        },
    },
    Flood {
        kind: "errors without a channel",
        world: plain,
        message: |_| of_no_channel("pusher:subscription_error", &json!("e".repeat(1_000))),
    },
    Flood { kind: "unknown", world: plain, message: |_| of_no_channel("x", &json!(1)) },
    Flood {
        kind: "unknown with a long name",
        world: plain,
        message: |_| of_no_channel(&"x".repeat(100_000), &json!(1)),
    },
    Flood {
        kind: "of another channel",
        world: plain,
        message: |_| object("e", Some("other"), &json!("d".repeat(1_000))).into(),
    },
    Flood { kind: "not UTF-8", world: plain, message: |_| vec![0xff; 1_000] },
    Flood { kind: "not an object", world: plain, message: |_| vec![b'['; 1_000] },
    Flood { kind: "over the limit", world: plain, message: |_| vec![b'{'; 1_100_000] },
    Flood {
        kind: "of a bad channel",
        world: plain,
        message: |_| {
            format!(r#"{{"event":"e","channel":7,"data":"{}"}}"#, "d".repeat(1_000)).into()
        },
    },
    Flood { kind: "unexpected", world: plain, message: |_| established().into() },
    Flood {
        kind: "confirmations",
        world: plain,
        message: |_| in_the_channel("pusher_internal:subscription_succeeded", &json!({})),
    },
    Flood {
        kind: "pings and pongs",
        world: plain,
        message: |number| of_no_channel(["pusher:ping", "pusher:pong"][number % 2], &json!({})),
    },
    Flood {
        kind: "watchlists before a sign-in",
        world: plain,
        message: |number| watchlist(number, "", 10_000),
    },
    Flood {
        kind: "watchlists of empty ids",
        world: watching,
        message: |number| watchlist(number, "", 2_000),
    },
    Flood {
        kind: "watchlists of short ids",
        world: watching,
        message: |number| watchlist(number, "1", 2_000),
    },
    Flood {
        kind: "watchlists of long ids",
        world: watching,
        message: |number| watchlist(number, &"i".repeat(1_000), 200),
    },
    Flood {
        kind: "many changes of a watchlist",
        world: watching,
        message: |_| {
            let change = json!({"name": "offline", "user_ids": ["1", null]});
            let events = json!({"events": vec![change; 1_000]});
            of_no_channel("pusher_internal:watchlist_events", &events)
        },
    },
    Flood {
        kind: "sign-ins",
        world: watching,
        message: |_| {
            let user_data = json!({"id": "i".repeat(10_000)});
            of_no_channel("pusher:signin_success", &json!({"user_data": user_data}))
        },
    },
    Flood {
        kind: "members without infos",
        world: room,
        message: |number| {
            let data = json!({"user_id": number});
            text("pusher_internal:member_added", Some(PRESENCE), &data).into()
        },
    },
    Flood {
        kind: "members with infos",
        world: room,
        message: |number| joined(&number.to_string(), &"i".repeat(2_000)).into(),
    },
    Flood {
        kind: "a member that comes and goes",
        world: room,
        message: |number| match number % 2 {
            0 => joined("a", &"i".repeat(20_000)).into(),
            _ => left("a").into(),
        },
    },
    Flood {
        kind: "a member that changes",
        world: room,
        message: |number| joined("a", &number.to_string().repeat(500)).into(),
    },
    Flood {
        kind: "short lists that replace each other",
        world: room,
        message: |number| members(ids(number % 2 * 10, 10), "").into(),
    },
    Flood {
        kind: "long lists that replace each other",
        world: room,
        message: |number| members(ids(number % 2 * 9_000, 9_000), "").into(),
    },
    Flood {
        kind: "lists with infos that replace each other",
        world: room,
        message: |number| members(ids(number % 2 * 10_000, 500), &"i".repeat(500)).into(),
    },
    Flood {
        kind: "lists over the limit of members",
        world: room,
        message: |number| members(ids(number % 2, 12_000), "").into(),
    },
    Flood {
        kind: "lists that cannot be read",
        world: room,
        message: |_| {
            let data = json!({"presence": {"ids": "i".repeat(1_000)}});
            text("pusher_internal:subscription_succeeded", Some(PRESENCE), &data).into()
        },
    },
    Flood {
        kind: "odd members",
        world: room,
        message: |_| {
            let data = json!({"user_id": ["i".repeat(1_000)]});
            text("pusher_internal:member_removed", Some(PRESENCE), &data).into()
        },
    },
    Flood {
        kind: "encrypted events",
        world: encrypted,
        message: |_| object("e", Some(ENCRYPTED), &json!(SEALED)).into(),
    },
    Flood {
        kind: "encrypted with an unknown key, with long names",
        world: with_master_key,
        message: |_| object(&"n".repeat(1_000), Some(ENCRYPTED), &json!(FOREIGN)).into(),
    },
    Flood {
        kind: "encrypted with a key that is asked for",
        world: encrypted,
        message: |_| object(&"n".repeat(1_000), Some(ENCRYPTED), &json!(FOREIGN)).into(),
    },
    Flood {
        kind: "not encrypted in an encrypted channel",
        world: encrypted,
        message: |_| object("e", Some(ENCRYPTED), &json!("d".repeat(1_000))).into(),
    },
];

/// Holds what a session says to what the allocator counts since `before`.
#[derive(Debug)]
struct Meter {
    before: usize,
    limits: Limits,
}

impl Meter {
    fn check(&self, world: &World, what: impl Debug) {
        let held = live() - self.before;
        let memory = world.session.memory();
        let said = memory.total();
        let is_right = held < SMALL && said < SMALL || (held / 2..=2 * held).contains(&said);
        assert!(is_right, "{what:?}: {held} bytes are held, {said} are said: {memory:?}");
        // There is one channel with members at most.
        let most = self.limits.stored_bytes + self.limits.member_bytes + BESIDE_LIMITS;
        assert!(held <= most, "{what:?}: {held} bytes are held: {memory:?}");
        assert!(memory.stored_bytes <= self.limits.stored_bytes, "{what:?}: {memory:?}");
        assert!(memory.member_bytes <= self.limits.member_bytes, "{what:?}: {memory:?}");
    }
}

/// Floods until what arrived is twice what may be stored, in count or bytes, and at least
/// thirty messages. After each tenth message, `polls` actions are polled.
fn flood(flood: &Flood, limits: &Limits, polls: usize) {
    let meter = Meter { before: live(), limits: limits.clone() };
    let mut world = (flood.world)(limits.clone());
    let what = (flood.kind, polls);
    meter.check(&world, what);
    let mut bytes = 0;
    let mut number = 0;
    while number < 30 || number < 2 * limits.stored_events && bytes < 2 * limits.stored_bytes {
        let message = (flood.message)(number);
        bytes += message.len();
        world.hear_bytes(&message);
        drop(message);
        number += 1;
        if number % 10 == 0 {
            (0..polls).for_each(|_| drop(world.session.poll_action()));
        }
        if number.is_power_of_two() || number % 1_000 == 0 {
            meter.check(&world, what);
        }
    }
    meter.check(&world, what);
    world.drain();
    meter.check(&world, what);
    let held = live() - meter.before;
    let memory = world.session.memory();
    let left = 2 * memory.member_bytes + 4 * 128 * 1024 + SMALL;
    assert!(held < left, "{what:?}: {held} bytes are held of what was polled: {memory:?}");
}

#[test]
fn whatever_a_server_sends_and_nobody_polls_the_limits_hold() {
    let _alone = alone();
    for kind in FLOODS {
        flood(kind, &Limits::default(), 0);
    }
}

#[test]
fn whatever_a_server_sends_and_somebody_polls_too_slowly_the_limits_hold() {
    let _alone = alone();
    for kind in FLOODS {
        flood(kind, &Limits::default(), 3);
    }
}

#[test]
fn small_limits_hold_as_well() {
    let _alone = alone();
    let limits = Limits::default()
        .stored_events(100)
        .stored_bytes(100_000)
        .members(50)
        .member_bytes(100_000);
    for kind in FLOODS {
        flood(kind, &limits, 0);
        flood(kind, &limits, 3);
    }
}

/// This many channels with names of 200 bytes.
const CHANNELS: usize = 5_000;

fn name(number: usize) -> String {
    format!("private-{number:0>192}")
}

fn subscribe_to_all(world: &mut World) {
    for number in 0..CHANNELS {
        let options = SubscribeOptions::default();
        world.session.subscribe(&name(number), &options, world.now).unwrap();
    }
    world.drain();
}

/// What is told of channels and must not be lost is bounded by their number: an outcome and a gap
/// each, with a server's words of at most 512 bytes.
const BESIDE_A_CHANNEL: usize = 4_096;

#[test]
fn what_is_known_of_many_channels_with_long_names_is_counted() {
    let _alone = alone();
    let limits = Limits::default();
    let meter =
        Meter { before: live(), limits: limits.stored_bytes(2 * CHANNELS * BESIDE_A_CHANNEL) };
    let mut world = World::new();
    subscribe_to_all(&mut world);
    meter.check(&world, "subscribing");
    for number in 0..CHANNELS {
        let data = json!({"status": 401, "error": "e".repeat(1_000)});
        world.hear(&object("pusher:subscription_error", Some(&name(number)), &data));
    }
    meter.check(&world, "refused, and not polled");
    world.drain();
    meter.check(&world, "refused");
    for number in 0..CHANNELS {
        world.session.unsubscribe(&name(number), world.now).unwrap();
    }
    world.drain();
    meter.check(&world, "left");
    subscribe_to_all(&mut world);
    for number in 0..CHANNELS {
        let event = "pusher_internal:subscription_succeeded";
        world.hear(&text(event, Some(&name(number)), &json!({})));
        world.hear(&object("e", Some(&name(number)), &json!(1)));
    }
    meter.check(&world, "subscribed, and not polled");
    for number in 0..CHANNELS {
        world.session.unsubscribe(&name(number), world.now).unwrap();
    }
    meter.check(&world, "left, and not polled: only events keep the names");
}

#[test]
fn gaps_and_changes_of_state_with_long_reasons_are_counted() {
    let _alone = alone();
    let meter = Meter { before: live(), limits: Limits::default() };
    let mut world = World::new();
    subscribe_to_all(&mut world);
    for _ in 0..2 {
        for number in 0..CHANNELS {
            let event = "pusher_internal:subscription_succeeded";
            world.hear(&text(event, Some(&name(number)), &json!({})));
        }
        meter.check(&world, "subscribed, each with its gap");
        let reason = "r".repeat(100_000).into();
        let loss = Loss::Closed { code: Some(4200), reason };
        world.session.handle_close(world.connection, loss, world.now);
        meter.check(&world, "lost");
        world.reconnect();
        meter.check(&world, "connected again");
    }
    for _ in 0..10_000 {
        world.session.disconnect(world.now);
        world.session.connect(world.now);
    }
    meter.check(&world, "a user that cannot decide");
}

#[test]
fn client_events_that_wait_or_may_be_refused_are_counted() {
    let _alone = alone();
    let limits = Limits::default().outgoing(10_000_000);
    let meter = Meter { before: live(), limits: limits.clone().stored_bytes(3 * limits.outgoing) };
    let config = signing().limits(limits).client_events_per_second(None);
    let mut world = World::with(config).subscribed("private-a");
    let event = format!("client-{}", "n".repeat(190));
    while world.session.trigger("private-a", &event, &1, world.now).is_ok() {}
    meter.check(&world, "waiting");
    while world.session.ping(world.now).is_ok() {}
    world.drain();
    meter.check(&world, "sent");
}

/// What is small is mostly its place and its allocations: counted by their texts alone, these held a
/// multiple of the limit.
#[test]
fn however_small_what_waits_to_be_sent_is_it_holds_no_more_than_the_limit() {
    let _alone = alone();
    let limit = 1_000_000;
    let config = || {
        let limits = Limits::default().outgoing(limit);
        signing().limits(limits).client_events_per_second(None)
    };
    let full_of = |push: &dyn Fn(&mut World) -> bool| {
        let mut world = World::with(config()).subscribed("private-a");
        world.session.handle_writable(world.connection, false, world.now);
        let (before, told) = (live(), world.session.memory().total());
        while push(&mut world) {}
        let (held, told) = (live() - before, world.session.memory().total() - told);
        // Free places come on top, and what the allocator takes for itself is estimated.
        assert!(held <= 2 * limit, "{held} bytes held");
        assert!((held / 2..=2 * held).contains(&told), "{told} told, {held} held");
    };
    full_of(&|world| world.session.trigger("private-a", "client-a", &1, world.now).is_ok());
    full_of(&|world| world.session.ping(world.now).is_ok());
    // Both, and then whatever has room.
    full_of(&|world| {
        let is_taken = world.session.trigger("private-a", "client-a", &1, world.now).is_ok();
        world.session.ping(world.now).is_ok() || is_taken
    });
}
