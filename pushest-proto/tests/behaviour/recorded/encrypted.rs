//! Channels whose events the server cannot read.

use super::unavailable;
use crate::harness::{Harness, asking, message, object, signing};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto_secretbox::aead::Aead as _;
use crypto_secretbox::{KeyInit as _, XSalsa20Poly1305};
use pushest_proto::{Authorization, AuthorizationRequest, Loss};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

const ROOM: &str = "private-encrypted-room";
const KEY: [u8; 32] = [7; 32];
const OTHER_KEY: [u8; 32] = [8; 32];

fn sealed(key: &[u8; 32], data: &[u8]) -> Value {
    let nonce = [5_u8; 24];
    let ciphertext = XSalsa20Poly1305::new(key.into()).encrypt((&nonce).into(), data).unwrap();
    json!({"nonce": STANDARD.encode(nonce), "ciphertext": STANDARD.encode(ciphertext)})
}

fn event(name: &str, key: &[u8; 32]) -> String {
    object(name, Some(ROOM), sealed(key, br#"{"text":"plain"}"#))
}

fn grant_key(harness: &mut Harness, request: &AuthorizationRequest, key: &[u8; 32]) {
    let granted = Authorization::new("key:5f00").shared_secret(STANDARD.encode(key));
    harness.answer_request(request, Ok(granted));
}

/// Keys come with authorizations. One that does not fit is asked for once more, and events wait.
pub(super) fn asking_for_keys() -> Harness {
    let mut harness = Harness::new(asking());
    harness.want(ROOM);
    harness.want("private-a");
    harness.connect_and_keep();
    let asked = harness.requests();
    grant_key(&mut harness, &asked[0], &KEY);
    harness.grant(&asked[1]);
    // Before it is confirmed, a key is not asked for again.
    harness.receive(&event("early", &OTHER_KEY));
    harness.succeed(ROOM);
    harness.succeed("private-a");
    harness.receive(&event("fits", &KEY));
    harness.receive(&object("client-x", Some(ROOM), json!("no cipher")));
    harness.receive(&object("e", Some(ROOM), json!({"nonce": "?", "ciphertext": ""})));
    let nonce = STANDARD.encode([5; 24]);
    harness.receive(&object("e", Some(ROOM), json!({"nonce": nonce, "ciphertext": "?"})));
    harness.receive(&object("e", Some(ROOM), sealed(&KEY, &[0xff])));
    // It has rotated: what comes meanwhile waits, also what would fit.
    harness.receive(&event("a", &OTHER_KEY));
    harness.hear(&event("b", &OTHER_KEY));
    harness.hear(&message("between", Some("private-a"), "1"));
    harness.hear(&event("c", &OTHER_KEY));
    harness.drain();
    let asked = harness.requests();
    grant_key(&mut harness, &asked[0], &OTHER_KEY);
    harness.receive(&event("d", &OTHER_KEY));
    // In vain: not asked for again before something has opened.
    harness.receive(&event("junk", &[1; 32]));
    let asked = harness.requests();
    grant_key(&mut harness, &asked[0], &OTHER_KEY);
    harness.receive(&event("junk", &[1; 32]));
    harness.receive(&event("fits", &OTHER_KEY));
    // The request fails, or is not answered, or its answer comes too late.
    harness.receive(&event("junk", &[1; 32]));
    let asked = harness.requests();
    harness.answer_request(&asked[0], unavailable("later", None));
    harness.receive(&event("fits", &OTHER_KEY));
    harness.receive(&event("junk", &[1; 32]));
    harness.pass_seconds(11);
    let asked = harness.requests();
    grant_key(&mut harness, &asked[0], &KEY);
    harness.receive(&event("fits", &OTHER_KEY));
    // It waits for its turn behind eight others.
    for number in 0..8 {
        harness.want(&format!("private-{number}"));
    }
    harness.drain();
    let others = harness.requests();
    harness.receive(&event("turn", &KEY));
    harness.grant(&others[3]);
    let asked = harness.requests();
    // The connection is lost while the key is asked for.
    harness.lose(Loss::reset("gone"));
    grant_key(&mut harness, &asked[0], &KEY);
    harness.establish();
    let asked = harness.requests();
    grant_key(&mut harness, &asked[0], &KEY);
    harness.succeed(ROOM);
    harness.receive(&event("again", &OTHER_KEY));
    harness.unsubscribe(ROOM);
    harness.drain();
    harness.receive(&event("unwanted", &KEY));
    harness.disconnect()
}

/// The master key makes every channel's key: no authorization is asked for.
pub(super) fn with_the_master_key() -> Harness {
    let mut hash = Sha256::new();
    hash.update(ROOM.as_bytes());
    hash.update([3; 32]);
    let key: [u8; 32] = hash.finalize().into();
    let mut harness = Harness::new(signing().master_key(&[3; 32]));
    harness.connect_and_keep();
    harness.subscribe(ROOM);
    harness.hear(&event("early", &key));
    harness.succeed(ROOM);
    harness.receive(&event("fits", &key));
    harness.receive(&event("fits not", &KEY));
    harness.receive(&message("pusher_internal:other", Some(ROOM), "of the protocol"));
    harness.receive(&message("empty", Some(ROOM), ""));
    harness.come_back(4200);
    harness.receive(&event("before it is confirmed", &key));
    harness.succeed(ROOM);
    harness.disconnect()
}
