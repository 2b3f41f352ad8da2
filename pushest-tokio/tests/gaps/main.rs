//! The program of the page "What a gap means" loses nothing.

mod page;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use page::{Order, Orders, Store, follow};
use pushest_testkit::{Server, Target, UpgradeFault};
use pushest_tokio::{Client, Config, Options};
use tokio::sync::RwLock;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

/// What the page's program is here: without the line above it, and without its visibility.
fn program() -> String {
    let program = include_str!("page.rs").split_once("\n\n").expect("a line and a program").1;
    program.replace("pub(crate) ", "")
}

#[test]
fn the_page_shows_the_program_that_is_tested_here() {
    let page = include_str!("../../docs/gaps.md");
    assert!(page.contains(&format!("```rust\n{}```\n", program())), "{}", program());
}

/// The publisher's own: what was published, and when.
#[derive(Clone, Default)]
struct Published {
    state: Arc<Mutex<State>>,
    /// Nothing is fetched while this is written to.
    gate: Arc<RwLock<()>>,
}

#[derive(Default)]
struct State {
    orders: Vec<(SystemTime, Order)>,
    asked: usize,
    fetched: Vec<Option<SystemTime>>,
    failures: usize,
}

impl Published {
    /// Returns the order as it is published.
    fn add(&self, id: u64, version: u64) -> String {
        let order = Order { id, version, state: "changed".to_string() };
        let json = format!(r#"{{"id":{id},"version":{version},"state":"changed"}}"#);
        self.lock().orders.push((SystemTime::now(), order));
        json
    }

    fn fail(&self, times: usize) {
        self.lock().failures = times;
    }

    fn fetched(&self) -> Vec<Option<SystemTime>> {
        self.lock().fetched.clone()
    }

    /// The last version of each order, as a client that missed nothing has them.
    fn last_versions(&self) -> Vec<(u64, u64)> {
        let mut orders = Orders::default();
        for (_, order) in &self.lock().orders {
            orders.apply(order.clone());
        }
        versions(&orders)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("not poisoned")
    }
}

impl Store for Published {
    async fn changed_since(&self, since: Option<SystemTime>) -> io::Result<Vec<Order>> {
        self.lock().asked += 1;
        drop(self.gate.read().await);
        let mut state = self.lock();
        if state.failures > 0 {
            state.failures -= 1;
            return Err(io::Error::other("the store is away"));
        }
        state.fetched.push(since);
        let is_new = |at: &SystemTime| since.is_none_or(|since| *at >= since);
        let changed = state.orders.iter().filter(|(at, _)| is_new(at));
        Ok(changed.map(|(_, order)| order.clone()).collect())
    }
}

fn versions(orders: &Orders) -> Vec<(u64, u64)> {
    let mut versions: Vec<_> =
        orders.by_id.values().map(|order| (order.id, order.version)).collect();
    versions.sort_unstable();
    versions
}

struct Following {
    server: Server,
    client: Client,
    published: Published,
    running: tokio::task::JoinHandle<Orders>,
}

impl Following {
    async fn start(options: Options) -> Self {
        let server = Server::start().expect("a server");
        let config = Config::builder("app-key").host("127.0.0.1").port(server.port()).build();
        let client = Client::with_options(config.expect("valid"), options);
        let published = Published::default();
        published.add(1, 1); // before anybody has subscribed
        let (channel, store) = (client.subscribe("orders").expect("a name"), published.clone());
        let running = tokio::spawn(async move {
            let mut orders = Orders::default();
            follow(channel, &store, &mut orders).await.expect("subscribed");
            orders
        });
        let following = Self { server, client, published, running };
        following.until_fetched(1).await;
        following
    }

    fn publish(&self, id: u64, version: u64) {
        let json = self.published.add(id, version);
        self.server.publish("orders", "order-changed", &json);
    }

    async fn until_fetched(&self, times: usize) {
        self.until(|state| state.fetched.len() >= times).await;
    }

    async fn until(&self, is_so: impl Fn(&State) -> bool) {
        let waiting = async {
            while !is_so(&self.published.lock()) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(PATIENCE, waiting).await.expect("in time");
    }

    async fn until_subscribers(&self, count: usize) {
        let there = self.server.until_subscribers("orders", count);
        let waiting = tokio::task::spawn_blocking(move || there.wait(PATIENCE));
        waiting.await.expect("it ran").expect("it subscribes");
    }

    /// Loses the connection, and lets orders change before there is another one.
    async fn lose_the_connection(&self, change: impl FnOnce(&Self)) {
        self.server.fault_upgrades(usize::MAX, UpgradeFault::status(503, &[]));
        self.server.drop_connections(Target::All);
        self.until_subscribers(0).await;
        change(self);
        self.server.heal_upgrades();
        self.client.network_changed();
        self.until_subscribers(1).await;
    }

    /// Ends it once the server has sent everything.
    async fn end(self) -> (Vec<(u64, u64)>, Vec<(u64, u64)>) {
        self.client.flush().await.expect("flushed");
        self.client.drain(PATIENCE).await;
        let orders = timeout(PATIENCE, self.running).await.expect("in time").expect("it ends");
        (versions(&orders), self.published.last_versions())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_published_before_and_while_the_connection_was_lost_is_there() {
    let following = Following::start(Options::default()).await;
    following.publish(2, 1);
    following
        .lose_the_connection(|following| {
            following.publish(2, 2);
            following.publish(3, 1);
        })
        .await;
    following.until_fetched(2).await;
    following.publish(1, 2);
    let fetched = following.published.fetched();
    assert!(fetched[0].is_none() && fetched[1].is_some(), "first all, then since: {fetched:?}");
    let (known, published) = following.end().await;
    assert_eq!(known, published);
    assert_eq!(known, [(1, 2), (2, 2), (3, 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_fails_is_asked_again() {
    let following = Following::start(Options::default()).await;
    following.published.fail(2);
    following.lose_the_connection(|following| following.publish(2, 1)).await;
    following.until_fetched(2).await;
    let (known, published) = following.end().await;
    assert_eq!(known, published);
    assert_eq!(known, [(1, 1), (2, 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_full_queue_has_dropped_is_fetched() {
    let following = Following::start(Options::default().queue(4, 1 << 20)).await;
    let published = following.published.clone();
    let gate = published.gate.write().await;
    following.lose_the_connection(|_| {}).await;
    following.until(|state| state.asked == 2).await;
    for version in 2..200 {
        following.publish(1, version);
    }
    // With the pong the client has read all of them, and the program none: it waits for the store.
    following.client.flush().await.expect("flushed");
    drop(gate);
    following.until_fetched(3).await;
    let fetched = published.fetched();
    assert!(fetched[1].is_some() && fetched[2].is_none(), "the gap, then all: {fetched:?}");
    let (known, published) = following.end().await;
    assert_eq!(known, published);
    assert_eq!(known, [(1, 199)]);
}

#[test]
fn an_order_twice_and_an_old_version_change_nothing() {
    let order = |version| Order { id: 7, version, state: String::new() };
    let mut orders = Orders::default();
    for version in [2, 2, 1, 3, 1] {
        orders.apply(order(version));
    }
    assert_eq!(versions(&orders), [(7, 3)]);
}
