//! A configuration from the environment of a process.
#![cfg(unix)]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::process::Command;

use pushest_driver::config_from_env;

/// Says to the test that it runs in the process that it has started.
const CHILD: &str = "PUSHEST_TEST_OF_THE_ENVIRONMENT";

/// The name of the test below, which runs itself in the process that it starts.
const NAME: &str = "a_variable_that_is_not_utf8_is_named_and_not_taken_for_one_that_is_not_set";

#[test]
fn a_variable_that_is_not_utf8_is_named_and_not_taken_for_one_that_is_not_set() {
    if std::env::var_os(CHILD).is_some() {
        let error = config_from_env().expect_err("the secret cannot be read");
        assert_eq!(error.to_string(), "PUSHER_APP_SECRET is not UTF-8");
        return;
    }
    let test = std::env::current_exe().expect("it runs");
    let output = Command::new(test)
        .args(["--exact", NAME])
        .env_remove("PUSHER_URL")
        .env("PUSHER_APP_KEY", "app-key")
        .env("PUSHER_APP_SECRET", OsStr::from_bytes(b"sec\xffret"))
        .env(CHILD, "yes")
        .output()
        .expect("it starts");
    let text = String::from_utf8_lossy(&output.stdout);
    // A name that no test has would run none, and succeed.
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}
