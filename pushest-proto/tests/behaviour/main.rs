//! How a session behaves, by its public surface alone: one module per behaviour. Time is moved by
//! the tests; nothing here sleeps or opens a socket.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod applying;
mod authorizing;
mod caught_up;
mod channel_ids;
mod channel_statistics;
mod client_events;
mod closed_for_size;
#[cfg(feature = "serde")]
mod config_files;
mod configuring;
mod connecting;
mod contract;
mod decoding;
mod encrypted;
mod endpoint;
mod endpoint_lists;
mod endpoint_spread;
mod events;
mod flushing;
mod gaps;
mod harness;
mod heartbeat;
mod held_back;
mod interleavings;
mod limits;
mod losses;
mod names;
mod networks;
mod pauses;
mod presence;
mod reconnecting;
mod recorded;
mod recording;
mod refusals;
mod renewals;
mod secrecy;
#[cfg(feature = "serde")]
mod serialized;
mod server_faults;
mod several_endpoints;
mod sign_in_states;
mod signing_in;
mod statistics;
mod std_traits;
mod subscribing;
mod tolerance;
mod too_large;
mod traces;
mod urls;
mod wall_clock;
mod watchlists;
