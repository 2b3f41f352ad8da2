//! What remains of clients in the whole process: no thread, no file descriptor. Such a scenario
//! needs a process of its own, and Linux, which tells.

use std::process::Command;
use std::time::Duration;

use super::driver::{Driver, DriverClient, Overflow, Settings};
use super::in_process;
use super::patience::{Expect, PATIENCE, connected, eventually, started, started_with};
use crate::UpgradeFault;

/// Says to the second process which test it is there for.
const VARIABLE: &str = "PUSHEST_CONFORMANCE_ALONE";

/// Runs the test of this name, with its path from the crate on, in a process of its own.
///
/// # Panics
/// If the test fails there.
pub fn run(path: &str, scenario: fn()) {
    if std::env::var(VARIABLE).is_ok_and(|name| name == path) {
        return scenario();
    }
    let (_, name) = path.split_once("::").expect("a path begins with the crate");
    let program = std::env::current_exe().expect("a test is a program");
    let arguments = [name, "--exact", "--nocapture", "--test-threads=1"];
    let output = Command::new(program).args(arguments).env(VARIABLE, path).output();
    let output = output.expect("it can be started again");
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{complained}");
    // A test that is not found does not fail.
    assert!(said.contains("1 passed"), "{said}\n{complained}");
}

/// Makes a client and gets rid of it: once to warm up, so that a runtime has its threads, and then
/// ten times more.
fn leaves_nothing(mut come_and_go: impl FnMut()) {
    come_and_go();
    std::thread::sleep(Duration::from_millis(50));
    let before = held();
    for _ in 0..10 {
        come_and_go();
    }
    let mut after = held();
    eventually("threads and descriptors to be gone", || {
        after = held();
        if !is_within(after, before) {
            eprintln!("threads and descriptors: {before:?} before, {after:?} after");
        }
        is_within(after, before)
    });
}

/// How many threads the process has, and how many file descriptors.
fn held() -> (usize, usize) {
    let count = |path| std::fs::read_dir(path).expect("Linux has it").count();
    (count("/proc/self/task"), count("/proc/self/fd"))
}

fn is_within(after: (usize, usize), before: (usize, usize)) -> bool {
    after.0 <= before.0 && after.1 <= before.1
}

pub fn clients_that_were_connected_leave_nothing<D: Driver>() {
    let (remote, server) = in_process();
    leaves_nothing(|| {
        let mut client = connected::<D>(remote.config());
        client.must_subscribe("private-orders");
        drop(client);
        eventually("the connection to be closed", || server.connections() == 0);
    });
}

pub fn clients_that_were_shut_down_leave_nothing<D: Driver>() {
    let (remote, server) = in_process();
    leaves_nothing(|| {
        let mut client = connected::<D>(remote.config());
        client.shutdown(PATIENCE).expect("closed");
        eventually("the connection to be closed", || server.connections() == 0);
    });
}

pub fn clients_that_dial_leave_nothing<D: Driver>() {
    let (remote, server) = in_process();
    server.fault_upgrades(usize::MAX, UpgradeFault::Ignore);
    let mut upgrades = 0;
    leaves_nothing(|| {
        let mut client = started::<D>(remote.config());
        upgrades += 1;
        client.until("the dial", |_| server.inspect(|view| view.upgrades) == upgrades);
    });
}

pub fn clients_that_wait_for_their_receiver_leave_nothing<D: Driver>() {
    let (remote, server) = in_process();
    leaves_nothing(|| {
        let settings =
            Settings { queue_events: 10, overflow: Overflow::Wait, ..Settings::default() };
        let mut client = started_with::<D>(remote.config(), settings);
        client.must_subscribe("news");
        for _ in 0..200 {
            server.publish("news", "number", "");
        }
        client.sleep(Duration::from_millis(10));
        drop(client);
        eventually("the connection to be closed", || server.connections() == 0);
    });
}
