//! The list of scenarios, which stands once, and the macros that make tests of it.

/// Makes a test of every scenario, each with a server in the process: `conformance!(MyDriver);`
///
/// See [`conformance`](crate::conformance).
#[macro_export]
macro_rules! conformance {
    ($driver:ty) => {
        $crate::conformance_against!($driver, $crate::conformance::in_process);
    };
}

/// Makes a test of each scenario that needs nothing but a server of the protocol, for the server
/// that the variable `PUSHEST_TEST_URL` names: `conformance_on_real_server!(MyDriver);`
///
/// The URL is `pusher://KEY:SECRET@HOST:PORT`; the app's id is `app-id`. The server must know client
/// events and presence, and publish over its HTTP API.
#[macro_export]
macro_rules! conformance_on_real_server {
    ($driver:ty) => {
        $crate::conformance_against!($driver, $crate::conformance::on_real_server);
    };
}

/// The same for the server that a function answers, as a [`Remote`](crate::conformance::Remote) and
/// something that is kept until the end of the test: `conformance_against!(MyDriver, start);`
#[macro_export]
macro_rules! conformance_against {
    ($driver:ty, $start:path) => {
        $crate::conformance_tests! { ($driver), ($start),
            anywhere
                connects_and_names_its_socket
                receives_what_the_app_publishes_on_a_public_channel
                gets_nothing_of_a_channel_that_it_left
                client_events_go_to_the_others_on_a_private_channel
                members_come_and_go
                a_wrong_secret_fails_visibly_and_other_channels_go_on
                flush_tells_when_the_server_has_read_everything
                what_cannot_be_triggered_is_refused_and_nothing_sent
                disconnect_stays_so_until_connect_and_then_everything_is_back
                another_endpoint_takes_the_channels_along
                subscriptions_made_before_and_while_connecting_come_about;
        }
    };
}

/// Tests of scenarios, by the module that they stand in.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_tests {
    // Against a server somewhere.
    (($driver:ty), ($start:path), $theme:ident $($scenario:ident)*;) => {$(
        #[test]
        fn $scenario() {
            let (remote, _server) = $start();
            $crate::conformance::$theme::$scenario::<$driver>(&remote);
        }
    )*};
}
