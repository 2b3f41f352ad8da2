//! C5, by the allocator's own count: what a session holds is what it says, wherever a plan has led,
//! and also once it has been flooded there with one kind of message, and not polled.

use serde_json::{Value, json};

use super::driver::Driver;
use crate::plan::{self, CHANNELS, IDS, Plan, Setting};

/// What the program has allocated and not freed, in bytes.
pub type Live = fn() -> usize;

/// What a session holds beside what it counts: its configuration above all.
const BESIDE: usize = 4 * 1024;

/// Number of messages in a flood.
const FLOOD: usize = 32;

/// What comes with each message of a flood.
const TEXT: usize = 1_200;

/// Weighs one driver's session.
pub(super) struct Meter {
    live: Live,
    before: usize,
}

impl Meter {
    /// A driver, and what weighs it. It has to be the only thing that allocates.
    pub(super) fn new(live: Live, setting: Setting) -> (Self, Driver) {
        plan::prepare();
        let before = live();
        (Self { live, before }, Driver::new(setting))
    }

    pub(super) fn check(&self, driver: &Driver, what: &str) {
        let held = (self.live)() - self.before - driver.own_bytes();
        let memory = driver.session.memory();
        let said = memory.total();
        assert!(said <= 2 * held + BESIDE, "C5: {what}: {held} bytes are held, of {memory:?}");
        assert!(held <= 2 * said + BESIDE, "C5: {what}: {held} bytes are held, of {memory:?}");
        let others = said - memory.stored_bytes;
        let most = driver.limits.stored_bytes + 2 * others + BESIDE;
        assert!(held <= most, "C5: {what}: {held} bytes are held, over the limits: {memory:?}");
    }

    /// Floods the session with the kind of message that the plan's length chooses.
    pub(super) fn flood(&self, driver: &mut Driver, plan: &Plan) {
        let (kind, messages) = FLOODS[plan.steps.len() % FLOODS.len()];
        for number in 0..FLOOD {
            let mut message = messages(number);
            message.shrink_to_fit();
            driver.hear(message.into());
            if number % 8 == 7 {
                self.check(driver, kind);
            }
        }
    }
}

/// What floods are made of: a name, and the messages by number.
type Flood = (&'static str, fn(usize) -> String);

const FLOODS: [Flood; 13] = [
    ("events", |number| message("e", channel(number), &json!(long()))),
    ("new names", |number| message(&format!("A\\{number}{}", long()), channel(number), &json!(1))),
    ("counts", |number| {
        let data = json!({"subscription_count": number});
        message("pusher_internal:subscription_count", channel(number), &data)
    }),
    ("cache misses", |number| message("pusher:cache_miss", channel(number), &json!({}))),
    ("errors", |_| message("pusher:error", None, &json!({"code": 4302, "message": long()}))),
    ("unknown messages", |_| message("unknown", None, &json!(long()))),
    ("malformed messages", |_| long()),
    ("a watchlist", |number| {
        let ids = vec![if number.is_multiple_of(2) { "" } else { "1" }; 300];
        message("online", None, &json!({"user_ids": ids}))
    }),
    ("watchlists", |_| {
        let change = json!({"name": "offline", "user_ids": ["1"]});
        let data = json!({"events": vec![change; 30]});
        message("pusher_internal:watchlist_events", None, &data)
    }),
    ("members", |number| {
        let event = ["pusher_internal:member_added", "pusher_internal:member_removed"];
        let data = json!({"user_id": number / 4, "user_info": long()});
        message(event[number / 2 % 2], [Some("presence-a"), Some("presence-b")][number % 2], &data)
    }),
    ("lists of members", |number| {
        let infos = IDS.map(|id| (format!("{id}{number}"), json!(long()[..TEXT / 4])));
        let data = json!({"presence": {"hash": serde_json::Map::from_iter(infos)}});
        let room = [Some("presence-a"), Some("presence-b")][number % 2];
        message("pusher_internal:subscription_succeeded", room, &data)
    }),
    ("what cannot be opened", |_| sealed(json!({}))),
    ("what waits for its key", |_| {
        let (nonce, ciphertext) = ("A".repeat(32), "A".repeat(24));
        sealed(json!({"nonce": nonce, "ciphertext": ciphertext}))
    }),
];

fn long() -> String {
    "x".repeat(TEXT)
}

fn sealed(data: Value) -> String {
    message(&long(), Some("private-encrypted-a"), &data)
}

fn channel(number: usize) -> Option<&'static str> {
    Some(CHANNELS[number % CHANNELS.len()])
}

fn message(event: &str, channel: Option<&str>, data: &Value) -> String {
    match channel {
        Some(channel) => json!({"event": event, "channel": channel, "data": data}).to_string(),
        None => json!({"event": event, "data": data}).to_string(),
    }
}
