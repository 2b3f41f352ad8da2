//! Lists that are odd, in part or altogether.

use pushest_proto::{
    ChannelState, Event, LimitReached, MalformedReason, PresenceChange, SubscribeOptions,
};

use crate::conformance::driver::{Driver, DriverClient};
use crate::conformance::patience::{Expect, connected};
use crate::conformance::{Remote, in_process};
use crate::{Profile, Server, Target};

const ROOM: &str = "presence-room";

fn me() -> SubscribeOptions {
    SubscribeOptions::member("1").info(r#"{"name":"Ann"}"#)
}

fn ids(client: &impl DriverClient) -> Vec<String> {
    let mut ids: Vec<_> =
        client.members(ROOM).iter().map(|member| member.id().to_owned()).collect();
    ids.sort_unstable();
    ids
}

/// Returns what the next message of which something could not be read is said to be.
fn next_problem(client: &mut impl DriverClient) -> MalformedReason {
    client.wait_for(|event| match event {
        Event::Malformed { problem, .. } => Some(*problem),
        Event::LimitReached(LimitReached::Members { .. }) => panic!("there is room for all"),
        _ => None,
    })
}

pub fn a_list_whose_ids_are_a_map_has_all_members<D: Driver>() {
    let server = Server::builder()
        .profile(Profile::Reverb)
        .config(|config| config.presence_ids_by_socket = true)
        .start()
        .expect("a server on a free port");
    let remote = Remote::of(&server);
    let [mut ann, mut bob] = [(); 2].map(|()| connected::<D>(remote.config()));
    ann.must_subscribe_as(ROOM, &me());
    bob.must_subscribe_as(ROOM, &SubscribeOptions::member("2"));
    assert_eq!(ids(&bob), ["1", "2"]);
    assert!(bob.members_known(ROOM));
    let name = bob
        .members(ROOM)
        .iter()
        .find(|member| member.id() == "1")
        .map(|ann| ann.info_json().map(str::to_owned));
    assert_eq!(name, Some(Some(r#"{"name":"Ann"}"#.to_owned())));
    ann.until("the other to come", |ann| ids(ann) == ["1", "2"]);
}

pub fn one_odd_part_of_a_list_costs_no_other_and_is_told_once<D: Driver>() {
    let (remote, server) = in_process();
    for (list, known, lost) in [
        (r#"{"presence":{"ids":7,"hash":{"1":{},"2":{}},"count":2}}"#, &["1", "2"][..], 1),
        (r#"{"presence":{"ids":["1",2.0,null,{}],"hash":"x"}}"#, &["1", "2"], 3),
        (r#"{"presence":{"hash":{"1":{"name":NaN},2:{},"3":{}}}}"#, &["1", "3"], 2),
    ] {
        server.replace_presence_data(Some(list));
        let mut client = connected::<D>(remote.config());
        client.must_subscribe_as(ROOM, &me());
        let kept = known.len() as u64;
        assert_eq!(next_problem(&mut client), MalformedReason::Partly { kept, lost }, "{list}");
        assert_eq!(ids(&client), known, "{list}");
        assert!(client.members_known(ROOM), "{list}");
        assert_eq!(client.me(ROOM).expect("listed").id(), "1");
    }
}

pub fn a_list_that_cannot_be_read_makes_the_members_unknown_until_the_next<D: Driver>() {
    let (remote, server) = in_process();
    let mut client = connected::<D>(remote.config());
    client.must_subscribe_as(ROOM, &me());
    assert_eq!((ids(&client), client.members_known(ROOM)), (vec!["1".to_owned()], true));

    server.replace_presence_data(Some(r#"{"presence":{"ids":7,"hash":"x","count":3}}"#));
    server.drop_connections(Target::All);
    client.next_gap(ROOM);
    // No member from before the loss stays.
    let left = client.wait_for(|event| match event {
        Event::Presence(update) => match &update.change {
            PresenceChange::Reset { left, .. } => Some(left.len()),
            other => panic!("{other:?}"),
        },
        _ => None,
    });
    assert_eq!(left, 1);
    assert_eq!(next_problem(&mut client), MalformedReason::BadData);
    assert_eq!(client.channel_state(ROOM), Some(ChannelState::Subscribed));
    assert_eq!((ids(&client), client.members_known(ROOM)), (vec![], false));

    // Who comes now is known.
    let added = r#"{"event":"pusher_internal:member_added","channel":"presence-room","data":"{\"user_id\":2}"}"#;
    server.send_raw(Target::All, added);
    client.until("the other to come", |client| ids(client) == ["2"]);
    assert!(!client.members_known(ROOM));

    server.replace_presence_data(None);
    server.drop_connections(Target::All);
    client.next_gap(ROOM);
    client.until("the list to be known", |client| client.members_known(ROOM));
    assert_eq!(ids(&client), ["1"]);
}
