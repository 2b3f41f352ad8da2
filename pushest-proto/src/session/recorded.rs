//! Sessions that are recorded from their beginning.

use alloc::boxed::Box;

use super::Session;
use crate::config::Config;
use crate::time::Instant;
use crate::trace::header::Header;
use crate::trace::line::Line;
use crate::trace::mode::Trace;
use crate::trace::recorder::Recorder;

impl Session {
    /// Creates a session as [`Session::new`] does, which hands every input, command and action to
    /// `sink`, one line after the other and without line ends; see [`trace`](crate::trace) for what
    /// is in it. The sink is called in the middle of every input, command and poll: it should only
    /// put the line aside. Needs the feature `recording`.
    #[must_use]
    pub fn recorded(
        config: Config,
        seed: u64,
        now: Instant,
        sink: impl FnMut(&str) + Send + Sync + 'static,
    ) -> Self {
        let header = Line::Trace(Box::new(Header::new(&config, seed, now)));
        let recorder = Recorder::new(&header, sink);
        Self::traced(config, seed, now, Some(Trace::Recording(recorder)))
    }
}
