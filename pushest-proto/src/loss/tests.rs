//! Which loss decides what.

use super::*;

#[test]
fn close_codes_decide() {
    let policy = |code: Option<u16>, tls| {
        let policy = Loss::closed(code, "").policy(tls, false, false);
        if let Some(code) = code {
            let refused = Loss::Refused { code, message: "".into() };
            assert_eq!(refused.policy(tls, false, false), policy, "an error decides alike");
        }
        policy
    };
    assert_eq!(policy(Some(4000), false), Policy::SwitchToTls);
    assert_eq!(policy(Some(4000), true), Policy::Stop);
    for tls in [false, true] {
        let later = Loss::closed(Some(4000), "").policy(tls, true, false);
        assert_eq!(later, Policy::BackOff(Duration::ZERO));
    }
    for code in [4001, 4003, 4004, 4005, 4006, 4007, 4008, 4009] {
        assert_eq!(policy(Some(code), false), Policy::Stop, "{code}");
    }
    for code in [4100, 4199] {
        assert_eq!(policy(Some(code), false), Policy::BackOff(OVER_CAPACITY_PAUSE));
    }
    for code in [4200, 4201, 4202, 4299] {
        assert_eq!(policy(Some(code), false), Policy::Immediately);
    }
    for code in [1000, 1001, 1006, 1011, 3999, 4300, 4301, 4999] {
        assert_eq!(policy(Some(code), false), Policy::BackOff(Duration::ZERO), "{code}");
    }
    assert_eq!(policy(None, false), Policy::BackOff(Duration::ZERO));
}

#[test]
fn the_code_of_a_broken_close_frame_decides_as_that_of_a_whole_one() {
    for code in [None, Some(0), Some(1005), Some(4000), Some(4001), Some(4100), Some(4200)] {
        for tls in [false, true] {
            for established in [false, true] {
                let policy = |loss: Loss| loss.policy(tls, established, false);
                let whole = policy(Loss::closed(code, ""));
                assert_eq!(policy(Loss::bad_close(code, "cut off")), whole, "{code:?}");
            }
        }
    }
}

#[test]
fn http_answers_decide() {
    let http = |status, retry_after: Option<u64>| {
        let retry_after = retry_after.map(Duration::from_secs);
        let body = "".into();
        Loss::Dial(DialFailure::Http { status, retry_after, location: None, body })
    };
    let wait = |seconds| Policy::BackOff(Duration::from_secs(seconds));
    assert_eq!(http(429, Some(7)).policy(true, false, true), wait(7));
    assert_eq!(http(503, Some(7)).policy(true, false, true), wait(7));
    assert_eq!(http(503, None).policy(true, false, true), Policy::BackOff(Duration::ZERO));
    let hour = Duration::from_secs(3_600);
    let limited = |seconds| http(503, Some(seconds)).with_retry_after_up_to(hour);
    assert_eq!(limited(u64::MAX).policy(true, false, false), wait(3_600));
    assert_eq!(limited(3_599).policy(true, false, false), wait(3_599));
    for status in [301, 401, 403, 404, 418] {
        assert_eq!(http(status, None).policy(true, false, false), Policy::BackOff(Duration::ZERO));
        assert_eq!(http(status, None).policy(true, false, true), Policy::Stop);
    }
    assert_eq!(http(500, None).policy(true, false, true), Policy::BackOff(Duration::ZERO));
}

#[test]
fn only_refusals_stop_a_client_that_was_told_to_stop_on_them() {
    let stops =
        |failure: DialFailure| Loss::Dial(failure).policy(true, false, true) == Policy::Stop;
    assert!(stops(DialFailure::Dns("no such host".into())));
    assert!(stops(DialFailure::Tls { certificate: true, detail: "expired".into() }));
    assert!(stops(DialFailure::Unsupported("no TLS".into())));
    assert!(!stops(DialFailure::Tls { certificate: false, detail: "reset".into() }));
    assert!(!stops(DialFailure::Connect("refused".into())));
    assert!(!stops(DialFailure::Upgrade("reset".into())));
    assert!(!stops(DialFailure::Headers("no token".into())));
    assert!(!stops(DialFailure::Timeout));
}
