//! An app's authorization endpoint on the loopback interface, over HTTP or HTTPS.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use pushest_proto::{Signer, SocketId};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::patience::PATIENCE;
use crate::Server;

/// A request that came.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) path: String,
    /// In their order, by names in lower case.
    pub(super) headers: Vec<(String, String)>,
    pub(super) form: HashMap<String, String>,
    /// Everything as it came.
    pub(super) text: String,
}

impl Asked {
    /// The values of all headers of this name.
    pub(super) fn header(&self, name: &str) -> Vec<&str> {
        let same = self.headers.iter().filter(|(other, _)| other == name);
        same.map(|(_, value)| value.as_str()).collect()
    }

    pub(super) fn channel(&self) -> &str {
        self.form.get("channel_name").map_or("", String::as_str)
    }
}

/// What is answered.
pub(super) enum Answer {
    /// A status, more headers, and a body.
    Http(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// A status, the beginning of a body, and then more of it without end.
    Endless(u16, &'static str),
    /// Nothing, until the other end or the endpoint is gone.
    Silence,
}

impl Answer {
    pub(super) fn status(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::Http(status, Vec::new(), body.into())
    }
}

type Respond = dyn Fn(&Asked) -> Answer + Send + Sync;

/// The endpoint. Gone when dropped.
pub(super) struct App {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl App {
    pub(super) fn start(respond: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        Self::start_with(None, respond)
    }

    pub(super) fn start_with(
        tls: Option<Arc<ServerConfig>>,
        respond: impl Fn(&Asked) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let asked = Arc::<Mutex<Vec<_>>>::default();
        let is_over = Arc::<AtomicBool>::default();
        let respond: Arc<Respond> = Arc::new(respond);
        let (seen, over) = (asked.clone(), is_over.clone());
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if over.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let (tls, seen, respond) = (tls.clone(), seen.clone(), respond.clone());
                let over = over.clone();
                std::thread::spawn(move || accept(stream, tls, &seen, &*respond, &over));
            }
        });
        Self { address, asked, is_over, thread: Some(thread) }
    }

    pub(super) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// All that was asked so far.
    pub(super) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("nobody panics").clone()
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        // Wakes the thread; it may be gone already.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What the app grants: a signature, and who the member or the user is.
pub(super) fn grant(server: &Server) -> impl Fn(&Asked) -> Answer + Send + Sync + use<> {
    let signer = Signer::new(&server.app().key, server.app().secret());
    move |asked| {
        let socket_id = SocketId::new(&asked.form["socket_id"]).expect("a socket id");
        let answer = match asked.form.get("channel_name") {
            Some(channel) => {
                let data = channel.starts_with("presence-").then_some(r#"{"user_id":"7"}"#);
                let auth = signer.channel(&socket_id, channel, data);
                serde_json::json!({ "auth": auth, "channel_data": data })
            }
            None => {
                let data = r#"{"id":"ann"}"#;
                serde_json::json!({ "auth": signer.user(&socket_id, data), "user_data": data })
            }
        };
        Answer::status(200, answer.to_string())
    }
}

fn accept(
    stream: TcpStream,
    tls: Option<Arc<ServerConfig>>,
    seen: &Mutex<Vec<Asked>>,
    respond: &Respond,
    is_over: &AtomicBool,
) {
    // Whoever does not read or write is given up, and with it this thread.
    for set in [TcpStream::set_read_timeout, TcpStream::set_write_timeout] {
        set(&stream, Some(PATIENCE)).expect("it is not zero");
    }
    match tls {
        None => serve(stream, seen, respond, is_over),
        Some(config) => {
            let session = ServerConnection::new(config).expect("a good configuration");
            serve(StreamOwned::new(session, stream), seen, respond, is_over);
        }
    }
}

fn serve(
    mut stream: impl Read + Write,
    seen: &Mutex<Vec<Asked>>,
    respond: &Respond,
    is_over: &AtomicBool,
) {
    let Some(asked) = read(&mut stream) else { return };
    seen.lock().expect("nobody panics").push(asked.clone());
    // Whoever asked may be gone.
    let _ = match respond(&asked) {
        Answer::Http(status, headers, body) => {
            let more: String =
                headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
            let length = body.len();
            let head = format!(
                "HTTP/1.1 {status} -\r\nContent-Length: {length}\r\nConnection: close\r\n{more}\r\n"
            );
            stream.write_all(&[head.as_bytes(), &body].concat())
        }
        Answer::Endless(status, begin) => {
            let head = format!("HTTP/1.1 {status} -\r\nConnection: close\r\n\r\n{begin}");
            let mut written = stream.write_all(head.as_bytes());
            while written.is_ok() && !is_over.load(Ordering::SeqCst) {
                std::thread::sleep(std::time::Duration::from_millis(20));
                written = stream.write_all(b" ").and_then(|()| stream.flush());
            }
            written
        }
        Answer::Silence => stream.read(&mut [0]).map(drop),
    };
    let _ = stream.flush();
}

fn read(stream: &mut impl Read) -> Option<Asked> {
    let mut lines = BufReader::new(stream);
    let mut text = String::new();
    let mut headers = Vec::new();
    loop {
        let begin = text.len();
        lines.read_line(&mut text).ok().filter(|read| *read > 0)?;
        let line = text[begin..].trim_end();
        match line.split_once(':') {
            _ if begin == 0 => {}
            Some((name, value)) => headers.push((name.to_lowercase(), value.trim().to_owned())),
            None => break,
        }
    }
    let path = text.split_whitespace().nth(1)?.to_owned();
    let length = headers.iter().find(|(name, _)| name == "content-length")?.1.parse().ok()?;
    let mut body = vec![0; length];
    lines.read_exact(&mut body).ok()?;
    let form = form_urlencoded::parse(&body).into_owned().collect();
    text.push_str(&String::from_utf8(body).ok()?);
    Some(Asked { path, headers, form, text })
}
