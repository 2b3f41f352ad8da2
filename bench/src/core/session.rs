//! A session on an established connection, and what its actions are told.

use bytes::Bytes;
use pushest_proto::{Action, Config, ConnectionId, Instant, Limits, Session};

/// A session and its connection, with a clock that goes on by a microsecond an input.
#[derive(Debug)]
pub(super) struct Established {
    pub(super) session: Session,
    pub(super) connection: ConnectionId,
    now: u64,
}

/// What a session asked for, counted.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) connect: Option<ConnectionId>,
    pub(super) sent: u64,
    pub(super) emitted: u64,
    pub(super) presence: u64,
}

impl Established {
    /// Connects; what was subscribed to before is asked for.
    pub(super) fn new(secret: bool, subscribe: impl FnOnce(&mut Session)) -> Self {
        let limits = Limits::default()
            .message(1 << 26)
            .members(1_000_000)
            .member_bytes(1 << 30)
            .stored_bytes(1 << 30);
        let mut config = Config::builder("app-key").host("localhost").limits(limits);
        if secret {
            config = config.secret("app-secret");
        }
        let config = config.build().expect("it is a configuration");
        let mut session = Session::new(config, 1, Instant::ORIGIN);
        subscribe(&mut session);
        session.connect(Instant::ORIGIN);
        let connection = drained(&mut session).connect.expect("it dials");
        let mut established = Self { session, connection, now: 0 };
        established.open(connection);
        established
    }

    /// The dial of this connection has succeeded, and the server says so.
    pub(super) fn open(&mut self, connection: ConnectionId) -> Asked {
        self.connection = connection;
        let now = self.now();
        self.session.handle_open(connection, now);
        self.message(Bytes::from_static(
            br#"{"event":"pusher:connection_established","data":"{\"socket_id\":\"1.2\",\"activity_timeout\":120}"}"#,
        ))
    }

    /// Hands in one message, and carries out what is asked for.
    #[inline]
    pub(super) fn message(&mut self, message: Bytes) -> Asked {
        let now = self.now();
        self.session.handle_message(self.connection, message, now);
        drained(&mut self.session)
    }

    /// The server confirms a subscription.
    pub(super) fn confirm(&mut self, channel: &str, data: &str) -> Asked {
        self.message(Bytes::from(format!(
            r#"{{"event":"pusher_internal:subscription_succeeded","channel":"{channel}","data":{data}}}"#
        )))
    }

    /// The time of the next input.
    #[inline]
    pub(super) fn now(&mut self) -> Instant {
        self.now += 1;
        Instant::from_micros(self.now)
    }
}

/// Polls everything, as a driver does.
#[inline]
pub(super) fn drained(session: &mut Session) -> Asked {
    let mut asked = Asked::default();
    while let Some(action) = session.poll_action() {
        match action {
            Action::Connect { connection, .. } => asked.connect = Some(connection),
            Action::Send(frame) => {
                std::hint::black_box(&frame);
                asked.sent += 1;
            }
            Action::Emit(event) => {
                std::hint::black_box(&event);
                asked.emitted += 1;
            }
            Action::UpdatePresence(update) => {
                std::hint::black_box(&update);
                asked.presence += 1;
            }
            Action::Close { .. } | Action::Authorize(_) | Action::Abandon(_) => {}
        }
    }
    asked
}
