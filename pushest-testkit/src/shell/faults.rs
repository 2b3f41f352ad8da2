//! Misbehaving on purpose: the faults of a running server.

use std::time::Duration;

use super::Server;
use crate::protocol::{Broker, Refusal, Target};

/// The fault that a client gets instead of a WebSocket.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum UpgradeFault {
    /// An HTTP answer: 429 with `Retry-After`, 301 with `Location`, 404, 503 …
    Refuse {
        /// The HTTP status.
        status: u16,
        /// Headers beside `Connection: close` and `Content-Length`.
        headers: Vec<(String, String)>,
        /// The body.
        body: String,
    },
    /// Nothing: the request is read and never answered.
    Ignore,
    /// These bytes, whatever they are, and then the end of the connection.
    Raw(Vec<u8>),
    /// These bytes, whatever they are, and then silence.
    Stall(Vec<u8>),
    /// An HTTP answer whose body repeats the request's head, as error pages do.
    Echo {
        /// The HTTP status.
        status: u16,
        /// Headers beside `Connection: close` and `Content-Length`; `{target}` in a value stands
        /// for the request target.
        headers: Vec<(String, String)>,
        /// How the body spells it.
        form: EchoForm,
    },
    /// A WebSocket behind an answer of your own.
    Rewrite {
        /// All that is sent before the WebSocket begins, informational answers included;
        /// `{accept}` stands for the value that fits the request.
        answer: String,
        /// How many bytes go out at once, at least one, a millisecond apart. What the WebSocket has
        /// to send by then goes with them: with `usize::MAX` its first frames share the segment.
        piece: usize,
    },
}

/// What becomes of a request of the HTTP API (`/apps/…`) in place of an answer.
///
/// ```
/// use pushest_testkit::{ApiFault, Server};
///
/// let server = Server::start()?;
/// // The next two calls are to come again in a second; the answer to the third is lost.
/// server.fault_api(2, ApiFault::status(503, &[("Retry-After", "1")]));
/// server.fault_api(1, ApiFault::LoseAnswer);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ApiFault {
    /// An answer of your own: 500, 503 with `Retry-After`, 413, 401 … The request is not carried out, and
    /// the connection is kept where the request asks for it.
    Refuse {
        /// The HTTP status.
        status: u16,
        /// Headers beside `Connection` and `Content-Length`.
        headers: Vec<(String, String)>,
        /// The body.
        body: String,
    },
    /// Nothing: the request is read, not carried out, and never answered. The connection stays open.
    Ignore,
    /// The end of the connection after the request was read. The request is not carried out.
    Cut,
    /// The end of the connection after the request was carried out: what it published is received.
    LoseAnswer,
}

impl ApiFault {
    /// Creates an HTTP answer with these headers and an empty body.
    #[must_use]
    pub fn status(status: u16, headers: &[(&str, &str)]) -> Self {
        Self::Refuse { status, headers: owned(headers), body: String::new() }
    }

    /// Returns the status of the answer; `None` where there is none.
    pub(super) fn answered_status(&self) -> Option<u16> {
        match self {
            Self::Refuse { status, .. } => Some(*status),
            Self::Ignore | Self::Cut | Self::LoseAnswer => None,
        }
    }
}

/// The escaping of what an error page repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EchoForm {
    /// As it came.
    Plain,
    /// Escaped for HTML.
    Html,
    /// Escaped for a URL.
    Percent,
    /// A string of JSON.
    Json,
}

impl EchoForm {
    /// Returns the text as such a page has it.
    pub(super) fn of(self, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Html => ["&", "<", ">", "\"", "'"]
                .into_iter()
                .zip(["&amp;", "&lt;", "&gt;", "&quot;", "&#39;"])
                .fold(text.to_owned(), |text, (plain, escaped)| text.replace(plain, escaped)),
            Self::Percent => {
                percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC)
                    .to_string()
            }
            Self::Json => serde_json::Value::from(text).to_string().replace('/', "\\/"),
        }
    }
}

impl UpgradeFault {
    /// Returns the status of the answer, where it is HTTP: of a rewritten one, that of its last status
    /// line, which ends what is sent before the WebSocket.
    pub(super) fn answered_status(&self) -> Option<u16> {
        match self {
            Self::Refuse { status, .. } | Self::Echo { status, .. } => Some(*status),
            Self::Rewrite { answer, .. } => answer.lines().filter_map(status_in).next_back(),
            Self::Ignore | Self::Raw(_) | Self::Stall(_) => None,
        }
    }

    /// Creates an HTTP answer with these headers and an empty body.
    #[must_use]
    pub fn status(status: u16, headers: &[(&str, &str)]) -> Self {
        Self::Refuse { status, headers: owned(headers), body: String::new() }
    }

    /// Creates a WebSocket behind an answer of your own, sent at once; `{accept}` in it stands for
    /// the value that fits the request.
    #[must_use]
    pub fn rewrite(answer: &str) -> Self {
        Self::Rewrite { answer: answer.to_owned(), piece: usize::MAX }
    }
}

fn owned(headers: &[(&str, &str)]) -> Vec<(String, String)> {
    headers.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Returns the status of a status line.
fn status_in(line: &str) -> Option<u16> {
    line.strip_prefix("HTTP/")?.split(' ').nth(1)?.trim_end().parse().ok()
}

/// Faults. Those with a [`Target`] concern connections that are there; `Target::All` does not
/// reach those that come later.
impl Server {
    /// Closes connections with a close frame; with the code 1006, without one.
    pub fn close(&self, target: impl Into<Target>, code: u16, reason: &str) {
        let (target, reason) = (target.into(), reason.to_owned());
        self.with_broker(move |broker| broker.close(&target, code, &reason));
    }

    /// Ends connections without a close frame: the TCP connection is closed in order.
    pub fn drop_connections(&self, target: impl Into<Target>) {
        let target = target.into();
        self.call(move |turn| turn.cut(&target, false));
    }

    /// Ends connections by a TCP reset.
    pub fn reset_connections(&self, target: impl Into<Target>) {
        let target = target.into();
        self.call(move |turn| turn.cut(&target, true));
    }

    /// Goes on reading but sends nothing any more, not even WebSocket pongs: a half-open
    /// connection. It stays so.
    pub fn stop_answering(&self, target: impl Into<Target>) {
        let target = target.into();
        self.call(move |turn| {
            turn.shared.broker.set_silent(&target, true);
            turn.with_sockets(&target, |socket| socket.transport.muted = true);
        });
    }

    /// Stops reading, so that what clients send piles up on their side.
    pub fn stop_reading(&self, target: impl Into<Target>) {
        let target = target.into();
        self.call(move |turn| turn.with_sockets(&target, |socket| socket.reading = false));
    }

    /// Takes [`stop_reading`](Self::stop_reading) back.
    pub fn resume_reading(&self, target: impl Into<Target>) {
        let target = target.into();
        self.call(move |turn| turn.with_sockets(&target, |socket| socket.reading = true));
    }

    /// Sends `text` as one WebSocket text message, whatever it is.
    pub fn send_raw(&self, target: impl Into<Target>, text: &str) {
        let (target, text) = (target.into(), text.to_owned());
        self.with_broker(move |broker| broker.send_raw(&target, &text));
    }

    /// Sends one WebSocket binary message.
    pub fn send_binary(&self, target: impl Into<Target>, bytes: &[u8]) {
        let (target, bytes) = (target.into(), bytes.to_vec());
        // A client that lets too much pile up is closed by the next text message.
        self.call(move |turn| {
            turn.with_sockets(&target, |socket| {
                let _ = socket.send_binary(&bytes);
            });
        });
    }

    /// Sends bytes that are no WebSocket frame, unless they happen to be one.
    pub fn send_bytes(&self, target: impl Into<Target>, bytes: &[u8]) {
        let (target, bytes) = (target.into(), bytes.to_vec());
        self.call(move |turn| turn.with_sockets(&target, |socket| socket.transport.queue(&bytes)));
    }

    /// Sends a `pusher:error`; the connection stays.
    pub fn send_error(&self, target: impl Into<Target>, code: Option<u16>, message: &str) {
        let (target, message) = (target.into(), message.to_owned());
        self.with_broker(move |broker| broker.send_error(&target, code, &message));
    }

    /// Gives the next `count` clients that ask for a WebSocket this fault instead.
    pub fn fault_upgrades(&self, count: usize, fault: UpgradeFault) {
        self.call(move |turn| turn.shared.upgrade_faults.push(count, fault));
    }

    /// Ends the faults of upgrades: the next client that asks for a WebSocket gets one.
    pub fn heal_upgrades(&self) {
        self.call(|turn| turn.shared.upgrade_faults.clear());
    }

    /// Gives the next `count` requests of the HTTP API this fault instead of an answer. Faults that were asked
    /// for before come first. How many requests came is [`View::api_requests`](crate::View::api_requests).
    pub fn fault_api(&self, count: usize, fault: ApiFault) {
        self.call(move |turn| turn.shared.api_faults.push(count, fault));
    }

    /// Ends the faults of the HTTP API: the next request is carried out and answered.
    pub fn heal_api(&self) {
        self.call(|turn| turn.shared.api_faults.clear());
    }

    /// While on, a new connection is opened and never told `connection_established`.
    pub fn withhold_handshake(&self, on: bool) {
        self.with_broker(move |broker| broker.withhold_handshake(on));
    }

    /// While set, every new connection is refused with this code and reason, in the form that the
    /// profile gives it.
    pub fn refuse_connections(&self, refusal: Option<(u16, &str)>) {
        let refusal = refusal.map(|(code, reason)| (code, reason.to_owned()));
        self.with_broker(move |broker| {
            let refusal = refusal.as_ref().map(|(code, reason)| (*code, reason.as_str()));
            broker.refuse_connections(refusal);
        });
    }

    /// While set, every new connection is refused in this form, whatever the profile's is.
    pub fn refuse_connections_with(&self, refusal: Option<Refusal>) {
        self.with_broker(move |broker| broker.refuse_connections_with(refusal));
    }

    /// Sends this, whatever it is, as the data of every later `subscription_succeeded` of a presence
    /// channel; `None` brings the true lists back.
    pub fn replace_presence_data(&self, data: Option<&str>) {
        let data = data.map(str::to_owned);
        self.with_broker(move |broker| broker.replace_presence_data(data.as_deref()));
    }

    /// Sends every later message this much later; order is kept.
    pub fn set_delay(&self, delay: Duration) {
        self.with_broker(move |broker| broker.set_delay(delay));
    }

    /// Refuses every later subscription to a channel with this reason.
    pub fn deny(&self, channel: &str, reason: &str) {
        let (channel, reason) = (channel.to_owned(), reason.to_owned());
        self.with_broker(move |broker| broker.deny(&channel, &reason));
    }

    /// Takes [`deny`](Self::deny) back.
    pub fn allow(&self, channel: &str) {
        let channel = channel.to_owned();
        self.with_broker(move |broker| broker.allow(&channel));
    }

    fn with_broker(&self, act: impl FnOnce(&mut Broker) + Send + 'static) {
        self.call(move |turn| act(&mut turn.shared.broker));
    }
}
