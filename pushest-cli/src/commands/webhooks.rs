//! `pushest webhooks`: prints what a server tells an app's backend ([protocol,
//! webhooks](pushest_proto::protocol#webhooks)).

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use pushest_proto::webhook::{Delivery, Seen, Webhook, Webhooks};
use tokio::sync::watch;

use crate::arguments::WebhooksArguments;
use crate::connection;
use crate::failure::Failure;
use crate::http::{Asked, Endpoint, Replies, Reply};
use crate::interruption;
use crate::output::{Backend, Line, Output, Served};

/// Maximum number of webhooks that are known again.
const SEEN: usize = 100_000;

const RISK: &str = "it prints no webhook that is not signed, but others can send some";

pub(crate) async fn run(arguments: &WebhooksArguments, output: &Output) -> Result<(), Failure> {
    let options = &arguments.endpoint;
    let config = connection::app(&options.app, None)?;
    connection::secret(&config)?;
    let webhooks = Webhooks::from_config(&config)?.largest_age(Some(arguments.largest_age));

    // Set up first: a signal may come as soon as the address is known.
    interruption::watch()?;
    let endpoint = Endpoint::bind(options, arguments.port, RISK, output).await?;
    let address = endpoint.address().map_err(Failure::failed)?;
    output.line(&Line::Backend(Backend::Serving {
        host: address.ip(),
        port: address.port(),
        key: config.key(),
        user_id: None,
        urls: vec![endpoint.url("/").map_err(Failure::failed)?],
    }))?;
    let (printed, mut count) = watch::channel(0);
    let seen = Mutex::new(Seen::new(SEEN));
    let receiver = Receiver { webhooks, seen, printed, output: output.clone() };
    let enough = async {
        let wanted = arguments.count.unwrap_or(u64::MAX);
        // The sender lives as long as it is served.
        let _ = count.wait_for(|count| *count >= wanted).await;
    };
    // A signal is how a server ends.
    let stop = async {
        tokio::select! {
            _ = interruption::first() => {}
            () = enough => {}
        }
    };
    tokio::select! {
        error = output.failed() => Err(error.into()),
        () = endpoint.serve(receiver, stop) => Ok(()),
    }
}

struct Receiver {
    webhooks: Webhooks,
    seen: Mutex<Seen>,
    /// How many events were printed.
    printed: watch::Sender<u64>,
    output: Output,
}

impl Replies for Receiver {
    /// Who sends them is told one URL, and may add to its path.
    fn has(&self, _path: &str) -> bool {
        true
    }

    async fn reply(&self, asked: Asked) -> Reply {
        let webhook = match self.read(&asked) {
            Ok(webhook) => webhook,
            Err((status, reason)) => return self.refuse(&asked, status, reason),
        };
        // One that comes while an equal one is printed is not printed as if it were another: by the time
        // it comes again, it is known what became of this one.
        let delivery = self.seen().begin(&webhook);
        let handling = match delivery {
            Delivery::First(handling) => Some(handling),
            Delivery::Again => None,
            Delivery::Underway => {
                return self.refuse(&asked, 503, "an equal webhook is being printed".to_owned());
            }
        };
        let again = handling.is_none();
        for event in &webhook.events {
            let line = Line::Backend(Backend::webhook(event, &webhook, again));
            if self.output.next_line(&line).await.is_err() {
                return Reply::text(503, "the output is closed");
            }
        }
        // Not earlier: this ends half-way where the sender gives up while the output is not read, and
        // what comes then is to be carried out as if it were new.
        if let Some(handling) = handling {
            handling.done();
        }
        let count = u64::try_from(webhook.events.len()).unwrap_or(u64::MAX);
        self.printed.send_modify(|printed| *printed = printed.saturating_add(count));
        Reply::text(200, "")
    }
}

impl Receiver {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        // A panic elsewhere leaves nothing half-done here.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads a webhook. Returns status and reason where it is not taken.
    fn read(&self, asked: &Asked) -> Result<Webhook, (u16, String)> {
        for name in ["X-Pusher-Key", "X-Pusher-Signature"] {
            asked.check_header(name).map_err(|problem| (400, problem))?;
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let read = self.webhooks.read(|name| asked.header(name), &asked.body, now);
        read.map_err(|error| (error.status(), error.to_string()))
    }

    fn refuse(&self, asked: &Asked, status: u16, reason: String) -> Reply {
        let (method, path) = ("POST", asked.shown_path());
        let request = Served::Request { method, path, status: Some(status), reason: &reason };
        // That standard output is closed ends the command.
        let _ = self.output.line(&Line::Served(request));
        Reply::text(status, reason)
    }
}
