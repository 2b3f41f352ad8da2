//! What a proxy answers to CONNECT, and to SOCKS5's greeting, login and request, in pieces of any size, with
//! what it was sent in it.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pushest_driver::fuzzing::proxy::{Asked, Talked};

use crate::pieces::cut;
use crate::spelling::{html, json, percent};

/// What is sent to the proxy, and must not come back. None begins like the end of an escape.
const USER: &str = "alic3";
const PASSWORDS: [&str; 2] = ["hunt3r2", "p4ss/<w&rd>\"0f'+s0me=l3ngth"];

const HOST: &str = "server.example";
const PORT: u16 = 443;

/// Bytes of an input for CONNECT that stand for what the proxy knows: they begin no character of UTF-8.
const REQUEST: u8 = 0xf6;
/// The byte behind it says which.
const SPELLING: u8 = 0xf7;

/// Maximum length of the text of a failure: the beginning of a body, and of a location, the realm, and our
/// own words.
const MOST_SHOWN: usize = 2 * 512 + 128 + 512;

static CASES: LazyLock<Vec<Case>> = LazyLock::new(cases);

/// A proxy, and what it is sent.
struct Case {
    asked: Asked,
    is_http: bool,
    password: Option<&'static str>,
    /// How error pages spell the credentials.
    spellings: Vec<String>,
}

/// Reads an input: a byte says which proxy it is, two how its answers are cut, the others are the answers.
pub fn check(input: &[u8]) {
    let Some(([which, cuts @ ..], input)) = input.split_first_chunk::<3>() else { return };
    let case = &CASES[usize::from(*which) % CASES.len()];
    let said = if case.is_http { case.filled_in(input) } else { input.to_vec() };

    let whole = case.asked.talk([&said[..]]);
    for talked in [case.asked.talk(said.chunks(1)), case.asked.talk(cut(&said, *cuts))] {
        assert_eq!(talked.result, whole.result, "cut by 1 and by {cuts:?}");
        assert_eq!(talked.sent, whole.sent, "cut by 1 and by {cuts:?}");
        // Of a body that is no longer wanted less is read where it comes in smaller pieces.
        if whole.result.is_ok() {
            assert_eq!(talked.read, whole.read, "cut by 1 and by {cuts:?}");
        }
    }
    if case.is_http {
        case.check_connect(&said, &whole)
    } else {
        case.check_socks(&said, &whole)
    }
    if let Err(text) = &whole.result {
        case.check_failure(text);
    }
}

fn cases() -> Vec<Case> {
    let passwords = [None, Some(PASSWORDS[0]), Some(PASSWORDS[1])];
    let schemes = ["http", "socks5h"];
    let pairs = passwords.into_iter().flat_map(|it| schemes.map(|scheme| (scheme, it)));
    pairs.map(|(scheme, password)| Case::new(scheme, password)).collect()
}

impl Case {
    fn new(scheme: &str, password: Option<&'static str>) -> Self {
        let login = password.map(|it| format!("{USER}:{}@", percent(it))).unwrap_or_default();
        let asked = Asked::new(&format!("{scheme}://{login}proxy.example:3128"), HOST, PORT);
        let spellings = password.map(spellings).unwrap_or_default();
        Self { asked: asked.expect("a proxy"), is_http: scheme == "http", password, spellings }
    }

    /// Returns the answer with the placeholders filled in: the request, and a spelling of what is secret.
    fn filled_in(&self, input: &[u8]) -> Vec<u8> {
        let mut answer = Vec::new();
        let mut bytes = input.iter();
        while let Some(&byte) = bytes.next() {
            match byte {
                REQUEST => answer.extend_from_slice(&self.request()),
                SPELLING.. => {
                    let index = bytes.next().map_or(0, |&index| usize::from(index));
                    if let Some(last) = self.spellings.len().checked_sub(1) {
                        answer.extend_from_slice(self.spellings[index % (last + 1)].as_bytes());
                    }
                }
                byte => answer.push(byte),
            }
        }
        answer
    }

    /// Returns the CONNECT that is to be sent: the credentials stand in one header of it.
    fn request(&self) -> Vec<u8> {
        let login = self
            .password
            .map(|password| format!("Proxy-Authorization: Basic {}\r\n", encoded(password)));
        let login = login.unwrap_or_default();
        format!("CONNECT {HOST}:{PORT} HTTP/1.1\r\nHost: {HOST}:{PORT}\r\n{login}\r\n").into_bytes()
    }

    fn check_connect(&self, said: &[u8], talked: &Talked) {
        assert_eq!(talked.sent, [self.request()]);
        let reading = Heads::read(said);
        match talked.result {
            Ok(()) => {
                assert_eq!(reading.agreed_at, Some(talked.read), "what follows is the stream's")
            }
            Err(_) => assert!(reading.agreed_at.is_none() || !reading.is_plain, "it has agreed"),
        }
    }

    fn check_socks(&self, said: &[u8], talked: &Talked) {
        let mut sent = vec![match self.password {
            Some(_) => vec![5, 2, 0, 2],
            None => vec![5, 1, 0],
        }];
        let agreed_at = self.socks_agreed_at(said, &mut sent);
        assert_eq!(talked.sent, sent);
        let read_at = talked.result.is_ok().then_some(talked.read);
        assert_eq!(read_at, agreed_at, "what follows is the stream's");
    }

    /// Reads what a SOCKS5 proxy says (RFC 1928, RFC 1929). Returns where it ends if the proxy has
    /// connected, and adds what has to be sent until then.
    fn socks_agreed_at(&self, said: &[u8], sent: &mut Vec<Vec<u8>>) -> Option<usize> {
        let (method, mut rest) = said.split_first_chunk::<2>()?;
        match (method, self.password) {
            ([5, 0], _) => {}
            ([5, 2], Some(password)) => {
                let counted = |text: &str| [&[text.len() as u8], text.as_bytes()].concat();
                sent.push([vec![1], counted(USER), counted(password)].concat());
                let ([1 | 5, 0], behind) = rest.split_first_chunk::<2>()? else { return None };
                rest = behind;
            }
            _ => return None,
        }
        let host = [&[HOST.len() as u8], HOST.as_bytes()].concat();
        sent.push([&[5, 1, 0, 3], &host[..], &PORT.to_be_bytes()].concat());
        let ([5, 0, _, kind], address) = rest.split_first_chunk::<4>()? else { return None };
        let length = match kind {
            1 => 4,
            3 => 1 + usize::from(*address.first()?),
            4 => 16,
            _ => return None,
        };
        let behind = address.get(length + 2..)?;
        Some(said.len() - behind.len())
    }

    fn check_failure(&self, text: &str) {
        assert!(text.len() <= MOST_SHOWN, "{} bytes", text.len());
        assert!(!text.contains(char::is_control), "{text:?}");
        assert!(text.contains("proxy.example:3128"), "{text}");
        let folded = text.to_lowercase();
        for value in &self.spellings {
            assert!(!folded.contains(&value.to_lowercase()), "{value} in {text}");
        }
    }
}

/// What a second reader makes of the heads of responses.
struct Heads {
    /// Where the head ends with which the proxy agrees.
    agreed_at: Option<usize>,
    /// Every line has nothing in it that any reader could find odd.
    is_plain: bool,
}

impl Heads {
    /// Reads heads line by line: informational ones, and the first other one.
    fn read(said: &[u8]) -> Self {
        let mut reading = Self { agreed_at: None, is_plain: true };
        let mut status = None;
        let mut at = 0;
        while let Some(length) = said[at..].iter().position(|byte| *byte == b'\n') {
            let line = &said[at..at + length];
            at += length + 1;
            reading.is_plain &= line.ends_with(b"\r");
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            match (status, line) {
                // Ahead of a status line they mean nothing.
                (None, b"") => {}
                (None, line) => {
                    status = status_of(line);
                    if status.is_none() {
                        break;
                    }
                    reading.is_plain &= is_plain_status(line);
                }
                (Some(100 | 102..=199), b"") => status = None,
                (Some(200..=299), b"") => {
                    reading.agreed_at = Some(at);
                    break;
                }
                (Some(_), b"") => break,
                (Some(_), line) => reading.is_plain &= is_plain_header(line),
            }
        }
        reading
    }
}

fn status_of(line: &[u8]) -> Option<u16> {
    let digits = line.strip_prefix(b"HTTP/1.1 ").or(line.strip_prefix(b"HTTP/1.0 "))?.get(..3)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn is_plain_status(line: &[u8]) -> bool {
    let reason = line.get(12..).unwrap_or_default();
    reason.first().is_none_or(|byte| *byte == b' ') && is_printable(reason)
}

fn is_plain_header(line: &[u8]) -> bool {
    let Some(colon) = line.iter().position(|byte| *byte == b':') else { return false };
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
    colon > 0 && line[..colon].iter().all(is_token) && is_printable(&line[colon..])
}

fn is_printable(text: &[u8]) -> bool {
    text.iter().all(|byte| (b' '..=b'~').contains(byte))
}

fn encoded(password: &str) -> String {
    STANDARD.encode(format!("{USER}:{password}"))
}

/// Returns how error pages spell the credentials.
fn spellings(password: &str) -> Vec<String> {
    let encoded = encoded(password);
    vec![
        password.to_string(),
        USER.to_string(),
        percent(&encoded),
        encoded,
        html(password),
        percent(password),
        percent(password).to_lowercase(),
        percent(&percent(password)),
        percent(&html(password)),
        json(password),
        password.to_uppercase(),
    ]
}
