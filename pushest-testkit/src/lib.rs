//! A Pusher Channels server inside your process: for tests, demos and offline work.
//!
//! [`Server`] listens on a free loopback port from [`Server::start`] until it is dropped. It knows
//! every channel type, presence, client events, cache channels, sign-in with watchlists, and the
//! signed HTTP API, so that any client and any server library of the protocol can use it. It takes
//! on the habits of other servers ([`Profile`]) and misbehaves on demand:
//! closes with any code, drops, resets, stops answering, refuses upgrades and calls of its HTTP API, delays,
//! sends junk.
//!
//! [`AuthorizationEndpoint`] is the app's own HTTP endpoint for clients without the secret: it signs
//! for the server's app, or refuses, fails and delays as told.
//! [`Server::publish_encrypted`] publishes to encrypted channels.
//!
//! [`Server::accept`] takes connected streams, such as one end of an in-memory pair ([`duplex()`]), beside
//! those of its port, or without one ([`Builder::without_port`]).
//!
//! [`Server::webhooks`] tells an app's backend what happens, as servers do.
//!
//! [`protocol::Broker`] is the same server without a socket, a clock or a thread, for simulations;
//! [`World`] is one: sessions of the client's core and a broker, a [`Link`] between them that
//! breaks as told, and a clock that only the test moves. See [`simulation`] for an example.
//!
//! [`conformance`](mod@conformance) is a suite of scenarios for those who write a driver.
//!
//! It is for tests and local work: one process, one app, nothing stored.
//!
//! ```
//! use std::time::Duration;
//! use pushest_testkit::Server;
//! use tungstenite::Message;
//!
//! let server = Server::start()?;
//! let (mut socket, _) = tungstenite::connect(format!("ws://{}/app/app-key", server.addr()))?;
//! assert!(socket.read()?.to_text()?.contains("pusher:connection_established"));
//!
//! let subscribe = r#"{"event":"pusher:subscribe","data":{"channel":"news"}}"#;
//! socket.send(Message::text(subscribe))?;
//! server.wait_for_subscribers("news", 1, Duration::from_secs(5))?;
//! assert!(socket.read()?.to_text()?.contains("subscription_succeeded"));
//!
//! server.publish("news", "headline", "rain");
//! assert_eq!(socket.read()?.to_text()?, r#"{"event":"headline","channel":"news","data":"rain"}"#);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

pub mod authorization;
pub mod conformance;
mod duplex;
pub mod protocol;
mod setters;
mod shell;
pub mod simulation;

pub use authorization::{AuthorizationEndpoint, ReceivedRequest, Reply};
pub use duplex::{Duplex, duplex};
pub use protocol::{Happening, MasterKey, Profile, Refusal, RefusalEnd, Target};
pub use shell::{
    AcceptStream, ApiFault, Builder, Certificate, EchoForm, PlainClients, Server, TimedOut, Until,
    UpgradeFault, View, WebhookAttempt, WebhookTarget,
};
pub use simulation::{Cut, Link, NodeFault, World};

/// What the README shows must compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
