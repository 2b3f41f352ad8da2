//! A broker, a clock and signed requests.

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use pushest_proto::Instant;
use pushest_testkit::Profile;
use pushest_testkit::protocol::{Action, Broker, HttpRequest, HttpResponse, PeerId, ServerConfig};
use serde_json::{Value, json};
use sha2::Sha256;

/// The server's wall clock in all tests: seconds since 1970.
pub(crate) const UNIX_TIME: u64 = 1_700_000_000;

pub(crate) struct Harness {
    pub(crate) broker: Broker,
    pub(crate) now: Instant,
}

impl Harness {
    pub(crate) fn new() -> Self {
        Self::with(Profile::Standard, |_| {})
    }

    pub(crate) fn with(profile: Profile, change: impl FnOnce(&mut ServerConfig)) -> Self {
        let mut config = ServerConfig::new(profile);
        change(&mut config);
        Self { broker: Broker::new(config), now: Instant::ORIGIN }
    }

    /// Connects and swallows the greeting.
    pub(crate) fn connect(&mut self) -> PeerId {
        let peer = self.broker.connect("app-key", self.now);
        let greeting = self.messages(peer);
        assert_eq!(greeting[0]["event"], "pusher:connection_established");
        peer
    }

    pub(crate) fn send(&mut self, peer: PeerId, message: &Value) {
        self.broker.receive(peer, &message.to_string(), self.now);
    }

    pub(crate) fn socket_id(&self, peer: PeerId) -> String {
        self.broker.socket_id(peer).unwrap().to_owned()
    }

    /// Subscribes, signed where the channel asks for it, as no user.
    pub(crate) fn subscribe(&mut self, peer: PeerId, channel: &str) {
        let auth = auth(&[&self.socket_id(peer), ":", channel]);
        let data = if channel.starts_with("private-") {
            json!({ "channel": channel, "auth": auth })
        } else {
            json!({ "channel": channel })
        };
        self.send(peer, &json!({ "event": "pusher:subscribe", "data": data }));
    }

    /// Subscribes to a presence channel with this channel data.
    pub(crate) fn join(&mut self, peer: PeerId, channel: &str, channel_data: &Value) {
        let channel_data = channel_data.to_string();
        let auth = auth(&[&self.socket_id(peer), ":", channel, ":", &channel_data]);
        let data = json!({ "channel": channel, "auth": auth, "channel_data": channel_data });
        self.send(peer, &json!({ "event": "pusher:subscribe", "data": data }));
    }

    pub(crate) fn unsubscribe(&mut self, peer: PeerId, channel: &str) {
        let data = json!({ "channel": channel });
        self.send(peer, &json!({ "event": "pusher:unsubscribe", "data": data }));
    }

    pub(crate) fn sign_in(&mut self, peer: PeerId, user_data: &Value) {
        let user_data = user_data.to_string();
        let auth = auth(&[&self.socket_id(peer), "::user::", &user_data]);
        let data = json!({ "auth": auth, "user_data": user_data });
        self.send(peer, &json!({ "event": "pusher:signin", "data": data }));
    }

    pub(crate) fn publish(&mut self, channel: &str, event: &str, data: &str) {
        self.broker.publish(channel, event, data, None, self.now);
    }

    /// Moves the clock, stopping wherever the broker wants to be called.
    pub(crate) fn pass(&mut self, duration: Duration) {
        let end = self.now + duration;
        while let Some(at) = self.broker.poll_timeout()
            && at <= end
        {
            self.now = self.now.max(at);
            self.broker.handle_timeout(self.now);
            let next = self.broker.poll_timeout();
            assert!(next.is_none_or(|next| next > self.now), "a deadline in the past");
        }
        self.now = end;
        self.broker.handle_timeout(self.now);
    }

    pub(crate) fn actions(&mut self) -> Vec<Action> {
        std::iter::from_fn(|| self.broker.poll_action()).collect()
    }

    /// What was sent to `peer` since the last look; what others were sent is lost.
    pub(crate) fn messages(&mut self, peer: PeerId) -> Vec<Value> {
        let mut messages = self.messages_by_peer();
        messages.retain(|(to, _)| *to == peer);
        messages.into_iter().map(|(_, message)| message).collect()
    }

    pub(crate) fn messages_by_peer(&mut self) -> Vec<(PeerId, Value)> {
        self.actions()
            .into_iter()
            .filter_map(|action| match action {
                Action::Send { peer, text } => Some((peer, serde_json::from_str(&text).unwrap())),
                Action::Close { .. } | Action::Reset { .. } => None,
            })
            .collect()
    }

    /// The names of the events that `peer` was sent since the last look.
    pub(crate) fn events(&mut self, peer: PeerId) -> Vec<String> {
        let messages = self.messages(peer);
        messages.iter().map(|message| message["event"].as_str().unwrap().to_owned()).collect()
    }

    /// The connections that a close was decided for since the last look, and the codes.
    pub(crate) fn closes(&mut self) -> Vec<(PeerId, u16)> {
        self.actions()
            .into_iter()
            .filter_map(|action| match action {
                Action::Close { peer, code, .. } => Some((peer, code)),
                Action::Send { .. } | Action::Reset { .. } => None,
            })
            .collect()
    }

    pub(crate) fn get(&mut self, path: &str, query: &[(&str, &str)]) -> HttpResponse {
        self.request("GET", path, query, "")
    }

    pub(crate) fn post(&mut self, path: &str, body: &Value) -> HttpResponse {
        self.request("POST", path, &[], &body.to_string())
    }

    pub(crate) fn request(
        &mut self,
        method: &str,
        path: &str,
        query: &[(&str, &str)],
        body: &str,
    ) -> HttpResponse {
        let target = signed_target(method, path, query, body, UNIX_TIME);
        self.request_raw(method, &target, body)
    }

    pub(crate) fn request_raw(&mut self, method: &str, target: &str, body: &str) -> HttpResponse {
        let request = HttpRequest::new(method, target, UNIX_TIME).body(body.as_bytes().to_vec());
        self.broker.http(&request, self.now)
    }
}

/// The data of a message, which is a JSON string in most of them.
pub(crate) fn data(message: &Value) -> Value {
    match &message["data"] {
        Value::String(text) => serde_json::from_str(text).unwrap(),
        other => other.clone(),
    }
}

pub(crate) fn auth(parts: &[&str]) -> String {
    format!("app-key:{}", sign(&parts.concat()))
}

fn sign(text: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(b"app-secret").unwrap();
    mac.update(text.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

/// A path with a signed query; the values of `query` must need no encoding.
pub(crate) fn signed_target(
    method: &str,
    path: &str,
    query: &[(&str, &str)],
    body: &str,
    timestamp: u64,
) -> String {
    let timestamp = timestamp.to_string();
    let digest = hex::encode(Md5::digest(body));
    let mut pairs = vec![
        ("auth_key", "app-key"),
        ("auth_timestamp", timestamp.as_str()),
        ("auth_version", "1.0"),
    ];
    if !body.is_empty() {
        pairs.push(("body_md5", &digest));
    }
    pairs.extend(query);
    pairs.sort_unstable();
    let query: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let query = query.join("&");
    let signature = sign(&format!("{method}\n{path}\n{query}"));
    format!("{path}?{query}&auth_signature={signature}")
}
