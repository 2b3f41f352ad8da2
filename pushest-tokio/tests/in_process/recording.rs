//! A client's recording: it replays to what the client did.

use std::sync::{Arc, Mutex};

use pushest_tokio::proto::trace::Replay;
use pushest_tokio::proto::{Action, Event};
use pushest_tokio::{Client, Options};

use crate::common::{subscribed, wait_for, within};
use crate::start;

#[tokio::test]
async fn a_recorded_client_replays_to_the_same_actions() {
    let (target, server) = start();
    let recording = Arc::new(Mutex::new(String::new()));
    let (writer, looked_at) = (recording.clone(), Arc::new(Mutex::new(None::<Client>)));
    let client_in_sink = looked_at.clone();
    let options = Options::default().record(move |line| {
        *writer.lock().unwrap() += &format!("{line}\n");
        // Nothing is locked that a sink may not use.
        if let Some(client) = &*client_in_sink.lock().unwrap() {
            assert_eq!(client.statistics().dropped, 0, "{:?}", client.status());
        }
    });
    let client = Client::with_options(target.config(), options.clone());
    *looked_at.lock().unwrap() = Some(client.clone());
    let other = Client::with_options(target.config(), options);
    let mut orders = subscribed(&client, "private-orders").await;
    let _others = subscribed(&other, "private-others").await;
    target.publish("private-orders", "shipped", "7").await;
    wait_for(&mut orders, |event| matches!(event, Event::Channel(_)).then_some(())).await;
    server.drop_connections(pushest_testkit::Target::All);
    wait_for(&mut orders, |event| matches!(event, Event::Gap { .. }).then_some(())).await;
    orders.trigger("client-thanks", &"you").expect("subscribed");
    within(client.flush()).await.expect("connected");
    within(client.shutdown()).await;
    looked_at.lock().unwrap().take();
    drop((client, orders));
    within(async {
        // The sink has everything by then.
        while Arc::strong_count(&recording) > 1 {
            tokio::task::yield_now().await;
        }
    })
    .await;

    let text = recording.lock().unwrap().clone();
    assert!(!text.contains(&target.secret) && !text.contains("private-others"), "{text}");
    let mut events = Vec::new();
    for action in Replay::new(&text).expect("a whole recording") {
        match action.expect("no difference") {
            Action::Emit(Event::Channel(event)) => events.push(event.text().into_owned()),
            Action::Emit(Event::Gap { .. }) => events.push("gap".to_owned()),
            _ => {}
        }
    }
    assert_eq!(events, ["7", "gap"]);
    assert!(text.contains("client-thanks") && text.contains(r#"{"disconnect":"#));
    assert!(text.ends_with("}\n"), "the last line is whole");
}

#[tokio::test]
async fn after_shutdown_the_recording_has_its_end_also_without_a_connection() {
    let (target, server) = start();
    drop(server);
    for _ in 0..20 {
        let recording = Arc::new(Mutex::new(String::new()));
        let writer = recording.clone();
        let options = Options::default().record(move |line| {
            *writer.lock().unwrap() += &format!("{line}\n");
        });
        let client = Client::with_options(target.config(), options);
        let waits = |client: &Client| client.status().next_retry.is_some();
        within(async {
            while !waits(&client) {
                tokio::task::yield_now().await;
            }
        })
        .await;
        within(client.shutdown()).await;
        let text = recording.lock().unwrap().clone();
        assert!(text.ends_with("{\"drained\":{}}\n"), "{text}");
        let last = Replay::new(&text).expect("whole").last().expect("actions").expect("equal");
        assert!(format!("{last:?}").contains("to: Disconnected"), "{last:?}");
    }
}

#[tokio::test]
async fn a_sink_that_panics_ends_the_client_and_not_the_process() {
    let (target, _server) = start();
    let mut lines = 0;
    let options = Options::default().record(move |_| {
        lines += 1;
        assert!(lines < 4, "as a test wants it");
    });
    let client = Client::with_options(target.config(), options);
    assert_eq!(within(client.connected()).await, Err(pushest_tokio::NotConnected::Ended));
}
