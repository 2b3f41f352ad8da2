//! Guides. Each is short and whole, and its code is compiled with the tests.
//!
//! | | |
//! |---|---|
//! | [`settings`] | where to connect, authorization, headers, TLS, queues, the log |
//! | [`tls`] | who is trusted, the client's own certificate, which library |
//! | [`channels`] | kinds of channels, values, who is present, client events, sign-in |
//! | [`typed_events`] | events as values of your types |
//! | [`gaps`] | what a gap means, and how to refetch |
//! | [`shutting_down`] | what ends what, with loops for tokio and for threads |
//! | [`own_streams`] | a Unix socket, a tunnel, memory: connected streams in place of sockets |
//! | [`testing`] | testing your own program against a server inside the process |
//! | [`runtimes`] | tokio, async-std and threads side by side; features |
//! | [`laravel`] | Reverb, Echo's names, the auth endpoint, `Origin` |
//! | [`axum`] | a service with state, authorization, webhooks, and an end |
//! | [`without_a_framework`] | authorizing others with the standard library |
//! | [`shop`] | a Laravel shop's service: consumes, publishes, authorizes |
//! | [`coming_from_pusher_js`], [`coming_from_pusher_rs`] | what is called how, and what differs |
//! | [`in_production`] | numbers, a health check, alerts |
//! | [`publishing`] | the backend's half: `Api`, and what is never sent twice |
//! | [`another_client`] | another HTTP client for the requests that the core builds |
//! | [`your_own_loop`] | the core without I/O, and its size |
//!
//! # In the repository
//!
//! These have no page here: `docs/features.md`, what this client does, line by line, with the tests that
//! show it; `docs/command.md`, the command `pushest`;
//! `docs/where-it-runs.md`, on which systems it was seen to run; and the examples of each crate.

/// The core's requests, carried by `reqwest`.
///
#[doc = include_str!("links.md")]
#[doc = include_str!("../../docs/another-client.md")]
// It needs reqwest: the package `pushest-guides` compiles it.
#[cfg(not(doctest))]
pub mod another_client {}

/// A service with axum that listens in the background.
///
#[doc = include_str!("links.md")]
#[doc = include_str!("../../docs/axum.md")]
// It needs axum: the package `pushest-guides` compiles it.
#[cfg(not(doctest))]
pub mod axum {}

/// Kinds of channels, and what can be done with them.
///
#[doc = include_str!("links.md")]
#[doc = include_str!("../../docs/channels.md")]
pub mod channels {}

/// For those who know `pusher-js`.
///
#[doc = include_str!("links.md")]
#[doc = include_str!("../../docs/coming-from-pusher-js.md")]
pub mod coming_from_pusher_js {}

/// For those who know the crates `pusher-rs` or `pusher`.
///
#[doc = include_str!("links.md")]
#[doc = include_str!("../../docs/coming-from-pusher-rs.md")]
pub mod coming_from_pusher_rs {}

/// Which events may be missing, and how to fetch them.
///
#[doc = include_str!("links.md")]
#[doc = include_str!("../../docs/gaps.md")]
pub mod gaps {}

/// Numbers, a health check, alerts.
///
#[doc = include_str!("links.md")]
#[doc = include_str!("../../docs/in-production.md")]
pub mod in_production {}

/// Reverb, Echo's names, the auth endpoint, `Origin`.
///
#[doc = include_str!("links.md")]
#[doc = include_str!("../../docs/laravel.md")]
pub mod laravel {}

/// What an app's backend sends and is sent.
///
#[doc = include_str!("links.md")]
#[doc = include_str!("../../docs/publishing.md")]
pub mod publishing {}

/// The same program for tokio, async-std and threads; the features of each crate.
///
#[doc = include_str!("links.md")]
#[doc = include_str!("../../docs/runtimes.md")]
pub mod runtimes {}

/// Everything that can be set.
///
#[doc = include_str!("links.md")]
#[doc = include_str!("../../docs/settings.md")]
pub mod settings {}

/// What ends what, and a loop that leaves nothing behind.
///
#[doc = include_str!("links.md")]
#[doc = include_str!("../../docs/shutting-down.md")]
pub mod shutting_down {}

/// Connected streams in place of the client's own sockets.
///
#[doc = include_str!("links.md")]
#[doc = include_str!("../../docs/own-streams.md")]
// The package `pushest-guides` compiles it, and runs it.
#[cfg(not(doctest))]
pub mod own_streams {}

/// A service that consumes, publishes, and authorizes browsers.
///
#[doc = include_str!("links.md")]
#[doc = include_str!("../../docs/shop.md")]
// It needs axum: the package `pushest-guides` compiles it.
#[cfg(not(doctest))]
pub mod shop {}

/// A server for your tests.
///
#[doc = include_str!("links.md")]
#[doc = include_str!("../../docs/testing.md")]
pub mod testing {}

/// Who is trusted, the client's own certificate, which library speaks.
///
#[doc = include_str!("links.md")]
#[doc = include_str!("../../docs/tls.md")]
pub mod tls {}

/// Events as values of your types.
///
#[doc = include_str!("links.md")]
#[doc = include_str!("../../docs/typed-events.md")]
pub mod typed_events {}

/// Authorizing others for channels, with the standard library.
///
#[doc = include_str!("links.md")]
#[doc = include_str!("../../docs/without-a-framework.md")]
// It needs `httparse`: the package `pushest-guides` compiles it.
#[cfg(not(doctest))]
pub mod without_a_framework {}

/// The core without I/O.
///
#[doc = include_str!("links.md")]
#[doc = include_str!("../../docs/your-own-loop.md")]
pub mod your_own_loop {}
