//! The callback style.

use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use pushest_testkit::{Profile, Server};
use pushest_tokio::{
    Client, Config, ConnectionState, Event, Handler, Loss, RunError, SubscribeOptions, run,
};

use crate::common::within;
use crate::start;

struct Recorder {
    channels: Vec<(String, SubscribeOptions)>,
    told: Sender<String>,
}

impl Handler for Recorder {
    fn initial_channels(&self) -> Vec<(String, SubscribeOptions)> {
        self.channels.clone()
    }

    fn on_event(&mut self, client: &Client, event: Event) {
        let text = match &event {
            Event::State(change) => change.to.to_string(),
            Event::Subscribed { channel } => format!("subscribed {channel}"),
            Event::Channel(event) => format!("{} {}", event.name(), event.text()),
            _ => return,
        };
        self.told.send(text).expect("the test listens");
        if let Event::Channel(event) = event
            && event.name() == "bye"
        {
            client.disconnect();
        }
    }
}

#[tokio::test]
async fn a_handler_is_told_everything_until_it_disconnects() {
    let (target, server) = start();
    let (told, listening) = channel();
    let channels = vec![
        ("news".to_string(), SubscribeOptions::default()),
        ("presence-room".to_string(), SubscribeOptions::member("1")),
    ];
    let running = tokio::spawn(run(target.config(), Recorder { channels, told }));
    within(server.until_subscribers("presence-room", 1)).await;
    server.publish("news", "headline", "rain");
    server.publish("news", "bye", "");
    within(running).await.expect("no panic").expect("its own disconnect is no error");
    let told: Vec<_> = listening.into_iter().collect();
    let expected = [
        "connecting",
        "connected",
        "subscribed news",
        "subscribed presence-room",
        "headline rain",
        "bye ",
        "disconnected",
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn running_ends_on_a_refusal_and_says_why() {
    let (target, server): (_, Server) = start();
    server.refuse_connections(Some((4001, "no such app")));
    let (told, listening) = channel();
    let error = within(run(target.config(), Recorder { channels: vec![], told })).await;
    let Err(RunError::Refused(Some(loss))) = &error else { panic!("{error:?}") };
    assert_eq!(**loss, Loss::Refused { code: 4001, message: "no such app".into() });
    assert_eq!(listening.into_iter().last(), Some(ConnectionState::Refused.to_string()));
}

#[tokio::test]
async fn running_ends_in_the_words_of_a_reverb_that_does_not_know_the_key() {
    let server = Server::builder().profile(Profile::Reverb).start().expect("a server");
    let config = Config::builder("other-key").host("127.0.0.1").port(server.port());
    let (told, listening) = channel();
    let begun = Instant::now();
    let handler = Recorder { channels: vec![], told };
    let error = within(run(config.build().expect("valid"), handler)).await;
    // Far from the ten seconds of the handshake timeout, on a busy machine too.
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(4), "{took:?}");
    let Err(RunError::Refused(Some(loss))) = &error else { panic!("{error:?}") };
    assert_eq!(**loss, Loss::Refused { code: 4001, message: "Application does not exist".into() });
    let text = error.expect_err("it is refused").to_string();
    assert!(text.ends_with("with code 4001: Application does not exist"), "{text}");
    assert_eq!(listening.into_iter().collect::<Vec<_>>(), ["connecting", "refused"]);
    assert_eq!(server.inspect(|view| view.upgrades), 1);
}

#[tokio::test]
async fn a_bad_initial_channel_is_an_error_before_anything_is_sent() {
    let (target, server) = start();
    let (told, listening) = channel();
    let channels = vec![("no spaces".to_string(), SubscribeOptions::default())];
    let error = within(run(target.config(), Recorder { channels, told })).await;
    assert!(matches!(error, Err(RunError::Subscribe(_))), "{error:?}");
    assert_eq!(listening.into_iter().count(), 0);
    assert_eq!(server.inspect(|view| view.upgrades), 0);
}

#[tokio::test]
async fn what_a_handler_triggers_before_it_disconnects_has_arrived_when_running_is_over() {
    struct Triggers;

    impl Handler for Triggers {
        fn initial_channels(&self) -> Vec<(String, SubscribeOptions)> {
            vec![("private-chat".to_string(), SubscribeOptions::default())]
        }

        fn on_event(&mut self, client: &Client, event: Event) {
            if matches!(event, Event::Subscribed { .. }) {
                for number in 0..9 {
                    client.trigger("private-chat", "client-number", &number).expect("it may");
                }
                client.disconnect();
            }
        }
    }

    let server = Server::builder().record(true).start().expect("a server");
    let config = crate::target_of(&server).config();
    within(run(config, Triggers)).await.expect("its own disconnect is no error");
    let received = server.received();
    let arrived = received.iter().filter(|message| message.contains("client-number")).count();
    assert_eq!(arrived, 9);
}
