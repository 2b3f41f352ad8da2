//! SOCKS5 (RFC 1928, and RFC 1929 for user and password), as bytes that come and go. The proxy
//! resolves names, whether its URL says `socks5` or `socks5h`.

use std::net::IpAddr;

use zeroize::Zeroizing;

use super::target::Target;
use super::url::Credentials;

const VERSION: u8 = 5;
/// The version of the negotiation of user and password.
const LOGIN_VERSION: u8 = 1;
const NO_LOGIN: u8 = 0;
const LOGIN: u8 = 2;
const NONE_FITS: u8 = 0xff;
const CONNECT: u8 = 1;
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;

/// The proxy's answers.
pub(super) struct Socks {
    stage: Stage,
    /// What has come of the answer that is awaited.
    answer: Vec<u8>,
    request: Vec<u8>,
    login: Option<Zeroizing<Vec<u8>>>,
    has_begun: bool,
}

/// The answer that is awaited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// How the client is to authenticate itself.
    Method,
    /// Whether user and password are taken.
    Login,
    /// Whether the proxy has connected.
    Reply,
}

/// What follows an answer.
pub(super) enum Next {
    /// More of the answers must come.
    More,
    /// These bytes are to be sent.
    Send(Zeroizing<Vec<u8>>),
    /// The proxy has connected.
    Open,
}

impl Socks {
    /// Creates the exchange. Returns what is sent first, too.
    ///
    /// # Errors
    /// If the name is too long for the protocol.
    pub(super) fn new(
        target: &Target,
        credentials: Option<&Credentials>,
    ) -> Result<(Self, Zeroizing<Vec<u8>>), String> {
        let mut request = vec![VERSION, CONNECT, 0];
        match target.ip() {
            Some(IpAddr::V4(address)) => {
                request.push(IPV4);
                request.extend(address.octets());
            }
            Some(IpAddr::V6(address)) => {
                request.push(IPV6);
                request.extend(address.octets());
            }
            None => {
                request.push(NAME);
                request.extend(counted(target.host.as_bytes()).ok_or_else(|| {
                    "the server's name is longer than the 255 bytes that SOCKS5 has for it"
                        .to_string()
                })?);
            }
        }
        request.extend(target.port.to_be_bytes());
        let login = credentials.and_then(|Credentials { user, password }| {
            // A URL with longer ones is refused.
            let parts = [counted(user)?, counted(password)?].map(Zeroizing::new);
            Some(Zeroizing::new([&[LOGIN_VERSION][..], &parts[0], &parts[1]].concat()))
        });
        let greeting = match login {
            Some(_) => vec![VERSION, 2, NO_LOGIN, LOGIN],
            None => vec![VERSION, 1, NO_LOGIN],
        };
        let stage = Stage::Method;
        let greeting = Zeroizing::new(greeting);
        Ok((Self { stage, answer: Vec::new(), request, login, has_begun: false }, greeting))
    }

    /// Returns how many bytes may be read: never one that follows the last answer, which belongs to
    /// what goes through the tunnel.
    pub(super) fn most(&self) -> usize {
        let wanted = match (self.stage, &*self.answer) {
            (Stage::Method | Stage::Login, _) => 2,
            (Stage::Reply, [_, _, _, IPV4, ..]) => 4 + 4 + 2,
            (Stage::Reply, [_, _, _, IPV6, ..]) => 4 + 16 + 2,
            (Stage::Reply, [_, _, _, _, length, ..]) => 4 + 1 + usize::from(*length) + 2,
            // The kind of the address, and the length of a name.
            (Stage::Reply, [_, _, _, _]) => 5,
            // A refusal may be no longer.
            (Stage::Reply, [_, _, ..]) => 4,
            (Stage::Reply, _) => 2,
        };
        wanted - self.answer.len()
    }

    /// Takes the next bytes, at most [`Socks::most`].
    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<Next, String> {
        self.has_begun |= !bytes.is_empty();
        self.answer.extend_from_slice(bytes);
        match (self.stage, &*self.answer) {
            (Stage::Method | Stage::Reply, [version, ..]) if *version != VERSION => {
                Err(no_proxy(&format!("its answer begins with the byte {version:#04x}")))
            }
            (Stage::Method, [_, method]) => match (*method, self.login.take()) {
                (NO_LOGIN, _) => Ok(self.send_request()),
                (LOGIN, Some(login)) => {
                    self.expect(Stage::Login);
                    Ok(Next::Send(login))
                }
                (NONE_FITS, Some(_)) => {
                    Err("it authenticates neither by user and password nor without".to_string())
                }
                (NONE_FITS, None) => Err("it asks for a user and a password".to_string()),
                (method, _) => {
                    Err(no_proxy(&format!("it chose the method {method}, which was not offered")))
                }
            },
            (Stage::Login, [LOGIN_VERSION, 0]) => Ok(self.send_request()),
            // Some answer with the version of SOCKS itself; the status decides.
            (Stage::Login, [VERSION, 0]) => Ok(self.send_request()),
            (Stage::Login, [LOGIN_VERSION | VERSION, _]) => {
                Err("it does not take this user and password".to_string())
            }
            (Stage::Login, [version, _]) => {
                Err(no_proxy(&format!("its answer begins with the byte {version:#04x}")))
            }
            (Stage::Reply, [_, code, ..]) if *code != 0 => Err(refusal(*code)),
            (Stage::Reply, [_, _, _, kind, ..]) if ![IPV4, NAME, IPV6].contains(kind) => {
                Err(no_proxy(&format!("it answers with an address of the kind {kind}")))
            }
            (Stage::Reply, [_, _, ..]) if self.most() == 0 => Ok(Next::Open),
            _ => Ok(Next::More),
        }
    }

    /// Returns the failure where the connection ends here.
    pub(super) fn end(&self, why: &str) -> String {
        match self.stage {
            _ if !self.has_begun => why.to_string(),
            Stage::Method => format!("{why} in the middle of its answer"),
            Stage::Login => format!("{why} instead of saying whether it takes user and password"),
            Stage::Reply => format!("{why} instead of saying whether it has connected"),
        }
    }

    fn send_request(&mut self) -> Next {
        self.expect(Stage::Reply);
        Next::Send(Zeroizing::new(std::mem::take(&mut self.request)))
    }

    fn expect(&mut self, stage: Stage) {
        self.stage = stage;
        self.answer.clear();
    }
}

/// Returns the bytes behind their number; `None` if they are more than 255.
fn counted(bytes: &[u8]) -> Option<Vec<u8>> {
    let length = u8::try_from(bytes.len()).ok()?;
    Some([&[length], bytes].concat())
}

fn no_proxy(why: &str) -> String {
    format!("what answers is no SOCKS5 proxy: {why}")
}

/// RFC 1928, section 6.
fn refusal(code: u8) -> String {
    let words = match code {
        1 => "general failure",
        2 => "its rules do not allow this connection",
        3 => "network unreachable",
        4 => "host unreachable",
        5 => "the server refused the connection",
        6 => "the time to live expired",
        7 => "it does not connect for others",
        8 => "it does not know this kind of address",
        _ => "no code of the protocol's",
    };
    format!("it answered with code {code}: {words}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGREED: [u8; 10] = [5, 0, 0, 1, 127, 0, 0, 1, 0x1f, 0x90];

    fn credentials() -> Credentials {
        Credentials::new("ann", "s3cret")
    }

    fn begun(credentials: Option<&Credentials>) -> (Socks, Vec<u8>) {
        let (socks, greeting) =
            Socks::new(&Target::new("server.example", 443), credentials).expect("a short name");
        (socks, greeting.to_vec())
    }

    /// Feeds what a proxy says, in pieces of at most `size`, and then the end. Returns what was sent
    /// and what was left unread, too.
    fn talked(
        credentials: Option<&Credentials>,
        mut said: &[u8],
        size: usize,
    ) -> (Result<(), String>, Vec<u8>, Vec<u8>) {
        let (mut socks, mut sent) = begun(credentials);
        while !said.is_empty() {
            let most = socks.most();
            assert!(most > 0, "it wants nothing and is not done");
            let (piece, rest) = said.split_at(most.min(size).min(said.len()));
            said = rest;
            match socks.read(piece) {
                Ok(Next::More) => {}
                Ok(Next::Send(bytes)) => sent.extend(bytes.iter()),
                Ok(Next::Open) => return (Ok(()), sent, said.to_vec()),
                Err(text) => return (Err(text), sent, said.to_vec()),
            }
        }
        (Err(socks.end("it closed the connection")), sent, Vec::new())
    }

    fn failure(said: &[u8]) -> String {
        talked(None, said, 100).0.expect_err("it fails")
    }

    #[test]
    fn a_name_is_sent_as_it_is_and_an_address_as_bytes() {
        let request = |host: &str| begun_to(host).request;
        fn begun_to(host: &str) -> Socks {
            Socks::new(&Target::new(host, 443), None).expect("a short name").0
        }
        assert_eq!(
            request("a.example"),
            [b"\x05\x01\x00\x03\x09a.example".as_slice(), &[1, 187]].concat()
        );
        assert_eq!(request("10.1.2.3"), [5, 1, 0, 1, 10, 1, 2, 3, 1, 187]);
        let v6 = request("::1");
        assert_eq!((&v6[..4], v6[19], v6.len()), (&[5, 1, 0, 4][..], 1, 22));
        assert!(Socks::new(&Target::new(&"a".repeat(255), 1), None).is_ok());
        let text = Socks::new(&Target::new(&"a".repeat(256), 1), None).err();
        assert!(text.is_some_and(|text| text.contains("255 bytes")));
    }

    #[test]
    fn it_opens_however_its_answers_are_cut_and_what_follows_is_not_read() {
        let named = [&[5, 0, 0, 3, 4][..], b"host", &[0, 80]].concat();
        let v6 = [&[5, 0, 0, 4][..], &[7; 18]].concat();
        for reply in [&AGREED[..], &named, &v6, &[5, 0, 0, 3, 0, 0, 80]] {
            for size in 1..=30 {
                let said = [&[5, 0][..], reply, b"hello"].concat();
                let (outcome, sent, left) = talked(None, &said, size);
                assert_eq!((outcome, &*left), (Ok(()), &b"hello"[..]), "{reply:?}");
                assert_eq!(sent[..4], [5, 1, 0, 5]);
                let said = [&[5, 2, 1, 0][..], reply, b"hello"].concat();
                let (outcome, sent, left) = talked(Some(&credentials()), &said, size);
                assert_eq!((outcome, &*left), (Ok(()), &b"hello"[..]), "{reply:?}");
                assert_eq!(sent[..4], [5, 2, 0, 2]);
                assert_eq!(&sent[4..17], b"\x01\x03ann\x06s3cret\x05");
            }
        }
    }

    #[test]
    fn a_password_is_sent_only_where_it_is_asked_for() {
        let said = [&[5, 0][..], &AGREED].concat();
        let (outcome, sent, _) = talked(Some(&credentials()), &said, 100);
        assert_eq!(outcome, Ok(()));
        assert!(!sent.windows(6).any(|part| part == b"s3cret"));
    }

    #[test]
    fn refusals_junk_and_an_end_are_told_as_what_they_are() {
        for (said, text) in [
            (&[5, 0xff][..], "it asks for a user and a password"),
            (
                &[5, 2],
                "what answers is no SOCKS5 proxy: it chose the method 2, which was not offered",
            ),
            (
                b"HTTP/1.1 400",
                "what answers is no SOCKS5 proxy: its answer begins with the byte 0x48",
            ),
            (&[4], "what answers is no SOCKS5 proxy: its answer begins with the byte 0x04"),
            (&[5, 0, 5, 2], "it answered with code 2: its rules do not allow this connection"),
            (
                &[5, 0, 5, 5, 0, 1, 0, 0, 0, 0, 0, 0],
                "it answered with code 5: the server refused the connection",
            ),
            (&[5, 0, 5, 99], "it answered with code 99: no code of the protocol's"),
            (
                &[5, 0, 5, 0, 0, 2],
                "what answers is no SOCKS5 proxy: it answers with an address of the kind 2",
            ),
            (
                &[5, 0, 4, 0],
                "what answers is no SOCKS5 proxy: its answer begins with the byte 0x04",
            ),
            (&[], "it closed the connection"),
            (&[5], "it closed the connection in the middle of its answer"),
            (&[5, 0], "it closed the connection instead of saying whether it has connected"),
            (
                &[5, 0, 5, 0, 0, 1, 1],
                "it closed the connection instead of saying whether it has connected",
            ),
        ] {
            assert_eq!(failure(said), text, "{said:?}");
        }
        let refused = |said: &[u8]| talked(Some(&credentials()), said, 100).0.expect_err("refused");
        assert_eq!(refused(&[5, 2, 1, 1]), "it does not take this user and password");
        assert_eq!(refused(&[5, 2, 5, 1]), "it does not take this user and password");
        assert_eq!(
            refused(&[5, 0xff]),
            "it authenticates neither by user and password nor without"
        );
        assert!(refused(&[5, 2, 9, 0]).contains("0x09"));
        let text = refused(&[5, 2]);
        assert!(text.ends_with("instead of saying whether it takes user and password"), "{text}");
    }
}
