//! The backend's half: requests to a server's HTTP API, built and signed, and what its answers
//! mean. No I/O, no clock and no randomness: your HTTP client sends the request, and you hand the
//! answer back ([protocol, HTTP API](crate::protocol#http-api)).
//!
//! An [`App`] checks a call against its [`ApiLimits`], signs it, and returns a [`Request`]; that one
//! reads the answer as what the call asked for, or as an [`AnswerError`] that says what helps, and
//! whether the event may have arrived.
//!
//! | call | what it does | the answer |
//! |---|---|---|
//! | [`Publish`] | publishes an event on 1 to 100 channels, or to a user | [`Published`] |
//! | [`Batch`] | publishes up to 10 events, each on its channel | [`BatchPublished`] |
//! | [`ListChannels`] | asks which channels have subscribers | [`OccupiedChannels`] |
//! | [`GetChannel`] | asks about one channel | [`Occupancy`] |
//! | [`ListUsers`] | asks who is on a presence channel | the users' ids |
//! | [`Terminate`] | ends all connections of a user | nothing |
//! | [`Custom`] | what only your server knows | the body, a JSON object |
//!
//! ```
//! use core::time::Duration;
//! # use pushest_proto::Config;
//! # use pushest_proto::api::{App, HttpAnswer, Publish};
//! let config = Config::builder("app-key").app_id("3").secret("app-secret").cluster("eu").build()?;
//! let app = App::new(&config)?;
//!
//! let now = Duration::from_secs(1_353_088_179); // the wall clock, since 1970
//! let request = app.request(&Publish::new("orders", "shipped", r#"{"id":7}"#), now)?;
//! assert_eq!(request.method().as_str(), "POST");
//! assert!(request.url().starts_with("https://api-eu.pusher.com/apps/3/events?auth_key=app-key&"));
//! assert_eq!(
//!     request.body(),
//!     r#"{"name":"shipped","data":"{\"id\":7}","channels":["orders"]}"#
//! );
//! // Send it with your HTTP client: method, URL, `request.headers()` and body. Then:
//! let answer = HttpAnswer::new(200, b"{}").header("Date", "Fri, 16 Nov 2012 17:49:39 GMT");
//! request.read(&answer, now)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod answer;
mod app;
mod body;
mod call;
mod channels;
mod custom;
mod error;
mod event;
mod http_date;
mod limits;
mod query;
mod request;
mod signature;
mod terminate;
mod unsigned;

pub use answer::{BatchPublished, Counts, Occupancy, OccupiedChannels, Published};
pub use app::App;
pub use body::HttpAnswer;
pub use call::Call;
pub use channels::ChannelList;
pub use custom::Custom;
pub use error::{AnswerError, AnswerErrorKind, ClockDifference, RequestError};
pub use event::{Batch, Publish};
pub use limits::ApiLimits;
pub use query::{GetChannel, ListChannels, ListUsers};
pub use request::Request;
pub use terminate::Terminate;
pub use unsigned::Method;
