//! A client of the demo.

use std::fmt::Display;
use std::time::Duration;

use pushest_driver::unstable::Client;
use pushest_driver::{Events, Options};
use pushest_proto::{ChannelEvent, Config, Event, Member, PresenceChange, SubscribeOptions};
use pushest_testkit::Server;
use serde_json::json;
use tokio::time::timeout;

use crate::failure::Failure;
use crate::runtime::Runtime;

/// Any one thing that is waited for.
pub(super) const WAIT: Duration = Duration::from_secs(5);

/// A client with a name, and what it receives.
pub(super) struct Person {
    pub(super) name: &'static str,
    member: SubscribeOptions,
    pub(super) client: Client,
    events: Events,
}

impl Person {
    pub(super) fn new(
        name: &'static str,
        full_name: &str,
        server: &Server,
        runtime: Runtime,
    ) -> Result<Self, Failure> {
        let config = Config::builder(&server.app().key)
            .secret(server.app().secret())
            .master_key(server.app().master_key().as_bytes())
            .host(&server.addr().ip().to_string())
            .port(server.port())
            .build()?;
        let client = runtime.client(config, Options::default())?;
        let info = json!({ "name": full_name }).to_string();
        let events = client.events();
        Ok(Self { name, member: SubscribeOptions::member(name).info(&info), client, events })
    }

    pub(super) async fn subscribe(&self, channel: &str) -> Result<(), Failure> {
        let subscription =
            self.client.subscribe_with(channel, &self.member).map_err(Failure::failed)?;
        let subscribed = timeout(WAIT, subscription.subscribed()).await;
        // The events come by `self.events`.
        subscription.detach();
        match subscribed {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.failed(error)),
            Err(_) => Err(self.failed(format_args!("{channel} is not subscribed after {WAIT:?}"))),
        }
    }

    pub(super) async fn trigger(
        &self,
        channel: &str,
        event: &str,
        text: &str,
    ) -> Result<(), Failure> {
        let data = json!({ "text": text });
        self.client.trigger(channel, event, &data).map_err(|error| self.failed(error))?;
        match timeout(WAIT, self.client.flush()).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(self.failed(error)),
            Err(_) => Err(self.failed(format_args!("no answer to a ping after {WAIT:?}"))),
        }
    }

    pub(super) async fn channel_event(&mut self, name: &str) -> Result<ChannelEvent, Failure> {
        let pick = |event: &Event| match event {
            Event::Channel(event) if event.name() == name => Some(event.clone()),
            _ => None,
        };
        self.wait_for(name, pick).await
    }

    pub(super) async fn joined(&mut self, id: &str) -> Result<Member, Failure> {
        let pick = |event: &Event| match event {
            Event::Presence(update) => match &update.change {
                PresenceChange::Joined(member) if member.id() == id => Some(member.clone()),
                _ => None,
            },
            _ => None,
        };
        self.wait_for("a member to join", pick).await
    }

    /// Passes events over until one is picked.
    pub(super) async fn wait_for<T>(
        &mut self,
        what: &str,
        pick: impl Fn(&Event) -> Option<T>,
    ) -> Result<T, Failure> {
        let picked = async {
            while let Some(event) = self.events.recv().await {
                if let Some(picked) = pick(&event) {
                    return Some(picked);
                }
            }
            None
        };
        match timeout(WAIT, picked).await {
            Ok(Some(picked)) => Ok(picked),
            Ok(None) => Err(self.failed("the client has ended")),
            Err(_) => Err(self.failed(format_args!("waited {WAIT:?} for {what}"))),
        }
    }

    /// Signs in, and waits until events to the user can come.
    pub(super) async fn sign_in(&mut self, watchlist: &[&str]) -> Result<(), Failure> {
        let user = json!({ "id": self.name, "watchlist": watchlist }).to_string();
        self.client.sign_in(Some(&user)).map_err(|error| self.failed(error))?;
        match timeout(WAIT, self.client.signed_in()).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return Err(self.failed(error)),
            Err(_) => return Err(self.failed(format_args!("not signed in after {WAIT:?}"))),
        }
        let own = format!("#server-to-user-{}", self.name);
        let pick = |event: &Event| match event {
            Event::Subscribed { channel } if *channel.as_str() == *own => Some(()),
            _ => None,
        };
        self.wait_for("the user's own channel", pick).await
    }

    fn failed(&self, text: impl Display) -> Failure {
        Failure::failed(format_args!("{}: {text}", self.name))
    }
}
