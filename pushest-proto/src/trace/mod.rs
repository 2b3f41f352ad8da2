//! Recordings of sessions: all that a session was told and asked, and what it answered, as lines of
//! JSON that replay to the same actions, byte for byte. A user's report of a fault becomes a test.
//!
//! [`Session::recorded`] makes a session that hands each line to a sink; the core writes no file.
//! [`Replay`] makes the session again from such lines, and finds the first line at which it does
//! something else. Needs the feature `recording`.
//!
//! ```
//! use std::sync::{Arc, Mutex};
//! use pushest_proto::{Action, Config, Instant, Session, SubscribeOptions, trace::Replay};
//!
//! let config = Config::builder("app-key").secret("not in the file").host("localhost").build()?;
//! let file = Arc::new(Mutex::new(String::new()));
//! let writer = file.clone();
//! let sink = move |line: &str| *writer.lock().unwrap() += &format!("{line}\n");
//! let mut session = Session::recorded(config, 7, Instant::ORIGIN, sink);
//! session.subscribe("private-orders", &SubscribeOptions::default(), Instant::ORIGIN)?;
//! session.connect(Instant::ORIGIN);
//! while session.poll_action().is_some() {}
//!
//! let recording = file.lock().unwrap().clone();
//! assert!(!recording.contains("not in the file"));
//! let actions: Vec<Action> = Replay::new(&recording)?.collect::<Result<_, _>>()?;
//! assert!(matches!(&actions[..], [Action::Emit(_), Action::Connect { .. }]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is in a recording
//!
//! - The configuration, the seed and the start, on the first line, with the version of the format.
//!   [`Replay`] refuses a recording in another version, and names both.
//! - Every input and command with its time in microseconds and its arguments: what the server sent,
//!   member data and user data, names, and what was triggered. **That is the user's content**: look
//!   a recording through before showing it to anybody.
//! - What came of it: signatures (each belongs to one socket id, and is worthless after it), and
//!   the actions that were polled, up to the end of each round of polls.
//!
//! Actions stand there as their `Debug` shows them, so that another version of this library may
//! differ in the words alone: [`Replay::recorded_by`] tells which one it was.
//!
//! # What is not
//!
//! - The app's secret, the master key, and the keys of encrypted channels, whether derived or
//!   answered by an endpoint. A replay takes the signatures from the recording.
//! - The data of encrypted events, other than as the server sent it: the recording has only how
//!   many bytes were opened, and a replay shows as many asterisks. The core never looks into them.
//! - What the core does not know: headers, tokens and the requests to an authorization endpoint.

#[cfg(test)]
mod coverage;
pub(crate) mod line;
pub(crate) mod mode;
pub(crate) mod recorder;
mod replay;
mod version;

pub use replay::{Damaged, Difference, Replay};

#[cfg(doc)]
use crate::Session;
