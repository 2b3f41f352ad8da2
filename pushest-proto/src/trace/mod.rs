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
//!   a recording through before you show it to others.
//! - What came of it: signatures (each belongs to one socket id, and is worthless after it), and
//!   the actions that were polled, up to the end of each round of polls.
//!
//! # How actions are written
//!
//! Each action is one object with one member, whose name is the kind of action. These forms, and
//! those of inputs and commands, are the format: they stay as they are while the code changes.
//! [`Replay`] compares what they say, however the JSON is spelled. What an action does not have is
//! absent, and never `null` (but within a loss). Durations are `{"secs":…,"nanos":…}`.
//!
//! | kind | members | action |
//! |---|---|---|
//! | `connect` | `connection`, `host`, `port`, `tls`, `path` | [`Action::Connect`] |
//! | `send` | `connection`, `text` | [`Action::Send`], with the signature |
//! | `close` | `connection`, `code` | [`Action::Close`] |
//! | `authorize` | `connection` and `number` of the ticket, `socket_id`, `subscribe` (`channel`, `channel_data`) or `sign_in` (`user_data`), `attempt`, `last_failure` | [`Action::Authorize`] |
//! | `abandon` | `connection` and `number` of the ticket | [`Action::Abandon`] |
//! | `event` | one of the kinds below | [`Action::Emit`] |
//! | `presence` | `channel`, and `reset` (the lists `joined` and `left`), `joined` or `left`; a member has `id` and `info` | [`Action::UpdatePresence`] |
//!
//! An [`Event`] is likewise an object with one member:
//!
//! | kind | members |
//! |---|---|
//! | `channel` | `channel`, `event`, `data` (as it stood), `user_id`; of an encrypted event `opened`, the number of bytes, instead of `data` |
//! | `subscribed`, `cache_miss` | `channel` |
//! | `subscription_failed` | `channel`, `reason`, `retry_in` |
//! | `gap` | `channel`, `silent_for`, `since`, `cause` |
//! | `subscription_count` | `channel`, `count` |
//! | `undecryptable` | `channel`, `event`, `reason` |
//! | `signed_in` | `user_id`, `user_data` |
//! | `sign_in_failed` | `reason`, `retry_in` |
//! | `watchlist` | `online`, `user_ids` |
//! | `state` | `from`, `to`, `attempt`, `socket_id`, `loss`, `retry_in` |
//! | `server_error` | `code`, `message`, `channel`, `in_reply_to` (`"subscribe"`, `"sign_in"` or `client_event` with `event`), `inferred` |
//! | `pong` | `ping`, `round_trip` |
//! | `ping_lost` | `ping` |
//! | `unrouted` | `event`, `message` |
//! | `malformed` | `problem`, `channel`, `message` |
//! | `limit_reached` | `stored_events`, `members` or `watchlist`, with `dropped` |
//! | `presence` | as the action; only drivers tell it |
//! | `lagged` | `dropped`; only drivers tell it |
//!
//! A `reason`, `problem`, `cause` or `loss` is the name of its kind, or an object with it as the one
//! member where it says more: `"no_answer"`, `{"too_large":{"bytes":90000}}`. A loss has the form that
//! it has in the line `close`. Nothing in these forms is a key of a table of the session's own.
//!
//! A replay that differs shows that another version of this library does something else:
//! [`Replay::recorded_by`] tells which version recorded.
//!
//! # What is not
//!
//! - The app's secret, the master key, and the keys of encrypted channels, whether derived or
//!   answered by an endpoint. A replay takes the signatures from the recording.
//! - The data of encrypted events, other than as the server sent it: the recording has only how
//!   many bytes were opened, and a replay shows as many asterisks. The core never looks into them.
//! - What the core does not know: headers, tokens and the requests to an authorization endpoint.

mod actions;
mod answer;
#[cfg(test)]
mod coverage;
mod events;
#[cfg(test)]
mod forms;
pub(crate) mod header;
pub(crate) mod line;
pub(crate) mod mode;
pub(crate) mod recorder;
mod replay;
mod texts;
mod told;
mod version;
mod writer;

pub use replay::{Difference, InvalidRecording, Replay};

#[cfg(doc)]
use crate::{Action, Event, Session};
