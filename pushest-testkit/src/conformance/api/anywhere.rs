//! Every call of the HTTP API, against the server in the process and against real ones; what is
//! published is received.

use pushest_proto::api::{Batch, Custom, GetChannel, ListChannels, ListUsers, Publish, Terminate};
use pushest_proto::{ConnectionState, Event, SubscribeOptions};

use crate::conformance::api_driver::{ApiClient, ApiDriver, ApiSettings};
use crate::conformance::driver::{Driver, DriverClient};
use crate::conformance::encrypted::MASTER_KEY;
use crate::conformance::patience::{Expect, connected, eventually, unique};
use crate::conformance::remote::Remote;

fn api<D: ApiDriver>(remote: &Remote) -> D::Api {
    let config = remote.publishing().master_key(MASTER_KEY).build().expect("valid");
    D::api(&config, ApiSettings::default()).expect("a whole configuration")
}

pub fn what_is_published_on_several_channels_arrives_on_each<D: Driver + ApiDriver>(
    remote: &Remote,
) {
    let (api, mut client) = (api::<D>(remote), connected::<D>(remote.config()));
    let [news, orders] = ["news", "private-orders"].map(unique);
    client.must_subscribe(&news);
    client.must_subscribe(&orders);
    let text = r#"{"text":"Überall \"Regen\", \u0001"}"#;
    api.call(Publish::new([&news, &orders], r"App\Events\Rain", text)).expect("published");
    for channel in [&news, &orders] {
        let event = client.next_of(channel);
        assert_eq!((event.name(), &*event.text()), (r"App\Events\Rain", text));
    }
    // Not to the connection that caused it: the next one is the other.
    let own = client.status().socket_id.expect("connected");
    let event = |name| Publish::new(&news, name, "{}");
    api.call(event("own").exclude(own.as_str())).expect("published");
    api.call(event("other")).expect("published");
    assert_eq!(client.next_of(&news).name(), "other");
    let many = (0..100).map(|number| format!("{news}-{number}"));
    let many: Vec<_> = many.chain([news.clone()]).skip(1).collect();
    api.call(Publish::new(&many, "many", "{}")).expect("published on a hundred");
    assert_eq!(client.next_of(&news).name(), "many");
}

pub fn a_batch_arrives_in_its_order<D: Driver + ApiDriver>(remote: &Remote) {
    let (api, mut client) = (api::<D>(remote), connected::<D>(remote.config()));
    let news = unique("news");
    client.must_subscribe(&news);
    let event = |number: usize| Publish::new(&news, format!("number-{number}"), number.to_string());
    api.call(Batch::new((0..10).map(event))).expect("published");
    for number in 0..10 {
        let event = client.next_of(&news);
        assert_eq!(event.name(), format!("number-{number}"));
        assert_eq!(event.text(), number.to_string());
    }
}

pub fn what_is_published_on_an_encrypted_channel_is_sealed_and_opened<D: Driver + ApiDriver>(
    remote: &Remote,
) {
    let config = remote.signing().master_key(MASTER_KEY).build().expect("valid");
    let (api, mut client) = (api::<D>(remote), connected::<D>(config));
    let channel = unique("private-encrypted-orders");
    client.must_subscribe(&channel);
    for number in 0..3 {
        let event = Publish::new(&channel, "order", format!(r#"{{"id":{number}}}"#));
        api.call(event).expect("published");
        let event = client.next_of(&channel);
        assert!(event.was_encrypted());
        assert_eq!(event.text(), format!(r#"{{"id":{number}}}"#));
    }
}

pub fn who_is_there_is_told<D: Driver + ApiDriver>(remote: &Remote) {
    let (api, mut client) = (api::<D>(remote), connected::<D>(remote.config()));
    let room = unique("presence-room");
    let is_empty = api.call(GetChannel::new(&room)).expect("asked");
    assert!(!is_empty.occupied);
    client.must_subscribe_as(&room, &SubscribeOptions::member("ann"));
    // Sockudo keeps this answer for some seconds, as it was for the first that asked.
    eventually("the channel among all", || {
        api.call(ListChannels::new()).expect("asked").channels.contains_key(&room)
    });
    let channel = api.call(GetChannel::new(&room).with_user_count()).expect("asked");
    assert!(channel.occupied);
    assert_eq!(channel.counts.user_count, Some(1));
    assert_eq!(api.call(ListUsers::new(&room)).expect("asked"), ["ann"]);
    let body = api.call(Custom::get(&format!("/channels/{room}/users"))).expect("asked");
    assert!(body.contains(r#""ann""#), "{body}");
}

pub fn what_a_cache_channel_keeps_is_told<D: ApiDriver>(remote: &Remote) {
    let (api, channel) = (api::<D>(remote), unique("cache-prices"));
    let ask = || api.call(GetChannel::new(&channel).with_cache()).expect("asked");
    assert_eq!(ask().cache, None);
    api.call(Publish::new(&channel, "price", r#"{"is":"yesterday"}"#)).expect("published");
    api.call(Publish::new(&channel, "price", r#"{"is":"today"}"#)).expect("published");
    let answer = ask();
    let kept = answer.cache.expect("it keeps the last event");
    assert!(kept.contains("today") && !kept.contains("yesterday"), "{kept}");
    assert!(kept.contains(r#""ttl""#), "{kept}");
    let counted = GetChannel::new(&channel).with_cache().with_user_count();
    api.call(counted).expect_err("it is no presence channel");
}

pub fn users_are_counted_in_a_list_of_channels<D: Driver + ApiDriver>(remote: &Remote) {
    let (api, mut client) = (api::<D>(remote), connected::<D>(remote.config()));
    let room = unique("presence-counted");
    client.must_subscribe_as(&room, &SubscribeOptions::member("ann"));
    let channels = api.call(ListChannels::new().prefix(&room).with_user_count());
    let channels = channels.expect("asked").channels;
    assert_eq!(channels[&room].user_count, Some(1), "{channels:?}");
}

pub fn an_event_to_a_user_arrives_and_terminating_ends_the_users_connections<
    D: Driver + ApiDriver,
>(
    remote: &Remote,
) {
    let (api, mut client) = (api::<D>(remote), connected::<D>(remote.config()));
    let user = unique("ann");
    client.sign_in(Some(&format!(r#"{{"id":"{user}"}}"#))).expect("good user data");
    client.wait_for(|event| matches!(event, Event::SignedIn { .. }).then_some(()));
    // Whatever was sent is read then, the subscription to the user's own channel, too.
    client.must_flush();
    api.call(Publish::to_user(&user, "parcel", "7")).expect("published");
    assert_eq!(client.next_text("parcel"), "7");
    api.call(Terminate::user(&user)).expect("terminated");
    client.next_state(ConnectionState::Refused);
}

pub fn a_wrong_secret_and_a_wrong_id_are_refused_and_say_what_helps<D: ApiDriver>(remote: &Remote) {
    let wrong = [
        (remote.publishing().secret("not-the-secret"), "401", "are the key and the secret those"),
        (remote.publishing().app_id("no-such-app"), "40", ""),
    ];
    for (config, status, words) in wrong {
        let api = D::api(&config.build().expect("valid"), ApiSettings::default()).expect("whole");
        let failure = api.call(Publish::new("news", "x", "{}")).expect_err("it is refused");
        let told = failure.text.strip_prefix("the server answered ").expect("its answer is told");
        // On a current uWebSockets Soketi refuses with status 200, and says the true one in the body.
        let told = told.strip_prefix("200 with code ").unwrap_or(told);
        assert!(told.starts_with(status), "{failure:?}");
        assert!(failure.text.contains(words), "{failure:?}");
        assert!(!failure.may_have_arrived && !failure.may_repeat, "{failure:?}");
        assert!(!failure.debug.contains("not-the-secret"), "{failure:?}");
    }
}

pub fn many_calls_at_once_all_arrive<D: Driver + ApiDriver>(remote: &Remote) {
    let (api, mut client) = (api::<D>(remote), connected::<D>(remote.config()));
    let news = unique("news");
    client.must_subscribe(&news);
    let events = (0..200).map(|number| Publish::new(&news, "number", number.to_string()));
    let outcomes = api.publish_all(events.collect());
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    let mut numbers: Vec<u32> =
        (0..200).map(|_| client.next_of(&news).text().parse().expect("a number")).collect();
    numbers.sort_unstable();
    assert!(numbers.iter().copied().eq(0..200), "{numbers:?}");
}
