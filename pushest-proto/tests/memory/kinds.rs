//! `Event::memory` against the allocator, for each kind of event, small and large.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use pushest_proto::fuzzing::{EVENT_KINDS, event_kind};
use pushest_proto::{
    AuthorizationError, ChannelName, DecryptionFailure, DialFailure, Event, InReplyTo,
    LimitReached, Loss, MalformedReason, NameRules, PresenceChange, RequestFailure, ServerError,
    SocketId, StateChange,
};
use serde_json::json;

use crate::world::{
    ENCRYPTED, PRESENCE, SEALED, World, joined, left, members, object, signing, text,
};
use crate::{alone, live};

/// Number of events of each kind: what the test's own runtime allocates then does not matter.
const INSTANCES: usize = 40;

/// The lengths of texts, and of the lists that have any.
const SIZES: [usize; 5] = [0, 1, 17, 500, 20_000];

fn name(length: usize) -> ChannelName {
    let rules = NameRules::default().bytes(1_000_000);
    ChannelName::with_rules(&"c".repeat(length.max(1)), &rules).unwrap()
}

fn string(length: usize) -> Box<str> {
    "x".repeat(length).into()
}

/// Every kind of event with texts of this length, and nothing that another event shares.
fn events(length: usize) -> Vec<Event> {
    let channel = || name(length);
    let mut events = vec![
        Event::Subscribed { channel: channel() },
        Event::SubscriptionCount { channel: channel(), count: 7 },
        Event::CacheMiss { channel: channel() },
        Event::Undecryptable {
            channel: channel(),
            name: string(length),
            reason: DecryptionFailure::WrongKey,
        },
        Event::SignedIn { user_id: string(length), user_data: string(2 * length) },
        Event::Watchlist { online: true, user_ids: vec![] },
        Event::Watchlist { online: true, user_ids: vec!["i".repeat(length); 100] },
        Event::Unrouted { name: string(length), message: string(3 * length) },
        Event::Malformed {
            problem: MalformedReason::BadData,
            channel: Some(channel()),
            message: string(length),
        },
        Event::Malformed {
            problem: MalformedReason::BadData,
            channel: None,
            message: string(length),
        },
        Event::LimitReached(LimitReached::StoredEvents { dropped: 1 }),
        Event::LimitReached(LimitReached::Members { channel: channel(), dropped: 1 }),
        Event::LimitReached(LimitReached::Watchlist { dropped: 1 }),
        Event::Lagged { dropped: 7 },
        Event::ServerError(server_error(length)),
        Event::State(change_of_state(None)),
    ];
    for reason in failures(length) {
        let retry_in = None;
        events.push(Event::SignInFailed { reason: reason.clone(), retry_in });
    }
    for reason in failures(length) {
        events.push(Event::SubscriptionFailed { channel: channel(), reason, retry_in: None });
    }
    for cause in losses(length) {
        let (channel, silent_for) = (channel(), Duration::from_secs(1));
        events.push(Event::State(change_of_state(Some(cause.clone()))));
        events.push(Event::Gap {
            channel,
            silent_for,
            since: Some(silent_for),
            cause: Arc::new(cause),
        });
    }
    events.extend(channel_events(length));
    events.extend(pings());
    events.extend(presence(length));
    events
}

fn failures(length: usize) -> Vec<RequestFailure> {
    let mut refused = server_error(length);
    refused.channel = None;
    let denied = || AuthorizationError::Refused { status: None, message: string(length) };
    vec![
        RequestFailure::AuthorizationRefused(denied()),
        RequestFailure::AuthorizationUnavailable(AuthorizationError::Unavailable {
            status: Some(500),
            message: string(length),
            retry_after: None,
        }),
        RequestFailure::Refused(refused.into()),
        RequestFailure::NoAnswer,
        RequestFailure::TooLarge { bytes: 7 },
    ]
}

fn server_error(length: usize) -> ServerError {
    let mut world = World::new();
    world.hear(&object("pusher:error", None, &json!({"code": null, "message": "no"})));
    let events = world.events();
    let [Event::ServerError(error)] = &events[..] else { panic!("{events:?}") };
    let mut error = error.clone();
    error.message = string(length);
    error.channel = Some(name(length));
    error.in_reply_to = Some(InReplyTo::ClientEvent { event: string(length) });
    error
}

fn change_of_state(loss: Option<Loss>) -> StateChange {
    let mut world = World::new();
    world.session.disconnect(world.now);
    let events = world.events();
    let [Event::State(change)] = &events[..] else { panic!("{events:?}") };
    let mut change = change.clone();
    change.socket_id = Some(SocketId::new("1234.5678").unwrap());
    change.loss = loss.map(Arc::new);
    change
}

fn losses(length: usize) -> Vec<Loss> {
    let text = || string(length);
    let dial = [
        DialFailure::Dns(text()),
        DialFailure::Connect(text()),
        DialFailure::Tls { certificate: true, detail: text() },
        DialFailure::Proxy(text()),
        DialFailure::Connector(text()),
        DialFailure::Http {
            status: 503,
            retry_after: None,
            location: Some(text()),
            body: string(2 * length),
        },
        DialFailure::Upgrade(text()),
        DialFailure::NotWebSocket(text()),
        DialFailure::Timeout,
        DialFailure::Headers(text()),
        DialFailure::Unsupported(text()),
    ];
    let others = [
        Loss::Closed { code: None, reason: text() },
        Loss::BadClose { code: None, problem: text() },
        Loss::Reset(text()),
        Loss::TooLarge { limit: 7 },
        Loss::Refused { code: 4001, message: text() },
        Loss::HandshakeTimeout,
        Loss::PongTimeout,
        Loss::AddressGone,
        Loss::EndpointChanged,
        Loss::Disconnected,
        Loss::Resubscribed,
    ];
    dial.into_iter().map(Loss::Dial).chain(others).collect()
}

/// A plain one, one with escapes in its name, one with a long name, and one that was opened.
fn channel_events(length: usize) -> Vec<Event> {
    let data = json!("d".repeat(length));
    let long_name = format!("App\\{}", "n".repeat(length));
    let mut events = Vec::new();
    for (event, data) in [("e", &data), (r"App\Events\E", &data), (&long_name, &json!(1))] {
        let mut world = World::new().subscribed("orders");
        world.hear(&object(event, Some("orders"), data));
        events.extend(world.events());
    }
    let config = pushest_proto::Config::builder("key").host("localhost");
    let mut world = World::with(config).subscribed(ENCRYPTED);
    let long_name = "n".repeat(length);
    world.hear(&object(&long_name, Some(ENCRYPTED), &json!(SEALED)));
    let opened = world.events();
    assert!(matches!(&opened[..], [Event::Channel(event)] if event.was_encrypted()));
    events.extend(opened);
    events
}

fn pings() -> Vec<Event> {
    let mut world = World::new();
    world.session.ping(world.now).unwrap();
    world.session.ping(world.now).unwrap();
    world.drain();
    world.hear(&object("pusher:pong", None, &json!({})));
    world.session.disconnect(world.now);
    let mut events = world.events();
    events.retain(|event| !matches!(event, Event::State(_)));
    assert_eq!(events.len(), 2);
    events
}

/// Members with infos of this length, one and many.
fn presence(length: usize) -> Vec<Event> {
    let info = "i".repeat(length);
    let mut events = Vec::new();
    for count in [1, 1_000] {
        let count = if length > 1_000 { count / 20 + 1 } else { count };
        let room = || {
            let mut world = World::new().subscribed(PRESENCE);
            world.hear(&members((0..count).map(|id| id.to_string()), &info));
            world
        };
        events.extend(room().events());
        // Other members, or the two events would share them.
        let mut room = room();
        room.drain();
        room.hear(&members(std::iter::empty(), ""));
        events.extend(room.events());
    }
    let mut world = World::new().subscribed(PRESENCE);
    world.hear(&joined("a", &info));
    events.extend(world.events());
    world.hear(&joined("b", &info));
    world.drain();
    world.hear(&left("b"));
    events.extend(world.events());
    events
}

/// Which change of presence an event is: a new one has to be listed, and measured.
fn kind_of_change(event: &Event) -> Option<&'static str> {
    let Event::Presence(update) = event else { return None };
    Some(match &update.change {
        PresenceChange::Reset { left, .. } if left.is_empty() => "Reset that begins",
        PresenceChange::Reset { .. } => "Reset that ends",
        PresenceChange::Joined(_) => "Joined",
        PresenceChange::Left(_) => "Left",
    })
}

#[test]
fn what_an_event_says_it_keeps_alive_is_what_the_allocator_counts() {
    let _alone = alone();
    let mut kinds = BTreeSet::new();
    let mut changes = BTreeSet::new();
    for length in SIZES {
        // The same place of each holds events of one kind and size that share nothing.
        let mut instances: Vec<_> = (0..INSTANCES)
            .map(|_| events(length).into_iter().map(Some).collect::<Vec<_>>())
            .collect();
        for place in 0..instances[0].len() {
            let mut alike = Vec::with_capacity(INSTANCES);
            alike.extend(instances.iter_mut().filter_map(|events| events[place].take()));
            assert_eq!(alike.len(), INSTANCES);
            let kind = event_kind(&alike[0]);
            let change = kind_of_change(&alike[0]);
            let said: usize = alike.iter().map(Event::memory).sum();
            if let Event::Presence(update) = &alike[0] {
                // An update says the same but for its own size.
                let beside = size_of_val(&alike[0]) - size_of_val(update);
                assert_eq!(update.memory() + beside, alike[0].memory());
            }
            let before = live();
            drop(alike);
            let counted = before - live();
            assert!(
                (counted / 2..=counted * 2).contains(&said),
                "{kind} {change:?} of {length} bytes: {counted} were freed, {said} were said"
            );
            kinds.insert(kind);
            changes.extend(change);
        }
    }
    let missing: Vec<_> = EVENT_KINDS.iter().filter(|kind| !kinds.contains(*kind)).collect();
    assert!(missing.is_empty(), "these kinds are not measured: {missing:?}");
    assert_eq!(changes.len(), 4, "{changes:?}");
}

#[test]
fn what_several_events_share_counts_for_each_of_them() {
    let _alone = alone();
    let one = Event::Gap {
        channel: name(100),
        silent_for: Duration::ZERO,
        since: None,
        cause: Arc::new(Loss::reset("gone")),
    };
    assert_eq!(one.clone().memory(), one.memory());
    let mut world = World::with(signing()).subscribed("orders");
    let short = text("e", Some("orders"), &json!(1));
    let long = text("e", Some("orders"), &json!("x".repeat(1_000)));
    world.hear(&short);
    world.hear(&long);
    let events = world.events();
    assert_eq!(events[1].memory() - events[0].memory(), long.len() - short.len());
}
