//! Target `testkit`: whatever clients send, in any order, the server of the testkit lives on, says
//! only what is JSON and only to those who are there, and its books stay right.

use std::collections::BTreeSet;
use std::time::Duration;

use arbitrary::{Result, Unstructured};
use pushest_proto::{Instant, Signer, SocketId};
use pushest_testkit::protocol::{Action, Broker, HttpRequest, PeerId, ServerConfig, Target};
use pushest_testkit::{Profile, Refusal, RefusalEnd};
use serde::Deserialize;
use serde_json::json;

const CHANNELS: [&str; 6] =
    ["a", "private-a", "presence-a", "private-cache-b", "presence-b", "#server-to-user-1"];

/// Checks one input.
///
/// # Panics
/// If the server breaks a promise.
pub fn check(bytes: &[u8]) {
    let mut bytes = Unstructured::new(bytes);
    let _ = drive(&mut bytes);
}

fn drive(bytes: &mut Unstructured<'_>) -> Result<()> {
    let mut config = ServerConfig::new(*bytes.choose(&Profile::ALL)?);
    let flags: u8 = bytes.arbitrary()?;
    config.subscription_counts = flags & 1 != 0;
    config.limits.connections = (flags & 2 != 0).then_some(2);
    config.limits.presence_members = if flags & 4 != 0 { 1 } else { 100 };
    let mut driver = Driver::new(config);
    while !bytes.is_empty() {
        driver.input(bytes)?;
        driver.check();
    }
    Ok(())
}

/// Two servers that are told the same, of which one is looked at.
struct Driver {
    broker: Broker,
    twin: Broker,
    now: Instant,
    /// Every connection, the closed ones too.
    peers: Vec<PeerId>,
    /// Those that the server has closed.
    closed: BTreeSet<PeerId>,
}

impl Driver {
    fn new(config: ServerConfig) -> Self {
        Self {
            broker: Broker::new(config.clone()),
            twin: Broker::new(config),
            now: Instant::from_micros(1_000_000),
            peers: Vec::new(),
            closed: BTreeSet::new(),
        }
    }

    fn input(&mut self, bytes: &mut Unstructured<'_>) -> Result<()> {
        let now = self.now;
        match bytes.int_in_range(0..=15_u8)? {
            0 | 1 => {
                let key = if bytes.ratio(7, 8)? { "app-key" } else { "other" };
                let peer = self.broker.connect(key, now);
                assert_eq!(self.twin.connect(key, now), peer);
                self.peers.push(peer);
            }
            2 => {
                if let Some(peer) = self.peer(bytes)? {
                    self.both(|broker| broker.disconnected(peer, now));
                }
            }
            3..=5 => {
                let text = text(bytes)?;
                if let Some(peer) = self.peer(bytes)? {
                    self.both(|broker| broker.receive(peer, &text, now));
                }
            }
            6..=9 => {
                if let Some(peer) = self.peer(bytes)? {
                    let message = self.message(peer, bytes)?;
                    self.both(|broker| broker.receive(peer, &message, now));
                }
            }
            10 => {
                let (channel, event, data) = (channel(bytes)?, text(bytes)?, text(bytes)?);
                self.both(|broker| broker.publish(channel, &event, &data, None, now));
            }
            11 => {
                let method = if bytes.arbitrary()? { "POST" } else { "GET" };
                let target = text(bytes)?;
                let request =
                    HttpRequest::new(method, target, 1000).body(text(bytes)?.into_bytes());
                let answer = self.broker.http(&request, now);
                assert_eq!(answer, self.twin.http(&request, now));
                if answer.status == 200 {
                    serde_json::from_str::<serde_json::Value>(&answer.body).expect("JSON");
                }
            }
            12 | 13 => {
                let seconds = Duration::from_millis(u64::from(bytes.arbitrary::<u16>()?) * 10);
                self.now += seconds;
                let now = self.now;
                self.both(|broker| broker.handle_timeout(now));
                let next = self.broker.poll_timeout();
                assert!(next.is_none_or(|next| next > now), "a deadline in the past");
            }
            14 => {
                if let Some(peer) = self.peer(bytes)? {
                    self.both(|broker| broker.heard(peer, now));
                }
            }
            _ => self.fault(bytes)?,
        }
        Ok(())
    }

    fn fault(&mut self, bytes: &mut Unstructured<'_>) -> Result<()> {
        let channel = channel(bytes)?;
        let (kind, byte): (u8, u8) = bytes.arbitrary()?;
        let peer = self.peer(bytes)?;
        self.both(|broker| match (kind % 8, peer) {
            (0, _) => broker.deny(channel, "no"),
            (1, _) => broker.allow(channel),
            (2, _) => broker.withhold_handshake(byte & 1 != 0),
            (3, _) if byte < 32 => {
                broker.refuse_connections((byte & 1 != 0).then_some((4100, "full")));
            }
            (3, _) => broker.refuse_connections_with(Some(refusal(byte))),
            (4, _) => broker.set_delay(Duration::from_millis(byte.into())),
            (5, Some(peer)) => broker.set_silent(&Target::Peer(peer), byte & 1 != 0),
            (6, Some(peer)) => broker.close(&Target::Peer(peer), 4000 + u16::from(byte), "closed"),
            (7, _) => broker.terminate_user("1"),
            _ => {}
        });
        Ok(())
    }

    /// Returns a message that a client of this connection might send, rightly signed or not.
    fn message(&self, peer: PeerId, bytes: &mut Unstructured<'_>) -> Result<String> {
        let channel = channel(bytes)?;
        let (kind, byte): (u8, u8) = bytes.arbitrary()?;
        let id = byte & 3;
        let socket_id = self.broker.socket_id(peer).and_then(SocketId::new);
        let socket_id = socket_id.unwrap_or(SocketId::new("1.2").expect("two runs of digits"));
        let signer = Signer::new("app-key", if byte & 4 == 0 { "app-secret" } else { "other" });
        let message = match kind % 6 {
            0 | 1 => {
                let member = json!({"user_id": id.to_string(), "user_info": {"n": id}}).to_string();
                let member = channel.starts_with("presence-").then_some(member);
                let auth = signer.channel(&socket_id, channel, member.as_deref());
                let data = json!({"channel": channel, "auth": auth, "channel_data": member});
                json!({"event": "pusher:subscribe", "data": data})
            }
            2 => json!({"event": "pusher:unsubscribe", "data": {"channel": channel}}),
            3 => {
                let data = json!({"id": id.to_string(), "watchlist": ["0", "1", "2"]}).to_string();
                let auth = signer.user(&socket_id, &data);
                json!({"event": "pusher:signin", "data": {"auth": auth, "user_data": data}})
            }
            4 => json!({"event": "client-e", "channel": channel, "data": {"n": byte}}),
            _ => json!({"event": "pusher:ping", "data": {}}),
        };
        Ok(message.to_string())
    }

    fn peer(&self, bytes: &mut Unstructured<'_>) -> Result<Option<PeerId>> {
        if self.peers.is_empty() { Ok(None) } else { bytes.choose(&self.peers).copied().map(Some) }
    }

    fn both(&mut self, mut input: impl FnMut(&mut Broker)) {
        input(&mut self.broker);
        input(&mut self.twin);
    }

    fn check(&mut self) {
        while let Some(action) = self.broker.poll_action() {
            assert_eq!(Some(&action), self.twin.poll_action().as_ref(), "the same, told twice");
            match action {
                Action::Send { peer, text } => {
                    #[derive(Deserialize)]
                    struct Message {
                        #[serde(rename = "event")]
                        _event: String,
                    }
                    assert!(self.peers.contains(&peer), "{peer} was never there");
                    assert!(!self.closed.contains(&peer), "{peer} is closed already");
                    serde_json::from_str::<Message>(&text).expect("it says what is a message");
                }
                Action::Reset { peer } => {
                    assert!(self.closed.insert(peer), "{peer} is closed already");
                }
                Action::Close { peer, reason, .. } => {
                    assert!(self.closed.insert(peer), "{peer} is closed already");
                    assert!(reason.len() <= 123, "a close frame holds no more");
                }
            }
        }
        assert_eq!(self.twin.poll_action(), None, "the same, told twice");
        self.check_books();
    }

    fn check_books(&self) {
        let broker = &self.broker;
        for channel in broker.channels() {
            assert!(broker.subscribers(channel).next().is_some(), "{channel} is empty");
            for peer in broker.subscribers(channel) {
                assert!(broker.socket_id(peer).is_some(), "{peer} is gone");
                assert!(broker.subscriptions(peer).any(|other| other == channel));
            }
            let members = broker.members(channel).count();
            assert!(members <= broker.subscribers(channel).count(), "members without connections");
            assert_eq!(members > 0, channel.starts_with("presence-"), "members of {channel}");
        }
        for peer in broker.peers() {
            for channel in broker.subscriptions(peer) {
                assert!(broker.subscribers(channel).any(|other| other == peer));
            }
        }
        for user in broker.users() {
            assert!(broker.connections_of_user(user).next().is_some(), "{user} is gone");
        }
    }
}

fn refusal(byte: u8) -> Refusal {
    let refusal = Refusal::error((byte & 8 != 0).then_some(4100), "full");
    refusal.then(match byte & 7 {
        0 | 1 => RefusalEnd::Open,
        2 => RefusalEnd::Silence,
        3 => RefusalEnd::Close(4100, "full".repeat(usize::from(byte))),
        4 => RefusalEnd::CloseWithoutCode,
        5 => RefusalEnd::Drop,
        6 => RefusalEnd::Reset,
        _ => return Refusal::without_error(RefusalEnd::Close(4100, String::new())),
    })
}

fn channel(bytes: &mut Unstructured<'_>) -> Result<&'static str> {
    bytes.choose(&CHANNELS).copied()
}

fn text(bytes: &mut Unstructured<'_>) -> Result<String> {
    let length = usize::from(bytes.arbitrary::<u8>()?).min(bytes.len());
    Ok(String::from_utf8_lossy(bytes.bytes(length)?).into_owned())
}
