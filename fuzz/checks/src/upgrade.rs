//! What a server answers to the WebSocket upgrade, in pieces of any size, with what it was sent in it.

use std::sync::LazyLock;

use pushest_driver::fuzzing::{Asked, Outcome};
use pushest_proto::{DialFailure, Endpoint};

use crate::pieces::cut;
use crate::spelling::{html, json, percent};

/// What is sent with the request, and must not come back. None begins like the end of an escape.
const KEY: &str = "4pp-k3y";
const PATH: &str = "/t3nant";
const SIMPLE: &str = "s3ntin3l";
const COMPLEX: &str = "c0mplex/<a&b>\"c'+d e=f0llows";
const USER: &str = "alic3";
const PASSWORD: &str = "hunt3r2";
/// `alic3:hunt3r2`
const CREDENTIALS: &str = "YWxpYzM6aHVudDNyMg==";

/// Bytes of the input that stand for what the server knows: they begin no character of UTF-8.
const ACCEPT: u8 = 0xf5;
const REQUEST: u8 = 0xf6;
/// The byte behind it says which.
const SPELLING: u8 = 0xf7;

/// How many bytes of a server's text are kept.
const MOST_KEPT: usize = 512;

static ASKED: LazyLock<Asked> = LazyLock::new(asked);
static PLAIN: LazyLock<Asked> = LazyLock::new(|| ASKED.unmasked());
static SPELLINGS: LazyLock<Vec<String>> = LazyLock::new(spellings);

/// Reads an input: two bytes say how it is cut, the others are the answer.
pub fn check(input: &[u8]) {
    let Some((cuts, input)) = input.split_first_chunk::<2>() else { return };
    let (asked, spellings) = (&*ASKED, &*SPELLINGS);
    let answer = filled_in(input, asked, spellings);

    let plain = &*PLAIN;
    let whole = plain.read([&answer[..]]);
    assert_eq!(plain.read(answer.chunks(1)), whole, "byte by byte");
    assert_eq!(plain.read(cut(&answer, *cuts)), whole, "cut by {cuts:?}");
    let masked = match whole {
        Outcome::Failed(DialFailure::Http { .. }) => asked.read([&answer[..]]),
        whole => whole,
    };
    // What is hidden shortens a text, so that more of it is kept: that is compared now and then.
    if cuts[0].is_multiple_of(4) {
        assert_eq!(asked.read(cut(&answer, *cuts)), masked, "cut by {cuts:?}");
    }
    match &masked {
        Outcome::Open(rest) => check_agreement(&answer, rest, asked.accept()),
        Outcome::Failed(failure) => check_failure(failure, spellings),
    }
}

fn asked() -> Asked {
    let endpoint = Endpoint::new("server.example").and_then(|endpoint| endpoint.with_path(PATH));
    let headers = [
        ("X-Simple", SIMPLE.to_owned()),
        ("X-Complex", COMPLEX.to_owned()),
        ("Authorization", format!("Basic {CREDENTIALS}")),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value));
    Asked::new(&endpoint.expect("valid"), KEY, &headers, *b"the sample nonce")
}

/// Returns how error pages spell the values.
fn spellings() -> Vec<String> {
    let plain = [KEY, PATH, SIMPLE, COMPLEX, USER, PASSWORD, CREDENTIALS].map(str::to_owned);
    let spelled = [
        html(COMPLEX),
        percent(COMPLEX),
        percent(COMPLEX).to_lowercase(),
        percent(&percent(COMPLEX)),
        html(&html(COMPLEX)),
        percent(&html(COMPLEX)),
        json(COMPLEX),
        COMPLEX.to_uppercase(),
        percent(PATH),
    ];
    plain.into_iter().chain(spelled).collect()
}

/// Returns the answer with the placeholders filled in: what fits the request, the request itself,
/// and a spelling of a value.
fn filled_in(input: &[u8], asked: &Asked, spellings: &[String]) -> Vec<u8> {
    let mut answer = Vec::new();
    let mut bytes = input.iter();
    while let Some(&byte) = bytes.next() {
        match byte {
            ACCEPT => answer.extend_from_slice(asked.accept().as_bytes()),
            REQUEST => answer.extend_from_slice(asked.bytes()),
            SPELLING.. => {
                let index = bytes.next().map_or(0, |&index| usize::from(index));
                answer.extend_from_slice(spellings[index % spellings.len()].as_bytes());
            }
            byte => answer.push(byte),
        }
    }
    answer
}

/// RFC 6455, section 4.1, as far as it can be told without reading headers.
fn check_agreement(answer: &[u8], rest: &[u8], accept: &str) {
    assert!(answer.ends_with(rest), "what came behind the answer");
    let head = &answer[..answer.len() - rest.len()];
    let text = String::from_utf8_lossy(head);
    assert!(text.contains("HTTP/1.1 101"), "{text}");
    assert!(text.contains(accept), "{text}");
    let text = text.to_ascii_lowercase();
    for name in ["\nupgrade:", "\nconnection:", "\nsec-websocket-accept:", "websocket"] {
        assert!(text.contains(name), "{name}: {text}");
    }
    assert!(head.ends_with(b"\n\n") || head.ends_with(b"\n\r\n"), "{text}");
    assert!(head.len() <= 64 * 1024, "{} bytes", head.len());
}

fn check_failure(failure: &DialFailure, spellings: &[String]) {
    let texts = match failure {
        DialFailure::Http { location, body, status, .. } => {
            assert!(*status >= 200, "{failure:?}");
            [location.as_deref().unwrap_or_default(), &**body]
        }
        DialFailure::NotWebSocket(text) | DialFailure::Upgrade(text) => [&**text, ""],
        other => panic!("{other:?}"),
    };
    for text in texts {
        assert!(text.len() <= MOST_KEPT, "{} bytes", text.len());
        assert!(!text.contains(char::is_control), "{text:?}");
        let folded = text.to_lowercase();
        for value in spellings {
            assert!(!folded.contains(&value.to_lowercase()), "{value} in {text}");
        }
    }
}
