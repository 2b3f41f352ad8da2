//! The HTTP API, carried by `reqwest` instead of an `Api`:
//! `PUSHER_URL=… cargo run -p pushest-guides --example another_client`.

use std::error::Error;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pushest_proto::Config;
use pushest_proto::api::{App, Call, HttpAnswer, Publish};
use reqwest::redirect::Policy;
use reqwest::{Client, Method};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Maximum size of an answer in bytes: what is no server of the protocol may send without end.
const LARGEST_ANSWER: usize = 16 * 1024 * 1024;

/// Carries out a call: the core signs it, and says what the answer means.
pub(crate) async fn call<C: Call>(client: &Client, app: &App, call: &C) -> Result<C::Answer> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let request = app.request(call, now)?; // refused here, with the numbers, if it breaks a rule
    let method = Method::from_bytes(request.method().as_str().as_bytes())?;
    let mut sent = client.request(method, request.url()).body(request.body().to_owned());
    for (name, value) in request.headers() {
        sent = sent.header(*name, *value);
    }
    // The URL has the signature in it, and stands in reqwest's errors.
    let mut response = sent.send().await.map_err(reqwest::Error::without_url)?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(reqwest::Error::without_url)? {
        if body.len() + chunk.len() > LARGEST_ANSWER {
            return Err("the answer is larger than any of the HTTP API".into());
        }
        body.extend_from_slice(&chunk);
    }
    let named = headers.iter().filter_map(|(name, value)| Some((name, value.to_str().ok()?)));
    Ok(request.read(&HttpAnswer::new(status, &body).headers(named), now)?)
}

/// A client for it: the signature holds for one path, so that redirects are not followed.
pub(crate) fn client() -> Result<Client> {
    Ok(Client::builder().redirect(Policy::none()).timeout(Duration::from_secs(10)).build()?)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let config = Config::from_url(&std::env::var("PUSHER_URL")?)?;
    let event = Publish::new("orders", "shipped", r#"{"id":7}"#);
    call(&client()?, &App::new(&config)?, &event).await?;
    Ok(())
}
