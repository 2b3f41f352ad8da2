//! In the place of `recording.rs` in a build without the feature `recording`: no session is recorded.

use pushest_proto::{Config, Instant, Session};

/// No sink.
#[derive(Clone, Default)]
pub(crate) struct SinkOption(());

impl SinkOption {
    pub(crate) fn session(
        &self,
        config: Config,
        seed: u64,
        now: Instant,
    ) -> (Session, Option<Recording>) {
        (Session::new(config, seed, now), None)
    }
}

/// Nothing: no client has a recording.
pub(crate) enum Recording {}

impl Recording {
    pub(crate) fn hand_over(&self) {
        match *self {}
    }

    pub(crate) fn is_handed_over(&self) -> bool {
        match *self {}
    }

    pub(crate) fn is_sink_here(&self) -> bool {
        match *self {}
    }
}
