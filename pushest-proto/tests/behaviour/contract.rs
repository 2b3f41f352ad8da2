//! The contract of the crate's documentation, checked after every step of random walks: any input
//! and command in any order. (Some lines of it have tests of their own in the other modules.)

use std::time::Duration;

use crate::harness::{Harness, KEY, SECRET, established, message, object, signing, succeeded};
use crate::recording::Recording;
use pushest_proto::{
    Action, Authorization, ChannelState, Config, ConnectionId, ConnectionState, Denied, Endpoint,
    Event, Instant, Limits, Loss, Session, SubscribeOptions, Ticket,
};

const CHANNELS: [&str; 5] = ["a", "b", "private-a", "presence-a", "private-encrypted-a"];

/// Good for a channel of any kind, and for a sign-in.
fn any_authorization() -> Authorization {
    Authorization::new("k:s")
        .channel_data(r#"{"user_id":"me"}"#)
        .user_data(r#"{"id":"me"}"#)
        .shared_secret("iBvNoPVYwByqSfg6anjPpEQ2j051b3rt1Vmnb+z5doo=")
}

struct Walk {
    session: Session,
    random: fastrand::Rng,
    now: Instant,
    /// Every connection that was asked for, the last one last.
    connections: Vec<ConnectionId>,
    tickets: Vec<Ticket>,
    open: Option<ConnectionId>,
    outstanding_connect: Option<ConnectionId>,
    /// State(Disconnected) was polled, and nothing can follow.
    disconnected: bool,
    /// The last of `connect` and `disconnect` was the former.
    connecting: bool,
    connects: Vec<Instant>,
    log: Vec<String>,
    /// Replays what was recorded, when the walk is over.
    _recording: Recording,
}

impl Walk {
    fn new(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut config = Config::builder(KEY)
            .host("localhost")
            .stop_on_refusal(random.bool())
            .limits(Limits { stored_events: 20, channels: 4, members: 3, ..Limits::default() });
        if random.bool() {
            config = config.secret(SECRET).master_key(&[7; 32]);
        }
        config = config.client_events_per_second(random.bool().then_some(2));
        let now = Instant::from_micros(random.u64(0..1_000_000));
        let (session, recording) = Recording::of(config.build().unwrap(), seed, now);
        Self {
            session,
            _recording: recording,
            random,
            now,
            connections: Vec::new(),
            tickets: Vec::new(),
            open: None,
            outstanding_connect: None,
            disconnected: true,
            connecting: false,
            connects: Vec::new(),
            log: Vec::new(),
        }
    }

    fn step(&mut self) {
        if self.random.u8(0..4) == 0 {
            self.now += Duration::from_millis(self.random.u64(0..40_000));
        }
        let now = if self.random.u8(0..20) == 0 { Instant::ORIGIN } else { self.now };
        let connection = self.any_connection();
        match self.random.u8(0..20) {
            0 => self.connect(),
            1 if self.random.u8(0..4) == 0 => {
                self.session.disconnect(now);
                self.connecting = false;
            }
            2..=4 => {
                if let Some(connection) = connection {
                    self.session.handle_open(connection, now);
                }
            }
            5..=10 => {
                if let Some(connection) = connection {
                    let message = self.any_message();
                    self.session.handle_slice(connection, &message, now);
                }
            }
            11 => {
                if let Some(connection) = connection {
                    let loss = self.any_loss();
                    self.session.handle_close(connection, loss, now);
                }
            }
            12 | 13 => self.subscribe(now),
            14 => {
                let channel = self.any_channel();
                if self.random.bool() {
                    self.command(|session| session.unsubscribe(channel, now).is_err());
                } else {
                    self.command(|session| session.retry(channel, now).is_err());
                }
            }
            15 => {
                let channel = self.any_channel();
                self.command(|session| session.trigger(channel, "client-e", &1, now).is_err());
            }
            16 if self.random.bool() => {
                let data = [None, Some("{}"), Some(r#"{"id":"me"}"#)][self.random.usize(0..3)];
                self.command(|session| session.sign_in(data, now).is_err());
            }
            16 => self.command(|session| session.ping(now).is_err()),
            17 => {
                let answer = match self.random.u8(0..3) {
                    0 => Err(Denied::refused(Some(403), "no")),
                    1 => Err(Denied::unavailable(None, "later")),
                    _ => Ok(any_authorization()),
                };
                if let Some(ticket) = self.random.choice(self.tickets.clone()) {
                    self.session.handle_authorization(ticket, answer, now);
                }
            }
            18 => {
                let flag = self.random.bool();
                self.session.handle_reading(flag, now);
                if let Some(connection) = connection {
                    self.session.handle_activity(connection, now);
                    self.session.handle_writable(connection, flag, now);
                }
            }
            _ => match self.random.u8(0..6) {
                0 => self.session.handle_network_change(now),
                1 => {
                    let endpoint = Endpoint::host("elsewhere").unwrap();
                    self.session.set_endpoint(endpoint, now);
                    self.connects.clear();
                }
                _ => self.session.handle_timeout(now),
            },
        }
    }

    fn connect(&mut self) {
        self.session.connect(self.now);
        self.disconnected = false;
        self.connecting = true;
        // The user may connect as often as it likes; the bound is for what servers cause.
        self.connects.clear();
    }

    fn subscribe(&mut self, now: Instant) {
        let channel = self.any_channel();
        let options = match self.random.u8(0..4) {
            0 => SubscribeOptions::default(),
            1 => SubscribeOptions::member(""),
            _ => SubscribeOptions::member("me"),
        };
        self.command(|session| session.subscribe(channel, &options, now).is_err());
    }

    /// C6: a refused command leaves the session as it was.
    fn command(&mut self, command: impl FnOnce(&mut Session) -> bool) {
        let before = self.session.state_hash();
        if command(&mut self.session) {
            assert_eq!(self.session.state_hash(), before, "a refused command changed something");
        }
    }

    fn any_connection(&mut self) -> Option<ConnectionId> {
        if self.random.u8(0..8) == 0 {
            self.random.choice(self.connections.clone())
        } else {
            self.connections.last().copied()
        }
    }

    fn any_channel(&mut self) -> &'static str {
        CHANNELS[self.random.usize(0..CHANNELS.len())]
    }

    fn any_loss(&mut self) -> Loss {
        let codes = [1000, 1006, 4000, 4001, 4100, 4200, 4201, 4300];
        match self.random.u8(0..3) {
            0 => Loss::reset("gone"),
            _ => Loss::closed(Some(codes[self.random.usize(0..codes.len())]), "closed"),
        }
    }

    fn any_message(&mut self) -> Vec<u8> {
        let channel = self.any_channel();
        let list = r#"{"presence":{"ids":["me","1",2],"hash":{"me":{},"3":null}}}"#;
        let text = match self.random.u8(0..19) {
            16 => message("pusher:signin_success", None, r#"{"user_data":"{\"id\":\"me\"}"}"#),
            17 => object(
                "sealed",
                Some("private-encrypted-a"),
                serde_json::json!({
                    "nonce": "4sVYwy4j/8dCcjyxtPCWyk19GaaViaW9",
                    "ciphertext": "/GMESnFGlbNn01BuBjp31XYa3i9vZsGKR8fgR9EDhXKx3lzGiUD501A=",
                }),
            ),
            18 => message("online", None, r#"{"user_ids":["1"]}"#),
            0..=2 => established("1.2", self.random.u64(0..200)),
            3 | 4 => succeeded(channel, "{}"),
            5 => succeeded(channel, list),
            6 => message("pusher_internal:member_added", Some(channel), r#"{"user_id":5}"#),
            7 => message("pusher_internal:member_removed", Some(channel), r#"{"user_id":"1"}"#),
            8 => {
                object("pusher:error", None, serde_json::json!({"code": 4009, "message": channel}))
            }
            9 => object("pusher:subscription_error", Some(channel), serde_json::json!({})),
            10 => r#"{"event":"pusher:ping"}"#.into(),
            11 => r#"{"event":"pusher:pong"}"#.into(),
            12 => "junk".into(),
            13 => return vec![0xff, 0xfe],
            _ => message("e", Some(channel), "data"),
        };
        let mut bytes = text.into_bytes();
        if self.random.u8(0..10) == 0 {
            let end = self.random.usize(0..=bytes.len());
            bytes.truncate(end);
        }
        bytes
    }

    fn drain(&mut self) {
        if self.session.poll_timeout().is_none() {
            assert!(self.session.poll_action().is_none(), "C3: an action without a timeout");
        }
        self.poll();
        let mut rounds = 0;
        self.session.handle_timeout(self.now);
        while self.session.poll_timeout().is_some_and(|timeout| timeout <= self.now) {
            rounds += 1;
            assert!(rounds < 3, "C3: a deadline that stays in the past");
            self.poll();
            self.session.handle_timeout(self.now);
        }
    }

    fn poll(&mut self) {
        while let Some(action) = self.session.poll_action() {
            self.log.push(format!("{action:?}"));
            assert!(!self.disconnected, "C8: {action:?} after State(Disconnected)");
            match action {
                Action::Connect { connection, .. } => {
                    assert_eq!(self.outstanding_connect, None, "C4: two Connects");
                    assert!(!self.connections.contains(&connection));
                    self.connections.push(connection);
                    self.outstanding_connect = Some(connection);
                    self.open = Some(connection);
                    self.connects.push(self.now);
                }
                Action::Send(frame) => {
                    assert_eq!(Some(frame.connection), self.open, "C4: not the open connection");
                }
                Action::Close { connection, .. } => {
                    assert_eq!(Some(connection), self.open);
                    self.open = None;
                    self.outstanding_connect = None;
                }
                Action::Authorize(request) => self.tickets.push(request.ticket),
                Action::Emit(Event::State(change)) => match change.to {
                    ConnectionState::Connecting => {}
                    ConnectionState::Disconnected => {
                        self.disconnected = !self.connecting;
                        self.outstanding_connect = None;
                    }
                    _ => self.outstanding_connect = None,
                },
                Action::Abandon(_) | Action::Emit(_) | Action::UpdatePresence(_) => {}
            }
        }
    }

    /// C5 and C10.
    fn check_bounds(&mut self) {
        let memory = self.session.memory();
        assert!(memory.channels <= 5, "four, and that of the user");
        assert!(memory.stored_events < 400 && memory.outgoing_bytes <= 256 * 1024, "{memory:?}");
        assert!(memory.stored_bytes <= 8 * 1024 * 1024, "{memory:?}");
        let minute = Duration::from_secs(60);
        let recent = |time: &&Instant| self.now.saturating_duration_since(**time) < minute;
        // Three immediate retries between stable connections of 10 s, and the floor of the backoff
        // that doubles on average.
        let recent = self.connects.iter().filter(recent).count();
        assert!(recent < 120, "C10: {recent} connects within a minute");
    }
}

#[test]
fn the_hash_of_the_state_sees_into_each_channel() {
    let hash = |user_id: &str| {
        let mut harness = Harness::new(signing());
        harness.subscribe_as("presence-x", user_id);
        harness.session.state_hash()
    };
    assert_eq!(hash("a"), hash("a"));
    assert_ne!(hash("a"), hash("b"));
}

#[test]
fn random_walks_keep_the_contract() {
    for seed in 0..2_000 {
        let mut walk = Walk::new(seed);
        let mut steps = 0;
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            while steps < 120 {
                steps += 1;
                walk.step();
                if walk.random.u8(0..4) != 0 {
                    walk.drain();
                }
                walk.check_bounds();
            }
        }));
        if let Err(panic) = outcome {
            eprintln!("seed {seed}, step {steps}; the last actions:");
            for line in walk.log.iter().rev().take(12).rev() {
                eprintln!("  {line}");
            }
            std::panic::resume_unwind(panic);
        }
    }
}

/// C7: the same configuration, seed and inputs lead to the same actions.
#[test]
fn the_same_walk_leads_to_the_same_actions() {
    let actions = |seed| {
        let mut walk = Walk::new(seed);
        for _ in 0..200 {
            walk.step();
            walk.drain();
        }
        (walk.log, walk.session.state_hash())
    };
    for seed in 0..100 {
        assert_eq!(actions(seed), actions(seed));
    }
}

/// C9: from wherever a walk has led, with a server that answers, every wanted channel ends
/// subscribed or failed with a reason.
#[test]
fn after_any_walk_a_server_that_answers_finds_every_channel_subscribed_or_failed() {
    for seed in 0..1_000 {
        let mut walk = Walk::new(seed);
        for _ in 0..60 {
            walk.step();
            walk.drain();
        }
        walk.session.disconnect(walk.now);
        walk.connecting = false;
        walk.drain();
        walk.connect();
        walk.drain();
        let (connection, now) = (*walk.connections.last().unwrap(), walk.now);
        walk.session.handle_open(connection, now);
        walk.session.handle_slice(connection, established("1.2", 100).as_bytes(), now);
        while let Some(action) = walk.session.poll_action() {
            match action {
                Action::Send(frame) => {
                    let sent: serde_json::Value = serde_json::from_str(&frame.text).unwrap();
                    if sent["event"] == "pusher:signin" {
                        let answer = message(
                            "pusher:signin_success",
                            None,
                            r#"{"user_data":"{\"id\":\"me\"}"}"#,
                        );
                        walk.session.handle_slice(connection, answer.as_bytes(), now);
                    } else if sent["event"] == "pusher:subscribe" {
                        let answer = succeeded(sent["data"]["channel"].as_str().unwrap(), "{}");
                        walk.session.handle_slice(connection, answer.as_bytes(), now);
                    }
                }
                Action::Authorize(request) => {
                    let granted = any_authorization();
                    walk.session.handle_authorization(request.ticket, Ok(granted), now);
                }
                _ => {}
            }
        }
        for channel in walk.session.wanted_channels() {
            let settled = match channel.state() {
                ChannelState::Subscribed => true,
                ChannelState::Failed => channel.failure().is_some(),
                // The sign-in was refused, and that was told.
                _ if channel.name().as_str().starts_with('#') => {
                    walk.session.signed_in_user().is_none()
                }
                _ => false,
            };
            assert!(settled, "seed {seed}: {channel:?}");
        }
    }
}

/// C9 on the connection where things went wrong: many channels wait for few authorizations, and
/// some are left or change their minds at any moment.
#[test]
fn of_many_channels_that_wait_for_authorizations_none_is_forgotten() {
    for seed in 0..300 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut harness = crate::harness::Harness::new(crate::harness::asking());
        harness.connect();
        let mut tickets: Vec<Ticket> = Vec::new();
        for _ in 0..200 {
            let channel = format!("private-{}", random.u8(0..30));
            let now = harness.now;
            match random.u8(0..6) {
                0..=2 => {
                    let plain = SubscribeOptions::default();
                    harness.session.subscribe(&channel, &plain, now).unwrap();
                }
                3 => {
                    let _ = harness.session.unsubscribe(&channel, now);
                }
                4 if !tickets.is_empty() => {
                    let ticket = tickets.swap_remove(random.usize(0..tickets.len()));
                    let answer = any_authorization();
                    harness.session.handle_authorization(ticket, Ok(answer), now);
                }
                _ => {
                    harness.drain();
                    tickets.extend(harness.requests().iter().map(|request| request.ticket));
                }
            }
        }
        loop {
            harness.drain();
            tickets.extend(harness.requests().iter().map(|request| request.ticket));
            let Some(ticket) = tickets.pop() else { break };
            harness.session.handle_authorization(ticket, Ok(any_authorization()), harness.now);
        }
        for view in harness.session.wanted_channels() {
            assert_eq!(view.state(), ChannelState::Subscribing, "seed {seed}: {}", view.name());
        }
    }
}

/// C2: what several causes lead to comes in their order, polled at once or not.
#[test]
fn actions_come_in_the_order_of_their_causes() {
    let run = |drain_between: bool| {
        let mut harness = crate::harness::Harness::connected();
        harness.subscribed("private-x");
        let (connection, now) = (harness.current(), harness.now);
        let drain = |harness: &mut crate::harness::Harness| {
            if drain_between {
                harness.drain();
            }
        };
        harness.session.trigger("private-x", "client-1", &1, now).unwrap();
        drain(&mut harness);
        let ping = br#"{"event":"pusher:ping"}"#;
        harness.session.handle_slice(connection, ping, now);
        drain(&mut harness);
        harness.session.subscribe("late", &SubscribeOptions::default(), now).unwrap();
        drain(&mut harness);
        let event = message("e", Some("private-x"), "1");
        harness.session.handle_slice(connection, event.as_bytes(), now);
        drain(&mut harness);
        harness.session.ping(now).unwrap();
        drain(&mut harness);
        harness.session.unsubscribe("private-x", now).unwrap();
        drain(&mut harness);
        harness.session.disconnect(now);
        harness.drain();
        harness.actions.iter().map(|action| format!("{action:?}")).collect::<Vec<_>>()
    };
    let (at_once, one_by_one) = (run(false), run(true));
    // What the end of the connection makes pointless is not sent when it was not polled before.
    let kept: Vec<_> = one_by_one.iter().filter(|line| at_once.contains(line)).collect();
    assert_eq!(kept, at_once.iter().collect::<Vec<_>>());
    assert!(at_once[0].contains("client-1"));
    assert!(at_once.last().unwrap().contains("to: Disconnected"));
}
