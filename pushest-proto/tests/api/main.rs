//! The backend's half, by its public surface alone: what is sent to the HTTP API and what its answers
//! mean, what is signed for clients, and webhooks. Time and randomness are the tests'.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod answers;
mod authorizing;
mod encrypting;
mod keys;
mod limits;
mod refusals;
mod signing;
mod webhooks;

use std::time::Duration;

use pushest_proto::Config;
use pushest_proto::api::{App, Call, HttpAnswer, Request};

const KEY: &str = "278d425bdf160c739803";
const SECRET: &str = "7ad3773142a6692b25b8";
const MASTER_KEY: &[u8; 32] = b"This is a string that is 32 char";

/// Friday, 16 November 2012, 17:49:39.
const NOW: Duration = Duration::from_secs(1_353_088_179);

fn config() -> pushest_proto::ConfigBuilder {
    Config::builder(KEY).app_id("3").secret(SECRET).host("localhost").port(6001)
}

fn app() -> App {
    App::new(&config().build().unwrap()).unwrap()
}

fn sealing_app() -> App {
    App::new(&config().master_key(MASTER_KEY).build().unwrap()).unwrap()
}

fn request<C: Call>(call: &C) -> Request<C::Answer> {
    app().request(call, NOW).unwrap()
}

/// The value of a parameter of the request's query, as it stands there.
fn parameter<'a, A>(request: &'a Request<A>, name: &str) -> Option<&'a str> {
    let (_, query) = request.target().split_once('?')?;
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.filter(|(key, _)| *key == name).map(|(_, value)| value).next()
}

fn path<A>(request: &Request<A>) -> &str {
    request.target().split('?').next().unwrap()
}

fn ok(body: &str) -> HttpAnswer<'_> {
    HttpAnswer::new(200, body.as_bytes())
}
