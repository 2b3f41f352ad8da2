//! A session that breaks its contract is told where the test ran it, not inside of the testkit.

use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use pushest_proto::{Config, Instant, Session};
use pushest_testkit::World;
use pushest_testkit::protocol::ServerConfig;

#[test]
fn a_broken_contract_is_told_where_the_test_lets_time_pass() {
    let config = || Config::builder("app-key").host("simulated").build().unwrap();
    let world = || {
        let mut world = World::new(ServerConfig::default(), 42);
        world.add_client(config());
        world.run(Duration::from_secs(60));
        world
    };
    /// Begins to connect, and the link is not told.
    fn connect(session: &mut Session, now: Instant) {
        session.connect(now);
        while session.poll_action().is_some() {}
    }

    let mut over = world();
    let mut session = Session::new(config(), 7, Instant::ORIGIN);
    connect(&mut session, Instant::ORIGIN);
    *over.link_mut(0).session_mut() = session;
    let line = line!() + 1;
    let (text, place) = panic_of(move || over.run(Duration::from_secs(1)));
    assert!(text.contains(" is over at "), "{text}");
    assert_eq!(place, (file!().to_owned(), line));

    let mut other = world();
    other.command(0, connect);
    other.command(0, Session::disconnect);
    let line = line!() + 1;
    let (text, place) = panic_of(move || other.run(Duration::from_secs(1)));
    assert!(text.contains("closes another connection"), "{text}");
    assert_eq!(place, (file!().to_owned(), line));
}

/// Returns what a panic says, and the file and the line that it names.
fn panic_of(work: impl FnOnce()) -> (String, (String, u32)) {
    let place = Arc::new(Mutex::new(None));
    let (seen, me) = (place.clone(), thread::current().id());
    let former = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        // Other tests run meanwhile.
        if thread::current().id() == me {
            let found = panic.location().expect("it has one");
            *seen.lock().unwrap() = Some((found.file().to_owned(), found.line()));
        } else {
            former(panic);
        }
    }));
    let panicked = catch_unwind(AssertUnwindSafe(work));
    let _ = panic::take_hook();
    let panic = panicked.expect_err("the contract is broken");
    let text = panic.downcast_ref::<String>().expect("a text").clone();
    let place = place.lock().unwrap().take().expect("the hook was called");
    (text, place)
}
