//! Webhooks: what a server tells an app's backend, verified and read ([protocol,
//! webhooks](crate::protocol#webhooks)).
//!
//! [`Webhooks::read`] takes the headers, the body as it came, and the time. What it returns has been
//! signed by the server, and is not older than is allowed. The same can still come twice: a server
//! that got no 2xx in time sends it again, maybe while the first is being handled. [`Seen`] tells that.
//!
//! ```
//! use core::time::Duration;
//! use pushest_proto::webhook::{Delivery, Seen, WebhookEvent, Webhooks};
//!
//! let webhooks = Webhooks::new("app-key", "secret")?;
//! let mut seen = Seen::new(10_000);
//!
//! // From the HTTP request: a look-up of its headers, and the bytes of its body.
//! let header = |name: &str| match name {
//!     "X-Pusher-Key" => Some("app-key"),
//!     "X-Pusher-Signature" => {
//!         Some("05a115b7898e4956cf46df2dd2822b3b913a4255343acd82d31609f222765c6a")
//!     }
//!     _ => None,
//! };
//! let body = br#"{"time_ms":1327078148132,"events":[{"name":"event_name","some":"data"}]}"#;
//! let now = Duration::from_secs(1_327_078_150); // the wall clock, since 1970
//!
//! let webhook = webhooks.read(header, body, now)?;
//! let status = match seen.begin(&webhook) {
//!     Delivery::First(handling) => {
//!         for event in &webhook.events {
//!             match event {
//!                 WebhookEvent::ChannelOccupied { channel } => println!("{channel} is occupied"),
//!                 WebhookEvent::Other { name, json } => println!("{name}: {json}"),
//!                 _ => {}
//!             }
//!         }
//!         // Once all of it is done: what failed should come again.
//!         handling.done();
//!         200
//!     }
//!     Delivery::Again => 200,
//!     Delivery::Underway => 503, // another handler has an equal one: let this one come again
//! };
//! // Answer with `status`. After an error, answer `error.status()`.
//! # assert_eq!(status, 200);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod event;
mod id;
mod seen;
mod verify;

pub use error::WebhookError;
pub use event::{ClientEvent, WebhookEvent};
pub use id::WebhookId;
pub use seen::{Delivery, Handling, Seen};
pub use verify::{Webhook, Webhooks};
