//! `pushest demo`: a server and two clients in this process, over real WebSockets.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::time::{Duration, Instant};

use pushest_proto::{
    ChannelEvent, Config, ConnectionState, Event, Member, PresenceChange, SubscribeOptions,
};
use pushest_testkit::Server;
use pushest_tokio::{Client, Events, Options};
use serde_json::json;
use tokio::time::timeout;

use crate::failure::Failure;
use crate::output::{Line, Output};

/// All of it, so that it ends within 15 s whatever happens.
const WHOLE: Duration = Duration::from_secs(14);
/// Any one thing that is waited for.
const WAIT: Duration = Duration::from_secs(5);

const PUBLIC: &str = "news";
const PRIVATE: &str = "private-chat";
const PRESENCE: &str = "presence-room";

pub(crate) async fn run(output: &Output) -> Result<(), Failure> {
    let stage = Stage { output, begun: Instant::now() };
    match timeout(WHOLE, stage.perform()).await {
        Ok(result) => result,
        Err(_) => Err(Failure::failed(format_args!("the demo took longer than {WHOLE:?}"))),
    }
}

struct Stage<'a> {
    output: &'a Output,
    begun: Instant,
}

impl Stage<'_> {
    async fn perform(&self) -> Result<(), Failure> {
        let server = Server::start()
            .map_err(|error| Failure::failed(format_args!("the server cannot start: {error}")))?;
        self.say("server", format_args!("listening on ws://{}", server.addr()))?;
        let mut ada = Person::new("ada", "Ada Lovelace", &server)?;
        let mut grace = Person::new("grace", "Grace Hopper", &server)?;

        self.connect(&mut ada, &mut grace).await?;
        self.public(&server, &mut ada, &mut grace).await?;
        self.private(&mut ada, &mut grace).await?;
        self.presence(&mut ada, &mut grace).await?;
        self.loss(&server, &mut ada, &mut grace).await?;
        self.recovery(&server, &mut ada, &mut grace).await?;

        ada.client.shutdown().await;
        grace.client.shutdown().await;
        self.say("done", "every step went well")
    }

    async fn connect(&self, ada: &mut Person, grace: &mut Person) -> Result<(), Failure> {
        for person in [ada, grace] {
            let name = person.name;
            let connected = person.client.connected_within(WAIT).await;
            let socket_id =
                connected.map_err(|error| Failure::failed(format_args!("{name}: {error}")))?;
            self.say("connect", format_args!("{name} is connected, socket id {socket_id}"))?;
        }
        Ok(())
    }

    async fn public(
        &self,
        server: &Server,
        ada: &mut Person,
        grace: &mut Person,
    ) -> Result<(), Failure> {
        ada.subscribe(PUBLIC).await?;
        grace.subscribe(PUBLIC).await?;
        server.publish(PUBLIC, "headline", r#"{"text":"rain"}"#);
        for person in [ada, grace] {
            let event = person.channel_event("headline").await?;
            self.say(
                "public",
                format_args!("the server publishes: {} receives {}", person.name, shown(&event)),
            )?;
        }
        Ok(())
    }

    async fn private(&self, ada: &mut Person, grace: &mut Person) -> Result<(), Failure> {
        ada.subscribe(PRIVATE).await?;
        grace.subscribe(PRIVATE).await?;
        self.say("private", format_args!("the secret signs: both are subscribed to {PRIVATE}"))?;
        ada.trigger(PRIVATE, "client-typing", "Ada types").await?;
        let event = grace.channel_event("client-typing").await?;
        self.say("private", format_args!("ada triggers: grace receives {}", shown(&event)))
    }

    async fn presence(&self, ada: &mut Person, grace: &mut Person) -> Result<(), Failure> {
        ada.subscribe(PRESENCE).await?;
        grace.subscribe(PRESENCE).await?;
        let joined = ada.joined("grace").await?;
        let info = joined.info_json().unwrap_or("nothing").to_owned();
        self.say("presence", format_args!("ada sees grace join {PRESENCE}: {info}"))?;
        self.together(ada, grace, "presence")?;
        grace.trigger(PRESENCE, "client-wave", "hello").await?;
        let event = ada.channel_event("client-wave").await?;
        let user_id = event.user_id().unwrap_or_default();
        check(user_id == "grace", format_args!("the event is from {user_id:?}, not from grace"))?;
        self.say(
            "presence",
            format_args!("grace triggers: ada receives {}, from {user_id}", shown(&event)),
        )
    }

    async fn loss(
        &self,
        server: &Server,
        ada: &mut Person,
        grace: &mut Person,
    ) -> Result<(), Failure> {
        let status = grace.client.status();
        let Some(socket_id) = status.socket_id else {
            return Err(Failure::failed("grace has lost the connection too early"));
        };
        self.say("loss", "the server drops grace's connection, without a close frame")?;
        server.drop_connections(socket_id.as_str());
        let lost = |event: &Event| match event {
            Event::State(change) if change.to == ConnectionState::Waiting => Some(change.clone()),
            _ => None,
        };
        let change = grace.wait_for("the loss", lost).await?;
        server.publish(PUBLIC, "headline", r#"{"text":"sun"}"#);
        self.say("loss", format_args!("grace is {change}"))?;
        let left = |event: &Event| match event {
            Event::Presence(update) => match &update.change {
                PresenceChange::Left(member) if member.id() == "grace" => Some(()),
                _ => None,
            },
            _ => None,
        };
        let event = ada.channel_event("headline").await?;
        self.say("loss", format_args!("meanwhile ada receives {}", shown(&event)))?;
        // She may have left before the headline came, which has then been passed over.
        if ada.client.members(PRESENCE).iter().any(|member| member.id() == "grace") {
            ada.wait_for("grace to leave", left).await?;
        }
        self.say("loss", format_args!("and sees grace leave {PRESENCE}"))
    }

    /// In whichever order the channels come back.
    async fn recovery(
        &self,
        server: &Server,
        ada: &mut Person,
        grace: &mut Person,
    ) -> Result<(), Failure> {
        let mut missing = BTreeSet::from([PUBLIC, PRIVATE, PRESENCE]);
        while !missing.is_empty() {
            let event = grace.wait_for("the recovery", |event| Some(event.clone())).await?;
            match &event {
                Event::State(change) if change.to != ConnectionState::Connecting => {
                    self.say("recovery", format_args!("grace is {change}"))?;
                }
                Event::Gap { channel, silent_for, .. } => {
                    missing.remove(channel.as_str());
                    let ms = silent_for.as_millis();
                    self.say(
                        "recovery",
                        format_args!(
                            "{channel} is subscribed again, gap: what came in the last {ms} ms \
                             is to be fetched elsewhere"
                        ),
                    )?;
                }
                _ => {}
            }
        }
        ada.joined("grace").await?;
        self.together(ada, grace, "recovery")?;
        server.publish(PUBLIC, "headline", r#"{"text":"rainbow"}"#);
        loop {
            // Only if she was back sooner than the former one was sent, it comes first.
            let event = grace.channel_event("headline").await?;
            if event.text().contains("rainbow") {
                return self.say("recovery", format_args!("grace receives {}", shown(&event)));
            }
        }
    }

    /// Both see both.
    fn together(&self, ada: &Person, grace: &Person, step: &str) -> Result<(), Failure> {
        for person in [ada, grace] {
            let members = person.client.members(PRESENCE);
            let ids: BTreeSet<&str> = members.iter().map(Member::id).collect();
            check(
                ids == BTreeSet::from(["ada", "grace"]),
                format_args!("{} sees {ids:?} in {PRESENCE}", person.name),
            )?;
        }
        self.say(step, format_args!("both see both in {PRESENCE}: ada and grace"))
    }

    fn say(&self, step: &str, text: impl Display) -> Result<(), Failure> {
        let elapsed_ms = self.begun.elapsed().as_millis().try_into().unwrap_or(u64::MAX);
        Ok(self.output.line(&Line::Step { step, elapsed_ms, text: text.to_string() })?)
    }
}

/// A client with a name, and what it receives.
struct Person {
    name: &'static str,
    member: SubscribeOptions,
    client: Client,
    events: Events,
}

impl Person {
    fn new(name: &'static str, full_name: &str, server: &Server) -> Result<Self, Failure> {
        let config = Config::builder(&server.app().key)
            .secret(server.app().secret())
            .host(&server.addr().ip().to_string())
            .port(server.port())
            .build()?;
        let client = Client::with_options(config, Options::default());
        let info = json!({ "name": full_name }).to_string();
        let events = client.events();
        Ok(Self { name, member: SubscribeOptions::member(name).info(&info), client, events })
    }

    async fn subscribe(&self, channel: &str) -> Result<(), Failure> {
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

    async fn trigger(&self, channel: &str, event: &str, text: &str) -> Result<(), Failure> {
        let data = json!({ "text": text });
        self.client.trigger(channel, event, &data).map_err(|error| self.failed(error))?;
        match timeout(WAIT, self.client.flush()).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(self.failed(error)),
            Err(_) => Err(self.failed(format_args!("no answer to a ping after {WAIT:?}"))),
        }
    }

    async fn channel_event(&mut self, name: &str) -> Result<ChannelEvent, Failure> {
        let pick = |event: &Event| match event {
            Event::Channel(event) if event.name() == name => Some(event.clone()),
            _ => None,
        };
        self.wait_for(name, pick).await
    }

    async fn joined(&mut self, id: &str) -> Result<Member, Failure> {
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
    async fn wait_for<T>(
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

    fn failed(&self, text: impl Display) -> Failure {
        Failure::failed(format_args!("{}: {text}", self.name))
    }
}

fn shown(event: &ChannelEvent) -> String {
    format!("{} {}", event.name(), event.text())
}

fn check(holds: bool, otherwise: impl Display) -> Result<(), Failure> {
    if holds { Ok(()) } else { Err(Failure::failed(otherwise)) }
}
