//! Who is present, also after the connection was away.

use pushest_proto::{Event, PresenceChange, SubscribeOptions};

use super::driver::{Driver, DriverClient};
use super::in_process;
use super::patience::{Expect, PATIENCE, connected};
use crate::UpgradeFault;

const ROOM: &str = "presence-room";

fn member(id: &str) -> SubscribeOptions {
    SubscribeOptions::member(id).info(r#"{"name":"x"}"#)
}

fn next_change(client: &mut impl DriverClient) -> PresenceChange {
    client.wait_for(|event| match event {
        Event::Presence(update) if update.channel == ROOM => Some(update.change.clone()),
        _ => None,
    })
}

fn ids(client: &impl DriverClient) -> Vec<String> {
    let mut ids: Vec<_> =
        client.members(ROOM).iter().map(|member| member.id().to_owned()).collect();
    ids.sort_unstable();
    ids
}

pub fn the_difference_of_a_reconnect_is_told_once<D: Driver>() {
    let (remote, server) = in_process();
    let [mut ann, mut bob, mut carol, mut dora] = [(); 4].map(|()| connected::<D>(remote.config()));
    ann.must_subscribe_as(ROOM, &member("ann"));
    let PresenceChange::Reset { joined, left } = next_change(&mut ann) else {
        panic!("first of all the list")
    };
    assert_eq!((joined.len(), joined[0].id(), left.len()), (1, "ann", 0));
    bob.must_subscribe_as(ROOM, &member("bob"));
    carol.must_subscribe_as(ROOM, &member("carol"));
    for expected in ["bob", "carol"] {
        let PresenceChange::Joined(member) = next_change(&mut ann) else {
            panic!("{expected} comes")
        };
        assert_eq!(member.id(), expected);
    }

    // While she is away, one goes, one comes, and one stays.
    server.fault_upgrades(usize::MAX, UpgradeFault::status(503, &[]));
    let socket_id = ann.status().socket_id.expect("connected");
    server.drop_connections(socket_id.as_str());
    bob.shutdown(PATIENCE).expect("closed");
    dora.must_subscribe_as(ROOM, &member("dora"));
    ann.until("the loss to be noticed", |ann| ann.status().socket_id.is_none());
    assert_eq!(ids(&ann), ["ann", "bob", "carol"], "what was known last");
    server.heal_upgrades();
    ann.next_gap(ROOM);
    let PresenceChange::Reset { joined, left } = next_change(&mut ann) else {
        panic!("the list again")
    };
    assert_eq!((joined.len(), joined[0].id()), (1, "dora"));
    assert_eq!((left.len(), left[0].id()), (1, "bob"));
    assert_eq!(ids(&ann), ["ann", "carol", "dora"]);
    assert_eq!(ann.me(ROOM).expect("listed").id(), "ann");

    carol.shutdown(PATIENCE).expect("closed");
    let PresenceChange::Left(member) = next_change(&mut ann) else { panic!("carol goes") };
    assert_eq!(member.id(), "carol");
}

pub fn other_member_data_make_another_member<D: Driver>() {
    let (remote, server) = in_process();
    let [mut ann, mut bob] = [(); 2].map(|()| connected::<D>(remote.config()));
    ann.must_subscribe_as(ROOM, &member("ann"));
    bob.must_subscribe_as(ROOM, &member("bob"));
    ann.subscribe(ROOM, &member("ann-at-home")).expect("a good channel");
    ann.until("the server to know", |_| server.members(ROOM) == ["ann-at-home", "bob"]);
    ann.must_be_subscribed(ROOM);
    assert_eq!(ids(&ann), ["ann-at-home", "bob"]);
    assert_eq!(ann.me(ROOM).expect("listed").id(), "ann-at-home");
}

pub fn who_leaves_the_channel_knows_nobody_there<D: Driver>() {
    let (remote, server) = in_process();
    let mut ann = connected::<D>(remote.config());
    ann.must_subscribe_as(ROOM, &member("ann"));
    ann.unsubscribe(ROOM).expect("it is wanted");
    ann.must_flush();
    assert!(ann.members(ROOM).is_empty());
    assert!(ann.me(ROOM).is_none());
    assert!(server.members(ROOM).is_empty());
}
