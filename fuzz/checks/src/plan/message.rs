//! What a server sends: the protocol's messages in the forms that servers give them, and raw bytes.

use std::sync::LazyLock;

use arbitrary::Unstructured;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use crypto_secretbox::aead::Aead as _;
use crypto_secretbox::{KeyInit as _, XSalsa20Poly1305};

use super::{CHANNELS, SHARED_SECRET, byte, channel};

/// The users that there are.
pub(crate) const IDS: [&str; 4] = ["me", "1", "2", "3"];

/// Returns what is told about a user; `null` counts as nothing.
pub(crate) fn infos(index: u8) -> Option<&'static str> {
    [None, Some("{}"), Some(r#"{"n":1}"#), Some(r#""\"""#)][usize::from(index & 3)]
}

/// A message of the server.
#[derive(Debug)]
pub(crate) enum Message {
    Raw(Vec<u8>),
    Established {
        seconds: u8,
    },
    Succeeded {
        channel: &'static str,
        /// The members that `ids` and `hash` list, by their place in [`IDS`]; `None` if the message
        /// has no list.
        list: Option<(u8, u8)>,
        /// What is told about those in `hash`.
        info: u8,
        form: ListForm,
    },
    Joined {
        channel: &'static str,
        id: u8,
        info: u8,
        spelling: u8,
    },
    Left {
        channel: &'static str,
        id: u8,
        spelling: u8,
    },
    Event {
        channel: &'static str,
        /// Written as Laravel and PHP do.
        escaped: bool,
    },
    Error {
        code: Code,
        /// Its data is a string that holds the object.
        as_text: bool,
        text: &'static str,
        /// Also names the channel.
        names: bool,
        /// It is a `pusher:subscription_error`.
        of_subscription: bool,
    },
    Other(&'static str),
    Sealed {
        /// With the key that authorizations grant.
        fits: bool,
        intact: bool,
    },
}

/// The code of an error: how it is written, and what that is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Code {
    written: &'static str,
    pub(crate) value: Option<u16>,
}

const CODES: [Code; 16] = [
    Code { written: "null", value: None },
    Code { written: "4009", value: Some(4009) },
    Code { written: "4200", value: Some(4200) },
    Code { written: "4300", value: Some(4300) },
    Code { written: "4301", value: Some(4301) },
    Code { written: "4302", value: Some(4302) },
    Code { written: "401", value: Some(401) },
    Code { written: "70000", value: None },
    Code { written: "4000", value: Some(4000) },
    Code { written: r#""4001""#, value: Some(4001) },
    Code { written: "4100", value: Some(4100) },
    Code { written: "4299", value: Some(4299) },
    Code { written: "1000", value: Some(1000) },
    Code { written: "4001.5", value: None },
    Code { written: r#""4001abc""#, value: None },
    Code { written: "4003.0", value: Some(4003) },
];

/// How a server writes a list of members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ListForm {
    Ordinary,
    /// `ids` is an object, and the numbers in it are spelled in other ways.
    Map,
    /// `ids` cannot be read.
    OddIds,
    /// Nothing of it can be read.
    Odd,
}

/// What carries the number of an event, in the order in which the server sent them.
pub(crate) const NUMBERED: &str = "nuMber3d";

impl Message {
    pub(super) fn raw(bytes: &mut Unstructured<'_>) -> Self {
        let length = usize::from(byte(bytes)) | usize::from(byte(bytes)) << 8;
        let length = length.min(bytes.len());
        Self::Raw(bytes.bytes(length).expect("as many as there are").to_vec())
    }

    pub(super) fn established(bytes: &mut Unstructured<'_>) -> Self {
        Self::Established { seconds: byte(bytes) }
    }

    pub(super) fn succeeded(bytes: &mut Unstructured<'_>) -> Self {
        let first = byte(bytes);
        let list = (first & 8 != 0).then(|| {
            let byte = byte(bytes);
            (byte & 15, byte >> 4)
        });
        let forms = [ListForm::Ordinary, ListForm::Map, ListForm::OddIds, ListForm::Odd];
        let form = forms[usize::from(first >> 6)];
        Self::Succeeded { channel: channel(first), list, info: first >> 4, form }
    }

    pub(super) fn member(bytes: &mut Unstructured<'_>) -> Self {
        let (first, second) = (byte(bytes), byte(bytes));
        let (channel, id, spelling) = (channel(first), second & 3, second >> 4);
        if first & 8 == 0 {
            Self::Joined { channel, id, info: second >> 2, spelling }
        } else {
            Self::Left { channel, id, spelling }
        }
    }

    pub(super) fn event(bytes: &mut Unstructured<'_>) -> Self {
        let byte = byte(bytes);
        Self::Event { channel: channel(byte), escaped: byte & 8 != 0 }
    }

    pub(super) fn error(bytes: &mut Unstructured<'_>) -> Self {
        let (first, second) = (byte(bytes), byte(bytes));
        let texts = ["no", "sign in first", CHANNELS[2], CHANNELS[3], CHANNELS[4], CHANNELS[0], ""];
        Self::Error {
            code: CODES[usize::from(first & 7 | (first & 32) >> 2)],
            as_text: first & 64 != 0,
            text: texts[usize::from(second & 7) % texts.len()],
            names: first & 8 != 0,
            of_subscription: first & 16 != 0,
        }
    }

    pub(super) fn other(bytes: &mut Unstructured<'_>) -> Self {
        let others = [
            r#"{"event":"pusher:ping","data":{}}"#,
            r#"{"event":"pusher:pong"}"#,
            r#"{"event":"pusher:signin_success","data":"{\"user_data\":\"{\\\"id\\\":\\\"me\\\"}\"}"}"#,
            r#"{"event":"pusher:signin_success","data":{"user_data":{"id":"1","watchlist":["2"]}}}"#,
            r#"{"event":"pusher_internal:watchlist_events","data":"{\"events\":[{\"name\":\"online\",\"user_ids\":[\"1\",2]}]}"}"#,
            r#"{"event":"offline","data":{"user_ids":["1"]}}"#,
            r#"{"event":"pusher_internal:subscription_count","channel":"a","data":"{\"subscription_count\":\"7\"}"}"#,
            r#"{"event":"pusher:cache_miss","channel":"private-cache-b","data":"{}"}"#,
            r##"{"event":"e","channel":"#server-to-user-me","data":"{}"}"##,
            r##"{"event":"pusher_internal:subscription_succeeded","channel":"#server-to-user-me"}"##,
            r#"{"event":"pusher:unknown","data":1}"#,
            r#"{"event":"e","channel":7}"#,
            r#"{"event":"pusher:subscription_error","data":{}}"#,
            r#"{"event":"nobody's"}"#,
            r#"{"data":"no event"}"#,
            "junk",
        ];
        Self::Other(others[usize::from(byte(bytes)) % others.len()])
    }

    pub(super) fn sealed(bytes: &mut Unstructured<'_>) -> Self {
        let byte = byte(bytes);
        Self::Sealed { fits: byte & 1 == 0, intact: byte & 2 == 0 }
    }

    /// Returns the message's bytes. `number` is that of an event.
    pub(crate) fn written(&self, number: u64) -> Vec<u8> {
        match self {
            Self::Raw(bytes) => return bytes.clone(),
            Self::Established { seconds } => format!(
                r#"{{"event":"pusher:connection_established","data":"{{\"socket_id\":\"{seconds}.2\",\"activity_timeout\":{seconds}}}"}}"#
            ),
            Self::Succeeded { channel, form: ListForm::Odd, .. } => {
                let data = r#"{"presence":{"ids":[{}],"hash":"odd","count":1}}"#;
                with_text("pusher_internal:subscription_succeeded", channel, data)
            }
            Self::Succeeded { channel, list: None, .. } => format!(
                r#"{{"event":"pusher_internal:subscription_succeeded","channel":"{channel}","data":"{{}}"}}"#
            ),
            Self::Succeeded { channel, list: Some((ids, hash)), info, form } => {
                let count = (ids | hash).count_ones();
                let listed = |bits: u8| (0..4_u8).filter(move |index| bits & (1 << index) != 0);
                let spelled = |index| match form {
                    ListForm::Map => format!(r#""{index}.1":{}"#, id_token(index, index)),
                    _ => id_token(index, 0),
                };
                let ids: Vec<_> = listed(*ids).map(spelled).collect();
                let ids = match form {
                    ListForm::Map => format!("{{{}}}", ids.join(",")),
                    ListForm::OddIds => "7".to_owned(),
                    ListForm::Ordinary | ListForm::Odd => format!("[{}]", ids.join(",")),
                };
                let info = infos(*info).unwrap_or("null");
                let hash: Vec<_> = listed(*hash)
                    .map(|index| format!(r#""{}":{info}"#, IDS[usize::from(index)]))
                    .collect();
                let data = format!(
                    r#"{{"presence":{{"ids":{ids},"hash":{{{}}},"count":{count}}}}}"#,
                    hash.join(",")
                );
                with_text("pusher_internal:subscription_succeeded", channel, &data)
            }
            Self::Joined { channel, id, info, spelling } => {
                let info = infos(*info).unwrap_or("null");
                let id = id_token(*id, *spelling);
                let data = format!(r#"{{"user_id":{id},"user_info":{info}}}"#);
                with_text("pusher_internal:member_added", channel, &data)
            }
            Self::Left { channel, id, spelling } => {
                let data = format!(r#"{{"user_id":{}}}"#, id_token(*id, *spelling));
                with_text("pusher_internal:member_removed", channel, &data)
            }
            Self::Event { channel, escaped: false } => {
                format!(r#"{{"event":"{NUMBERED}","channel":"{channel}","data":"{number}"}}"#)
            }
            Self::Event { channel, escaped: true } => format!(
                r#"{{"event":"App\\Events\\Shipped","channel":"{channel}","data":"{{\"id\":\"\u00e9\"}}","user_id":7}}"#
            ),
            Self::Error { code, as_text, text, names, of_subscription } => {
                let event =
                    if *of_subscription { "pusher:subscription_error" } else { "pusher:error" };
                let code = code.written;
                let channel = if *names && !text.is_empty() {
                    format!(r#""channel":"{text}","#)
                } else {
                    String::new()
                };
                let mut data = format!(r#"{{"code":{code},"message":"no: {text}"}}"#);
                if *as_text {
                    data = serde_json::to_string(&data).expect("a text always has a JSON form");
                }
                format!(r#"{{"event":"{event}",{channel}"data":{data}}}"#)
            }
            Self::Other(text) => (*text).to_owned(),
            Self::Sealed { fits, intact } => {
                let text = if *fits { &*SEALED } else { &*SEALED_WITH_ANOTHER };
                if *intact { text.clone() } else { text.replace("nonce", "once") }
            }
        }
        .into_bytes()
    }
}

/// `me` is a string, the others are numbers, as Soketi and Reverb send them, in any spelling.
fn id_token(index: u8, spelling: u8) -> String {
    let id = IDS[usize::from(index)];
    if id == "me" {
        return r#""me""#.to_owned();
    }
    match spelling & 3 {
        0 => id.to_owned(),
        1 => format!("{id}.0"),
        2 => format!("0.{id}E+1"),
        _ => format!("{id}00e-2"),
    }
}

/// Returns a message whose data is a string that holds `data`.
fn with_text(event: &str, channel: &str, data: &str) -> String {
    let data = serde_json::to_string(data).expect("a text always has a JSON form");
    format!(r#"{{"event":"{event}","channel":"{channel}","data":{data}}}"#)
}

/// Makes the sealed messages.
pub(super) fn prepare() {
    LazyLock::force(&SEALED);
    LazyLock::force(&SEALED_WITH_ANOTHER);
}

static SEALED: LazyLock<String> = LazyLock::new(|| {
    let key = BASE64.decode(SHARED_SECRET).expect("it is base64");
    sealed_with(&key)
});

static SEALED_WITH_ANOTHER: LazyLock<String> = LazyLock::new(|| sealed_with(&[7; 32]));

fn sealed_with(key: &[u8]) -> String {
    let key: &[u8; 32] = key.try_into().expect("a key has 32 bytes");
    let cipher = XSalsa20Poly1305::new(key.into());
    let nonce = [1; 24];
    let ciphertext = cipher.encrypt((&nonce).into(), &b"opened"[..]).expect("it is short");
    format!(
        r#"{{"event":"sealed","channel":"private-encrypted-a","data":"{{\"nonce\":\"{}\",\"ciphertext\":\"{}\"}}"}}"#,
        BASE64.encode(nonce),
        BASE64.encode(ciphertext)
    )
}
