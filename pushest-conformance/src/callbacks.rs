//! What runs code of the user's may call the client from there, whatever it calls: sinks, authorizers,
//! providers of headers, and what becomes of them when they are dropped. The crates of the runtimes
//! say how their clients are called.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use pushest_driver::proto::{Config, ConfigBuilder, ConnectionState, Signer, SubscribeOptions};
use pushest_driver::unstable::Commands;
use pushest_driver::{Authorization, AuthorizationRequest, Options};
use pushest_testkit::{Server, Target};

use crate::Waits;
use crate::receivers::PATIENCE;

const STEP: Duration = Duration::from_millis(5);

/// Calls of a client from within code that the client runs.
pub trait Calls: Send + Sync + 'static {
    /// Calls whatever leaves the client as it is, what waits, too. All of it must return.
    fn look(&self);

    /// Calls what does not wait.
    fn command(&self);

    /// Calls `shutdown`, and waits for it as long as it takes.
    fn shut_down(&self);
}

/// A client that can be called.
pub trait Called: Waits {
    /// Returns the calls; they keep the client alive, where more than one handle can.
    fn calls(&self) -> Arc<dyn Calls>;
}

/// What the commands of every client are called with.
pub fn look_at(commands: &Commands) {
    let state = commands.status().state;
    let _ = commands.trigger("private-chat", "client-hello", &state.to_string());
    let _ = (commands.retry("private-chat"), commands.unsubscribe("nothing-of-this-name"));
    let _ = (commands.members("private-chat"), commands.members_known("private-chat"));
    let _ = (commands.me("private-chat"), commands.channel_state("private-chat"));
    let _ = (commands.snapshot(), commands.health(), commands.channel_statistics("private-chat"));
    let _ = (commands.statistics(), commands.round_trip());
    let _ = (commands.signed_in_user(), format!("{commands:?}"));
}

/// The place where code of the user's finds the calls, once there is a client.
#[derive(Clone, Default)]
struct Place {
    calls: Arc<Mutex<Option<Arc<dyn Calls>>>>,
    looks: Arc<AtomicUsize>,
    /// How often it may still be looked. A recording's sink that looked at each line would bring
    /// about ten lines with each.
    budget: Arc<AtomicUsize>,
}

impl Place {
    fn put(&self, client: &impl Called) {
        *self.calls.lock().expect("nobody panics") = Some(client.calls());
    }

    /// Returns the calls, to be used without any lock of the test's.
    fn get(&self) -> Option<Arc<dyn Calls>> {
        self.calls.lock().expect("nobody panics").clone()
    }

    fn take(&self) -> Option<Arc<dyn Calls>> {
        self.calls.lock().expect("nobody panics").take()
    }

    /// Allows some more looks.
    fn allow(&self) {
        self.budget.store(5, Ordering::SeqCst);
    }

    fn look(&self) {
        self.call(|calls| calls.look());
    }

    fn call(&self, what: impl FnOnce(&dyn Calls)) {
        let less = |budget: usize| budget.checked_sub(1);
        if let Some(calls) = self.get()
            && self.budget.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok()
        {
            what(&*calls);
            self.looks.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn looks(&self) -> usize {
        self.looks.load(Ordering::SeqCst)
    }
}

/// Looks when it is dropped.
struct LooksAtLast(Place);

impl Drop for LooksAtLast {
    fn drop(&mut self) {
        self.0.look();
    }
}

fn builder(server: &Server) -> ConfigBuilder {
    Config::builder(&server.app().key).host("127.0.0.1").port(server.port())
}

fn signing(server: &Server) -> Config {
    builder(server).secret(server.app().secret()).build().expect("valid")
}

/// Lets the client go on until something is the case.
fn until<W: Waits>(client: &mut W, what: &str, is_so: impl Fn(&W) -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so(client) {
        assert!(Instant::now() < deadline, "waited for {what}; {:?}", client.commands().status());
        client.sleep(STEP);
    }
}

fn subscribed<W: Waits>(client: &mut W) {
    client.subscribe("private-chat", &SubscribeOptions::default()).expect("a good channel");
    client.subscribed("private-chat", PATIENCE).expect("subscribed");
}

/// Fails the test if it does not end: what deadlocks cannot say so itself.
#[doc(hidden)]
pub fn bounded(test: fn()) {
    let (done, ends) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        test();
        // A test that no longer waits has failed already.
        let _ = done.send(());
    });
    match ends.recv_timeout(3 * PATIENCE) {
        Err(std::sync::mpsc::RecvTimeoutError::Timeout) => panic!("it never ends"),
        _ => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
    }
}

#[doc(hidden)]
pub fn a_recordings_sink_may_call_its_client<W: Called>() {
    let server = Server::start().expect("a server");
    let place = Place::default();
    let (from_sink, last) = (place.clone(), LooksAtLast(place.clone()));
    let options = Options::default().start_disconnected().record(move |_| {
        let _ = &last;
        from_sink.look();
    });
    let mut client = W::start(signing(&server), options);
    place.put(&client);
    place.allow();
    client.commands().connect();
    client.connected(PATIENCE).expect("connected");
    place.allow();
    subscribed(&mut client);
    place.allow();
    server.publish("private-chat", "hello", "1");
    place.allow();
    server.drop_connections(Target::All);
    until(&mut client, "the loss", |client| client.commands().status().attempt > 1);
    client.connected(PATIENCE).expect("connected again");
    client.subscribed("private-chat", PATIENCE).expect("subscribed again");
    place.allow();
    client.shutdown(PATIENCE).expect("closed");
    assert!(place.looks() >= 10, "{}", place.looks());
    place.take();
}

#[doc(hidden)]
pub fn a_recordings_sink_may_shut_its_client_down<W: Called>() {
    let server = Server::start().expect("a server");
    let (place, is_time) = (Place::default(), Arc::new(AtomicBool::new(false)));
    let (from_sink, asked) = (place.clone(), is_time.clone());
    let options = Options::default().start_disconnected().record(move |_| {
        if asked.swap(false, Ordering::SeqCst)
            && let Some(calls) = from_sink.get()
        {
            calls.shut_down();
        }
    });
    let mut client = W::start(signing(&server), options);
    place.put(&client);
    client.commands().connect();
    client.connected(PATIENCE).expect("connected");
    is_time.store(true, Ordering::SeqCst);
    // Something to record.
    client.commands().network_changed();
    until(&mut client, "the end", |client| {
        client.commands().status().state == ConnectionState::Disconnected
    });
    client.shutdown(PATIENCE).expect("it is over");
    server.wait_for_connections(0, PATIENCE).expect("closed");
    place.take();
}

#[doc(hidden)]
pub fn a_recordings_sink_may_drop_the_last_client<W: Called>() {
    let server = Server::start().expect("a server");
    let (place, is_time) = (Place::default(), Arc::new(AtomicBool::new(false)));
    let (from_sink, asked) = (place.clone(), is_time.clone());
    let options = Options::default().start_disconnected().record(move |_| {
        if asked.load(Ordering::SeqCst) {
            drop(from_sink.take());
        }
    });
    let mut client = W::start(signing(&server), options);
    place.put(&client);
    client.commands().connect();
    client.connected(PATIENCE).expect("connected");
    let commands = client.commands().commands().clone();
    is_time.store(true, Ordering::SeqCst);
    // Leaves the handle of the sink alone, where it is one.
    let begun = Instant::now();
    drop(client);
    // Something to record.
    commands.network_changed();
    server.wait_for_connections(0, PATIENCE).expect("closed");
    assert!(begun.elapsed() < PATIENCE);
}

#[doc(hidden)]
pub fn authorizers_and_providers_of_headers_may_call_their_client<W: Called>() {
    let server = Server::start().expect("a server");
    let signer = Signer::new(&server.app().key, server.app().secret());
    let place = Place::default();
    let (asking, providing) = (place.clone(), place.clone());
    let last = (LooksAtLast(place.clone()), LooksAtLast(place.clone()));
    let options = Options::default().start_disconnected();
    let options = options.authorizer(move |request: AuthorizationRequest| {
        let _ = &last.0;
        asking.look();
        let (place, at_last) = (asking.clone(), LooksAtLast(asking.clone()));
        let channel = request.subject.channel().expect("nobody signs in").to_string();
        let auth = signer.channel(&request.socket_id, &channel, None);
        async move {
            place.look();
            drop(at_last);
            // The second time it is given up.
            if request.attempt == 0 && channel == "private-late" {
                let _at_last = LooksAtLast(place.clone());
                std::future::pending::<()>().await;
            }
            Ok(Authorization::new(auth))
        }
    });
    let options = options.headers_with(move || {
        let _ = &last.1;
        // Here it could wait forever for the connection that this is for.
        providing.call(|calls| calls.command());
        Ok(Vec::new())
    });
    let mut client = W::start(builder(&server).build().expect("valid"), options);
    place.put(&client);
    place.allow();
    client.commands().connect();
    client.connected(PATIENCE).expect("connected");
    place.allow();
    subscribed(&mut client);
    place.allow();
    // Its future is dropped, with what it holds.
    let before = place.looks();
    client.subscribe("private-late", &SubscribeOptions::default()).expect("a good channel");
    until(&mut client, "the request", |_| place.looks() > before);
    place.allow();
    client.commands().unsubscribe("private-late").expect("it is wanted");
    client.flush(PATIENCE).expect("flushed");
    client.shutdown(PATIENCE).expect("closed");
    assert!(place.looks() >= 5, "{}", place.looks());
    place.take();
}

/// Makes a test of each of the [`callbacks`](mod@crate::callbacks) for a client, whose
/// [`Called`](trait@crate::callbacks::Called) this takes.
#[macro_export]
macro_rules! callbacks {
    ($client:ty: $($test:ident)*) => {$(
        #[test]
        fn $test() {
            $crate::callbacks::bounded($crate::callbacks::$test::<$client>);
        }
    )*};
    ($client:ty) => {
        $crate::callbacks! { $client:
            a_recordings_sink_may_call_its_client
            a_recordings_sink_may_shut_its_client_down
            a_recordings_sink_may_drop_the_last_client
            authorizers_and_providers_of_headers_may_call_their_client
        }
    };
}
