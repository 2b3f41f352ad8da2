//! The HTTP API through a proxy.

use std::time::Duration;

use super::double::{Double, done, event, query};
use crate::conformance::api_driver::{ApiClient, ApiDriver, ApiSettings};
use crate::conformance::proxy::{TestProxy, Trouble};

fn closes(answer: &[u8]) -> Trouble {
    Trouble::Closes(answer.to_vec())
}

pub fn calls_go_through_the_proxy_over_one_connection_and_never_past_it<D: ApiDriver>() {
    for kind in ["http://", "socks5://"] {
        let (server, proxy) = (Double::start(|_| done()), TestProxy::start_for("ann", "s@cret"));
        let url = proxy.url(&format!("{kind}ann:s%40cret@"));
        let api = server.api::<D>(ApiSettings::default().proxy(Some(url)));
        for _ in 0..3 {
            api.call(event()).expect("published");
            api.call(query()).expect("asked");
        }
        assert_eq!((server.count(), server.connections()), (6, 1));
        let asked = proxy.asked();
        assert_eq!(asked.len(), 1, "{asked:?}");
        assert_eq!(asked[0].target, server.address().to_string());
        assert!(asked[0].sent.starts_with(b"POST /apps/7/events?"));
        assert!(!String::from_utf8_lossy(&asked[0].sent).contains("Proxy-"));
    }
}

pub fn a_proxy_that_fails_is_told_tried_again_and_nothing_has_arrived<D: ApiDriver>() {
    let (server, proxy) = (Double::start(|_| done()), TestProxy::start_for("ann", "s@cret"));
    let url = proxy.url("http://ann:s%40cret@");
    let troubles = || {
        let page = b"HTTP/1.1 502 Bad\r\nContent-Length: 11\r\n\r\nnot s@cret?";
        [closes(page), closes(b"SSH-2.0-OpenSSH"), closes(b"")]
    };
    let once = server.api::<D>(ApiSettings::default().attempts(1).proxy(Some(url.clone())));
    proxy.trouble(troubles());
    for words in ["HTTP status 502: not ***?", "no HTTP proxy", "it closed the connection"] {
        let failure = once.call(event()).expect_err("the proxy fails");
        assert!(failure.text.contains("the proxy failed: "), "{failure:?}");
        assert!(failure.text.contains(words), "{failure:?}");
        assert!(!failure.may_have_arrived && failure.may_repeat, "{failure:?}");
        assert!(!format!("{failure:?}").contains("s@cret"), "{failure:?}");
    }
    assert_eq!(server.connections(), 0);
    proxy.trouble(troubles());
    let api = server.api::<D>(ApiSettings::default().proxy(Some(url)));
    api.call(event()).expect("published at the fourth attempt");
    assert_eq!((server.count(), server.connections()), (1, 1));
}

pub fn a_silent_proxy_is_told_before_the_time_of_the_call_is_over<D: ApiDriver>() {
    let (server, proxy) = (Double::start(|_| done()), TestProxy::start());
    let settings = ApiSettings::default().attempts(1).timeout(Duration::from_secs(1));
    let api = server.api::<D>(settings.proxy(Some(proxy.url("http://"))));
    proxy.trouble([Trouble::Stalls(Vec::new())]);
    let failure = api.call(event()).expect_err("the proxy is silent");
    assert!(failure.text.contains("the proxy failed: "), "{failure:?}");
    assert!(failure.text.contains("it did not answer in time"), "{failure:?}");
    assert!(!failure.may_have_arrived, "{failure:?}");
    api.call(event()).expect("published");
    assert_eq!((server.count(), server.connections()), (1, 1));
}

pub fn calls_over_tls_go_through_the_proxy<D: ApiDriver>() {
    for kind in ["http://", "socks5h://"] {
        let (server, proxy) = (Double::start_tls(|_| done()), TestProxy::start());
        let api = server.api::<D>(ApiSettings::default().proxy(Some(proxy.url(kind))));
        for _ in 0..3 {
            api.call(event()).expect("published");
        }
        let asked = proxy.asked();
        assert_eq!((asked.len(), server.count()), (1, 3));
        // A TLS handshake, and nothing that can be read.
        assert_eq!(asked[0].sent[0], 0x16);
        assert!(!String::from_utf8_lossy(&asked[0].sent).contains("/apps/7"));
    }
}
