//! The scenarios against a real server, which `PUSHEST_TEST_URL` names. Its app is `app-id`.

mod common;

use common::Target;

fn target() -> (Target, ()) {
    let url = std::env::var("PUSHEST_TEST_URL").unwrap_or_else(|_| {
        panic!(
            "the feature `real-server` needs PUSHEST_TEST_URL, such as \
             pusher://app-key:app-secret@127.0.0.1:6001"
        )
    });
    (Target::from_url(&url), ())
}

scenarios!(target);
