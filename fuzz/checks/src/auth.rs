//! Target `auth`: signatures and keys, made by another library than the core's and the testkit's.
//!
//! What the core signs is what that library signs, the testkit's server accepts it and nothing
//! else, and what is sealed with a key that it derived, the core opens.

use arbitrary::{Result, Unstructured};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use crypto_secretbox::aead::Aead as _;
use crypto_secretbox::{KeyInit as _, XSalsa20Poly1305};
use md5::{Digest as _, Md5};
use pushest_proto::{Action, Config, Event, Instant, Session, Signer, SocketId, SubscribeOptions};
use pushest_testkit::protocol::{App, Broker, HttpRequest, PeerId, ServerConfig};
use ring::{digest, hmac};
use serde_json::json;

const NOW: Instant = Instant::from_micros(1_000_000);

/// Checks one input.
///
/// # Panics
/// If two signatures of the same differ, or a wrong one is accepted.
pub fn check(bytes: &[u8]) {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    let Ok(case) = Case::read(&mut Unstructured::new(bytes)) else { return };
    match kind % 4 {
        0 => case.signatures_agree(),
        1 => case.the_server_accepts_this_signature_alone(),
        2 => case.the_api_accepts_this_signature_alone(),
        _ => case.a_derived_key_opens(),
    }
}

struct Case {
    secret: String,
    socket_id: SocketId,
    channel: String,
    data: String,
    master_key: [u8; 32],
    /// Which digit of a signature is changed, and how.
    flipped: (usize, u8),
}

impl Case {
    fn read(bytes: &mut Unstructured<'_>) -> Result<Self> {
        let socket_id = format!("{}.{}", bytes.arbitrary::<u64>()?, bytes.arbitrary::<u32>()?);
        let socket_id = SocketId::new(&socket_id).expect("two runs of digits");
        let flipped = (bytes.int_in_range(0..=63)?, bytes.int_in_range(1..=15)?);
        let master_key = bytes.arbitrary()?;
        let mut secret = text(bytes, 150)?;
        if secret.trim().is_empty() {
            secret.push('s');
        }
        Ok(Self {
            secret,
            socket_id,
            channel: text(bytes, 40)?,
            data: text(bytes, 100)?,
            master_key,
            flipped,
        })
    }

    fn signatures_agree(&self) {
        let Self { secret, socket_id, channel, data, .. } = self;
        let signer = Signer::new("app-key", secret);
        assert_eq!(
            signer.channel(socket_id, channel, None),
            self.auth(&format!("{socket_id}:{channel}")),
            "a private channel"
        );
        assert_eq!(
            signer.channel(socket_id, channel, Some(data)),
            self.auth(&format!("{socket_id}:{channel}:{data}")),
            "a presence channel"
        );
        assert_eq!(
            signer.user(socket_id, data),
            self.auth(&format!("{socket_id}::user::{data}")),
            "a user"
        );
    }

    fn the_server_accepts_this_signature_alone(&self) {
        let mut broker = self.broker();
        let peer = broker.connect("app-key", NOW);
        let socket_id = broker.socket_id(peer).expect("it is connected").to_owned();
        let channel_data = json!({"user_id": "me", "user_info": self.data}).to_string();
        let auth = self.auth(&format!("{socket_id}:presence-a:{channel_data}"));
        for (auth, is_right) in [(self.with_a_flip(&auth), false), (auth, true)] {
            let data = json!({"channel": "presence-a", "auth": auth, "channel_data": channel_data});
            receive(&mut broker, peer, "pusher:subscribe", &data);
            let subscribed = broker.subscribers("presence-a").count();
            assert_eq!(subscribed, usize::from(is_right), "a presence channel");
        }
        let user_data = json!({"id": "me", "user_info": self.data}).to_string();
        let auth = self.auth(&format!("{socket_id}::user::{user_data}"));
        for (auth, is_right) in [(self.with_a_flip(&auth), false), (auth, true)] {
            let data = json!({"auth": auth, "user_data": user_data});
            receive(&mut broker, peer, "pusher:signin", &data);
            assert_eq!(broker.users().count(), usize::from(is_right), "a sign-in");
        }
    }

    fn the_api_accepts_this_signature_alone(&self) {
        let body = json!({"name": "e", "channel": "a", "data": self.data}).to_string();
        let digest = hex(&Md5::digest(&body));
        let query = |info: &str| {
            format!(
                "auth_key=app-key&auth_timestamp=1000&auth_version=1.0&body_md5={digest}&info={info}"
            )
        };
        let signed = format!("POST\n/apps/1/events\n{}", query(&self.channel));
        let signature = self.sign(&signed);
        let encoded: String =
            self.channel.bytes().map(|byte| format!("%{byte:02x}")).collect::<Vec<_>>().concat();
        for (signature, is_right) in [(self.with_a_flip(&signature), false), (signature, true)] {
            let target = format!("/apps/1/events?{}&auth_signature={signature}", query(&encoded));
            let request = HttpRequest::new("POST", target, 1000).body(body.clone().into_bytes());
            let answer = self.broker().http(&request, NOW);
            assert_eq!(answer.status, if is_right { 200 } else { 401 }, "{}", answer.body);
        }
    }

    fn a_derived_key_opens(&self) {
        const CHANNEL: &str = "private-encrypted-a";
        let config = Config::builder("app-key").secret(&self.secret).master_key(&self.master_key);
        let config = config.host("localhost").build().expect("these settings keep the rules");
        let mut session = Session::new(config, 7, NOW);
        session.subscribe(CHANNEL, &SubscribeOptions::default(), NOW).expect("it has the key");
        session.connect(NOW);
        let mut opened = None;
        while let Some(action) = session.poll_action() {
            match action {
                Action::Connect { connection, .. } => {
                    session.handle_open(connection, NOW);
                    let data = json!({"socket_id": self.socket_id.as_str()});
                    let message = json!({"event": "pusher:connection_established", "data": data});
                    session.handle_slice(connection, message.to_string().as_bytes(), NOW);
                }
                Action::Send(frame) => {
                    let auth = self.auth(&format!("{}:{CHANNEL}", self.socket_id));
                    assert!(frame.text.contains(&auth), "an encrypted channel: {}", frame.text);
                    let message = self.sealed(CHANNEL);
                    session.handle_slice(frame.connection, message.as_bytes(), NOW);
                }
                Action::Emit(Event::Channel(event)) => opened = Some(event.text().into_owned()),
                _ => {}
            }
        }
        assert_eq!(opened.as_deref(), Some(&*self.data), "an encrypted event");
    }

    fn sealed(&self, channel: &str) -> String {
        let shared = [channel.as_bytes(), &self.master_key].concat();
        let shared = digest::digest(&digest::SHA256, &shared);
        let key: &[u8; 32] = shared.as_ref().try_into().expect("SHA-256 has 32 bytes");
        let nonce = [9; 24];
        let ciphertext = XSalsa20Poly1305::new(key.into())
            .encrypt((&nonce).into(), self.data.as_bytes())
            .expect("it is short");
        let data = json!({"nonce": BASE64.encode(nonce), "ciphertext": BASE64.encode(ciphertext)});
        json!({"event": "e", "channel": channel, "data": data}).to_string()
    }

    fn broker(&self) -> Broker {
        let mut config = ServerConfig::default();
        config.app = App::new("1", "app-key", &*self.secret);
        Broker::new(config)
    }

    fn auth(&self, signed: &str) -> String {
        format!("app-key:{}", self.sign(signed))
    }

    fn sign(&self, signed: &str) -> String {
        signature(&self.secret, signed)
    }

    /// The same with another digit at one place of the signature.
    fn with_a_flip(&self, signature: &str) -> String {
        let (place, by) = self.flipped;
        let place = signature.len() - 64 + place;
        let digit = u8::from_str_radix(&signature[place..=place], 16).expect("a digit");
        format!("{}{:x}{}", &signature[..place], digit ^ by, &signature[place + 1..])
    }
}

fn receive(broker: &mut Broker, peer: PeerId, event: &str, data: &serde_json::Value) {
    broker.receive(peer, &json!({"event": event, "data": data}).to_string(), NOW);
}

fn signature(secret: &str, signed: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    hex(hmac::sign(&key, signed.as_bytes()).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// At most this many characters, of any kind.
fn text(bytes: &mut Unstructured<'_>, most: usize) -> Result<String> {
    let length = bytes.int_in_range(0..=most)?.min(bytes.len());
    Ok(String::from_utf8_lossy(bytes.bytes(length)?).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "7ad3773142a6692b25b8";

    /// The vectors of the protocol: what is signed, and the signature.
    #[test]
    fn the_other_library_signs_the_protocols_vectors() {
        let query = "auth_key=278d425bdf160c739803&auth_timestamp=1353088179&auth_version=1.0\
                     &body_md5=ec365a775a4cd0599faeb73354201b6f";
        let http = format!("POST\n/apps/3/events\n{query}");
        for (secret, signed, expected) in [
            (
                SECRET,
                "1234.1234:private-foobar",
                "58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4",
            ),
            (
                SECRET,
                r#"1234.1234:presence-foobar:{"user_id":"10","user_info":{"name":"Mr. Pusher"}}"#,
                "48dac51d2d7569e1e9c0f48c227d4b26f238fa68e5c0bb04222c966909c4f7c4",
            ),
            (
                SECRET,
                r#"1234.1234:presence-foobar:{"user_id":10,"user_info":{"name":"Mr. Pusher"}}"#,
                "afaed3695da2ffd16931f457e338e6c9f2921fa133ce7dac49f529792be6304c",
            ),
            (
                SECRET,
                r#"1234.1234::user::{"id":"12345"}"#,
                "4708d583dada6a56435fb8bc611c77c359a31eebde13337c16ab43aa6de336ba",
            ),
            (SECRET, &*http, "da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c"),
            (
                "secret",
                r#"{"time_ms":1327078148132,"events":[{"name":"event_name","some":"data"}]}"#,
                "05a115b7898e4956cf46df2dd2822b3b913a4255343acd82d31609f222765c6a",
            ),
        ] {
            assert_eq!(signature(secret, signed), expected, "{signed}");
        }
    }

    #[test]
    fn the_core_signs_the_protocols_vectors() {
        let key = "278d425bdf160c739803";
        let signer = Signer::new(key, SECRET);
        let socket_id = SocketId::new("1234.1234").unwrap();
        let member = r#"{"user_id":"10","user_info":{"name":"Mr. Pusher"}}"#;
        for (auth, expected) in [
            (
                signer.channel(&socket_id, "private-foobar", None),
                "58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4",
            ),
            (
                signer.channel(&socket_id, "presence-foobar", Some(member)),
                "48dac51d2d7569e1e9c0f48c227d4b26f238fa68e5c0bb04222c966909c4f7c4",
            ),
            (
                signer.user(&socket_id, r#"{"id":"12345"}"#),
                "4708d583dada6a56435fb8bc611c77c359a31eebde13337c16ab43aa6de336ba",
            ),
        ] {
            assert_eq!(auth, format!("{key}:{expected}"));
        }
    }
}
