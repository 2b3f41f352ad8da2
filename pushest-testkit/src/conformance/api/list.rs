//! The part of the list of scenarios that is about the HTTP API, and the macros that make tests of it.

/// Makes a test of each scenario about the HTTP API, for drivers and builds that carry it, whose
/// [`ApiDriver`](crate::conformance::ApiDriver) this takes: `conformance_of_api!(MyDriver);`
#[macro_export]
macro_rules! conformance_of_api {
    ($driver:ty) => {
        $crate::conformance_of_api_against!($driver, $crate::conformance::in_process);
        $crate::conformance_tests! { ($driver),
            api_connections
                calls_go_over_one_connection_for_as_long_as_the_server_keeps_it
                a_kept_connection_that_the_server_has_closed_is_replaced_before_anything_is_sent
                several_kept_connections_that_were_closed_cost_no_call
                a_server_that_has_said_something_unasked_is_not_taken_at_its_word
                a_server_that_keeps_no_connection_is_asked_over_a_new_one
                no_more_calls_are_in_flight_than_may_be_and_all_have_their_turn
                a_call_waits_for_its_turn_and_for_an_answer_no_longer_than_it_may
                a_dead_address_of_two_and_a_server_that_starts_late_keep_nothing_from_arriving
                where_nobody_listens_nothing_can_have_arrived
                an_api_that_is_dropped_leaves_no_connection;
            api_endless
                an_answer_that_drips_takes_no_longer_than_the_call_may
                an_answer_without_end_is_given_up_where_it_is_too_large
                what_comes_before_an_answer_is_passed_over;
            api_faults
                a_status_that_the_server_answers_on_purpose_is_told_with_whether_it_may_have_arrived
                a_server_that_asks_for_a_pause_on_purpose_is_asked_again_as_often_as_it_does
                a_request_that_gets_no_answer_on_purpose_is_sent_once_and_may_have_arrived
                a_query_that_is_cut_on_purpose_is_asked_again;
            api_idle
                what_a_burst_leaves_is_closed_after_its_time_although_no_call_is_made
                what_is_used_again_is_kept_and_the_rest_is_closed
                the_servers_own_time_is_kept_to_although_no_call_is_made
                the_last_handle_that_is_dropped_closes_all_that_is_kept;
            api_silence
                a_query_over_a_kept_connection_that_died_is_asked_again_over_a_new_one
                connections_that_were_kept_beside_one_that_died_are_not_tried
                what_publishes_over_a_connection_that_died_is_not_repeated_and_says_so
                a_query_that_is_not_to_be_repeated_has_its_whole_time
                a_query_whose_answer_has_begun_is_not_asked_again_however_slowly_it_comes;
            api_repeats
                a_query_whose_answer_was_lost_is_asked_again
                a_query_is_asked_again_after_what_passes_and_not_after_what_stays
                no_failure_publishes_twice
                whatever_changes_something_is_not_sent_twice_and_whatever_asks_is
                what_the_server_says_it_has_not_done_is_sent_again_and_signed_anew
                a_pause_that_the_server_asks_for_is_kept_and_none_beyond_the_calls_time_begun
                a_call_in_its_pause_leaves_its_turn_to_others;
            api_bad_input
                what_breaks_a_rule_is_refused_with_the_numbers_and_nothing_is_sent
                an_app_without_an_id_or_a_secret_says_which_is_missing
                a_clock_that_is_twenty_minutes_off_is_told_with_its_minutes
                an_answer_that_is_none_says_what_came_and_what_helps
                a_refusal_that_never_ends_costs_a_second_and_its_status_counts
                no_secret_and_no_signature_stands_in_an_error;
            api_proxies
                calls_go_through_the_proxy_over_one_connection_and_never_past_it
                a_proxy_that_fails_is_told_tried_again_and_nothing_has_arrived
                a_silent_proxy_is_told_before_the_time_of_the_call_is_over;
        }
        $crate::conformance_tests! { ($driver), in processes of their own,
            api_variables
                calls_to_what_the_variables_exempt_are_made_straight;
        }
    };
}

/// The same for calls that are futures ([`ApiFutures`](crate::conformance::ApiFutures)):
/// `conformance_of_api_futures!(MyDriver);`
#[macro_export]
macro_rules! conformance_of_api_futures {
    ($driver:ty) => {
        $crate::conformance_tests! { ($driver),
            api_futures
                a_call_that_is_given_up_takes_its_connection_along_and_harms_no_other
                a_call_that_is_given_up_while_it_waits_for_its_turn_was_never_sent;
        }
    };
}

/// The same over TLS, for builds that have it: `conformance_of_api_over_tls!(MyDriver);`
#[macro_export]
macro_rules! conformance_of_api_over_tls {
    ($driver:ty) => {
        $crate::conformance_tests! { ($driver),
            api_over_tls
                calls_go_over_tls_to_a_server_of_a_trusted_authority
                a_kept_connection_over_tls_that_was_closed_is_replaced_before_anything_is_sent
                no_failure_over_tls_publishes_twice;
            api_client_certificates
                calls_show_the_clients_certificate_to_a_server_that_demands_one
                a_call_that_a_server_refuses_for_its_certificate_has_not_arrived;
            api_silence
                a_query_over_a_kept_connection_over_tls_that_died_is_asked_again;
            api_proxies
                calls_over_tls_go_through_the_proxy;
        }
    };
}

/// Makes a test of each scenario about the HTTP API that needs nothing but a server of the protocol,
/// for the server that the variable `PUSHEST_TEST_URL` names, whose app has the id `1`; it must know
/// sign-ins, too: `conformance_of_api_on_real_server!(MyDriver);`
#[macro_export]
macro_rules! conformance_of_api_on_real_server {
    ($driver:ty) => {
        $crate::conformance_of_api_against!($driver, $crate::conformance::on_real_server);
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! conformance_of_api_against {
    ($driver:ty, $start:path) => {
        $crate::conformance_tests! { ($driver), ($start),
            api_anywhere
                what_is_published_on_several_channels_arrives_on_each
                a_batch_arrives_in_its_order
                what_is_published_on_an_encrypted_channel_is_sealed_and_opened
                who_is_there_is_told
                what_a_cache_channel_keeps_is_told
                users_are_counted_in_a_list_of_channels
                an_event_to_a_user_arrives_and_terminating_ends_the_users_connections
                a_wrong_secret_and_a_wrong_id_are_refused_and_say_what_helps
                many_calls_at_once_all_arrive;
        }
    };
}
