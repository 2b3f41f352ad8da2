//! What remains of clients in the whole process: no thread, no file descriptor. Such a scenario
//! needs a process of its own, and Linux, which tells.

use std::process::Command;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use pushest_proto::{
    AuthEndpoint, BackoffConfig, Config, ConnectionState, DialFailure, Loss, Timeouts,
};

use super::connecting::DeadAddress;
use super::driver::{Driver, DriverClient, Overflow, Settings};
use super::in_process;
use super::patience::{Expect, PATIENCE, connected, eventually, started, started_with};
use crate::{AuthorizationEndpoint, Reply, Target, UpgradeFault};

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

/// How many clients come and go: many more than one holds threads or descriptors.
const CLIENTS: usize = 20;

/// Makes a client and gets rid of it, again and again.
///
/// In the end there must be no more than the least that was there after any of them, the first of
/// which has given a runtime its threads. The caller need not know when a count has settled: one
/// that was taken while something was still on its way out is too high by what one client holds,
/// and clients that each leave something behind leave more than that.
fn leaves_nothing(mut come_and_go: impl FnMut()) {
    let (mut threads, mut descriptors) = (usize::MAX, usize::MAX);
    for _ in 0..CLIENTS {
        come_and_go();
        let held = held();
        (threads, descriptors) = (threads.min(held.0), descriptors.min(held.1));
    }
    eventually("threads and descriptors to be gone", || {
        let held = held();
        let is_gone = held.0 <= threads && held.1 <= descriptors;
        if !is_gone {
            eprintln!("{held:?} threads and descriptors, once {:?}", (threads, descriptors));
        }
        is_gone
    });
}

/// Returns how many threads the process has, and how many file descriptors.
fn held() -> (usize, usize) {
    let count = |path| std::fs::read_dir(path).expect("Linux has it").count();
    (count("/proc/self/task"), count("/proc/self/fd"))
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
        let settings = Settings::default().queue_events(10).overflow(Overflow::Wait);
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

/// Returns how many threads of this name there are.
fn threads(name: &str) -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux has it");
    // One may end while they are listed.
    let names = tasks.flatten().map(|task| std::fs::read_to_string(task.path().join("comm")));
    names.flatten().filter(|found| found.trim_end() == name).count()
}

/// The bound on threads for requests to endpoints, and on those for names.
const MOST_THREADS: usize = 8;

pub fn endpoints_that_hang_hold_at_most_eight_threads_and_no_other_endpoint<D: Driver>() {
    let (remote, server) = in_process();
    let hangs = AuthorizationEndpoint::start_with(server.app(), |_| Reply::silence());
    let hangs = hangs.expect("an endpoint");
    let grants = AuthorizationEndpoint::start(server.app()).expect("an endpoint");
    let asking = |app: &AuthorizationEndpoint| {
        let endpoint = Some(AuthEndpoint::new(&app.url("/")));
        // No request that hangs ends by itself meanwhile.
        let timeouts = Timeouts::default().authorization(10 * PATIENCE);
        let config = remote.builder().timeouts(timeouts).build().expect("valid");
        started_with::<D>(config, Settings::default().endpoint(endpoint))
    };
    let mut clients: Vec<_> = (0..12).map(|_| asking(&hangs)).collect();
    for client in &mut clients {
        client.must_connect();
        (0..8).for_each(|number| client.want(&format!("private-{number}")));
        client.sleep(Duration::from_millis(20));
        assert!(threads("pushest-http") <= MOST_THREADS);
    }
    eventually("as many requests as there may be", || hangs.requests().len() >= 6);
    let mut other = asking(&grants);
    (0..20).for_each(|number| other.must_subscribe(&format!("private-{number}")));
    assert!(threads("pushest-http") <= MOST_THREADS);
    assert_eq!(hangs.requests().len(), 6, "none of them ended, and two threads are for others");
    // What waits for a thread is given up with its client, and what runs ends with it.
    drop(clients);
    other.must_flush();
    drop(other);
    eventually("the threads to be gone", || threads("pushest-http") == 0);
}

pub fn a_client_that_goes_takes_its_request_to_a_silent_endpoint_along<D: Driver>() {
    let (remote, _server) = in_process();
    let silent = DeadAddress::new();
    let endpoint = Some(AuthEndpoint::new(&format!("http://{}/", silent.address)));
    let timeouts = Timeouts::default().authorization(10 * PATIENCE);
    let config = remote.builder().timeouts(timeouts).build().expect("valid");
    let mut client = started_with::<D>(config, Settings::default().endpoint(endpoint));
    client.must_connect();
    client.want("private-orders");
    client.until("the request", |_| threads("pushest-http") == 1);
    drop(client);
    eventually("the thread to be gone", || threads("pushest-http") == 0);
}

pub fn names_are_resolved_on_at_most_eight_threads<D: Driver>() {
    let mut clients: Vec<_> = (0..24)
        .map(|number| {
            let host = format!("no-such-host-{number}.invalid");
            started::<D>(Config::builder("key").host(&host).build().expect("valid"))
        })
        .collect();
    let mut seen = 0;
    for client in &mut clients {
        client.sleep(Duration::from_millis(20));
        seen = seen.max(threads("pushest-names"));
        assert!(seen <= MOST_THREADS, "{seen}");
    }
    assert!(seen > 0);
    drop(clients);
    eventually("the threads to be gone", || threads("pushest-names") == 0);
}

pub fn what_provides_headers_and_hangs_holds_two_threads_however_often_it_is_dialled<D: Driver>() {
    let (remote, _server) = in_process();
    let timeouts = Timeouts::default().dial(Duration::from_millis(100));
    let config = remote.builder().timeouts(timeouts).build().expect("valid");
    let (release, hangs) = channel::<()>();
    let hangs = Mutex::new(hangs);
    let provider = move || {
        // It ends with the test.
        let _ = hangs.lock().map(|released| released.recv());
        Err("released".to_owned())
    };
    let settings = Settings::default().header_provider(Some(Arc::new(provider)));
    let mut client = started_with::<D>(config, settings);
    for _ in 0..6 {
        let loss = client.next_state(ConnectionState::Waiting).loss.expect("why");
        assert_eq!(*loss, Loss::Dial(DialFailure::Timeout));
        let held = threads("pushest-headers");
        assert!((1..=2).contains(&held), "{held}");
        // The pause is not waited for.
        client.connect();
    }
    drop((client, release));
    eventually("the threads to be gone", || threads("pushest-headers") == 0);
}

/// As long as this lives, the process gets no further file descriptor.
#[cfg(target_os = "linux")]
struct NoDescriptors(rustix::process::Rlimit);

#[cfg(target_os = "linux")]
impl NoDescriptors {
    fn begin() -> Self {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

        let former = getrlimit(Resource::Nofile);
        // The first three are there in any case. Those beyond a limit stay.
        let limit = Rlimit { current: Some(3), maximum: former.maximum };
        setrlimit(Resource::Nofile, limit).expect("a limit may be lowered");
        Self(former)
    }
}

#[cfg(target_os = "linux")]
impl Drop for NoDescriptors {
    fn drop(&mut self) {
        use rustix::process::{Resource, setrlimit};

        setrlimit(Resource::Nofile, self.0).expect("up to the maximum it may be raised");
    }
}

/// Returns the processor time that the process has used, in hundredths of a second.
#[cfg(target_os = "linux")]
fn processor_time() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux has it");
    let (_, fields) = stat.rsplit_once(") ").expect("the name stands in parentheses");
    let times = fields.split(' ').skip(11).take(2);
    times.map(|time| time.parse::<u64>().expect("a number")).sum()
}

#[cfg(target_os = "linux")]
pub fn without_a_free_file_descriptor_dials_fail_visibly_and_are_tried_again_later<D: Driver>() {
    let (remote, server) = in_process();
    let pause = Duration::from_millis(200);
    let backoff = BackoffConfig::schedule([pause]);
    let mut client = connected::<D>(remote.builder().backoff(backoff).build().expect("valid"));
    // The files that the test itself reads are open before.
    let time = processor_time();
    let none = NoDescriptors::begin();
    server.drop_connections(Target::All);
    client.next_state(ConnectionState::Waiting);
    let attempt = client.status().attempt;
    let begun = Instant::now();
    while begun.elapsed() < 10 * pause {
        let change = client.next_state(ConnectionState::Waiting);
        let Some(Loss::Dial(DialFailure::Connect(why))) = change.loss.as_deref() else {
            panic!("{change:?}")
        };
        assert!(why.contains("Too many open files (os error 24)"), "{why}");
        assert!(change.retry_in.is_some_and(|retry_in| retry_in >= pause / 2), "{change:?}");
    }
    let attempts = client.status().attempt - attempt;
    assert!((2..=20).contains(&attempts), "{attempts} attempts within {:?}", begun.elapsed());
    drop(none);
    let used = processor_time() - time;
    assert!(used < 100, "it used the processor for {used} hundredths of a second");
    client.must_connect();
}
