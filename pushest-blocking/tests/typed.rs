//! A receiver of typed events does for its channel what a `Subscription` does.

use std::time::Duration;

use pushest_blocking::{
    ChannelState, Client, CommandError, Config, Received, SubscribeOptions, TypedEvents,
};
use pushest_testkit::Server;

/// Longer than anything here takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

fn typing(server: &Server, user: &str) -> (Client, TypedEvents<String>) {
    let config = Config::builder(&server.app().key).secret(server.app().secret());
    let config = config.host("127.0.0.1").port(server.port()).build().expect("valid");
    let client = Client::new(config);
    let options = SubscribeOptions::member(user);
    let room = client.subscribe_with("presence-room", &options).expect("a good name");
    (client, room.on("client-typing"))
}

fn value(typing: &mut TypedEvents<String>) -> String {
    loop {
        if let Received::Value { value, .. } = typing.recv_timeout(PATIENCE).expect("a value") {
            return value;
        }
    }
}

#[test]
fn it_sends_and_tells_the_members_and_the_state() {
    let server = Server::start().expect("a server");
    let (_ann, from_ann) = typing(&server, "ann");
    from_ann.subscribed().expect("subscribed");
    let (bob, mut to_bob) = typing(&server, "bob");
    to_bob.subscribed().expect("subscribed");
    assert_eq!(to_bob.state(), Some(ChannelState::Subscribed));
    assert!(to_bob.members_known());
    let mut members: Vec<_> = to_bob.members().iter().map(|it| it.id().to_string()).collect();
    members.sort();
    assert_eq!(members, ["ann", "bob"]);
    from_ann.trigger("client-typing", "hello").expect("subscribed");
    from_ann.trigger_when_allowed("client-typing", "there").expect("subscribed");
    assert_eq!((value(&mut to_bob), value(&mut to_bob)), ("hello".into(), "there".into()));

    bob.unsubscribe("presence-room").expect("subscribed");
    assert_eq!((to_bob.state(), to_bob.members_known()), (None, false));
    assert!(to_bob.members().is_empty());
    let error = to_bob.trigger("client-typing", "gone").expect_err("it has ended");
    assert!(matches!(error, CommandError::NotSubscribed { .. }), "{error}");
}
