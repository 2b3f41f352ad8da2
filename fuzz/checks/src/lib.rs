//! What the fuzzer checks: one module per target, each with `check`, which panics on a finding.
//!
//! The targets themselves (`fuzz_targets`) only hand libFuzzer's bytes over. The tests of this
//! crate replay the committed corpus through the same functions, and random bytes besides.
#![forbid(unsafe_code)]

pub mod api;
pub mod auth;
pub mod decode;
mod frame;
pub mod model;
mod pieces;
mod plan;
pub mod proxy;
pub mod session;
pub mod sources;
mod spelling;
pub mod testkit;
pub mod upgrade;
pub mod wire;

/// A target's name, and what it does with one input.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 10] = [
    ("decode", decode::check),
    ("wire", wire::check),
    ("session", session::check),
    ("model", model::check),
    ("auth", auth::check),
    ("testkit", testkit::check),
    ("sources", sources::check),
    ("upgrade", upgrade::check),
    ("proxy", proxy::check),
    ("api", api::check),
];
