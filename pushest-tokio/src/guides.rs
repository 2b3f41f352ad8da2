//! Guides. Each is short and whole, and its code is compiled with the tests.
//!
//! | | |
//! |---|---|
//! | [`settings`] | where to connect, authorization, headers, TLS, queues, the log |
//! | [`channels`] | kinds of channels, values, who is present, client events, sign-in |
//! | [`gaps`] | what a gap means, and how to refetch |
//! | [`shutting_down`] | what ends what, with loops for tokio and for threads |
//! | [`testing`] | testing your own program against a server inside the process |
//! | [`runtimes`] | tokio, async-std and threads side by side; features |
//! | [`laravel`] | Reverb, Echo's names, the auth endpoint, `Origin` |
//! | [`axum`] | a service with state, authorization, webhooks, and an end |
//! | [`coming_from_pusher_js`], [`coming_from_pusher_rs`] | what is called how, and what differs |
//! | [`publishing`] | the backend's half |
//! | [`your_own_loop`] | the core without I/O, and its size |
//!
//! # In the repository
//!
//! These have no page here: `docs/features.md`, what this client does, line by line, with the tests that
//! show it; `docs/in-production.md`, numbers and a health check; `docs/command.md`, the command `pushest`;
//! `docs/where-it-runs.md`, on which systems it was seen to run; and the examples of each crate.

/// A page of the folder `docs`. Its links lead to files there; here, these definitions come first, and
/// count.
macro_rules! guide {
    ($(#[$attribute:meta])* $name:ident, $page:literal) => {
        $(#[$attribute])*
        ///
        /// [async-std]: https://docs.rs/pushest-async-std
        /// [axum]: crate::guides::axum
        /// [blocking]: https://docs.rs/pushest-blocking
        /// [channels]: crate::guides::channels
        /// [command]: crate::guides#in-the-repository
        /// [driving-the-core]: pushest_proto
        /// [features]: crate::guides#in-the-repository
        /// [first-program]: crate
        /// [gaps]: crate::guides::gaps
        /// [in-production]: crate::guides#in-the-repository
        /// [laravel]: crate::guides::laravel
        /// [no-std-proof]: crate::guides#in-the-repository
        /// [publishing]: crate::guides::publishing
        /// [settings]: crate::guides::settings
        /// [settings-the-log]: crate::guides::settings#the-log
        /// [shutting-down]: crate::guides::shutting_down
        /// [testing]: crate::guides::testing
        /// [tour-async-std]: crate::guides#in-the-repository
        /// [tour-blocking]: crate::guides#in-the-repository
        /// [tour-tokio]: crate::guides#in-the-repository
        /// [where-it-runs]: crate::guides#in-the-repository
        ///
        #[doc = include_str!($page)]
        pub mod $name {}
    };
}

guide! {
    /// A service with axum that listens in the background.
    // It needs axum: the package `pushest-guides` compiles it.
    #[cfg(not(doctest))]
    axum, "../docs/axum.md"
}
guide! {
    /// Kinds of channels, and what can be done with them.
    channels, "../docs/channels.md"
}
guide! {
    /// For those who know `pusher-js`.
    coming_from_pusher_js, "../docs/coming-from-pusher-js.md"
}
guide! {
    /// For those who know the crates `pusher-rs` or `pusher`.
    coming_from_pusher_rs, "../docs/coming-from-pusher-rs.md"
}
guide! {
    /// Which events may be missing, and how to fetch them.
    gaps, "../docs/gaps.md"
}
guide! {
    /// Reverb, Echo's names, the auth endpoint, `Origin`.
    laravel, "../docs/laravel.md"
}
guide! {
    /// What an app's backend sends and is sent.
    publishing, "../docs/publishing.md"
}
guide! {
    /// The same program for tokio, async-std and threads; the features of each crate.
    runtimes, "../docs/runtimes.md"
}
guide! {
    /// Everything that can be set.
    settings, "../docs/settings.md"
}
guide! {
    /// What ends what, and a loop that leaves nothing behind.
    shutting_down, "../docs/shutting-down.md"
}
guide! {
    /// A server for your tests.
    testing, "../docs/testing.md"
}
guide! {
    /// The core without I/O.
    your_own_loop, "../docs/your-own-loop.md"
}
