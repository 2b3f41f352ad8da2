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

#[cfg(feature = "api")]
#[test]
fn what_a_backend_lacks_is_named_by_the_variables_that_were_looked_for() {
    const NAME: &str = "what_a_backend_lacks_is_named_by_the_variables_that_were_looked_for";
    if std::env::var_os(CHILD).is_some() {
        let app = pushest_driver::__of_environment(pushest_driver::api::App::new);
        let text = "no app id was given: none of the variables PUSHER_URL, PUSHER_APP_ID is set";
        assert_eq!(app.expect_err("there is no id").to_string(), text);
        return;
    }
    let mut command = Command::new(std::env::current_exe().expect("it runs"));
    for name in ["PUSHER_URL", "PUSHER_APP_ID", "PUSHER_HOST", "PUSHER_PORT", "PUSHER_SCHEME"] {
        command.env_remove(name);
    }
    command.args(["--exact", NAME]).env("PUSHER_APP_KEY", "app-key").env(CHILD, "yes");
    let output = command.env("PUSHER_APP_SECRET", "app-secret").output().expect("it starts");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}
