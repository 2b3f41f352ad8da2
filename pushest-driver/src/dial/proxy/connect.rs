//! HTTP's CONNECT (RFC 9110, section 9.3.6), as bytes that come and go: the answer is read as that to
//! the WebSocket's upgrade is.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pushest_proto::DialFailure;
use zeroize::Zeroizing;

use super::challenges::{Challenge, challenges};
use super::target::Target;
use super::url::Credentials;
use crate::dial::upgrade::head::{Head, Heads};
use crate::dial::upgrade::refusal::Refusal;
use crate::masking::Mask;

/// Maximum number of bytes of one read of a refusal's body.
const CHUNK: usize = 4 * 1024;

/// How many bytes of a realm are shown.
const MOST_REALM: usize = 128;

const HEADER: &str = "Proxy-Authorization: ";

/// The answer to a CONNECT.
pub(super) struct Connect {
    heads: Heads,
    mask: Mask,
    has_credentials: bool,
    refusal: Option<Refused>,
    /// What a refusal asks for.
    pause: Option<Duration>,
}

/// A refusal whose body may still come.
struct Refused {
    refusal: Refusal,
    /// What a 407 or 401 asks for.
    asks: Option<String>,
}

impl Connect {
    /// Creates the exchange. Returns the request, too.
    pub(super) fn new(
        target: &Target,
        credentials: Option<&Credentials>,
    ) -> (Self, Zeroizing<Vec<u8>>) {
        let authority = target.authority();
        let start = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n");
        let mut mask = Mask::default();
        let value = credentials.map(|credentials| {
            let value = basic(credentials);
            mask.hide_header(&value);
            value
        });
        let header = value.as_ref().map_or([""; 3], |value| [HEADER, value.as_str(), "\r\n"]);
        // Joined at once, so that no copy stays where it grew.
        let request = [start.as_str(), header[0], header[1], header[2], "\r\n"].concat();
        let has_credentials = credentials.is_some();
        let connect =
            Self { heads: Heads::default(), mask, has_credentials, refusal: None, pause: None };
        (connect, Zeroizing::new(request.into_bytes()))
    }

    /// Returns how many bytes may be read: never one that follows the head of an agreement, which
    /// belongs to what goes through the tunnel.
    pub(super) fn most(&self) -> usize {
        if self.refusal.is_some() { CHUNK } else { 1 }
    }

    /// Takes the next bytes, at most [`Connect::most`]. Returns whether the proxy has connected.
    pub(super) fn read(&mut self, bytes: &[u8], now: SystemTime) -> Result<bool, String> {
        let mut rest = bytes;
        while self.refusal.is_none() {
            let Some((&byte, behind)) = rest.split_first() else { return Ok(false) };
            rest = behind;
            if self.heads.push(byte).map_err(no_proxy)? && self.decide(now)? {
                return Ok(true);
            }
        }
        match self.refusal.take_if(|refused| refused.refusal.read(rest)) {
            Some(refused) => Err(refused.text(&self.mask)),
            None => Ok(false),
        }
    }

    /// Returns whether the proxy has refused, and only more of the reason may come.
    pub(super) fn is_refusal(&self) -> bool {
        self.refusal.is_some()
    }

    /// Returns the pause that the proxy has asked for with its refusal.
    pub(super) fn pause(&self) -> Option<Duration> {
        self.pause
    }

    /// Returns the failure where the connection ends here.
    pub(super) fn end(&mut self, why: &str) -> String {
        match self.refusal.take() {
            Some(refused) => refused.text(&self.mask),
            None if self.heads.is_empty() => why.to_string(),
            None => format!("{why} in the middle of its answer"),
        }
    }

    /// Returns whether the head that is whole is an agreement.
    fn decide(&mut self, now: SystemTime) -> Result<bool, String> {
        let head = self.heads.parse().map_err(|text| no_proxy(&text))?;
        match head.status {
            101 => Err(no_proxy("it switches protocols")),
            100..=199 => {
                self.heads.restart();
                Ok(false)
            }
            // Any of them: the tunnel begins behind the head, whatever its Content-Length says.
            200..=299 => Ok(true),
            300.. => {
                // tinyproxy says 401 to a wrong password, and 407 to none.
                let asks = matches!(head.status, 401 | 407).then(|| self.asks(&head));
                let refusal = Refusal::new(&head, &self.mask, now);
                self.pause = refusal.pause();
                self.refusal = Some(Refused { refusal, asks });
                Ok(false)
            }
            status => Err(no_proxy(&format!("its answer has the status {status:03}"))),
        }
    }

    /// Returns what a 407, or a 401, asks for (RFC 9110, section 11.7).
    fn asks(&self, head: &Head<'_>) -> String {
        let values = ["Proxy-Authenticate", "WWW-Authenticate"];
        let values = values.iter().flat_map(|name| head.values(name));
        let challenges: Vec<_> = values.flat_map(challenges).collect();
        let is_basic = |it: &&Challenge<'_>| it.scheme.eq_ignore_ascii_case(b"Basic");
        let basic = challenges.iter().find(is_basic);
        if !challenges.is_empty() && basic.is_none() {
            let schemes: Vec<_> = challenges.iter().map(|challenge| challenge.scheme).collect();
            let schemes = self.mask.shown(&schemes.join(&b", "[..]), MOST_REALM);
            return format!("it asks for {schemes}, and only Basic is supported");
        }
        let realm = basic.and_then(|challenge| challenge.realm.as_deref());
        let realm = realm.map_or_else(String::new, |realm| {
            format!(" of the realm \"{}\"", self.mask.shown(realm, MOST_REALM))
        });
        let what = if self.has_credentials {
            "it does not take this user and password"
        } else {
            "it asks for a user and a password"
        };
        format!("{what}{realm}")
    }
}

impl Refused {
    fn text(self, mask: &Mask) -> String {
        let (status, location, body) = match self.refusal.failure(mask) {
            DialFailure::Http { status, location, body, .. } => (status, location, body),
            other => return other.to_string(),
        };
        let mut text = format!("it answered with HTTP status {status}");
        if let Some(asks) = self.asks {
            text.push_str(&format!(": {asks}"));
        }
        if let Some(location) = location {
            text.push_str(&format!(" and points to {location}"));
        }
        if !body.is_empty() {
            text.push_str(&format!(": {body}"));
        }
        text
    }
}

/// Returns the header's value (RFC 7617).
fn basic(Credentials { user, password }: &Credentials) -> Zeroizing<String> {
    let both = Zeroizing::new([user.as_slice(), b":", password.as_slice()].concat());
    let encoded = Zeroizing::new(STANDARD.encode(&*both));
    Zeroizing::new(["Basic ", encoded.as_str()].concat())
}

fn no_proxy(why: &str) -> String {
    format!("what answers is no HTTP proxy: {why}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchange(user: Option<(&str, &str)>) -> (Connect, String) {
        let credentials = user.map(|(user, password)| Credentials::new(user, password));
        let target = Target::new("server.example", 443);
        let (connect, request) = Connect::new(&target, credentials.as_ref());
        (connect, String::from_utf8(request.to_vec()).expect("text"))
    }

    /// Feeds an answer as it would be read, and then the end. Returns what was left unread, too.
    fn answered(connect: &mut Connect, answer: &str) -> (Result<(), String>, String) {
        let mut rest = answer.as_bytes();
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(connect.most().min(rest.len()));
            rest = behind;
            let left = || String::from_utf8_lossy(rest).into_owned();
            match connect.read(piece, SystemTime::UNIX_EPOCH) {
                Ok(false) => {}
                Ok(true) => return (Ok(()), left()),
                Err(text) => return (Err(text), left()),
            }
        }
        (Err(connect.end("it closed the connection")), String::new())
    }

    fn failure(user: Option<(&str, &str)>, answer: &str) -> String {
        answered(&mut exchange(user).0, answer).0.expect_err("it is refused")
    }

    #[test]
    fn the_proxy_is_told_the_target_and_its_own_credentials_and_nothing_else() {
        let (_, request) = exchange(None);
        assert_eq!(
            request,
            "CONNECT server.example:443 HTTP/1.1\r\nHost: server.example:443\r\n\r\n"
        );
        let (_, request) = exchange(Some(("ann", "s3cr:t")));
        assert!(request.ends_with("\r\nProxy-Authorization: Basic YW5uOnMzY3I6dA==\r\n\r\n"));
        let (_, request) = Connect::new(&Target::new("::1", 80), None);
        assert!(request.starts_with(b"CONNECT [::1]:80 HTTP/1.1\r\nHost: [::1]:80\r\n"));
    }

    #[test]
    fn any_success_opens_the_tunnel_and_what_follows_its_head_is_not_read() {
        for head in [
            "HTTP/1.0 200 Connection established\r\n\r\n",
            "HTTP/1.1 200\r\nContent-Length: 5\r\n\r\n",
            "HTTP/1.1 204 Fine\r\nVia: x\r\n\r\n",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\n\n",
        ] {
            for rest in ["", "hello", "HTTP/1.1 101 Switching\r\n\r\n"] {
                let (outcome, left) = answered(&mut exchange(None).0, &format!("{head}{rest}"));
                assert_eq!((outcome, &*left), (Ok(()), rest), "{head}");
            }
        }
    }

    #[test]
    fn a_407_says_what_it_asks_for_and_of_which_realm() {
        let answer = |challenge: &str| {
            format!(
                "HTTP/1.1 407 Auth\r\nProxy-Authenticate: {challenge}\r\nContent-Length: 2\r\n\r\nno"
            )
        };
        let basic = answer("Basic realm=\"the \\\"office\\\"\"");
        assert_eq!(
            failure(None, &basic),
            "it answered with HTTP status 407: it asks for a user and a password of the realm \
             \"the \"office\"\": no"
        );
        assert_eq!(
            failure(Some(("ann", "s3cret")), &answer("basic REALM=office, charset=UTF-8")),
            "it answered with HTTP status 407: it does not take this user and password of the \
             realm \"office\": no"
        );
        assert_eq!(
            failure(None, &answer("Negotiate\r\nProxy-Authenticate: NTLM")),
            "it answered with HTTP status 407: it asks for Negotiate, NTLM, and only Basic is \
             supported: no"
        );
        assert_eq!(
            failure(None, &answer("NTLM, Basic realm=\"b\"")),
            "it answered with HTTP status 407: it asks for a user and a password of the realm \"b\": no"
        );
        // The realm of the scheme that is supported.
        let several = answer("Digest realm=\"d\", nonce=\"x\", Basic xrealm=\"no\", realm=\"yes\"");
        assert!(failure(None, &several).contains("realm \"yes\""));
        // As tinyproxy answers a wrong password.
        let wrong = "HTTP/1.0 401 Unauthorized\r\nConnection: close\r\n\r\n<h1>Unauthorized</h1>";
        assert_eq!(
            failure(Some(("ann", "s3cret")), wrong),
            "it answered with HTTP status 401: it does not take this user and password: \
             <h1>Unauthorized</h1>"
        );
        let bare = failure(None, "HTTP/1.1 407 Auth\r\n\r\n");
        assert_eq!(bare, "it answered with HTTP status 407: it asks for a user and a password");
    }

    #[test]
    fn a_busy_proxy_says_how_long_it_is_to_be_left_alone() {
        for (head, pause) in [
            ("503 Busy\r\nRetry-After: 30", Some(Duration::from_secs(30))),
            (
                "429 Slow\r\nretry-after: Thu, 01 Jan 1970 00:00:07 GMT",
                Some(Duration::from_secs(7)),
            ),
            ("503 Busy", None),
            ("503 Busy\r\nRetry-After: soon", None),
            ("502 Bad\r\nRetry-After: 30", None),
        ] {
            let (mut connect, _) = exchange(None);
            let answer = format!("HTTP/1.1 {head}\r\nContent-Length: 0\r\n\r\n");
            answered(&mut connect, &answer).0.expect_err("it is refused");
            assert_eq!(connect.pause(), pause, "{head}");
        }
    }

    #[test]
    fn a_refusal_repeats_neither_user_nor_password() {
        let page = "you are ann-of-sales with s3cret-word, or YW5uLW9mLXNhbGVzOnMzY3JldC13b3Jk";
        let answer = format!(
            "HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=\"not s3cret-word\"\r\n\
             Location: http://h/?s3cret-word\r\n\r\n{page}"
        );
        let text = failure(Some(("ann-of-sales", "s3cret-word")), &answer);
        for secret in ["ann-of-sales", "s3cret-word", "YW5uLW9m"] {
            assert!(!text.contains(secret), "{text}");
        }
        assert!(text.contains("realm \"not ***\"") && text.contains("you are ***"), "{text}");
    }

    #[test]
    fn every_other_status_junk_and_an_end_are_told_as_what_they_are() {
        for (answer, text) in [
            (
                "HTTP/1.1 502 Bad\r\nContent-Length: 4\r\n\r\ndown",
                "it answered with HTTP status 502: down",
            ),
            ("HTTP/1.1 403 No\r\n\r\nnot th", "it answered with HTTP status 403: not th"),
            (
                "HTTP/1.1 302 F\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n",
                "it answered with HTTP status 302 and points to /login",
            ),
            ("HTTP/1.1 101 S\r\n\r\n", "what answers is no HTTP proxy: it switches protocols"),
            (
                "HTTP/1.1 099 S\r\n\r\n",
                "what answers is no HTTP proxy: its answer has the status 099",
            ),
            ("SSH-2.0-OpenSSH", "what answers is no HTTP proxy: it does not answer with HTTP/1.1"),
            (
                "\u{5}\u{ff}",
                "what answers is no HTTP proxy: a control character stands in the head of its answer",
            ),
            ("", "it closed the connection"),
            ("HTTP/1.1 200 Conn", "it closed the connection in the middle of its answer"),
        ] {
            assert_eq!(failure(None, answer), text, "{answer}");
        }
        let endless = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(70_000));
        assert!(failure(None, &endless).contains("64 KiB"));
    }
}
