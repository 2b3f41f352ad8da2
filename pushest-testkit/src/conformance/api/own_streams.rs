//! The HTTP API over streams of the user's own.

use std::sync::Arc;

use pushest_proto::api::GetChannel;

use super::double::{Double, done, event, query};
use crate::Server;
use crate::conformance::Remote;
use crate::conformance::api_driver::{ApiClient, ApiDriver, ApiSettings};
use crate::conformance::own_streams::{Asked, Connects, Purpose, Wanted, within};

pub fn calls_go_over_streams_of_ones_own_which_are_kept<D: ApiDriver>() {
    let server = Arc::new(Server::builder().without_port().start().expect("a server"));
    let (asked, to) = (Asked::default(), server.clone());
    let connector = asked.connector(move |_, _| within(&to));
    let builder = Remote::of(&server).publishing().host("no-such-host.invalid").port(4711);
    let config = builder.build().expect("valid");
    let api = D::api(&config, ApiSettings::default().connector(connector)).expect("whole");
    for _ in 0..3 {
        api.call(event()).expect("published");
        api.call(GetChannel::new("orders")).expect("asked");
    }
    let all = asked.all();
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!((&*all[0].host, all[0].port), ("no-such-host.invalid", 4711));
    assert_eq!((all[0].purpose, all[0].is_tls), (Purpose::Api, false));
}

pub fn a_connector_that_fails_is_told_tried_again_and_nothing_has_arrived<D: ApiDriver>() {
    let server = Double::start(|_| done());
    let address = server.address();
    let fails = |before: usize, _: &Wanted| match before {
        0 => Connects::Fails("no tunnel today"),
        1 => Connects::Panics,
        _ => Connects::Breaks,
    };
    let connector = Asked::default().connector(fails);
    let once = server.api::<D>(ApiSettings::default().attempts(1).connector(connector));
    for words in ["the connector failed: no tunnel today", "the connector failed: it panicked"] {
        let failure = once.call(event()).expect_err("the connector fails");
        assert!(failure.text.contains(words), "{failure:?}");
        assert!(!failure.may_have_arrived && failure.may_repeat, "{failure:?}");
    }
    let failure = once.call(query()).expect_err("the stream panics");
    assert!(failure.text.contains("panicked"), "{failure:?}");
    assert_eq!(server.connections(), 0);

    let asked = Asked::default();
    let connector = asked.connector(move |before, wanted| match before {
        2 => Connects::To(address),
        _ => fails(before, wanted),
    });
    let api = server.api::<D>(ApiSettings::default().connector(connector));
    api.call(event()).expect("published at the third attempt");
    assert_eq!((server.count(), server.connections(), asked.all().len()), (1, 1, 3));
}
