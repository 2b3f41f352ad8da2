//! Target `sources`: URLs and variables that hold a secret, well-formed or not.
//!
//! Nothing of the secret shows in an error or in what is made of it, and what is accepted says what
//! was meant: the key, the secret byte for byte, and the host behind the last `@`.

use arbitrary::{Result, Unstructured};
use pushest_proto::{
    ChannelName, Config, ConfigBuilder, ConfigError, Endpoint, Instant, Session, Signer, SocketId,
};
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

/// No part of it can be a part of a key, a host or a port.
const SENTINEL: &str = "5ent!nel";

/// Checks one input.
///
/// # Panics
/// If the secret shows, or is taken for something else.
pub fn check(bytes: &[u8]) {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    let mut bytes = Unstructured::new(bytes);
    // An input that ends early says too little.
    let _ = match kind % 4 {
        0 | 1 => Url::read(&mut bytes).map(|url| url.is_what_it_says()),
        2 => variables(&mut bytes),
        _ => misplaced(&mut bytes),
    };
}

/// The parts of a URL, as they stand in it.
struct Url {
    scheme: String,
    key: String,
    secret: String,
    is_encoded: bool,
    host: String,
    port: Option<String>,
    path: String,
    rest: String,
}

impl Url {
    fn read(bytes: &mut Unstructured<'_>) -> Result<Self> {
        let scheme = one_of(bytes, &["pusher", "pushers", "ws", "wss", "http", "https", "WsS"])?;
        let key = one_of(bytes, &["key", "k", "278d425bdf160c739803"])?;
        let secret = format!("{}{SENTINEL}{}", fragments(bytes)?, fragments(bytes)?);
        let is_encoded = bytes.ratio(1, 3)?;
        let host = one_of(bytes, &["host", "127.0.0.1", "[::1]", "[fe80::1%25eth0]", "bücher.de"])?;
        let port = bytes.ratio(1, 2)?.then(|| one_of(bytes, &["6001", "443", "1"])).transpose()?;
        let path = one_of(bytes, &["", "/", "/p", "/p/q//", "/apps/1", "/apps/1/", "/app/key"])?;
        let rest = if bytes.ratio(1, 8)? { fragments(bytes)? } else { String::new() };
        Ok(Self { scheme, key, secret, is_encoded, host, port, path, rest })
    }

    fn text(&self) -> String {
        let Self { scheme, key, host, path, rest, .. } = self;
        let secret = self.written_secret();
        let port = self.port.as_ref().map_or_else(String::new, |port| format!(":{port}"));
        format!("{scheme}://{key}:{secret}@{host}{port}{path}{rest}")
    }

    /// Returns the secret as it stands in the URL.
    fn written_secret(&self) -> String {
        let encode = |byte: u8| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
            byte => format!("%{byte:02x}"),
        };
        if self.is_encoded {
            self.secret.bytes().map(encode).collect()
        } else {
            self.secret.clone()
        }
    }

    fn is_what_it_says(&self) {
        let text = self.text();
        let parsed = Config::from_url(&text);
        // Reading it twice gives the same.
        same(&parsed, &Config::from_url(&text));
        hides(&parsed);
        let Ok(config) = parsed else {
            assert!(!self.must_be_read(), "refused: {text}");
            return;
        };
        assert_eq!(config.key(), self.key, "the key of {text}");
        let secret = decoded(&self.written_secret());
        assert_eq!(signature(config.signer()), signature(Some(&Signer::new(&self.key, &secret))));
        let endpoint = config.endpoint();
        if self.path.is_empty() && self.port.is_none() {
            // The rest may go on with the host's name.
            return;
        }
        let host = self.host.replace("%25eth0", "").replace(['[', ']'], "");
        assert_eq!(endpoint.host(), host, "the host of {text}");
    }

    /// Returns whether nothing is wrong with it.
    fn must_be_read(&self) -> bool {
        let Self { scheme, path, .. } = self;
        let is_api = scheme.starts_with("http");
        let is_path = if is_api { path.starts_with("/apps/") } else { !path.ends_with("/app/key") };
        self.is_encoded && self.rest.is_empty() && is_path
    }
}

/// Variables, each with anything in it.
fn variables(bytes: &mut Unstructured<'_>) -> Result<()> {
    const NAMES: [&str; 12] = [
        "PUSHER_URL",
        "PUSHER_APP_KEY",
        "PUSHER_APP_SECRET",
        "PUSHER_APP_CLUSTER",
        "PUSHER_HOST",
        "PUSHER_PORT",
        "PUSHER_SCHEME",
        "REVERB_APP_KEY",
        "REVERB_APP_SECRET",
        "REVERB_HOST",
        "REVERB_PORT",
        "REVERB_SCHEME",
    ];
    let mut values = Vec::new();
    for name in NAMES {
        let value = match bytes.int_in_range(0..=7)? {
            0..=2 => continue,
            3 => one_of(bytes, &["key", "eu", "example.org", "6001", "https", ""])?,
            4 => Url::read(bytes)?.text(),
            5 => format!("{}{SENTINEL}{}", fragments(bytes)?, fragments(bytes)?),
            6 => fragments(bytes)?,
            _ => format!("https://key:{SENTINEL}@example.org:6001/{}", fragments(bytes)?),
        };
        values.push((name, value));
    }
    let lookup = |name: &str| {
        let found = values.iter().find(|(candidate, _)| *candidate == name);
        found.map(|(_, value)| value.clone())
    };
    let parsed = Config::from_variables(lookup);
    same(&parsed, &Config::from_variables(lookup));
    hides(&parsed);
    if let Ok(builder) = ConfigBuilder::default().variables(lookup) {
        absent(&builder);
        let bare = builder.without_secret().without_address().build();
        assert!(!bare.is_ok_and(|config| config.has_secret()), "there was to be no secret");
    }
    Ok(())
}

/// Returns a URL where only a part of one belongs.
fn misplaced(bytes: &mut Unstructured<'_>) -> Result<()> {
    let text = match bytes.int_in_range(0..=2)? {
        0 => Url::read(bytes)?.text(),
        1 => format!("{}:{SENTINEL}{}", one_of(bytes, &["key", "a@b", ""])?, fragments(bytes)?),
        _ => format!("{}{SENTINEL}@{}", fragments(bytes)?, one_of(bytes, &["host", ""])?),
    };
    for builder in [
        Config::builder(&text),
        Config::builder("key").host(&text),
        Config::builder("key").cluster(&text),
    ] {
        absent(&builder);
        hides(&builder.build());
    }
    if let Err(error) = Endpoint::new(&text) {
        absent(&error);
    }
    if text.contains("://") {
        let error = ChannelName::new(&text).expect_err("a colon is no part of a name");
        absent(&error);
        absent(&error.to_string());
    }
    Ok(())
}

/// Nothing of the secret shows in what was made of it.
fn hides(parsed: &std::result::Result<Config, ConfigError>) {
    let config = match parsed {
        Ok(config) => config,
        Err(error) => {
            absent(error);
            absent(&error.to_string());
            return;
        }
    };
    absent(config);
    let endpoint = config.endpoint();
    absent(endpoint);
    absent(&endpoint.url(config.key()));
    absent(&endpoint.authority());
    absent(&endpoint.host_with_zone());
    let lines = Arc::new(Mutex::new(String::new()));
    let sink = lines.clone();
    let write = move |line: &str| sink.lock().expect("nobody panics").push_str(line);
    let mut session = Session::recorded(config.clone(), 7, Instant::ORIGIN, write);
    session.connect(Instant::ORIGIN);
    while let Some(action) = session.poll_action() {
        absent(&action);
    }
    absent(&session.status(Instant::ORIGIN));
    absent(&session);
    absent(&*lines.lock().expect("nobody panics"));
}

fn absent(value: &impl Debug) {
    let text = format!("{value:?}");
    assert!(!text.contains(SENTINEL), "it shows the secret: {text}");
}

fn same(
    one: &std::result::Result<Config, ConfigError>,
    other: &std::result::Result<Config, ConfigError>,
) {
    match (one, other) {
        (Ok(one), Ok(other)) => {
            assert_eq!(format!("{one:?}"), format!("{other:?}"));
            assert_eq!(signature(one.signer()), signature(other.signer()));
        }
        (Err(one), Err(other)) => assert_eq!(one, other),
        _ => panic!("read, and not read"),
    }
}

fn signature(signer: Option<&Signer>) -> Option<String> {
    let socket_id = SocketId::new("1.2").expect("two runs of digits");
    signer.map(|signer| signer.channel(&socket_id, "private-a", None))
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn one_of(bytes: &mut Unstructured<'_>, words: &[&str]) -> Result<String> {
    Ok((*bytes.choose(words)?).to_owned())
}

/// Returns what breaks URLs: what ends a part of them, and what looks like parts.
fn fragments(bytes: &mut Unstructured<'_>) -> Result<String> {
    #[rustfmt::skip]
    const FRAGMENTS: [&str; 32] = [
        "a", "Z", "9", "@", "/", ":", "?", "#", "%", "%40", "%2F", "%25", "%ff", "&", "=", "+",
        "!", " ", "é", "\\", "[", "]", "://", "/app/", "/apps/1", ".", "host", "\u{202e}",
        "s@host/", "s@host:1/", "s@host?", "s@host/app/key?",
    ];
    let mut text = String::new();
    for _ in 0..bytes.int_in_range(0..=6)? {
        match FRAGMENTS.get(bytes.int_in_range(0..=35)?) {
            Some(fragment) => text.push_str(fragment),
            None => text.push(bytes.arbitrary()?),
        }
    }
    Ok(text)
}
