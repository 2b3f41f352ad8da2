//! An app's authorization endpoint: a small HTTP server on the loopback interface.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;

use pushest_tokio::proto::{Signer, SocketId};

use super::Target;

/// A request that came.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    /// By names in lower case.
    pub(crate) headers: HashMap<String, String>,
    pub(crate) form: HashMap<String, String>,
}

/// What is answered.
pub(crate) enum Answer {
    /// A status, more headers, and a body.
    Http(u16, Vec<(&'static str, String)>, String),
    /// These bytes.
    Raw(&'static str),
    /// Nothing, until the endpoint is gone.
    Silence,
    /// This, once the other end of the channel sends or is dropped.
    After(mpsc::Receiver<()>, Box<Answer>),
}

impl Answer {
    pub(crate) fn status(status: u16, body: &str) -> Self {
        Self::Http(status, Vec::new(), body.to_string())
    }
}

/// The endpoint. Gone when dropped.
pub(crate) struct Endpoint {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

type Respond = dyn Fn(&Asked) -> Answer + Send + Sync;

impl Endpoint {
    pub(crate) fn start(respond: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let (asked, is_over) = (Arc::<Mutex<Vec<_>>>::default(), Arc::<AtomicBool>::default());
        let (seen, over) = (asked.clone(), is_over.clone());
        let respond: Arc<Respond> = Arc::new(respond);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if over.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let (seen, respond) = (seen.clone(), respond.clone());
                std::thread::spawn(move || serve(stream, &seen, &*respond));
            }
        });
        Self { address, asked, is_over, thread: Some(thread) }
    }

    /// One that grants whatever is asked for, as the app would.
    pub(crate) fn granting(target: &Target) -> Self {
        let target = target.clone();
        Self::start(move |asked| Answer::status(200, &grant(&target, asked)))
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// All that was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("nobody panicked").clone()
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        // Wakes the thread; it may be gone already.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What the app grants: a signature, who the member or the user is, and the key of an encrypted
/// channel.
pub(crate) fn grant(target: &Target, asked: &Asked) -> String {
    let signer = Signer::new(&target.key, &target.secret);
    let socket_id = SocketId::new(&asked.form["socket_id"]).expect("a socket id");
    let Some(channel) = asked.form.get("channel_name") else {
        let user_data = r#"{"id":"ann"}"#;
        let auth = signer.user(&socket_id, user_data);
        return serde_json::json!({ "auth": auth, "user_data": user_data }).to_string();
    };
    let channel_data = channel.starts_with("presence-").then_some(r#"{"user_id":"7"}"#);
    let mut answer =
        serde_json::json!({ "auth": signer.channel(&socket_id, channel, channel_data) });
    if let Some(data) = channel_data {
        answer["channel_data"] = data.into();
    }
    if channel.starts_with("private-encrypted-") {
        answer["shared_secret"] = super::encrypted::shared_secret_base64(channel).into();
    }
    answer.to_string()
}

fn serve(mut stream: TcpStream, seen: &Mutex<Vec<Asked>>, respond: &Respond) {
    let Some(asked) = read(&stream) else { return };
    seen.lock().expect("nobody panicked").push(asked.clone());
    write(&mut stream, respond(&asked));
}

fn write(stream: &mut TcpStream, answer: Answer) {
    // Whoever asked may be gone.
    let _ = match answer {
        Answer::Http(status, headers, body) => {
            let more: String =
                headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
            write!(
                stream,
                "HTTP/1.1 {status} -\r\nContent-Length: {}\r\nConnection: close\r\n{more}\r\n{body}",
                body.len()
            )
        }
        Answer::Raw(bytes) => stream.write_all(bytes.as_bytes()),
        // Until the client gives it up.
        Answer::Silence => stream.read(&mut [0]).map(drop),
        Answer::After(signal, answer) => {
            let _ = signal.recv();
            write(stream, *answer);
            Ok(())
        }
    };
}

fn read(stream: &TcpStream) -> Option<Asked> {
    let mut lines = BufReader::new(stream);
    let mut line = String::new();
    lines.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next()?.to_string(), words.next()?.to_string());
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        lines.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_string());
    }
    let length = headers.get("content-length")?.parse().ok()?;
    let mut body = vec![0; length];
    lines.read_exact(&mut body).ok()?;
    let body = String::from_utf8(body).ok()?;
    let form = body.split('&').filter_map(|pair| pair.split_once('='));
    let form = form.map(|(name, value)| (decode(name), decode(value))).collect();
    Some(Asked { method, path, headers, form })
}

/// Percent-decoding of a form.
fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits: String = rest.by_ref().take(2).map(char::from).collect();
                bytes.push(u8::from_str_radix(&digits, 16).expect("two hexadecimal digits"));
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).expect("UTF-8")
}
