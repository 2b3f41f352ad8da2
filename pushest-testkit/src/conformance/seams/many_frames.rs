//! More frames than go out at a time: nothing else waits for them, and none is left behind.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{self, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use pushest_proto::{CommandError, Config, ConfigBuilder, Event, Limits};
use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

use super::super::driver::{Driver, DriverClient, Settings};
use super::super::patience::{Expect, PATIENCE, started_with};
use super::frame;

/// Number of channels: their subscriptions are many times what is sent in one turn.
const CHANNELS: usize = 20_000;

/// Events that come meanwhile: many times what the session stores.
const EVENTS: usize = 3_000;

const STORED: usize = 128;

pub fn what_comes_while_many_channels_are_subscribed_to_waits_for_none_of_them<D: Driver>() {
    let (port, begin, serving) = serve(|mut socket, told_to_begin| {
        told_to_begin.recv().expect("told");
        established(&mut socket);
        let _subscribe = socket.read().expect("the first subscription");
        succeeded(&mut socket, "news");
        let mut stream = socket.get_ref().try_clone().expect("a second handle");
        let reading = std::thread::spawn(move || {
            let mut buffer = vec![0; 1024 * 1024];
            while stream.read(&mut buffer).is_ok_and(|length| length > 0) {}
        });
        for number in 0..EVENTS {
            let text = json!({"event": "number", "channel": "news", "data": number.to_string()});
            socket.get_mut().write_all(&frame(&text.to_string())).expect("written");
        }
        reading.join().expect("it read");
        0
    });
    let limits = Limits::default().stored_events(STORED);
    let config = config(port).limits(limits).build().expect("valid");
    let settings = Settings::default().queue_events(10 * EVENTS);
    let mut client = started_with::<D>(config, settings);
    client.want("news");
    for number in 0..CHANNELS {
        client.want(&format!("{number}-{}", "x".repeat(150)));
    }
    begin.send(()).expect("it waits");
    for number in 0..EVENTS {
        let text = client.wait_for(|event| match event {
            Event::Channel(event) => Some(event.text().into_owned()),
            Event::Lagged { .. } | Event::LimitReached(_) => panic!("{event:?} before {number}"),
            _ => None,
        });
        assert_eq!(text, number.to_string());
    }
    drop(client);
    serving.join().expect("it served");
}

pub fn what_was_triggered_while_the_server_read_nothing_arrives_before_a_shutdown<D: Driver>() {
    let (port, resume, serving) = serve(|mut socket, told_to_resume| {
        established(&mut socket);
        let _subscribe = socket.read().expect("a subscription");
        succeeded(&mut socket, "private-chat");
        told_to_resume.recv().expect("told");
        let mut triggers = 0;
        loop {
            match socket.read().expect("a close frame at last") {
                Message::Close(_) => return triggers,
                Message::Text(text) => triggers += usize::from(text.contains("client-number")),
                _ => {}
            }
        }
    });
    let limits = Limits::default().outgoing(64 * 1024);
    let config = config(port).limits(limits).client_events_per_second(None).build().expect("valid");
    let mut client = started_with::<D>(config, Settings::default());
    client.must_subscribe("private-chat");
    let (mut taken, mut refused) = (0, 0);
    let data = json!("x".repeat(8 * 1024));
    while refused < 20 {
        match client.trigger("private-chat", "client-number", &data) {
            Ok(()) => (taken, refused) = (taken + 1, 0),
            Err(CommandError::OutgoingFull { .. }) => {
                refused += 1;
                client.sleep(Duration::from_millis(10));
            }
            Err(error) => panic!("{error}"),
        }
    }
    client.disconnect();
    resume.send(()).expect("it waits");
    client.shutdown(PATIENCE).expect("closed");
    assert_eq!(serving.join().expect("it served"), taken);
}

fn config(port: u16) -> ConfigBuilder {
    Config::builder("app-key").secret("app-secret").host("127.0.0.1").port(port)
}

type Socket = WebSocket<TcpStream>;

/// Returns a server for one client, the commands that it goes on with, and what it returns.
fn serve(
    speak: impl FnOnce(Socket, mpsc::Receiver<()>) -> usize + Send + 'static,
) -> (u16, Sender<()>, JoinHandle<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    let (tell, told) = mpsc::channel();
    let serving = std::thread::spawn(move || {
        let (stream, _) = listener.accept().expect("a client");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        speak(tungstenite::accept(stream).expect("a WebSocket"), told)
    });
    (port, tell, serving)
}

fn established(socket: &mut Socket) {
    let hello = json!({"socket_id": "1.1", "activity_timeout": 120}).to_string();
    send(socket, &json!({"event": "pusher:connection_established", "data": hello}));
}

fn succeeded(socket: &mut Socket, channel: &str) {
    let event = "pusher_internal:subscription_succeeded";
    send(socket, &json!({"event": event, "channel": channel, "data": "{}"}));
}

fn send(socket: &mut Socket, message: &Value) {
    socket.send(Message::text(message.to_string())).expect("sent");
}
