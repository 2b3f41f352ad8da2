//! The HTTP API, carried by `reqwest` instead of an `Api`:
//! `PUSHER_URL=… cargo run -p pushest-guides --example another_client`.

use std::error::Error;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pushest_proto::Config;
use pushest_proto::api::{App, Call, HttpAnswer, Publish};
use reqwest::redirect::Policy;
use reqwest::{Client, Method};

type BoxError = Box<dyn Error + Send + Sync>;

/// Maximum size of an answer in bytes: what is no server of the protocol may send without end.
const LARGEST_ANSWER: usize = 16 * 1024 * 1024;

/// Why a call has no answer.
#[derive(Debug)]
pub(crate) struct CallError {
    reason: BoxError,
    /// What was published may have arrived all the same: to send it again may publish it twice.
    pub(crate) may_have_arrived: bool,
}

impl CallError {
    fn new(reason: impl Into<BoxError>, may_have_arrived: bool) -> Self {
        Self { reason: reason.into(), may_have_arrived }
    }

    fn unsent(reason: impl Into<BoxError>) -> Self {
        Self::new(reason, false)
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)
    }
}

impl Error for CallError {}

/// Carries out a call: the core signs it, and says what the answer means.
pub(crate) async fn call<C: Call>(
    client: &Client,
    app: &App,
    call: &C,
) -> Result<C::Answer, CallError> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(CallError::unsent)?;
    // Refused here, with the numbers, if it breaks a rule.
    let request = app.request(call, now).map_err(CallError::unsent)?;
    let method = request.method().as_str().as_bytes();
    let method = Method::from_bytes(method).map_err(CallError::unsent)?;
    let mut sent = client.request(method, request.url()).body(request.body().to_owned());
    for (name, value) in request.headers() {
        sent = sent.header(*name, *value);
    }
    // Without a connection nothing was sent, and what only asks changes nothing.
    let changes = !request.is_query();
    let lost = |error: reqwest::Error| {
        let may_have_arrived = changes && !error.is_connect() && !error.is_builder();
        // The URL has the signature in it, and stands in reqwest's errors.
        CallError::new(error.without_url(), may_have_arrived)
    };
    let mut response = sent.send().await.map_err(lost)?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(lost)? {
        if body.len() + chunk.len() > LARGEST_ANSWER {
            let reason = "the answer is larger than any of the HTTP API";
            return Err(CallError::new(reason, changes));
        }
        body.extend_from_slice(&chunk);
    }
    let named = headers.iter().filter_map(|(name, value)| Some((name, value.to_str().ok()?)));
    let answer = HttpAnswer::new(status, &body).headers(named);
    request.read(&answer, now).map_err(|error| {
        let may_have_arrived = error.may_have_arrived;
        CallError::new(error, may_have_arrived)
    })
}

/// A client for it: the signature holds for one path, so that redirects are not followed.
pub(crate) fn client() -> reqwest::Result<Client> {
    Client::builder().redirect(Policy::none()).timeout(Duration::from_secs(10)).build()
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let config = Config::from_url(&std::env::var("PUSHER_URL")?)?;
    let event = Publish::new("orders", "shipped", r#"{"id":7}"#);
    match call(&client()?, &App::new(&config)?, &event).await {
        Ok(_) => Ok(()),
        Err(error) if error.may_have_arrived => Err(format!("{error}; it may have arrived").into()),
        Err(error) => Err(error.into()),
    }
}
