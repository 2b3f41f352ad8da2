//! Many clients of several endpoints, and servers that make them dial again and again: they spread, and
//! the dials are bounded whatever the number of endpoints. And what a recording says of them.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::harness::Harness;
use crate::several_endpoints::{dialled, dialling, nodes, refused};
use pushest_proto::{Instant, Loss, Session, trace::Replay};

#[test]
fn clients_spread_over_the_endpoints_and_over_those_that_are_left() {
    const CLIENTS: u64 = 2_000;
    let (mut firsts, mut seconds) = (BTreeMap::new(), BTreeMap::new());
    for seed in 0..CLIENTS {
        let mut harness = Harness::unrecorded(nodes(1));
        let config = nodes(4).build().unwrap();
        harness.session = Session::new(config, seed * 0x9e37_79b9, harness.now);
        harness.session.connect(harness.now);
        harness.drain();
        harness.establish();
        let first = dialled(&harness);
        *firsts.entry(first.clone()).or_insert(0_u32) += 1;
        harness.pass_seconds(11);
        harness.lose(Loss::reset("the node died"));
        harness.wait_for_retry();
        let key = (first, dialled(&harness));
        *seconds.entry(key).or_insert(0_u32) += 1;
    }
    assert_eq!((firsts.len(), seconds.len()), (4, 12));
    assert!(firsts.values().all(|count| (430..570).contains(count)), "{firsts:?}");
    assert!(seconds.values().all(|count| (120..215).contains(count)), "{seconds:?}");
}

/// The most dials within any minute of an hour, by a server that does what `fate` says of each attempt.
fn most_in_a_minute(
    endpoints: usize,
    seed: u64,
    mut fate: impl FnMut(&mut Harness, usize),
) -> usize {
    let mut harness = Harness::unrecorded(nodes(1));
    let config = nodes(endpoints).build().unwrap();
    harness.session = Session::new(config, seed, harness.now);
    harness.session.connect(harness.now);
    harness.drain();
    let end = harness.now + Duration::from_secs(3_600);
    let mut dials: Vec<Instant> = Vec::new();
    while harness.now < end {
        dials.push(harness.now);
        fate(&mut harness, dials.len());
        harness.actions.clear();
        let pause = harness.wait_for_retry();
        assert!(pause > Duration::ZERO);
    }
    let within = |place: usize| {
        let end = dials[place] + Duration::from_secs(60);
        dials.partition_point(|at| *at < end) - place
    };
    (0..dials.len()).map(within).max().unwrap_or_default()
}

#[test]
fn whatever_servers_do_the_dials_in_a_minute_are_bounded_and_the_list_does_not_raise_the_bound() {
    let refuses = |harness: &mut Harness, _: usize| harness.lose(refused());
    let is_full = |harness: &mut Harness, _: usize| harness.close(4100);
    let calls_back = |harness: &mut Harness, _: usize| harness.close(4200);
    let opens_and_calls_back = |harness: &mut Harness, _: usize| {
        harness.establish();
        harness.close(4201);
    };
    for endpoints in [1, 2, 3, 8, 32] {
        for seed in 0..3 {
            let most = [
                most_in_a_minute(endpoints, seed, refuses),
                most_in_a_minute(endpoints, seed, is_full),
                most_in_a_minute(endpoints, seed, calls_back),
                most_in_a_minute(endpoints, seed, opens_and_calls_back),
                // The worst: one node lets the client in for as long as it takes to count as stable.
                most_in_a_minute(endpoints, seed, |harness, number| {
                    if number % (endpoints + 3) == 0 {
                        harness.establish();
                        harness.pass_seconds(10);
                    }
                    harness.close(4200);
                }),
            ];
            assert!(most.iter().all(|count| *count < 120), "{endpoints} endpoints: {most:?}");
            // Where nothing is stable, one pass is all that the list adds.
            assert!(
                most[..2].iter().all(|count| *count <= endpoints + 16),
                "{endpoints}: {most:?}"
            );
        }
    }
}

#[test]
fn a_recording_of_several_endpoints_has_them_all_and_one_of_one_has_nothing_more() {
    let one = dialling(nodes(1), 1).recording();
    assert!(!one.contains("other_endpoints"), "{one}");
    let mut harness = dialling(nodes(3), 1);
    for _ in 0..7 {
        harness.lose(refused());
        harness.wait_for_retry();
    }
    let several = harness.recording();
    let header = several.lines().next().unwrap();
    let others = r#""host":"node-1","port":6001"#;
    assert!(header.contains("other_endpoints") && header.contains(others), "{header}");
    assert_eq!(Replay::new(&several).unwrap().session().config().endpoints().len(), 3);
    Replay::new(&several).unwrap().finish().unwrap();
    // What breaks the rules of a list is no recording of ours.
    let twice = several.replace(r#""host":"node-2""#, r#""host":"NODE-1.""#);
    let error = Replay::new(&twice).unwrap_err().to_string();
    assert!(error.contains("twice"), "{error}");
    let (start, rest) = header.split_once(r#""other_endpoints":["#).unwrap();
    let many: Vec<String> = (0..40)
        .map(|it| {
            format!(
                r#"{{"host":"h{it}","port":1,"path":"","tls":false,"own_port":true,"hosted":false}}"#
            )
        })
        .collect();
    let long = format!("{start}\"other_endpoints\":[{},{rest}\n", many.join(","));
    let error = Replay::new(&long).unwrap_err().to_string();
    assert!(error.contains("more than 32"), "{error}");
}
