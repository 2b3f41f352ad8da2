//! The list of scenarios about streams of the user's own, and the macros that make tests of it.

/// Makes a test of each scenario about connectors, for drivers that take streams of the user's own
/// ([`Settings::connector`](crate::conformance::Settings::connector)):
/// `conformance_of_own_streams!(MyDriver);`
#[macro_export]
macro_rules! conformance_of_own_streams {
    ($driver:ty) => {
        $crate::conformance_tests! { ($driver), over Ws,
            seams
                a_server_without_a_port_is_reached_over_streams_of_ones_own;
        }
        $crate::conformance_tests! { ($driver),
            seams
                a_connector_that_fails_or_panics_fails_the_dial_and_is_asked_again
                a_connector_that_hangs_is_given_up_and_holds_up_nobody
                a_stream_that_panics_is_the_end_of_its_connection_only
                over_a_stream_that_is_encrypted_already_no_tls_is_spoken
                a_proxy_is_spoken_to_over_the_stream_and_never_passed_by
                a_connector_is_asked_for_the_addresses_that_were_chosen
                an_address_of_which_a_connector_hears_nothing_leaves_the_next_one_its_time
                no_connector_is_asked_after_shutdown;
        }
    };
}

/// The same for builds with TLS: `conformance_of_own_streams_over_tls!(MyDriver);`
#[macro_export]
macro_rules! conformance_of_own_streams_over_tls {
    ($driver:ty) => {
        type DriverOfOwnStreams = $driver;

        mod own_streams_over_tls {
            $crate::conformance_tests! { (super::DriverOfOwnStreams), over Wss,
                seams
                    a_server_without_a_port_is_reached_over_streams_of_ones_own;
            }
        }
    };
}

/// The same for builds that ask the app's HTTP endpoint for authorizations:
/// `conformance_of_own_streams_to_endpoints!(MyDriver);`
#[macro_export]
macro_rules! conformance_of_own_streams_to_endpoints {
    ($driver:ty) => {
        $crate::conformance_tests! { ($driver),
            seams
                an_endpoint_is_asked_over_streams_of_ones_own_and_never_past_them
                a_connector_that_hangs_on_the_way_to_an_endpoint_is_told
                a_silent_endpoint_over_a_stream_of_ones_own_is_given_up;
        }
    };
}

/// The same for endpoints over `https://`:
/// `conformance_of_own_streams_to_endpoints_over_tls!(MyDriver);`
#[macro_export]
macro_rules! conformance_of_own_streams_to_endpoints_over_tls {
    ($driver:ty) => {
        $crate::conformance_tests! { ($driver),
            seams
                an_endpoint_over_https_is_asked_over_streams_of_ones_own;
        }
    };
}

/// The same for the HTTP API, for drivers that carry it: `conformance_of_own_streams_of_api!(MyDriver);`
#[macro_export]
macro_rules! conformance_of_own_streams_of_api {
    ($driver:ty) => {
        $crate::conformance_tests! { ($driver),
            api_own_streams
                calls_go_over_streams_of_ones_own_which_are_kept
                a_connector_that_fails_is_told_tried_again_and_nothing_has_arrived;
        }
    };
}

#[cfg(test)]
mod tests {
    /// A scenario that no list names would never run.
    #[test]
    fn every_scenario_is_listed() {
        let list = include_str!("list_of_own_streams.rs");
        let mut found = 0;
        for theme in [include_str!("seams/own_streams.rs"), include_str!("api/own_streams.rs")] {
            for head in theme.split("\npub fn ").skip(1) {
                let (name, _) = head.split_once('<').expect("it is generic");
                let is_listed = list.split([' ', ';', '\n']).any(|word| word == name);
                assert!(is_listed, "{name} is in no list");
                found += 1;
            }
        }
        assert_eq!(found, 15);
    }
}
