//! What the guides show beside other crates, compiled here and run by the tests.
#![forbid(unsafe_code)]

/// What the page shows must compile.
#[cfg(doctest)]
#[doc = include_str!("../docs/another-client.md")]
struct AnotherClient;

/// What the page shows must compile.
#[cfg(doctest)]
#[doc = include_str!("../docs/axum.md")]
struct Axum;

/// What the page shows must compile.
#[cfg(doctest)]
#[doc = include_str!("../docs/without-a-framework.md")]
struct WithoutAFramework;

/// What the page shows must compile.
#[cfg(all(doctest, unix))]
#[doc = include_str!("../docs/own-streams.md")]
struct OwnStreams;

/// What the page shows must compile.
#[cfg(doctest)]
#[doc = include_str!("../docs/shop.md")]
struct Shop;
