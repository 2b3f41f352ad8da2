//! An application's endpoint for authorizations in place of a secret.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use pushest_proto::{Signer, SocketId};
use pushest_testkit::Server;
use serde_json::{Value, json};

use crate::publisher::Publisher;
use crate::support::{Pushest, WAIT, pushest, words};

/// What the program asked: its headers as they came, and the form.
pub(crate) struct Request {
    pub(crate) headers: Vec<String>,
    form: String,
}

impl Request {
    fn field(&self, name: &str) -> Option<&str> {
        let pairs = self.form.split('&').filter_map(|pair| pair.split_once('='));
        pairs.into_iter().find(|(found, _)| *found == name).map(|(_, value)| value)
    }
}

/// An endpoint on a free port, for as long as the test's process runs.
pub(crate) struct Endpoint {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Endpoint {
    pub(crate) fn start(answer: impl Fn(&Request) -> (u16, String) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let kept = requests.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let Some(request) = read(&stream) else { continue };
                let (status, body) = answer(&request);
                kept.lock().unwrap().push(request);
                let _ = write!(
                    stream,
                    "HTTP/1.1 {status} Said\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                    body.len()
                );
            }
        });
        Self { address, requests }
    }

    /// Signs whatever is asked for, by whoever is `user`.
    fn signing(user: &'static str) -> Self {
        Self::start(Self::signs(user))
    }

    /// What one that signs answers.
    pub(crate) fn signs(user: &'static str) -> impl Fn(&Request) -> (u16, String) + Send + 'static {
        let signer = Signer::new("app-key", "app-secret");
        move |request| {
            let socket_id = SocketId::new(request.field("socket_id").unwrap()).unwrap();
            let member = json!({ "user_id": user }).to_string();
            let answer = match request.field("channel_name") {
                Some(channel) if channel.starts_with("presence-") => json!({
                    "auth": signer.channel(&socket_id, channel, Some(&member)),
                    "channel_data": member,
                }),
                Some(channel) => json!({ "auth": signer.channel(&socket_id, channel, None) }),
                None => {
                    let user = json!({ "id": user }).to_string();
                    json!({ "auth": signer.user(&socket_id, &user), "user_data": user })
                }
            };
            (200, answer.to_string())
        }
    }

    fn url(&self) -> String {
        format!("http://{}/auth", self.address)
    }

    /// The options that lead to a server by way of this endpoint.
    pub(crate) fn to(&self, server: &Server) -> Vec<String> {
        let (host, port) = (server.addr().ip().to_string(), server.port().to_string());
        let options = [("--host", host), ("--port", port), ("--key", server.app().key.clone())];
        let endpoint = ("--auth-endpoint", self.url());
        options
            .into_iter()
            .chain([endpoint])
            .flat_map(|(name, value)| [name.to_owned(), value])
            .collect()
    }
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        match line.trim_end() {
            "" => break,
            line => headers.push(line.to_owned()),
        }
    }
    let length = headers.iter().find_map(|header| {
        let (name, value) = header.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length").then(|| value.parse().unwrap())
    });
    let mut form = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut form).ok()?;
    Some(Request { headers, form: String::from_utf8(form).unwrap() })
}

#[test]
fn it_signs_a_private_channel_and_gets_the_headers() {
    let server = Server::start().unwrap();
    let endpoint = Endpoint::signing("7");
    let options = endpoint.to(&server);
    let headers = ["--auth-header", "X-CSRF: hush", "--auth-header", "Authorization:Bearer hush"];
    let arguments = [&["listen", "private-chat", "--count", "1", "-vv"], &headers[..]].concat();
    let listener = Pushest::start(&words(&arguments, &options));
    server.wait_for_subscribers("private-chat", 1, WAIT).unwrap();
    server.publish("private-chat", "headline", "rain");
    let ended = listener.end();
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert_eq!(ended.stdout, ["private-chat  headline  rain"]);
    assert!(!ended.stderr.contains("hush"), "{ended:?}");
    let requests = endpoint.requests.lock().unwrap();
    assert_eq!(requests[0].field("channel_name"), Some("private-chat"));
    for header in ["x-csrf: hush", "authorization: Bearer hush"] {
        let mut headers = requests[0].headers.iter();
        assert!(headers.any(|found| found.eq_ignore_ascii_case(header)), "{header}");
    }
}

#[test]
fn it_gives_the_key_of_an_encrypted_channel() {
    const DIARY: &str = "private-encrypted-diary";
    let server = Server::start().unwrap();
    let publisher = Publisher::new();
    let key = BASE64.encode(publisher.shared_secret(DIARY));
    let signer = Signer::new("app-key", "app-secret");
    let endpoint = Endpoint::start(move |request| {
        let socket_id = SocketId::new(request.field("socket_id").unwrap()).unwrap();
        let auth = signer.channel(&socket_id, DIARY, None);
        (201, json!({ "auth": auth, "shared_secret": key }).to_string())
    });
    let options = endpoint.to(&server);
    let listener = Pushest::start(&words(&["listen", DIARY, "--count", "1"], &options));
    server.wait_for_subscribers(DIARY, 1, WAIT).unwrap();
    server.publish(DIARY, "entry", &publisher.seal(DIARY, "dear diary"));
    let ended = listener.end();
    assert_eq!(ended.stdout, ["private-encrypted-diary  entry  dear diary  decrypted"]);
    // An answer without it is none.
    let ended = pushest(&words(&["listen", DIARY], &Endpoint::signing("7").to(&server)));
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("shared_secret"), "{ended:?}");
}

#[test]
fn it_says_who_is_present() {
    let server = Server::start().unwrap();
    let endpoint = Endpoint::signing("ada");
    let ended = pushest(&words(&["members", "presence-room"], &endpoint.to(&server)));
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert_eq!(ended.stdout, ["ada  (this command)"]);
}

#[test]
fn it_says_who_signs_in() {
    let server = Server::start().unwrap();
    let endpoint = Endpoint::signing("ada");
    let arguments = ["listen", "--sign-in", "null", "--count", "1"];
    let mut listener = Pushest::start(&words(&arguments, &endpoint.to(&server)));
    assert_eq!(listener.stdout.next(), "signed in as ada");
    listener.stderr.until("subscribed to #server-to-user-ada");
    server.publish_to_user("ada", "message", "hello");
    let ended = listener.end();
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert_eq!(ended.stdout[1], "#server-to-user-ada  message  hello");
}

#[test]
fn sign_ins_may_have_an_endpoint_of_their_own() {
    let server = Server::start().unwrap();
    let endpoint = Endpoint::signing("ada");
    let url = format!("http://{}/user-auth", endpoint.address);
    let arguments = ["listen", "private-chat", "--sign-in", "null", "--count", "1"];
    let arguments = [&arguments[..], &["--user-auth-endpoint", &url]].concat();
    let mut listener = Pushest::start(&words(&arguments, &endpoint.to(&server)));
    listener.stderr.until("subscribed to #server-to-user-ada");
    server.wait_for_subscribers("private-chat", 1, WAIT).unwrap();
    server.publish_to_user("ada", "message", "hello");
    let ended = listener.end();
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let requests = endpoint.requests.lock().unwrap();
    assert_eq!(requests.len(), 2);
    for request in requests.iter() {
        let path = if request.field("channel_name").is_some() { "/auth" } else { "/user-auth" };
        assert_eq!(request.headers[0], format!("POST {path} HTTP/1.1"));
    }
}

#[test]
fn its_refusal_ends_every_command_and_is_told_in_its_words() {
    let server = Server::start().unwrap();
    let endpoint = Endpoint::start(|_| (403, "members only".to_owned()));
    let commands: [&[&str]; 4] = [
        &["listen", "private-chat"],
        &["listen", "--sign-in", "null"],
        &["trigger", "private-chat", "client-x", "1"],
        &["members", "presence-room"],
    ];
    for command in commands {
        let ended = pushest(&words(command, &endpoint.to(&server)));
        assert_eq!(ended.status, Some(1), "{ended:?}");
        assert!(ended.stderr.contains("HTTP status 403: members only"), "{ended:?}");
    }
}

#[test]
fn the_doctor_tells_it_from_the_server() {
    let server = Server::start().unwrap();
    let doctor = |endpoint: &Endpoint| {
        let ended = pushest(&words(&["doctor", "--json"], &endpoint.to(&server)));
        let lines = ended.stdout.iter().map(|line| serde_json::from_str(line).unwrap());
        (ended.status, lines.collect::<Vec<Value>>())
    };
    let result = |lines: &[Value], step: &str| {
        lines.iter().find(|line| line["step"] == step).unwrap()["result"].clone()
    };
    let (status, lines) = doctor(&Endpoint::signing("ada"));
    assert_eq!(status, Some(0), "{lines:#?}");
    for step in ["sign", "private", "presence", "trigger"] {
        assert_eq!(result(&lines, step), "ok", "{step}");
    }
    let (status, lines) = doctor(&Endpoint::start(|_| (403, "members only".to_owned())));
    assert_eq!(status, Some(1), "{lines:#?}");
    assert_eq!((result(&lines, "public"), result(&lines, "sign")), ("ok".into(), "failed".into()));
    assert_eq!(result(&lines, "private"), "skipped");
    let sign = lines.iter().find(|line| line["step"] == "sign").unwrap();
    assert!(sign["text"].as_str().unwrap().contains("members only"), "{sign}");
    assert!(sign["hint"].as_str().unwrap().contains("doctor CHANNEL"), "{sign}");
    for (status, hint) in [
        (419, "CSRF"),
        (500, "log"),
        (502, "log"),
        (302, "--auth-header"),
        (404, "--auth-endpoint"),
    ] {
        let (_, lines) = doctor(&Endpoint::start(move |_| (status, "Page Expired".to_owned())));
        let sign = lines.iter().find(|line| line["step"] == "sign").unwrap();
        assert_eq!(sign["result"], "failed", "{status}: {sign}");
        assert!(sign["text"].as_str().unwrap().contains(&status.to_string()), "{sign}");
        assert!(sign["hint"].as_str().unwrap().contains(hint), "{status}: {sign}");
    }
}
