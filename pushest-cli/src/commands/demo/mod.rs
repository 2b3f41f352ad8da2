//! `pushest demo`: a server and two clients in this process, over real WebSockets.

mod backend;
mod person;

use std::collections::BTreeSet;
use std::fmt::Display;
use std::time::{Duration, Instant};

use pushest_proto::{ChannelEvent, ConnectionState, Event, Member, PresenceChange};
use pushest_testkit::{MasterKey, Server};
use serde_json::json;
use tokio::time::timeout;

use self::backend::Backend;
use self::person::{Person, WAIT};
use crate::arguments::DemoArguments;
use crate::failure::Failure;
use crate::interruption;
use crate::output::{Line, Output, ms_up};
use crate::runtime::Runtime;

/// All of it, so that it ends within 15 s whatever happens.
const WHOLE: Duration = Duration::from_secs(14);

const PUBLIC: &str = "orders";
const PRIVATE: &str = "private-chat";
const PRESENCE: &str = "presence-room";
const ENCRYPTED: &str = "private-encrypted-diary";
const CACHE: &str = "cache-weather";
const EMPTY_CACHE: &str = "cache-sports";

pub(crate) async fn run(arguments: &DemoArguments, output: &Output) -> Result<(), Failure> {
    interruption::watch()?;
    let stage = Stage { output, runtime: arguments.runtime, begun: Instant::now() };
    match timeout(WHOLE, stage.perform()).await {
        Ok(result) => result,
        Err(_) => Err(Failure::failed(format_args!("the demo took longer than {WHOLE:?}"))),
    }
}

struct Stage<'a> {
    output: &'a Output,
    runtime: Runtime,
    begun: Instant,
}

impl Stage<'_> {
    async fn perform(&self) -> Result<(), Failure> {
        let server = Server::builder()
            .master_key(MasterKey::random())
            .start()
            .map_err(|error| Failure::failed(format_args!("the server cannot start: {error}")))?;
        self.say("server", format_args!("listening on ws://{}", server.addr()))?;
        let mut ada = Person::new("ada", "Ada Lovelace", &server, self.runtime)?;
        let mut grace = Person::new("grace", "Grace Hopper", &server, self.runtime)?;

        self.connect(&mut ada, &mut grace).await?;
        let backend = Backend::new(&server, self.runtime)?;
        self.public(&backend, &mut ada, &mut grace).await?;
        self.private(&mut ada, &mut grace).await?;
        self.presence(&mut ada, &mut grace).await?;
        self.encrypted(&server, &mut ada, &mut grace).await?;
        self.cache(&server, &mut ada, &mut grace).await?;
        self.sign_in(&server, &mut ada, &mut grace).await?;
        self.loss(&server, &backend, &mut ada, &mut grace).await?;
        self.recovery(&backend, &mut ada, &mut grace).await?;

        ada.client.shutdown().await;
        grace.client.shutdown().await;
        self.say("done", "every step went well")
    }

    async fn connect(&self, ada: &mut Person, grace: &mut Person) -> Result<(), Failure> {
        for person in [ada, grace] {
            let name = person.name;
            let connected = person.client.connected_timeout(WAIT).await;
            let socket_id =
                connected.map_err(|error| Failure::failed(format_args!("{name}: {error}")))?;
            self.say("connect", format_args!("{name} is connected, socket id {socket_id}"))?;
        }
        Ok(())
    }

    async fn public(
        &self,
        backend: &Backend,
        ada: &mut Person,
        grace: &mut Person,
    ) -> Result<(), Failure> {
        ada.subscribe(PUBLIC).await?;
        grace.subscribe(PUBLIC).await?;
        backend.publish(PUBLIC, "shipped", json!({ "id": 7 })).await?;
        for person in [ada, grace] {
            let event = person.channel_event("shipped").await?;
            let (name, event) = (person.name, shown(&event));
            self.say(
                "public",
                format_args!("the backend publishes on {PUBLIC}: {name} receives {event}"),
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

    async fn encrypted(
        &self,
        server: &Server,
        ada: &mut Person,
        grace: &mut Person,
    ) -> Result<(), Failure> {
        ada.subscribe(ENCRYPTED).await?;
        grace.subscribe(ENCRYPTED).await?;
        let sealed = server.app().master_key().seal(ENCRYPTED, r#"{"text":"dear diary"}"#);
        let start: String = sealed.chars().take(40).collect();
        server.publish(ENCRYPTED, "entry", &sealed);
        self.say("encrypted", format_args!("the server carries what it cannot read: {start}…"))?;
        for person in [ada, grace] {
            let event = person.channel_event("entry").await?;
            let name = person.name;
            check(event.was_encrypted(), format_args!("{name}: the event was not encrypted"))?;
            self.say("encrypted", format_args!("{name} decrypts {}", shown(&event)))?;
        }
        Ok(())
    }

    async fn cache(
        &self,
        server: &Server,
        ada: &mut Person,
        grace: &mut Person,
    ) -> Result<(), Failure> {
        server.publish(CACHE, "forecast", r#"{"text":"fog"}"#);
        grace.subscribe(CACHE).await?;
        let event = grace.channel_event("forecast").await?;
        self.say(
            "cache",
            format_args!("grace subscribes to {CACHE} later, and receives {}", shown(&event)),
        )?;
        ada.subscribe(EMPTY_CACHE).await?;
        let missed = |event: &Event| match event {
            Event::CacheMiss { channel } if *channel.as_str() == *EMPTY_CACHE => Some(()),
            _ => None,
        };
        ada.wait_for("the cache miss", missed).await?;
        self.say("cache", format_args!("ada subscribes to {EMPTY_CACHE}: cache miss"))
    }

    async fn sign_in(
        &self,
        server: &Server,
        ada: &mut Person,
        grace: &mut Person,
    ) -> Result<(), Failure> {
        ada.sign_in(&["grace"]).await?;
        self.say("sign-in", "ada is signed in, with grace on her watchlist")?;
        grace.sign_in(&[]).await?;
        let online = |event: &Event| match event {
            Event::Watchlist { online: true, user_ids } if *user_ids == ["grace"] => Some(()),
            _ => None,
        };
        ada.wait_for("grace to be online", online).await?;
        self.say("sign-in", "grace signs in: ada sees her online")?;
        server.publish_to_user("ada", "message", r#"{"text":"for you only"}"#);
        let event = ada.channel_event("message").await?;
        let channel = event.channel();
        self.say("sign-in", format_args!("ada receives {} on {channel}", shown(&event)))
    }

    async fn loss(
        &self,
        server: &Server,
        backend: &Backend,
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
        backend.publish(PUBLIC, "shipped", json!({ "id": 8 })).await?;
        self.say("loss", format_args!("grace is {change}"))?;
        let left = |event: &Event| match event {
            Event::Presence(update) => match &update.change {
                PresenceChange::Left(member) if member.id() == "grace" => Some(()),
                _ => None,
            },
            _ => None,
        };
        let event = ada.channel_event("shipped").await?;
        self.say("loss", format_args!("meanwhile ada receives {}", shown(&event)))?;
        // She may have left before the event came, which has then been passed over.
        if ada.client.members(PRESENCE).iter().any(|member| member.id() == "grace") {
            ada.wait_for("grace to leave", left).await?;
        }
        self.say("loss", format_args!("and sees grace leave {PRESENCE}"))
    }

    /// In whichever order the channels come back.
    async fn recovery(
        &self,
        backend: &Backend,
        ada: &mut Person,
        grace: &mut Person,
    ) -> Result<(), Failure> {
        let mut missing = BTreeSet::from([PUBLIC, PRIVATE, PRESENCE, ENCRYPTED, CACHE]);
        let mut is_signed_in = false;
        while !(missing.is_empty() && is_signed_in) {
            let event = grace.wait_for("the recovery", |event| Some(event.clone())).await?;
            match &event {
                Event::State(change) if change.to != ConnectionState::Connecting => {
                    self.say("recovery", format_args!("grace is {change}"))?;
                }
                Event::Gap { channel, silent_for, .. } => {
                    missing.remove(channel.as_str());
                    let ms = ms_up(*silent_for);
                    self.say(
                        "recovery",
                        format_args!(
                            "{channel} is subscribed again, gap: what came in the last {ms} ms \
                             is to be fetched elsewhere"
                        ),
                    )?;
                }
                Event::SignedIn { .. } => {
                    is_signed_in = true;
                    self.say("recovery", "grace is signed in again")?;
                }
                _ => {}
            }
        }
        ada.joined("grace").await?;
        self.together(ada, grace, "recovery")?;
        backend.publish(PUBLIC, "shipped", json!({ "id": 9 })).await?;
        loop {
            // Only if she was back sooner than the former one was sent, it comes first.
            let event = grace.channel_event("shipped").await?;
            if event.text() == r#"{"id":9}"# {
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

fn shown(event: &ChannelEvent) -> String {
    format!("{} {}", event.name(), event.text())
}

fn check(holds: bool, otherwise: impl Display) -> Result<(), Failure> {
    if holds { Ok(()) } else { Err(Failure::failed(otherwise)) }
}
