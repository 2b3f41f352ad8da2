//! The HTTP API through proxies that environment variables name.

use super::double::{Double, done, event};
use crate::conformance::api_driver::{ApiClient, ApiDriver, ApiSettings};
use crate::conformance::variables::proxied;

pub use crate::conformance::variables::run;

pub fn calls_to_what_the_variables_exempt_are_made_straight<D: ApiDriver>() {
    let server = Double::start(|_| done());
    for host in ["127.0.0.1", "localhost"] {
        let api = server.api_at::<D>(host, ApiSettings::default().proxy_from_env(true));
        api.call(event()).expect("published");
    }
    assert_eq!(server.connections(), 2);
    proxied("localhost", server.address().port(), "POST");
}
