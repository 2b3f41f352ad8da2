//! Which subscription a receiver, a waiter and a name belong to, when a channel is left and
//! subscribed to again.

use pushest_driver::{CommandError, SubscriptionError};

use super::frames;
use super::rig::{Rig, received};
use super::wakes::Hand;

#[test]
fn what_is_left_of_a_former_subscription_does_nothing_to_the_present_one() {
    let mut rig = Rig::connected();
    let mut former = rig.client.subscribe("private-chat").unwrap();
    rig.settle();
    rig.client.unsubscribe("private-chat").unwrap();
    // Not polled in between: the core has it in the same place.
    let mut present = rig.client.subscribe("private-chat").unwrap();
    assert_eq!(former.name().id().map(|id| id.slot()), present.name().id().map(|id| id.slot()));
    assert_ne!(former.name().id(), present.name().id());
    let mut waiting = Hand::new(former.subscribed());
    assert!(matches!(waiting.done(), Err(SubscriptionError::Closed { .. })));
    rig.settle();
    assert_eq!(former.state(), None);
    assert!(!former.members_known() && former.members().is_empty());
    let refused = former.trigger("client-hello", "hi");
    assert!(matches!(refused, Err(CommandError::NotSubscribed { .. })), "{refused:?}");
    rig.server().says(&frames::event("private-chat", "headline", "rain"));
    rig.settle();
    received(&mut former);
    assert!(received(&mut present).contains(&"private-chat: headline rain".to_string()));
    drop(former);
    rig.settle();
    assert!(rig.client.channel_state("private-chat").is_some(), "it was not the last of this one");
    rig.server().says(&frames::event("private-chat", "headline", "sun"));
    rig.settle();
    assert_eq!(received(&mut present), ["private-chat: headline sun"]);
    drop(present);
    assert_eq!(rig.client.channel_state("private-chat"), None);
}

#[test]
fn by_a_name_the_present_subscription_is_waited_for_wherever_the_name_comes_from() {
    let mut rig = Rig::connected();
    let former = rig.client.subscribe("news").unwrap().name().clone();
    let mut gone = Hand::new(rig.client.subscribed(&former));
    assert!(matches!(gone.done(), Err(SubscriptionError::Closed { .. })), "it was dropped");
    let news = rig.client.subscribe("news").unwrap();
    assert_ne!(news.name().id(), Some(former.id().expect("a client's name has one")));
    let mut subscribed = Hand::new(rig.client.subscribed(&former));
    assert!(subscribed.poll().is_pending());
    rig.settle();
    assert!(subscribed.done().is_ok());

    // Another client's name, whose id is that of another channel here.
    let other = Rig::connected();
    drop(other.client.subscribe("x").unwrap());
    let foreign = other.client.subscribe("a").unwrap();
    assert_eq!(foreign.name().id(), news.name().id(), "each client counts its own");
    let mut missing = Hand::new(rig.client.subscribed(foreign.name()));
    assert!(matches!(missing.done(), Err(SubscriptionError::Closed { .. })));
}

#[test]
fn channels_that_come_and_go_in_each_others_places_receive_their_own_events_alone() {
    let mut rig = Rig::connected();
    let mut held = Vec::new();
    for round in 0..40_usize {
        let name = format!("channel-{}", round % 7);
        held.push((name.clone(), rig.client.subscribe(&name).unwrap()));
        if round % 3 == 2 {
            drop(held.remove(round % held.len()));
        }
        if round % 5 == 4 {
            let name = held[round % held.len()].0.clone();
            rig.client.unsubscribe(&name).unwrap();
            held.retain(|(other, _)| *other != name);
        }
        rig.settle();
        held.iter_mut().for_each(|(_, subscription)| drop(received(subscription)));
        let all: Vec<u8> = (0..7)
            .flat_map(|number| frames::event(&format!("channel-{number}"), "e", &round.to_string()))
            .collect();
        rig.server().says(&all);
        rig.settle();
        for (name, subscription) in &mut held {
            assert_eq!(received(subscription), [format!("{name}: e {round}")]);
        }
    }
}
