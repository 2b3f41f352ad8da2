//! Networks that change: each test has a network namespace of its own, with two ways to a server in
//! another one, and takes them away.
//!
//! ```text
//!            e1 10.1.0.2 ─────── 10.1.0.1 s1
//!   client                                    server 10.99.0.1, fd00:99::1
//!            e2 10.2.0.2 ─────── 10.2.0.1 s2
//! ```
//!
//! `.ci/networks` runs them. They need `ip`, `ss`, `unshare` and `nsenter`, and fail where they are run in a
//! namespace that is in use.

use std::fs;
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use pushest_driver::Options;
use pushest_driver::proto::{
    BackoffConfig, Config, ConfigBuilder, ConnectionState, Event, Loss, SocketId, Timeouts,
};
use pushest_testkit::{Server, UpgradeFault};

use crate::Waits;

/// Makes the tests of a client, whose [`Waits`](trait@crate::Waits) this takes.
#[macro_export]
macro_rules! networks {
    (@ ($waits:ty) $($scenario:ident)*) => {$(
        #[test]
        fn $scenario() {
            $crate::networks::$scenario::<$waits>();
        }
    )*};
    ($waits:ty) => {
        $crate::networks! { @ ($waits)
            a_connection_whose_address_is_gone_is_back_on_another_within_two_seconds
            a_connection_whose_ipv6_address_is_gone_is_back_on_another_within_two_seconds
            a_connection_whose_interface_is_gone_is_back_on_another_within_two_seconds
            a_connection_whose_address_is_replaced_is_back_on_the_new_one_within_two_seconds
            a_path_that_died_is_replaced_by_another_within_eight_seconds
            a_path_whose_interface_was_switched_off_is_replaced_within_eight_seconds
            the_only_path_that_died_is_told_within_eight_seconds_and_found_again
            a_connection_survives_an_interface_that_stops_for_a_moment
            what_happens_to_other_networks_costs_a_connection_nothing
            a_path_that_comes_ends_a_long_pause
            other_networks_that_change_all_the_time_do_not_defeat_backoff
            without_the_option_nothing_is_watched
            clients_that_watched_leave_no_thread_and_no_descriptor
        }
    };
}

/// The time of one look, and of what a busy machine needs for it.
const STEP: Duration = Duration::from_millis(5);

const SECOND: Duration = Duration::from_secs(1);

/// Two namespaces, with the server in the other one.
#[doc(hidden)]
#[derive(Debug)]
pub struct Networks {
    pub server: Server,
    /// Keeps the other one.
    holder: Child,
}

impl Networks {
    /// Makes them.
    ///
    /// # Panics
    /// In a namespace that is in use.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it changes the system")]
    pub fn new() -> Self {
        let variable = "PUSHEST_TEST_NETWORK";
        assert!(
            std::env::var_os(variable).is_some() && !ip("link show dev lo up").contains("lo:"),
            "this changes interfaces, and is for a namespace of its own: run .ci/networks"
        );
        let holder =
            Command::new("unshare").args(["-n", "sleep", "300"]).stdin(Stdio::null()).spawn();
        let holder = holder.expect("unshare is there");
        let other = format!("/proc/{}/ns/net", holder.id());
        let namespace = |path: &str| fs::read_link(path).ok();
        let own = namespace("/proc/self/ns/net").expect("Linux has it");
        eventually("another namespace", || namespace(&other).is_some_and(|other| other != own));
        let id = holder.id();
        ip("link set lo up");
        for number in [1, 2] {
            ip(&format!("link add e{number} type veth peer name s{number} netns {id}"));
            ip(&format!("addr add 10.{number}.0.2/24 dev e{number}"));
            ip(&format!("addr add fd00:{number}::2/64 dev e{number} nodad"));
            ip(&format!("link set e{number} up"));
        }
        let mut commands = vec!["link set lo up".to_string()];
        commands
            .extend(["10.99.0.1/32", "fd00:99::1/128"].map(|it| format!("addr add {it} dev lo")));
        for number in [1, 2] {
            commands.push(format!("addr add 10.{number}.0.1/24 dev s{number}"));
            commands.push(format!("addr add fd00:{number}::1/64 dev s{number} nodad"));
            commands.push(format!("link set s{number} up"));
        }
        for command in &commands {
            at_server(&holder, command);
        }
        for number in [1, 2] {
            routes(number);
        }
        let server = server_in(&other);
        Self { server, holder }
    }

    fn config(&self, host: &str) -> ConfigBuilder {
        let app = self.server.app();
        Config::builder(&app.key).secret(app.secret()).host(host).port(self.server.port())
    }

    /// Changes something on the server's side.
    fn at_server(&self, command: &str) {
        at_server(&self.holder, command);
    }
}

impl Drop for Networks {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

/// The ways to the server by one of the interfaces; those of the first one are preferred.
fn routes(number: u8) {
    ip(&format!("route add 10.99.0.1 via 10.{number}.0.1 metric {number}0"));
    ip(&format!("-6 route add fd00:99::1 via fd00:{number}::1 metric {number}0"));
}

/// Starts a server in a namespace: its thread is where the one was that started it.
fn server_in(namespace: &str) -> Server {
    let namespace = fs::File::open(namespace).expect("it is there");
    let (sender, receiver) = mpsc::channel();
    let starting = thread::spawn(move || {
        rustix::thread::move_into_link_name_space(namespace.as_fd(), None).expect("it may");
        let unspecified = std::net::Ipv6Addr::UNSPECIFIED;
        let server = Server::builder().host(unspecified).record(true).start();
        sender.send(server.expect("a server")).expect("it is waited for");
    });
    starting.join().expect("it starts");
    receiver.recv().expect("it was started")
}

fn at_server(holder: &Child, command: &str) {
    run("nsenter", &format!("-t {} -n ip {command}", holder.id()));
}

#[doc(hidden)]
pub fn ip(command: &str) -> String {
    run("ip", command)
}

fn run(program: &str, arguments: &str) -> String {
    let output = Command::new(program).args(arguments.split(' ')).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments}: {said} {complained}");
    said
}

fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + 20 * SECOND;
    while !is_so() {
        assert!(Instant::now() < deadline, "waited for {what}");
        thread::sleep(STEP);
    }
}

/// Lets the client go on until something is the case. Returns how long it took.
#[track_caller]
fn within<W: Waits>(
    client: &mut W,
    limit: Duration,
    what: &str,
    is_so: impl Fn(&W) -> bool,
) -> Duration {
    let begun = Instant::now();
    while !is_so(client) {
        let status = client.commands().status();
        assert!(begun.elapsed() <= limit, "no {what} within {limit:?}: {status:?}");
        client.sleep(STEP);
    }
    begun.elapsed()
}

/// Returns a client that watches, before it connects.
fn watching<W: Waits>(config: ConfigBuilder) -> W {
    let options = Options::default().watch_network(true).start_disconnected();
    let client = W::start(config.build().expect("valid"), options);
    client.commands().connect();
    client
}

/// Returns a client that is subscribed, and asleep.
fn subscribed<W: Waits>(config: ConfigBuilder) -> (W, SocketId) {
    let mut client: W = watching(config);
    client.subscribe("news", &Default::default()).expect("a good channel");
    client.subscribed("news", 20 * SECOND).expect("subscribed");
    let socket_id = client.connected(SECOND).expect("connected");
    // What the kernel tells of interfaces that are new must be over.
    client.sleep(SECOND);
    (client, socket_id)
}

fn state<W: Waits>(client: &W) -> ConnectionState {
    client.commands().status().state
}

fn last_loss<W: Waits>(client: &W) -> Option<Loss> {
    client.commands().status().last_loss.map(|loss| (*loss).clone())
}

/// Returns whether a client has a connection from this address.
#[doc(hidden)]
#[must_use]
pub fn is_from(address: &str) -> bool {
    run("ss", "-tnH state established").contains(&format!("{address}:"))
}

fn pings(networks: &Networks) -> usize {
    networks.server.received().iter().filter(|text| text.contains("pusher:ping")).count()
}

/// The connection is given up, and there is another one within two seconds, which hears of the gap.
#[track_caller]
fn is_back<W: Waits>(client: &mut W, before: &SocketId, address: &str) {
    within(client, 2 * SECOND, "other connection", |client| {
        client.commands().status().socket_id.is_some_and(|now| now != *before)
    });
    assert_eq!(last_loss(client), Some(Loss::AddressGone));
    assert!(is_from(address), "{}", run("ss", "-tnH"));
    let deadline = Instant::now() + 20 * SECOND;
    loop {
        assert!(Instant::now() < deadline, "it is told of no gap");
        if let Ok(Some(Event::Gap { cause, .. })) = client.recv(SECOND) {
            assert_eq!(*cause, Loss::AddressGone);
            return;
        }
    }
}

#[doc(hidden)]
pub fn a_connection_whose_address_is_gone_is_back_on_another_within_two_seconds<W: Waits>() {
    let networks = Networks::new();
    let (mut client, socket_id) = subscribed::<W>(networks.config("10.99.0.1"));
    assert!(is_from("10.1.0.2"));
    ip("addr del 10.1.0.2/24 dev e1");
    is_back(&mut client, &socket_id, "10.2.0.2");
}

#[doc(hidden)]
pub fn a_connection_whose_ipv6_address_is_gone_is_back_on_another_within_two_seconds<W: Waits>() {
    let networks = Networks::new();
    let (mut client, socket_id) = subscribed::<W>(networks.config("fd00:99::1"));
    assert!(is_from("[fd00:1::2]"));
    // The route would be left, without an address of this network to send from.
    ip("-6 route del fd00:99::1 via fd00:1::1");
    ip("addr del fd00:1::2/64 dev e1");
    is_back(&mut client, &socket_id, "[fd00:2::2]");
}

#[doc(hidden)]
pub fn a_connection_whose_interface_is_gone_is_back_on_another_within_two_seconds<W: Waits>() {
    let networks = Networks::new();
    let (mut client, socket_id) = subscribed::<W>(networks.config("10.99.0.1"));
    ip("link del e1");
    is_back(&mut client, &socket_id, "10.2.0.2");
}

#[doc(hidden)]
pub fn a_connection_whose_address_is_replaced_is_back_on_the_new_one_within_two_seconds<
    W: Waits,
>() {
    let networks = Networks::new();
    let (mut client, socket_id) = subscribed::<W>(networks.config("10.99.0.1"));
    ip("addr del 10.1.0.2/24 dev e1");
    ip("addr add 10.1.0.7/24 dev e1");
    ip("route add 10.99.0.1 via 10.1.0.1 metric 10");
    is_back(&mut client, &socket_id, "10.1.0.7");
}

/// The connection's pong is missed, and there is another one from this address, within eight seconds.
#[track_caller]
fn is_replaced<W: Waits>(client: &mut W, before: &SocketId, address: &str) {
    within(client, 8 * SECOND, "other connection", |client| {
        client.commands().status().socket_id.is_some_and(|now| now != *before)
    });
    assert_eq!(last_loss(client), Some(Loss::PongTimeout));
    assert!(is_from(address), "{}", run("ss", "-tnH"));
}

#[doc(hidden)]
pub fn a_path_that_died_is_replaced_by_another_within_eight_seconds<W: Waits>() {
    let networks = Networks::new();
    let (mut client, socket_id) = subscribed::<W>(networks.config("10.99.0.1"));
    // Somebody pulls the cable, and a network manager takes the route away.
    networks.at_server("link set s1 down");
    ip("route del 10.99.0.1 via 10.1.0.1");
    is_replaced(&mut client, &socket_id, "10.2.0.2");
    assert!(run("ip", "addr show dev e1").contains("10.1.0.2/24"), "its address stays");
}

#[doc(hidden)]
pub fn a_path_whose_interface_was_switched_off_is_replaced_within_eight_seconds<W: Waits>() {
    let networks = Networks::new();
    let (mut client, socket_id) = subscribed::<W>(networks.config("10.99.0.1"));
    ip("link set e1 down");
    is_replaced(&mut client, &socket_id, "10.2.0.2");
    assert!(run("ip", "addr show dev e1").contains("10.1.0.2/24"), "its address stays");
}

#[doc(hidden)]
pub fn the_only_path_that_died_is_told_within_eight_seconds_and_found_again<W: Waits>() {
    let networks = Networks::new();
    ip("link del e2");
    let hour = BackoffConfig::schedule([3_600 * SECOND]);
    let (mut client, _) = subscribed::<W>(networks.config("10.99.0.1").backoff(hour));
    networks.at_server("link set s1 down");
    within(&mut client, 8 * SECOND, "loss", |client| state(client) != ConnectionState::Connected);
    assert_eq!(last_loss(&client), Some(Loss::PongTimeout));
    // The next attempt, which comes at once, meets the same. Whatever becomes of it, the way that comes
    // ends it.
    client.sleep(SECOND);
    networks.at_server("link set s1 up");
    within(&mut client, 8 * SECOND, "connection", |it| state(it) == ConnectionState::Connected);
}

#[doc(hidden)]
pub fn a_connection_survives_an_interface_that_stops_for_a_moment<W: Waits>() {
    let networks = Networks::new();
    let (mut client, socket_id) = subscribed::<W>(networks.config("10.99.0.1"));
    let before = pings(&networks);
    networks.at_server("link set s1 down");
    // The kernel tells of a carrier that is lost after up to a second, if it is lost still.
    client.sleep(3 * SECOND / 2);
    networks.at_server("link set s1 up");
    within(&mut client, 5 * SECOND, "ping", |_| pings(&networks) > before);
    client.flush(5 * SECOND).expect("it is alive");
    client.sleep(SECOND);
    assert_eq!(client.connected(SECOND).expect("connected"), socket_id);
    assert_eq!(client.commands().statistics().losses, 0);
}

#[doc(hidden)]
pub fn what_happens_to_other_networks_costs_a_connection_nothing<W: Waits>() {
    let networks = Networks::new();
    let (mut client, socket_id) = subscribed::<W>(networks.config("10.99.0.1"));
    let before = pings(&networks);
    for round in 0..10 {
        change_others(round);
        client.sleep(20 * STEP);
    }
    ip("addr del 10.2.0.2/24 dev e2");
    client.sleep(SECOND);
    ip("link del e2");
    client.sleep(SECOND);
    client.flush(5 * SECOND).expect("it is alive");
    assert_eq!(client.connected(SECOND).expect("connected"), socket_id);
    let flushed = 1;
    assert_eq!(pings(&networks) - before, flushed, "not one ping for what does not concern it");
    assert_eq!(client.commands().statistics().losses, 0);
}

/// Somebody starts a container, and stops it again.
fn change_others(round: usize) {
    ip(&format!("link add d{round} type veth peer name p{round}"));
    ip(&format!("link set p{round} up"));
    ip(&format!("addr add 10.7.{round}.1/24 dev d{round}"));
    ip(&format!("addr add fd00:7:{round}::1/64 dev d{round} nodad"));
    ip(&format!("link set d{round} up"));
    ip(&format!("route add 10.8.{round}.0/24 via 10.7.{round}.9"));
    ip(&format!("link set d{round} down"));
    ip(&format!("link del d{round}"));
}

#[doc(hidden)]
pub fn a_path_that_comes_ends_a_long_pause<W: Waits>() {
    let networks = Networks::new();
    ip("link set e2 down");
    ip("link set e1 down");
    let hour = BackoffConfig::schedule([3_600 * SECOND]);
    let mut client: W = watching(networks.config("10.99.0.1").backoff(hour));
    within(&mut client, 5 * SECOND, "failed dial", |it| state(it) == ConnectionState::Waiting);
    client.sleep(SECOND);
    assert_eq!(state(&client), ConnectionState::Waiting);
    ip("link set e2 up");
    ip("route add 10.99.0.1 via 10.2.0.1 metric 20");
    within(&mut client, 3 * SECOND, "connection", |it| state(it) == ConnectionState::Connected);
    assert!(is_from("10.2.0.2"));
}

#[doc(hidden)]
pub fn other_networks_that_change_all_the_time_do_not_defeat_backoff<W: Waits>() {
    let networks = Networks::new();
    networks.server.fault_upgrades(usize::MAX, UpgradeFault::status(500, &[]));
    let hour = BackoffConfig::schedule([3_600 * SECOND]);
    let mut client: W = watching(networks.config("10.99.0.1").backoff(hour));
    let begun = Instant::now();
    for round in 0.. {
        change_others(round % 200);
        client.sleep(STEP);
        if begun.elapsed() > 6 * SECOND {
            break;
        }
    }
    let dials = client.commands().statistics().dials;
    assert!((2..=4).contains(&dials), "{dials} dials: the first one, and three that are hastened");
}

#[doc(hidden)]
pub fn without_the_option_nothing_is_watched<W: Waits>() {
    let networks = Networks::new();
    let config = networks.config("10.99.0.1").timeouts(Timeouts::default());
    let options = Options::default().start_disconnected();
    let mut client = W::start(config.build().expect("valid"), options);
    client.commands().connect();
    client.connected(20 * SECOND).expect("connected");
    assert!(!threads().contains(&"pushest-network".to_string()));
    ip("addr del 10.1.0.2/24 dev e1");
    client.sleep(SECOND);
    assert_eq!(state(&client), ConnectionState::Connected);
    assert_eq!(client.commands().statistics().losses, 0);
}

#[doc(hidden)]
pub fn clients_that_watched_leave_no_thread_and_no_descriptor<W: Waits>() {
    let networks = Networks::new();
    let is_watched = || threads().iter().any(|name| name == "pushest-network");
    let descriptors = || fs::read_dir("/proc/self/fd").expect("Linux has it").count();
    let (mut first, _) = subscribed::<W>(networks.config("10.99.0.1"));
    let with_one = descriptors();
    let (second, _) = subscribed::<W>(networks.config("10.99.0.1"));
    let names = threads();
    let watchers = names.iter().filter(|name| *name == "pushest-network").count();
    assert_eq!(watchers, 1, "{names:?}");
    drop(second);
    eventually("the second one's descriptors", || descriptors() <= with_one);
    // The first one is still told.
    let socket_id = first.connected(SECOND).expect("connected");
    ip("addr del 10.1.0.2/24 dev e1");
    is_back(&mut first, &socket_id, "10.2.0.2");
    drop(first);
    eventually("the end of the thread", || !is_watched());
}

/// Returns the names of the process's threads, of which Linux keeps 15 characters.
fn threads() -> Vec<String> {
    let tasks = fs::read_dir("/proc/self/task").expect("Linux has it");
    let names =
        tasks.flatten().filter_map(|task| fs::read_to_string(task.path().join("comm")).ok());
    names.map(|name| name.trim().to_string()).collect()
}
