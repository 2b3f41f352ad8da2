//! In the place of `trace` in a build without the feature `recording`: nothing is recorded and
//! nothing replayed.

pub(crate) mod mode {
    use alloc::string::String;

    use bytestring::ByteString;

    use super::recorder::Recorder;
    use crate::channel::encrypted::DecryptionFailure;

    /// Nothing: no session is recorded, and none replays.
    #[derive(Debug)]
    pub(crate) enum Trace {
        Recording(Recorder),
        Replaying(Recorder),
    }

    impl Trace {
        pub(crate) fn signed(&mut self, _sign: impl FnOnce() -> String) -> String {
            match self {
                Self::Recording(never) | Self::Replaying(never) => match *never {},
            }
        }

        pub(crate) fn opened(
            &mut self,
            _open: impl FnOnce() -> Result<ByteString, DecryptionFailure>,
        ) -> Result<ByteString, DecryptionFailure> {
            match self {
                Self::Recording(never) | Self::Replaying(never) => match *never {},
            }
        }
    }
}

pub(crate) mod recorder {
    use super::line::Line;
    use crate::action::Action;

    /// Nothing: nobody takes lines.
    #[derive(Debug)]
    pub(crate) enum Recorder {}

    impl Recorder {
        pub(crate) fn note(&mut self, _line: &Line<'_>) {}

        pub(crate) fn polled(&mut self, _action: Option<&Action>) {}
    }
}

pub(crate) mod line {
    use alloc::borrow::Cow;
    use alloc::boxed::Box;

    use serde_json::value::RawValue;

    use crate::auth::request::{Authorization, Denied};
    use crate::config::endpoint::Endpoint;
    use crate::id::{ConnectionId, Ticket};
    use crate::loss::Loss;
    use crate::time::Instant;

    /// The lines that are not written.
    pub(crate) enum Line<'a> {
        // What the user wanted.
        Connect {
            at: u64,
        },
        Disconnect {
            at: u64,
        },
        SetEndpoint {
            at: u64,
            endpoint: Endpoint,
        },
        Subscribe {
            at: u64,
            channel: Cow<'a, str>,
            user_id: Option<Cow<'a, str>>,
            user_info: Option<Cow<'a, str>>,
        },
        Unsubscribe {
            at: u64,
            channel: Cow<'a, str>,
        },
        Retry {
            at: u64,
            channel: Cow<'a, str>,
        },
        Trigger {
            at: u64,
            channel: Cow<'a, str>,
            event: Cow<'a, str>,
            data: Box<RawValue>,
        },
        SignIn {
            at: u64,
            user_data: Option<Cow<'a, str>>,
        },
        Ping {
            at: u64,
        },

        // What happened.
        Open {
            at: u64,
            connection: u64,
        },
        Oversized {
            at: u64,
            connection: u64,
            size: usize,
            beginning: Cow<'a, [u8]>,
        },
        Activity {
            at: u64,
            connection: u64,
        },
        CaughtUp {
            at: u64,
            connection: u64,
        },
        Close {
            at: u64,
            connection: u64,
            loss: Loss,
        },
        Reading {
            at: u64,
            reading: bool,
        },
        Writable {
            at: u64,
            connection: u64,
            writable: bool,
        },
        NetworkChange {
            at: u64,
        },
        WallClock {
            at: u64,
            unix_ms: u64,
        },
        Timeout {
            at: u64,
        },
    }

    impl Line<'_> {
        pub(crate) fn message(_: ConnectionId, _message: &[u8], now: Instant) -> Self {
            Self::Timeout { at: now.as_micros() }
        }

        pub(crate) fn authorization(
            _ticket: Ticket,
            _answer: &Result<Authorization, Denied>,
            now: Instant,
        ) -> Self {
            Self::Timeout { at: now.as_micros() }
        }
    }
}
