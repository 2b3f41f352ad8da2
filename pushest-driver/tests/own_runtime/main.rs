//! A runtime of one's own, as a user of the public interface would write it. Its names resolve to
//! what a test wants.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::BoxFuture;
use pushest_driver::proto::Instant;
use pushest_driver::runtime::{self, Runtime, Upgrade};
use pushest_driver::{Client, Config, DialFailure, Loss, Options};
use pushest_testkit::Server;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Error;

/// Nobody answers there: the attempt neither succeeds nor fails.
const DEAD: &str = "[2001:db8::1]:1";

/// What each name resolves to, and since when time is counted.
struct Names(Resolve, tokio::time::Instant);

type Resolve = Box<dyn Fn(&str) -> Vec<SocketAddr> + Send + Sync>;

impl Runtime for Names {
    type Tcp = TcpStream;
    type Tls = Infallible;
    type Socket = WebSocketStream<TcpStream>;
    type TlsSocket = Self::Socket;
    type Sleep = tokio::time::Sleep;

    fn now(&self) -> Instant {
        Instant::ORIGIN + self.1.elapsed()
    }

    fn sleep_until(&self, deadline: Instant) -> Self::Sleep {
        tokio::time::sleep(deadline.saturating_duration_since(self.now()))
    }

    fn resolve(&self, host: &str, _: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        let addresses = (self.0)(host);
        Box::pin(async { Ok(addresses) })
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<TcpStream>> {
        if address.to_string() == DEAD {
            return Box::pin(std::future::pending());
        }
        Box::pin(TcpStream::connect(address))
    }

    fn upgrade(
        &self,
        tcp: TcpStream,
        upgrade: Upgrade,
    ) -> BoxFuture<'static, Result<Self::Socket, Error>> {
        Box::pin(async move {
            tokio_tungstenite::client_async_with_config(upgrade.request, tcp, Some(upgrade.config))
                .await
                .map(|(socket, _)| socket)
        })
    }

    fn upgrade_tls(
        &self,
        tls: Infallible,
        _: Upgrade,
    ) -> BoxFuture<'static, Result<Self::Socket, Error>> {
        match tls {}
    }
}

fn client(addresses: Vec<SocketAddr>) -> Client {
    client_with(addresses, Options::default())
}

fn client_with(addresses: Vec<SocketAddr>, options: Options) -> Client {
    let resolve = move |host: &str| {
        assert_eq!(host, "server.example");
        addresses.clone()
    };
    client_resolving(Box::new(resolve), options)
}

fn client_resolving(resolve: Resolve, options: Options) -> Client {
    let config = Config::builder("app-key").host("server.example").port(80).stop_on_refusal(true);
    let runtime = Names(resolve, tokio::time::Instant::now());
    let config = config.build().expect("valid");
    let (client, pump) = runtime::client(config, options, runtime);
    tokio::spawn(pump);
    client
}

#[tokio::test]
async fn a_dead_address_keeps_nobody_from_the_next_one() {
    let server = Server::start().expect("a server");
    let dead: SocketAddr = DEAD.parse().unwrap();
    let client = client(vec![dead, dead, server.addr()]);
    // Half a second at most is lost to the dead, were they tried one after the other.
    client.connected_within(Duration::from_secs(2)).await.expect("connected");
}

#[tokio::test]
async fn addresses_that_refuse_are_passed_over_at_once_and_all_of_them_are_named() {
    let server = Server::start().expect("a server");
    // Nobody listens on the port that was just given back.
    let gone = Server::start().expect("a server").addr();
    let live = client(vec![gone, gone, gone, gone, server.addr()]);
    live.connected_within(Duration::from_millis(500)).await.expect("connected");

    let client = client(vec![gone]);
    let error = client.connected_within(Duration::from_millis(50)).await.expect_err("nobody");
    let loss = error.loss().expect("why").to_string();
    assert!(loss.contains(&gone.to_string()), "{loss}");
}

#[tokio::test]
async fn a_name_without_addresses_is_a_failure_of_its_own() {
    let error = client(Vec::new()).connected().await.expect_err("no address");
    assert!(matches!(error.loss(), Some(Loss::Dial(DialFailure::Dns(_)))), "{error}");
}

#[cfg(feature = "http")]
mod endpoint;
