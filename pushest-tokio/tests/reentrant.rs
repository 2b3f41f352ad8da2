//! What is called with each line of the log, with each key of TLS and with each waker may call the
//! client: none of them is called while it is locked. A process of its own: a subscriber is for all
//! of it.

use std::cell::Cell;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use pushest_testkit::{Server, Target};
use pushest_tokio::{Client, Config, Event, Options, Overflow};
use tokio::runtime::Builder;
use tokio::time::timeout;
use tracing_subscriber::fmt::MakeWriter;

/// Longer than anything here takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often what is called leads to something to be sent, and so to more calls.
const SENDS: usize = 200;

/// Calls whatever can be called without waiting.
fn call(client: &Client, sends: bool) {
    let _ = (client.status(), client.statistics(), format!("{client:?}"));
    let _ = (client.members("private-chat"), client.channel_state("private-chat"));
    if !sends {
        return;
    }
    let _ = client.trigger("private-chat", "client-hello", &1);
    let _ = (client.events(), client.subscribe("other").map(drop));
    let _ = poll_once(client.flush());
}

fn poll_once<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// The client that is called, once there is one.
#[derive(Clone, Default)]
struct Calls(Arc<Mutex<Option<Client>>>, Arc<AtomicUsize>);

thread_local! {
    /// What it calls is logged, too.
    static IS_CALLING: Cell<bool> = const { Cell::new(false) };
}

impl Calls {
    fn put(&self, client: Option<&Client>) {
        // The former one is dropped without the lock.
        let former = {
            let mut place = self.0.lock().expect("nobody panics");
            std::mem::replace(&mut *place, client.cloned())
        };
        drop(former);
    }

    fn call(&self) {
        if IS_CALLING.replace(true) {
            return;
        }
        let client = self.0.lock().expect("nobody panics").clone();
        if let Some(client) = client {
            let count = self.1.fetch_add(1, Ordering::SeqCst);
            call(&client, count.is_multiple_of(10) && count < 10 * SENDS);
        }
        IS_CALLING.set(false);
    }

    fn count(&self) -> usize {
        self.1.load(Ordering::SeqCst)
    }
}

impl io::Write for Calls {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.call();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Calls {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Calls when it wakes, and when it is dropped.
struct CallsAsWaker(Calls);

impl Wake for CallsAsWaker {
    fn wake(self: Arc<Self>) {
        self.0.call();
    }
}

impl Drop for CallsAsWaker {
    fn drop(&mut self) {
        self.0.call();
    }
}

fn config(server: &Server) -> Config {
    let app = server.app();
    let config = Config::builder(&app.key).secret(app.secret()).host("localhost");
    let config = config.port(server.port()).tls(server.authority_pem().is_some());
    config.client_events_per_second(None).build().expect("valid")
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.expect("in time")
}

/// What a client does with its locks: connects, sends more than a buffer holds, receives, is lost and
/// comes back, waits for a slow receiver, ends.
async fn live(client: &Client, server: &Server) {
    within(client.connected()).await.expect("connected");
    let mut chat = client.subscribe("private-chat").expect("a good channel");
    within(chat.subscribed()).await.expect("subscribed");
    let data = "x".repeat(9_000);
    for _ in 0..20 {
        // What is called sends, too: there may be no room.
        let _ = chat.trigger("client-large", &data);
    }
    within(client.flush()).await.expect("flushed");
    for _ in 0..50 {
        server.publish("private-chat", "news", "rain");
    }
    tokio::time::sleep(Duration::from_millis(20)).await;
    server.drop_connections(Target::All);
    within(async { while !matches!(chat.recv().await, Some(Event::Gap { .. })) {} }).await;
    within(client.flush()).await.expect("flushed");
    within(client.shutdown()).await;
}

/// Runs a test with a client that runs beside it. What locks up cannot say so itself.
fn run(test: impl Future<Output = ()> + Send + 'static) {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(2);
    run_on(builder, test);
}

/// Runs a test on a runtime of its own.
fn run_on(mut builder: Builder, test: impl Future<Output = ()> + Send + 'static) {
    let (done, ends) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        let runtime = builder.enable_all().build().expect("a runtime");
        runtime.block_on(test);
        runtime.shutdown_background();
        // The test may have stopped waiting.
        let _ = done.send(());
    });
    if ends.recv_timeout(2 * PATIENCE) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
        panic!("something is locked twice");
    }
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}

#[test]
fn whatever_is_called_with_each_line_of_the_log_may_call_the_client() {
    let calls = Calls::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE);
    // What the `log` crate is told, by tungstenite and rustls, comes here, too.
    subscriber.with_writer(calls.clone()).init();
    let counted = calls.clone();
    run(async move {
        let server = Server::start().expect("a server");
        let options = Options::default().queue(4, 1_000_000).overflow(Overflow::Wait);
        let client = Client::with_options(config(&server), options);
        calls.put(Some(&client));
        live(&client, &server).await;
        calls.put(None);
    });
    assert!(counted.count() > 100, "{}", counted.count());
}

#[test]
fn wakers_may_call_the_client() {
    let calls = Calls::default();
    let counted = calls.clone();
    // Of one thread: until the test waits the client does nothing, so that each future has to wait.
    run_on(Builder::new_current_thread(), async move {
        let server = Server::start().expect("a server");
        let client = Client::new(config(&server));
        calls.put(Some(&client));
        let waker = || Waker::from(Arc::new(CallsAsWaker(calls.clone())));
        let events = client.events();
        let chat = client.subscribe("private-chat").expect("a good channel");
        let mut futures = (
            Box::pin(client.connected()),
            Box::pin(chat.subscribed()),
            Box::pin(client.signed_in()),
            Box::pin(client.flush()),
            Box::pin(client.trigger_when_allowed("private-chat", "client-a", &1)),
            (events, chat),
        );
        // The second waker takes the place of the first, which is dropped.
        for _ in 0..2 {
            let waker = waker();
            let context = &mut Context::from_waker(&waker);
            let _ = futures.0.as_mut().poll(context);
            let _ = futures.1.as_mut().poll(context);
            let _ = futures.2.as_mut().poll(context);
            let _ = futures.3.as_mut().poll(context);
            let _ = futures.4.as_mut().poll(context);
            let _ = pin!(futures.5.0.recv()).poll(context);
            let _ = pin!(futures.5.1.recv()).poll(context);
        }
        live(&client, &server).await;
        drop(futures);
        let mut shutdown = Box::pin(client.shutdown());
        let _ = shutdown.as_mut().poll(&mut Context::from_waker(&waker()));
        drop(shutdown);
        calls.put(None);
    });
    assert!(counted.count() >= 5, "{}", counted.count());
}

#[cfg(feature = "tls-ring")]
mod tls {
    use std::fmt;

    use rustls::client::{ClientSessionMemoryCache, ClientSessionStore, Tls12ClientSessionValue};
    use rustls::client::{Resumption, Tls13ClientSessionValue};
    use rustls::pki_types::ServerName;
    use rustls::pki_types::pem::PemObject as _;
    use rustls::{ClientConfig, KeyLog, NamedGroup, RootCertStore};

    use super::*;

    impl fmt::Debug for Calls {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.call();
            f.write_str("Calls")
        }
    }

    impl KeyLog for Calls {
        fn log(&self, _: &str, _: &[u8], _: &[u8]) {
            self.call();
        }
    }

    #[derive(Debug)]
    struct Store(Calls, ClientSessionMemoryCache);

    impl ClientSessionStore for Store {
        fn set_kx_hint(&self, name: ServerName<'static>, group: NamedGroup) {
            self.0.call();
            self.1.set_kx_hint(name, group);
        }

        fn kx_hint(&self, name: &ServerName<'_>) -> Option<NamedGroup> {
            self.0.call();
            self.1.kx_hint(name)
        }

        fn set_tls12_session(&self, name: ServerName<'static>, value: Tls12ClientSessionValue) {
            self.0.call();
            self.1.set_tls12_session(name, value);
        }

        fn tls12_session(&self, name: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
            self.0.call();
            self.1.tls12_session(name)
        }

        fn remove_tls12_session(&self, name: &ServerName<'static>) {
            self.0.call();
            self.1.remove_tls12_session(name);
        }

        fn insert_tls13_ticket(&self, name: ServerName<'static>, value: Tls13ClientSessionValue) {
            self.0.call();
            self.1.insert_tls13_ticket(name, value);
        }

        fn take_tls13_ticket(&self, name: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
            self.0.call();
            self.1.take_tls13_ticket(name)
        }
    }

    #[test]
    fn callbacks_of_tls_may_call_the_client() {
        let calls = Calls::default();
        let counted = calls.clone();
        run(async move {
            let server = Server::start_tls().expect("a server");
            let pem = server.authority_pem().expect("a server with TLS");
            let mut roots = RootCertStore::empty();
            let authority = rustls::pki_types::CertificateDer::from_pem_slice(pem.as_bytes());
            roots.add(authority.expect("a certificate")).expect("an authority");
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let tls =
                ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
            let mut tls =
                tls.expect("they fit").with_root_certificates(roots).with_no_client_auth();
            tls.key_log = Arc::new(calls.clone());
            let store = Store(calls.clone(), ClientSessionMemoryCache::new(8));
            tls.resumption = Resumption::store(Arc::new(store));
            let options = Options::default().tls_config(Arc::new(tls));
            let client = Client::with_options(config(&server), options);
            calls.put(Some(&client));
            live(&client, &server).await;
            calls.put(None);
        });
        assert!(counted.count() >= 5, "{}", counted.count());
    }
}
