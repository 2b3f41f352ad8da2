//! What the `Client`, the `WeakClient` and the `ClientBuilder` of every runtime's crate do.

use std::error::Error;

use pushest_driver::proto::ConfigError;
use pushest_driver::{BuildError, OptionsError};

#[doc(hidden)]
pub use crate::receivers::PATIENCE;

/// Checks that a setting has failed, and that the error says so with its source.
#[doc(hidden)]
pub fn fails_by_an_option(error: &BuildError, option: &OptionsError) {
    assert_eq!(*error, BuildError::Options(option.clone()));
    assert_eq!(error.to_string(), option.to_string());
    let source = error.source().expect("it has a source");
    assert_eq!(source.downcast_ref(), Some(option));
}

/// The same for a setting of the configuration.
#[doc(hidden)]
pub fn fails_by_the_configuration(error: &BuildError, of: &ConfigError) {
    assert_eq!(*error, BuildError::Config(of.clone()));
    assert_eq!(error.to_string(), of.to_string());
    let source = error.source().expect("it has a source");
    assert_eq!(source.downcast_ref(), Some(of));
}

/// Makes the tests, for the crate of this name. `$entered` is called in each test first, and what it
/// returns is held: a runtime that clients need around them.
#[macro_export]
macro_rules! clients {
    ($face:ident, $entered:expr) => {
        use std::sync::{Arc, OnceLock};

        use $crate::clients::{PATIENCE, fails_by_an_option, fails_by_the_configuration};
        use $crate::testkit::Server;
        use $face::{
            AuthorizationError, Client, ClientBuilder, ConfigError, ConnectionState, OptionsError,
            WeakClient,
        };

        fn builder(server: &Server) -> ClientBuilder {
            Client::builder(&server.app().key).host("127.0.0.1").port(server.port())
        }

        #[test]
        fn a_weak_client_does_not_keep_the_connection() {
            let _entered = $entered();
            let server = Server::start().expect("a server");
            let client = builder(&server).build().expect("a client");
            server.wait_for_connections(1, PATIENCE).expect("connected");
            let weak = client.downgrade();
            drop(client);
            server.wait_for_connections(0, PATIENCE).expect("closed");
            assert!(weak.upgrade().is_none() && weak.clone().upgrade().is_none());
        }

        #[test]
        fn a_client_that_was_upgraded_keeps_the_connection_and_is_the_same() {
            let _entered = $entered();
            let server = Server::start().expect("a server");
            let client = builder(&server).build().expect("a client");
            server.wait_for_connections(1, PATIENCE).expect("connected");
            let upgraded = client.downgrade().upgrade().expect("it lives");
            drop(client);
            let news = upgraded.subscribe("news").expect("a good name");
            server.wait_for_subscribers("news", 1, PATIENCE).expect("subscribed");
            drop((news, upgraded));
            server.wait_for_connections(0, PATIENCE).expect("closed");
        }

        #[test]
        fn an_authorizer_that_holds_its_client_weakly_goes_with_it() {
            let _entered = $entered();
            let server = Server::start().expect("a server");
            let place = Arc::new(OnceLock::<WeakClient>::new());
            let (held, shared) = (Arc::downgrade(&place), place.clone());
            let client = builder(&server)
                .blocking_authorizer(move |request| {
                    let client = shared.get().and_then(WeakClient::upgrade);
                    let socket_id = client.and_then(|client| client.status().socket_id);
                    assert_eq!(socket_id.as_ref(), Some(&request.socket_id));
                    Err(AuthorizationError::refused(None, "it was asked"))
                })
                .build()
                .expect("a client");
            place.set(client.downgrade()).expect("it is empty");
            drop(place);
            client.subscribe("private-news").expect("a good name").detach();
            let begun = std::time::Instant::now();
            while client.channel_state("private-news") != Some($face::ChannelState::Failed) {
                assert!(begun.elapsed() < PATIENCE, "{:?}", client.channel_state("private-news"));
                std::thread::sleep(std::time::Duration::from_millis(2));
            }
            drop(client);
            server.wait_for_connections(0, PATIENCE).expect("closed");
            while held.upgrade().is_some() {
                assert!(begun.elapsed() < PATIENCE, "the authorizer is kept");
                std::thread::sleep(std::time::Duration::from_millis(2));
            }
        }

        #[test]
        fn a_builder_makes_clients_of_its_settings() {
            let _entered = $entered();
            let server = Server::start().expect("a server");
            let builder = builder(&server)
                .secret(server.app().secret())
                .client_events_per_second(Some(7))
                .header("X-Tenant", "blue")
                .name("built")
                .queue(10, 64 * 1024)
                .start_disconnected();
            let clients =
                [builder.clone().build(), builder.build()].map(|it| it.expect("a client"));
            for client in &clients {
                let config = client.config();
                assert_eq!(config.key(), server.app().key);
                assert_eq!(config.endpoint().port(), server.port());
                assert!(config.has_secret() && !config.has_master_key());
                assert_eq!(client.status().state, ConnectionState::Disconnected);
                client.connect();
            }
            server.wait_for_connections(2, PATIENCE).expect("connected");
        }

        #[test]
        fn a_builder_returns_the_first_error_of_its_settings() {
            let _entered = $entered();
            let built =
                Client::builder("key").header("Host", "x").all_queues(1).url("nonsense").build();
            let rule = "it belongs to the WebSocket upgrade itself";
            let of = OptionsError::Header { name: "Host".to_string(), rule };
            fails_by_an_option(&built.expect_err("no client"), &of);

            let built = Client::builder("key").all_queues(1).header("Host", "x").build();
            let of = OptionsError::AllQueues { bytes: 1 };
            fails_by_an_option(&built.expect_err("no client"), &of);

            let secret = "http://key:5ent1nel@";
            let built = ClientBuilder::default().url(secret).all_queues(1).build();
            let error = built.expect_err("no client");
            assert!(!format!("{error} {error:?}").contains("5ent1nel"), "{error:?}");
            let of = $face::Config::from_url(secret).expect_err("it has no host");
            fails_by_the_configuration(&error, &of);

            let built = Client::builder("key").host("no host").build();
            let of = $face::Config::builder("key").host("no host").build();
            fails_by_the_configuration(&built.expect_err("no client"), &of.expect_err("the same"));
        }

        #[test]
        fn a_builder_without_a_key_says_what_is_missing() {
            let _entered = $entered();
            let error = ClientBuilder::default().build().expect_err("no client");
            fails_by_the_configuration(&error, &ConfigError::Missing { what: "key" });
            let error = ClientBuilder::default().env().build().expect_err("no client");
            let of = $face::Config::from_variables(|_| None).expect_err("nothing is set");
            fails_by_the_configuration(&error, &of);
            assert!(error.to_string().contains("PUSHER_APP_KEY"), "{error}");
        }
    };
}
