//! The list of scenarios, which stands once, and the macros that make tests of it.

/// Makes a test of every scenario, each with a server in the process: `conformance!(MyDriver);`
///
/// See the [module](mod@crate::conformance) of the same name.
#[macro_export]
macro_rules! conformance {
    ($driver:ty) => {
        $crate::conformance_against!($driver, $crate::conformance::in_process);
        $crate::conformance_tests! { ($driver),
            connecting
                it_does_nothing_until_it_is_told_to_connect
                each_state_is_told_in_its_order
                a_dial_and_a_handshake_that_never_end_are_given_up
                what_is_no_websocket_is_told_and_tried_again
                a_server_that_ends_the_upgrade_half_way_is_tried_again
                a_name_that_does_not_resolve_is_told
                one_dead_address_of_two_keeps_nobody_from_connecting
                only_dead_addresses_are_given_up_and_tried_again
                a_server_that_is_killed_and_started_again_is_found_again
                clients_in_one_process_share_nothing;
            refusals
                an_established_connection_that_is_closed_with_4003_stops_it_too
                a_server_over_capacity_is_spared_for_a_second
                a_server_that_asks_to_reconnect_is_back_within_half_a_second
                a_server_that_wants_tls_is_asked_with_tls
                http_refusals_are_told_and_tried_again
                a_client_that_stops_on_refusal_ends_with_the_http_status
                connecting_again_does_not_wait_for_the_time_that_a_server_asked_for;
            seams
                a_refusal_is_final_by_its_error_in_every_profile_whatever_follows
                an_unknown_key_ends_all_waiting_in_the_servers_words_in_every_profile
                a_missing_or_foreign_origin_is_refused_at_once_and_an_allowed_one_connects
                an_error_without_a_code_leaves_the_handshake_its_time_and_its_words_in_the_status
                a_server_that_says_it_is_full_or_asks_to_come_back_is_tried_again
                an_error_that_wants_tls_gets_tls
                a_name_beyond_ascii_is_sent_in_its_ascii_form
                what_is_no_name_is_refused_before_anything_is_resolved
                a_path_that_died_is_noticed_in_the_time_after_a_change_of_the_network
                a_change_of_the_network_costs_a_connection_that_works_a_ping_and_no_more
                an_attempt_that_hangs_is_given_up_soon_after_a_change_of_the_network
                a_change_of_the_network_ends_a_long_pause
                a_network_that_changes_all_the_time_does_not_defeat_backoff
                the_zone_of_an_address_is_resolved_and_sent_nowhere
                a_client_whose_node_dies_moves_to_another_and_stays_there_when_it_is_back
                a_node_that_refuses_for_now_or_is_not_there_is_left_for_the_next_one
                a_node_that_refuses_for_good_ends_a_client_whatever_other_nodes_there_are
                a_request_names_the_node_that_it_goes_to
                where_no_node_is_left_it_waits_and_is_back_with_the_first_that_comes
                headers_are_provided_anew_for_each_dial
                headers_that_are_provided_take_the_place_of_fixed_ones_of_the_same_name
                headers_that_are_missing_or_none_fail_the_dial_visibly_and_it_is_tried_again
                a_proxy_that_refuses_or_closes_or_says_junk_fails_the_dial_and_is_tried_again
                a_proxy_that_is_silent_or_not_there_is_never_passed_by
                a_proxy_is_asked_for_the_addresses_that_were_chosen
                an_address_of_which_a_proxy_hears_nothing_leaves_the_next_one_its_time
                a_busy_proxy_is_left_alone_for_as_long_as_it_asks
                a_name_beyond_ascii_is_told_to_a_proxy_in_its_ascii_form;
            reconnecting
                after_each_kind_of_loss_it_is_back_and_says_that_there_was_a_gap
                a_gap_stands_between_its_subscribed_and_all_else_of_the_channel
                a_thousand_channels_are_back_after_a_loss
                what_is_changed_while_it_is_away_holds_when_it_is_back
                another_server_takes_over_channels_and_sign_in
                disconnecting_in_any_state_sticks;
            heartbeat
                one_that_answers_pings_is_not_taken_for_silent
                a_server_that_pings_is_answered
                a_flush_that_is_not_answered_fails_and_the_next_connection_has_its_own
                a_flush_without_a_connection_fails;
            subscribing
                a_refused_channel_says_why_and_others_are_untouched
                subscribing_twice_is_one_subscription
                a_channel_that_is_left_before_it_is_confirmed_stays_left
                waiting_can_be_given_up_and_begun_again
                receiving_can_be_given_up_and_nothing_is_lost
                what_the_user_gives_wrongly_names_the_value_and_changes_nothing
                a_cache_channel_tells_what_it_has_or_that_it_has_nothing;
            authorizing
                who_is_granted_is_subscribed_and_asked_anew_for_each_socket
                a_refusal_is_final_and_in_the_authorizers_words_until_retried
                a_late_authorization_delays_nobody_else
                who_is_unavailable_or_silent_is_asked_again
                an_authorization_for_a_former_socket_is_not_used
                who_leaves_a_channel_waits_for_no_authorization_of_it;
            presence
                the_difference_of_a_reconnect_is_told_once
                other_member_data_make_another_member
                who_leaves_the_channel_knows_nobody_there;
            client_events
                an_error_4301_names_the_event_that_caused_it
                more_a_second_than_the_server_takes_are_refused_with_the_time_of_the_next
                what_was_triggered_before_a_disconnect_still_arrives
                what_was_triggered_before_the_client_was_dropped_still_arrives;
            encrypted
                a_rotated_key_is_asked_for_once_and_nothing_is_lost
                what_no_key_opens_is_told_and_never_passed_on
                an_authorization_without_a_good_key_fails_the_channel_visibly;
            signing_in
                events_to_the_user_arrive_and_the_sign_in_is_repeated_after_a_loss
                who_is_watched_is_told_online_and_offline_in_both_wire_forms
                what_cannot_be_signed_in_is_refused_before_anything_is_sent
                a_sign_in_with_a_wrong_secret_fails_visibly_and_the_connection_stays
                a_refused_sign_in_stays_refused_over_reconnects_until_it_is_asked_for_again
                waiting_for_the_sign_in_can_be_given_up_and_ends_with_the_connection;
            overflow
                a_slow_receiver_loses_its_oldest_events_and_is_told_how_many
                the_bytes_that_events_pin_are_bounded_too
                a_bound_for_all_receivers_together_holds_for_one_alone
                with_overflow_wait_a_bound_for_all_receivers_together_loses_nothing
                with_overflow_wait_nothing_is_lost_however_long_it_takes
                a_client_dropped_while_it_waits_for_its_receiver_is_gone
                a_client_that_waits_for_its_receiver_shuts_down_all_the_same
                a_server_that_closes_a_client_while_it_waits_is_noticed_behind_its_events;
            partly_received
                what_is_left_behind_a_received_event_is_dropped_as_the_oldest
                what_is_left_behind_a_received_event_holds_reading_up_until_half_is_free
                what_is_left_behind_a_received_event_is_counted_by_a_drain;
            messages
                a_websocket_ping_is_answered_with_its_payload
                frames_in_pieces_with_pings_between_them_are_put_together
                junk_deep_truncated_and_wrongly_typed_messages_leave_the_connection_alive
                bytes_that_are_no_frames_cost_the_connection_only;
            seams
                a_list_whose_ids_are_a_map_has_all_members
                one_odd_part_of_a_list_costs_no_other_and_is_told_once
                a_list_that_cannot_be_read_makes_the_members_unknown_until_the_next
                an_answer_with_lists_in_several_lines_and_many_headers_is_agreed_to
                an_agreement_that_breaks_a_rule_is_refused_and_says_which
                heads_without_end_are_given_up_and_say_at_which_limit
                what_is_no_http_is_noticed_though_the_server_stays_silent
                a_refusals_body_is_kept_short_escaped_and_however_it_ends
                a_refusals_body_that_never_ends_is_waited_for_for_a_second
                an_error_page_that_repeats_the_request_gives_nothing_of_it_away
                a_date_to_come_back_at_is_kept
                an_upgrade_that_is_cut_off_is_a_lost_connection_and_no_refusal
                a_refusal_in_a_close_frame_longer_than_one_may_be_stops_it_in_the_servers_words
                a_close_frame_that_breaks_a_rule_is_told_as_what_it_is_and_its_code_decides
                what_was_triggered_before_a_shutdown_has_arrived_when_it_is_over
                what_was_triggered_before_the_last_client_is_dropped_arrives
                a_shutdown_ends_receiving_after_it_was_told_and_connect_begins_without_a_channel
                a_refusal_for_good_ends_receiving_after_its_words_and_connect_begins_without_a_channel
                a_refusal_of_the_first_dial_ends_receiving_too
                a_disconnect_pauses_receiving_and_channels_until_connect
                a_shutdown_of_a_client_that_is_paused_ends_receiving
                a_shutdown_before_any_connection_ends_receiving
                a_connect_right_after_a_shutdown_begins_without_a_channel
                a_drain_flushes_what_was_triggered_and_gives_receivers_nothing_new
                a_drain_with_nothing_left_to_receive_ends_as_soon_as_all_has_arrived
                a_drain_ends_after_its_limit_though_the_server_answers_nothing
                a_drain_does_not_wait_for_a_connection_that_is_away
                what_comes_while_many_channels_are_subscribed_to_waits_for_none_of_them
                what_was_triggered_while_the_server_read_nothing_arrives_before_a_shutdown
                a_code_that_nobody_has_given_a_meaning_is_told_and_not_taken_for_a_breach_of_the_protocol
                a_connection_that_ends_within_its_close_frame_has_said_its_code
                a_machine_that_was_suspended_asks_for_a_sign_of_life_and_the_gap_has_that_time
                a_gap_begins_at_a_time_of_the_day
                who_subscribes_again_as_another_member_is_told_since_when_events_may_be_missing
                a_message_over_the_limit_in_many_frames_costs_itself_only
                a_transport_limit_under_that_of_a_message_is_the_same_as_it
                an_authorization_of_a_megabyte_fails_its_channel_and_no_other
                of_ten_channels_the_first_is_too_large_for_the_server_and_fails_alone
                of_ten_channels_one_in_the_middle_is_too_large_for_the_server_and_fails_alone
                of_ten_channels_the_last_is_too_large_for_the_server_and_fails_alone;
            lifetime
                a_dropped_client_closes_its_connection
                shutdown_ends_where_the_server_does_not_answer
                shutdown_ends_while_it_dials
                shutdown_without_a_connection_is_over_at_once;
        }
        $crate::conformance_over! { ($driver), Ws }
        $crate::conformance_tests! { ($driver), in processes of their own,
            alone
                clients_that_were_connected_leave_nothing
                clients_that_were_shut_down_leave_nothing
                clients_that_dial_leave_nothing
                clients_that_wait_for_their_receiver_leave_nothing
                what_provides_headers_and_hangs_holds_two_threads_however_often_it_is_dialled
                without_a_free_file_descriptor_dials_fail_visibly_and_are_tried_again_later;
        }
        $crate::conformance_tests! { ($driver), in processes of their own,
            variables
                what_the_variables_exempt_is_reached_straight_and_the_rest_through_the_proxy;
        }
    };
}

/// The same for `wss://`, for drivers and builds that can do that: `conformance_over_tls!(MyDriver);`
#[macro_export]
macro_rules! conformance_over_tls {
    ($driver:ty) => {
        $crate::conformance_tests! { ($driver),
            over_tls
                a_server_of_a_trusted_authority_is_connected_to_by_name_and_by_address
                an_unknown_authority_an_expired_certificate_and_another_name_are_refused_and_said
                tls_to_a_server_without_it_fails_and_is_tried_again
                a_server_that_wants_tls_gets_it
                a_dropped_client_closes_its_connection_over_tls;
            client_certificates
                a_server_that_demands_a_certificate_is_shown_the_clients_whatever_form_its_key_has
                a_server_that_demands_a_certificate_and_gets_none_or_a_strangers_is_told_and_tried_again
                a_server_that_demands_nothing_is_connected_to_as_ever;
            seams
                a_certificate_that_openssl_made_for_the_server_is_trusted_where_it_was_given
                what_is_wrong_with_a_certificate_that_was_given_counts_all_the_same
                no_other_certificate_is_trusted_because_one_was_given
                a_certificate_must_be_for_the_ascii_form_of_a_name
                each_node_has_its_own_name_and_tls_or_none
                a_connection_outlasts_others_with_odd_authorities_that_reach_nothing;
        }
        // The names are those of the tests without TLS.
        type DriverOverTls = $driver;
        mod over_tls {
            $crate::conformance_over! { (super::DriverOverTls), Wss }
        }
    };
}

/// The same for drivers and builds that ask the app's HTTP endpoint for authorizations:
/// `conformance_of_endpoints!(MyDriver);`
#[macro_export]
macro_rules! conformance_of_endpoints {
    ($driver:ty) => {
        $crate::conformance_tests! { ($driver),
            seams
                user_and_password_of_an_endpoints_url_are_sent_decoded_and_shown_nowhere
                headers_of_ones_own_take_the_place_of_the_urls_and_the_forms
                the_zone_of_an_endpoints_address_is_resolved_and_sent_nowhere
                a_byte_order_mark_before_an_answer_is_skipped
                an_error_page_is_told_once_and_without_what_was_sent
                an_error_page_that_never_ends_costs_a_second_and_its_status_counts
                a_pause_until_a_date_is_kept
                an_endpoint_is_asked_through_the_proxy_and_never_past_it
                a_silent_proxy_of_an_endpoint_is_told_and_a_client_that_goes_does_not_wait_for_it;
        }
        $crate::conformance_tests! { ($driver), in processes of their own,
            alone
                endpoints_that_hang_hold_at_most_eight_threads_and_no_other_endpoint
                a_client_that_goes_takes_its_request_to_a_silent_endpoint_along
                names_are_resolved_on_at_most_eight_threads;
        }
        $crate::conformance_tests! { ($driver), in processes of their own,
            variables
                an_endpoint_that_the_variables_exempt_is_asked_straight;
        }
    };
}

/// The same for endpoints over `https://`: `conformance_of_endpoints_over_tls!(MyDriver);`
#[macro_export]
macro_rules! conformance_of_endpoints_over_tls {
    ($driver:ty) => {
        $crate::conformance_tests! { ($driver),
            client_certificates
                an_endpoint_is_shown_the_clients_certificate_on_the_servers_host_and_on_no_other;
            seams
                an_endpoint_with_the_certificate_that_was_given_is_trusted_and_with_a_wrong_one_not
                an_endpoint_over_https_is_asked_through_the_proxy;
        }
        $crate::conformance_tests! { ($driver), in processes of their own,
            variables
                two_endpoints_of_one_host_and_port_have_each_the_way_of_its_scheme;
        }
    };
}

/// Tests of the scenarios that a driver's way to read and write shows in, over TCP or TLS.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_over {
    (($driver:ty), $scheme:ident) => {
        $crate::conformance_tests! { ($driver), over $scheme,
            refusals
                a_refusal_with_4001_stops_it_and_says_why_until_connect;
            seams
                a_server_is_reached_through_a_proxy_of_each_kind
                the_host_of_the_request_names_no_default_port
                an_answer_in_pieces_of_one_byte_is_put_together
                frames_in_the_segment_of_the_answer_are_not_lost
                what_was_sent_while_a_receiver_was_slow_and_the_connection_gone_lies_in_the_gap
                what_a_server_could_not_send_to_a_slow_receiver_is_not_taken_for_new
                what_was_sent_while_the_clients_thread_was_blocked_lies_in_the_gap
                what_was_sent_between_two_calls_lies_in_the_gap
                what_was_sent_into_a_path_that_went_dark_lies_in_the_gap
                what_waits_behind_a_message_on_its_way_lies_in_the_gap
                a_gap_is_no_longer_than_a_round_trip_beyond_what_may_be_missing
                a_kept_event_of_more_than_a_megabyte_costs_itself_only
                a_message_beyond_the_transport_limit_costs_the_connection_and_says_what_to_raise;
            heartbeat
                a_server_that_falls_silent_is_noticed
                a_server_that_does_not_read_fills_the_session_and_nothing_else
                the_servers_close_code_counts_though_nothing_can_be_written_any_more;
            messages
                messages_from_one_byte_to_a_megabyte_arrive_whole
                frames_in_many_writes_and_many_frames_in_one_write_are_read_alike;
        }
    };
}

/// Makes a test of each scenario that needs nothing but a server of the protocol, for the server
/// that the variable `PUSHEST_TEST_URL` names: `conformance_on_real_server!(MyDriver);`
///
/// The URL is `pusher://KEY:SECRET@HOST:PORT`; the app's id is `1`. The server must know client
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
                empty_data_arrives
                gets_nothing_of_a_channel_that_it_left
                client_events_go_to_the_others_on_a_private_channel
                members_come_and_go
                a_wrong_secret_fails_visibly_and_other_channels_go_on
                flush_tells_when_the_server_has_read_everything
                what_cannot_be_triggered_is_refused_and_nothing_sent
                disconnect_stays_so_until_connect_and_then_everything_is_back
                another_endpoint_takes_the_channels_along
                subscriptions_made_before_and_while_connecting_come_about
                the_master_key_opens_what_was_sealed;
        }
    };
}

/// Tests of scenarios, by the module that they stand in.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_tests {
    // Each with servers of its own.
    (($driver:ty), $($theme:ident $($scenario:ident)*;)*) => {$($(
        #[test]
        fn $scenario() {
            $crate::conformance::$theme::$scenario::<$driver>();
        }
    )*)*};
    // The same, over TCP or TLS.
    (($driver:ty), over $scheme:ident, $($theme:ident $($scenario:ident)*;)*) => {$($(
        #[test]
        fn $scenario() {
            $crate::conformance::$theme::$scenario::<$driver>($crate::conformance::Scheme::$scheme);
        }
    )*)*};
    // The same, alone.
    (($driver:ty), in processes of their own, $theme:ident $($scenario:ident)*;) => {$(
        #[cfg(target_os = "linux")]
        #[test]
        fn $scenario() {
            $crate::conformance::$theme::run(
                concat!(module_path!(), "::", stringify!($scenario)),
                $crate::conformance::$theme::$scenario::<$driver>,
            );
        }
    )*};
    // Against a server somewhere.
    (($driver:ty), ($start:path), $theme:ident $($scenario:ident)*;) => {$(
        #[test]
        fn $scenario() {
            let (remote, _server) = $start();
            $crate::conformance::$theme::$scenario::<$driver>(&remote);
        }
    )*};
}

#[cfg(test)]
mod tests {
    /// A scenario that no list names would never run.
    #[test]
    fn every_scenario_is_listed() {
        let list = concat!(include_str!("list.rs"), include_str!("api/list.rs"));
        let themes = [
            include_str!("alone.rs"),
            include_str!("anywhere.rs"),
            include_str!("api/anywhere.rs"),
            include_str!("api/bad_input.rs"),
            include_str!("api/client_certificates.rs"),
            include_str!("api/connections.rs"),
            include_str!("api/endless.rs"),
            include_str!("api/futures.rs"),
            include_str!("api/idle.rs"),
            include_str!("api/over_tls.rs"),
            include_str!("api/proxies.rs"),
            include_str!("api/repeats.rs"),
            include_str!("api/silence.rs"),
            include_str!("api/variables.rs"),
            include_str!("authorizing.rs"),
            include_str!("client_certificates.rs"),
            include_str!("client_events.rs"),
            include_str!("connecting.rs"),
            include_str!("encrypted.rs"),
            include_str!("heartbeat.rs"),
            include_str!("lifetime.rs"),
            include_str!("messages.rs"),
            include_str!("over_tls.rs"),
            include_str!("overflow.rs"),
            include_str!("partly_received.rs"),
            include_str!("presence.rs"),
            include_str!("reconnecting.rs"),
            include_str!("refusals.rs"),
            include_str!("seams/certificates.rs"),
            include_str!("seams/close_frames.rs"),
            include_str!("seams/endpoint.rs"),
            include_str!("seams/gaps.rs"),
            include_str!("seams/ends.rs"),
            include_str!("seams/headers.rs"),
            include_str!("seams/lists.rs"),
            include_str!("seams/names.rs"),
            include_str!("seams/neighbours.rs"),
            include_str!("seams/networks.rs"),
            include_str!("seams/nodes.rs"),
            include_str!("seams/proxies.rs"),
            include_str!("seams/refusals.rs"),
            include_str!("seams/renewals.rs"),
            include_str!("seams/shutting_down.rs"),
            include_str!("seams/sizes.rs"),
            include_str!("seams/upgrade.rs"),
            include_str!("signing_in.rs"),
            include_str!("subscribing.rs"),
            include_str!("variables.rs"),
        ];
        // Scenarios are the functions that are generic, by their driver.
        let heads = themes.iter().flat_map(|theme| theme.split("\npub fn ").skip(1));
        let heads = heads.filter_map(|function| function.split_once('(')).map(|(head, _)| head);
        let names: Vec<_> = heads.filter_map(|head| head.split_once('<')).collect();
        assert!(names.len() > 80, "{}", names.len());
        for (name, _) in names {
            let is_listed = list.split([' ', ';', '\n']).any(|word| word == name);
            assert!(is_listed, "{name} is in no list");
        }
    }
}
