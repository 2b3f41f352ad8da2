//! The program of the page.

use std::collections::HashMap;
use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use pushest_proto::{
    AuthReply, ChannelForm, ChannelKind, ChannelName, ConfigBuilder, MemberData, Signer, UserData,
    UserForm,
};

/// Maximum sizes in bytes, and how long a client may take for all of its request.
const HEAD: usize = 16 * 1024;
const BODY: usize = 64 * 1024;
const PATIENCE: Duration = Duration::from_secs(10);

/// Maximum number of connections at one time: further ones are closed.
const CONNECTIONS: usize = 64;

/// What all threads share.
pub(crate) struct App {
    signer: Signer,
    /// Who has signed in, by the token that only this user has.
    pub(crate) sessions: RwLock<HashMap<String, String>>,
}

impl App {
    pub(crate) fn new(signer: Signer) -> Arc<Self> {
        Arc::new(Self { signer, sessions: RwLock::default() })
    }
}

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let config = ConfigBuilder::default().variables(|name| std::env::var(name).ok())?.build()?;
    let signer = config.signer().ok_or("the app's secret is missing")?.clone();
    serve(&TcpListener::bind("127.0.0.1:3000")?, &App::new(signer));
    Ok(())
}

/// Serves each connection on a thread of its own.
pub(crate) fn serve(listener: &TcpListener, app: &Arc<App>) {
    for stream in listener.incoming() {
        let Ok(stream) = stream else { continue };
        let app = app.clone();
        // One is the listener's, and one the new thread's.
        if Arc::strong_count(&app) > CONNECTIONS + 2 {
            continue;
        }
        thread::spawn(move || {
            if let Err(error) = answer(stream, &app) {
                eprintln!("a client is gone: {error}");
            }
        });
    }
}

/// One request, and the connection is closed.
fn answer(mut stream: TcpStream, app: &App) -> io::Result<()> {
    stream.set_write_timeout(Some(PATIENCE))?;
    let (status, body) = match read(&mut stream)? {
        Ok(request) => route(app, &request),
        Err(status) => (status, String::new()),
    };
    let (kind, length) = (AuthReply::CONTENT_TYPE, body.len());
    write!(
        stream,
        "HTTP/1.1 {status} -\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    )
}

fn route(app: &App, request: &Request) -> (u16, String) {
    let reply = match (&*request.method, &*request.path) {
        ("POST", "/pusher/auth") => match user(app, request) {
            Some(user) => authorize(&app.signer, &user, request),
            None => AuthReply::forbidden("sign in first"),
        },
        ("POST", "/pusher/user-auth") => match user(app, request) {
            Some(user) => authenticate(&app.signer, &user, request),
            None => AuthReply::forbidden("sign in first"),
        },
        (_, "/pusher/auth" | "/pusher/user-auth") => return (405, String::new()),
        _ => return (404, String::new()),
    };
    (reply.status, reply.body)
}

/// Authorizes clients for private, encrypted and presence channels.
fn authorize(signer: &Signer, user: &str, request: &Request) -> AuthReply {
    let asked = match ChannelForm::read(request.content_type(), &request.body) {
        Ok(asked) => asked,
        Err(error) => return error.into(),
    };
    // Your rules. The form says nothing of who asks: only your session or token does.
    let may = match asked.channel.kind() {
        ChannelKind::Private | ChannelKind::Encrypted => owner(&asked.channel) == user,
        ChannelKind::Presence => true,
        _ => false,
    };
    if !may {
        return AuthReply::forbidden("not your channel");
    }
    let member = MemberData::new(user);
    signer.authorize_channel(&asked.socket_id, &asked.channel, Some(&member)).into()
}

/// Authenticates clients as the user who asks, for the sign-in of the protocol.
fn authenticate(signer: &Signer, user: &str, request: &Request) -> AuthReply {
    match UserForm::read(request.content_type(), &request.body) {
        Ok(asked) => signer.authenticate_user(&asked.socket_id, &UserData::new(user)).into(),
        Err(error) => error.into(),
    }
}

/// Whose channel it is: `private-ada` and `private-encrypted-ada` are Ada's.
fn owner(channel: &ChannelName) -> &str {
    let name = channel.as_str();
    let encrypted = name.strip_prefix("private-encrypted-");
    encrypted.or_else(|| name.strip_prefix("private-")).unwrap_or_default()
}

/// Who asks, by your own sessions, which your login fills.
fn user(app: &App, request: &Request) -> Option<String> {
    let token = request.header("authorization")?.strip_prefix("Bearer ")?;
    app.sessions.read().expect("no writer panics").get(token).cloned()
}

struct Request {
    method: String,
    path: String,
    /// Names in lower case.
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    /// Returns a header that is there once.
    fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(other, _)| other == name);
        let (_, value) = values.next()?;
        values.next().is_none().then_some(value)
    }

    fn content_type(&self) -> &str {
        self.header("content-type").unwrap_or_default()
    }

    /// Returns the body's length, or the status of a refusal.
    fn length(&self) -> Result<usize, u16> {
        if self.headers.iter().any(|(name, _)| name == "transfer-encoding") {
            return Err(501);
        }
        let Some(length) = self.header("content-length") else { return Err(411) };
        let is_number = !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit());
        match length.parse() {
            Ok(length) if is_number && length <= BODY => Ok(length),
            _ if is_number => Err(413),
            _ => Err(400),
        }
    }
}

/// Reads a request, or the status of a refusal.
fn read(stream: &mut TcpStream) -> io::Result<Result<Request, u16>> {
    let deadline = Instant::now() + PATIENCE;
    let mut bytes = Vec::new();
    let (mut request, head) = loop {
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut head = httparse::Request::new(&mut headers);
        match head.parse(&bytes) {
            Ok(httparse::Status::Complete(length)) => break (taken(&head), length),
            Ok(httparse::Status::Partial) if bytes.len() <= HEAD => {
                more(stream, &mut bytes, deadline)?
            }
            Ok(httparse::Status::Partial) => return Ok(Err(431)),
            Err(_) => return Ok(Err(400)),
        }
    };
    let length = match request.length() {
        Ok(length) => length,
        Err(status) => return Ok(Err(status)),
    };
    while bytes.len() < head + length {
        more(stream, &mut bytes, deadline)?;
    }
    request.body = bytes[head..head + length].to_vec();
    Ok(Ok(request))
}

fn taken(head: &httparse::Request<'_, '_>) -> Request {
    let header = |header: &httparse::Header<'_>| {
        let value = String::from_utf8_lossy(header.value).trim().to_owned();
        (header.name.to_ascii_lowercase(), value)
    };
    Request {
        method: head.method.unwrap_or_default().to_owned(),
        path: head.path.unwrap_or_default().to_owned(),
        headers: head.headers.iter().map(header).collect(),
        body: Vec::new(),
    }
}

fn more(stream: &mut TcpStream, bytes: &mut Vec<u8>, deadline: Instant) -> io::Result<()> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(io::ErrorKind::TimedOut.into());
    }
    stream.set_read_timeout(Some(left))?;
    let mut chunk = [0; 4096];
    match stream.read(&mut chunk)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        count => {
            bytes.extend_from_slice(&chunk[..count]);
            Ok(())
        }
    }
}
