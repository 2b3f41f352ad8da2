//! What users see of a client: macros with which each runtime's crate writes its own `Client`, so that
//! the clients have the same methods, and each method's text and example stand in one place.
//!
//! For the crates of this workspace only.

#[cfg(feature = "api")]
mod api;
mod async_builder;
mod asynchronous;
mod builder;
mod client_futures;
pub(crate) mod commands;
mod config_settings;
mod connector_settings;
mod handler;
mod option_settings;
mod option_settings_of_features;
mod option_settings_of_tls;
pub mod types;

pub use crate::settings::Settings;
