//! Publishing over HTTP: single events and batches ([protocol, HTTP
//! API](pushest_proto::protocol#http-api)).

use pushest_proto::SocketId;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Broker;
use super::channel::{self, Kind};
use super::http_api::{HttpResponse, Info};

/// The body of `POST /apps/ID/events`, and one entry of a batch.
#[derive(Debug, Deserialize)]
struct Event {
    name: String,
    data: String,
    #[serde(default)]
    channel: Option<String>,
    #[serde(default)]
    channels: Option<Vec<String>>,
    #[serde(default)]
    socket_id: Option<String>,
    #[serde(default)]
    info: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Batch {
    batch: Vec<Event>,
}

impl Event {
    fn channels(&self) -> impl Iterator<Item = &String> {
        self.channel.iter().chain(self.channels.iter().flatten())
    }
}

impl Broker {
    pub(super) fn post_event(&mut self, body: &[u8]) -> Result<HttpResponse, HttpResponse> {
        let event: Event = parse(body)?;
        self.check_event(&event)?;
        self.publish_event(&event);
        let Some(info) = &event.info else {
            return Ok(HttpResponse::json(&json!({})));
        };
        let info = Info::parse(Some(info));
        let channels: Map<_, _> = event
            .channels()
            .map(|name| (name.clone(), Value::Object(self.info(name, info))))
            .collect();
        Ok(HttpResponse::json(&json!({ "channels": channels })))
    }

    pub(super) fn post_batch(&mut self, body: &[u8]) -> Result<HttpResponse, HttpResponse> {
        let Batch { batch } = parse(body)?;
        let most = self.config.limits.events_per_batch;
        if batch.len() > most {
            let reason = format!("A batch holds at most {most} events");
            return Err(HttpResponse::error(400, reason));
        }
        // All or nothing: an event that is refused must not leave half a batch behind it.
        for event in &batch {
            self.check_event(event)?;
            let count = event.channels().count();
            if count != 1 {
                let reason = format!("An event of a batch has one channel, and not {count}");
                return Err(HttpResponse::error(400, reason));
            }
        }
        for event in &batch {
            self.publish_event(event);
        }
        if batch.iter().all(|event| event.info.is_none()) {
            return Ok(HttpResponse::json(&json!({})));
        }
        let answers: Vec<_> = batch
            .iter()
            .map(|event| {
                let info = Info::parse(event.info.as_deref());
                let name = event.channels().next().map_or("", String::as_str);
                Value::Object(self.info(name, info))
            })
            .collect();
        Ok(HttpResponse::json(&json!({ "batch": answers })))
    }

    fn check_event(&self, event: &Event) -> Result<(), HttpResponse> {
        let limits = &self.config.limits;
        let invalid = |reason: String| Err(HttpResponse::error(400, reason));
        if !(1..=limits.event_name).contains(&event.name.chars().count()) {
            let most = limits.event_name;
            return invalid(format!("Event name must have 1 to {most} characters"));
        }
        if event.data.len() > limits.data {
            let reason = format!("The data of this event is larger than {} bytes", limits.data);
            return Err(HttpResponse::error(413, reason));
        }
        let count = event.channels().count();
        if count == 0 || count > limits.channels_per_event {
            return invalid(format!("An event needs 1 to {} channels", limits.channels_per_event));
        }
        let extra = self.dialect().channel_characters;
        for name in event.channels() {
            if let Some(fault) = channel::name_fault(name, limits.channel_name, extra) {
                return invalid(format!("{fault}: {name:?}"));
            }
            // Its subscribers' key opens nothing that is sealed for another channel.
            if count > 1 && Kind::of(name) == Kind::Encrypted {
                return invalid(format!(
                    "{name} is encrypted, and must be an event's only channel"
                ));
            }
        }
        // Some servers take one that is malformed, and send the event to every subscriber then.
        if let Some(socket_id) = &event.socket_id
            && SocketId::new(socket_id).is_none()
        {
            return invalid(format!("{socket_id:?} is not a socket id"));
        }
        Ok(())
    }

    fn publish_event(&mut self, event: &Event) {
        let now = self.now;
        for channel in event.channels() {
            self.publish(channel, &event.name, &event.data, event.socket_id.as_deref(), now);
        }
    }
}

fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, HttpResponse> {
    serde_json::from_slice(body)
        .map_err(|error| HttpResponse::error(400, format!("The body is not as expected: {error}")))
}
