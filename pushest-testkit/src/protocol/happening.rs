//! What happens at the server, for people who watch it.

use std::collections::VecDeque;

use super::{Broker, NO_CLOSE_FRAME, NO_CODE, PeerId};

/// Something that happened at the server: what [`Builder::observe`](crate::Builder::observe) sends,
/// and [`Broker::poll_happening`] returns.
///
/// Texts are as the client sent them: escape them before they are printed
/// ([`Escaped`](pushest_proto::Escaped)). No signature is among them, except in frames.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Happening {
    /// A connection was established.
    Connected {
        /// Its socket id, by which the others name it.
        socket_id: String,
    },
    /// A connection was refused before it was established.
    Refused {
        /// The code of the error or of the close frame, if there was one.
        code: Option<u16>,
        /// The message or the reason; empty if there was none.
        reason: String,
    },
    /// An established connection ended.
    Disconnected {
        /// The connection.
        socket_id: String,
        /// The code that the server closed it with; absent if the client ended it, or if there was
        /// no close frame.
        code: Option<u16>,
        /// The reason that the server gave; empty if it gave none.
        reason: String,
    },
    /// A client subscribed to a channel.
    Subscribed {
        /// The connection.
        socket_id: String,
        /// The channel.
        channel: String,
        /// The member's id, on a presence channel.
        user_id: Option<String>,
    },
    /// A subscription was refused.
    SubscriptionRefused {
        /// The connection.
        socket_id: String,
        /// The channel.
        channel: String,
        /// Why.
        reason: String,
    },
    /// A client unsubscribed from a channel.
    Unsubscribed {
        /// The connection.
        socket_id: String,
        /// The channel.
        channel: String,
    },
    /// A user signed in.
    SignedIn {
        /// The connection.
        socket_id: String,
        /// The user's id.
        user_id: String,
    },
    /// A sign-in was refused.
    SignInRefused {
        /// The connection.
        socket_id: String,
        /// Why.
        reason: String,
    },
    /// A client event was passed on.
    ClientEvent {
        /// The connection that sent it.
        socket_id: String,
        /// The channel.
        channel: String,
        /// The event's name.
        event: String,
        /// The data (JSON); absent if there was none.
        data: Option<String>,
        /// How many connections it was sent to.
        receivers: usize,
    },
    /// A client event was refused.
    ClientEventRefused {
        /// The connection that sent it.
        socket_id: String,
        /// The channel.
        channel: String,
        /// The event's name.
        event: String,
        /// Why.
        reason: String,
    },
    /// An event was published, over HTTP or in this process.
    Published {
        /// The channel.
        channel: String,
        /// The event's name.
        event: String,
        /// The data.
        data: String,
        /// How many connections it was sent to.
        receivers: usize,
    },
    /// An HTTP request was answered, or left without an answer by a fault. An upgrade to a WebSocket
    /// is one, too.
    Request {
        /// The method; empty for what is no HTTP request.
        method: String,
        /// The path, without the query, which holds a signature.
        path: String,
        /// The status of the answer: 101 for an upgrade that was accepted. Absent where a fault
        /// answered otherwise than with HTTP, or not at all.
        status: Option<u16>,
        /// What was wrong with it, for other statuses than 200 and 101; else empty.
        reason: String,
    },
    /// A message came from a client. Only where frames are asked for.
    Received {
        /// The connection.
        socket_id: String,
        /// The message as it came: with signatures ([`Masked`](pushest_proto::Masked) hides them).
        text: String,
    },
    /// A message was sent to a client. Only where frames are asked for.
    Sent {
        /// The connection.
        socket_id: String,
        /// The message.
        text: String,
    },
    /// A webhook was sent to the app's backend. Where the channel is full, this is left out and not counted.
    Webhook {
        /// Where it went.
        url: String,
        /// 1 for the first attempt with this webhook, then 2, 3 …
        attempt: u32,
        /// The status of the answer; absent if there was none.
        status: Option<u16>,
        /// Why there was no answer; else empty.
        reason: String,
    },
    /// What happened was not received in time.
    Missed {
        /// How much of it is gone.
        count: u64,
    },
}

/// What is noted of what happens.
#[derive(Debug, Default)]
pub(super) struct Notes {
    /// `None` while nothing is observed.
    noted: Option<VecDeque<Happening>>,
    with_frames: bool,
}

/// Watching it.
impl Broker {
    /// Notes what happens from here on, with the text of every frame if `with_frames` is set. Take
    /// what was noted after every input, with [`poll_happening`](Self::poll_happening): it waits
    /// without a limit.
    pub fn observe(&mut self, with_frames: bool) {
        self.notes = Notes { noted: Some(VecDeque::new()), with_frames };
    }

    /// The next thing that happened and was not taken yet. Where nothing is
    /// [observed](Self::observe) there is none.
    #[must_use]
    pub fn poll_happening(&mut self) -> Option<Happening> {
        self.notes.noted.as_mut()?.pop_front()
    }

    /// Notes it, if the broker is observed; `make` gets the socket id of the connection.
    pub(super) fn note(&mut self, peer: PeerId, make: impl FnOnce(String) -> Happening) {
        let Some(noted) = &mut self.notes.noted else { return };
        if let Some(connection) = self.connections.get(&peer) {
            noted.push_back(make(connection.socket_id.clone()));
        }
    }

    /// Notes what is about no connection.
    pub(crate) fn note_other(&mut self, make: impl FnOnce() -> Happening) {
        if let Some(noted) = &mut self.notes.noted {
            noted.push_back(make());
        }
    }

    pub(super) fn note_frame(&mut self, peer: PeerId, make: impl FnOnce(String) -> Happening) {
        if self.notes.with_frames {
            self.note(peer, make);
        }
    }

    /// Notes the end of a connection, before it is forgotten.
    pub(super) fn note_end(&mut self, peer: PeerId, code: u16, reason: &str) {
        let is_established = self.connections.get(&peer).is_some_and(|peer| peer.established);
        if is_established {
            let (code, reason) = (Some(code).filter(|it| is_sent(*it)), reason.to_owned());
            self.note(peer, |socket_id| Happening::Disconnected { socket_id, code, reason });
        }
    }

    pub(super) fn note_request(&mut self, method: &str, target: &str, status: u16, body: &str) {
        self.note_other(|| Happening::Request {
            method: method.to_owned(),
            path: path(target),
            status: Some(status),
            reason: if matches!(status, 101 | 200) { String::new() } else { body.to_owned() },
        });
    }

    /// Notes an upgrade that was accepted.
    pub(crate) fn note_upgrade(&mut self, target: &str) {
        self.note_request("GET", target, 101, "");
    }

    /// Notes an upgrade or a request that met a fault: the status, where it was answered with one.
    pub(crate) fn note_fault(&mut self, method: &str, target: &str, status: Option<u16>) {
        self.note_other(|| Happening::Request {
            method: method.to_owned(),
            path: path(target),
            status,
            reason: "a fault, as told".to_owned(),
        });
    }

    /// Notes what could not be read as a request.
    pub(crate) fn note_bad_request(&mut self, status: u16, reason: &str) {
        self.note_request("", "", status, reason);
    }
}

/// Whether a code stands in a close frame.
fn is_sent(code: u16) -> bool {
    !matches!(code, NO_CLOSE_FRAME | NO_CODE)
}

fn path(target: &str) -> String {
    target.split(['?', '#']).next().unwrap_or_default().to_owned()
}
