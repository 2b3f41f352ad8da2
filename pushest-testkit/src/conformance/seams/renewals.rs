//! Subscribing again with other member data, while the connection stands.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pushest_proto::{Event, Loss, SubscribeOptions};

use super::super::authorizing::{asking, granted, signer};
use super::super::driver::{Driver, DriverClient};
use super::super::gate::Gate;
use super::super::in_process;
use super::super::patience::{Expect, started_with};

const ROOM: &str = "presence-room";

/// The authorization of the new subscription takes its time, in which the client is in no room.
pub fn who_subscribes_again_as_another_member_is_told_since_when_events_may_be_missing<
    D: Driver,
>() {
    let (remote, server) = in_process();
    let (gate, is_first, signer) = (Gate::default(), AtomicBool::new(true), signer(&server));
    let shut = gate.clone();
    let settings = asking(move |request| {
        let answer = granted(&signer, &request);
        let gate = (!is_first.swap(false, Ordering::SeqCst)).then(|| shut.clone());
        Box::pin(async move {
            if let Some(gate) = gate {
                gate.await;
            }
            Ok(answer)
        })
    });
    let mut client = started_with::<D>(remote.builder().build().expect("valid"), settings);
    client.must_subscribe_as(ROOM, &SubscribeOptions::member("7"));
    server.publish(ROOM, "number", "0");
    assert_eq!(client.next_text("number"), "0");

    client.subscribe(ROOM, &SubscribeOptions::member("8")).expect("it is well-formed");
    let is_in = || server.inspect(|view| view.broker.members(ROOM).count()) > 0;
    client.until("the end of the former subscription", |_| !is_in());
    let published = Mutex::new(Vec::new());
    for number in 1..4 {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock");
        published.lock().expect("nobody panics").push(since_1970);
        server.publish(ROOM, "number", &number.to_string());
        client.sleep(Duration::from_millis(20));
    }
    gate.open();
    let (since, silent_for, cause) = client.wait_for(|event| match event {
        Event::Gap { channel, since, silent_for, cause } => {
            assert_eq!(channel, ROOM);
            Some((since.expect("it is known"), *silent_for, (**cause).clone()))
        }
        Event::Channel(event) => panic!("{event:?}"),
        _ => None,
    });
    assert_eq!(cause, Loss::Resubscribed);
    let published = published.into_inner().expect("nobody panics");
    assert!(since <= published[0], "it begins {:?} late", since - published[0]);
    assert!(silent_for >= Duration::from_millis(60), "{silent_for:?}");
    server.publish(ROOM, "number", "4");
    assert_eq!(client.next_text("number"), "4");
    assert_eq!(client.status().last_loss, None, "the connection was not lost");
}
