//! A runtime of one's own, as a user of the public interface would write it. Its names resolve to
//! what a test wants.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use futures_util::future::BoxFuture;
use pushest_driver::proto::Instant;
use pushest_driver::unstable::Client;
use pushest_driver::unstable::{
    self, ByteStream, PolledSocket, Runtime, Transport, WebSocketConfig,
};
use pushest_driver::{Config, DialFailure, Event, Loss, Options};
use pushest_testkit::{Server, Target, UpgradeFault};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// No server answers there: the attempt neither succeeds nor fails.
const DEAD: &str = "[2001:db8::1]:1";

/// Eight minutes and 37 seconds before the date that the RFCs take for an example.
const NOW: Duration = Duration::from_secs(784_111_777 - 517);

/// What each name resolves to, and since when time is counted.
struct Names(Resolve, tokio::time::Instant);

type Resolve = Box<dyn Fn(&str) -> Vec<SocketAddr> + Send + Sync>;

impl Runtime for Names {
    type Tcp = Stream;
    type Tls = Infallible;
    type Socket = PolledSocket<Transport<Self>>;
    type Sleep = tokio::time::Sleep;

    fn now(&self) -> Instant {
        Instant::ORIGIN + self.1.elapsed()
    }

    fn system_time(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + NOW
    }

    fn sleep_until(&self, deadline: Instant) -> Self::Sleep {
        tokio::time::sleep(deadline.saturating_duration_since(self.now()))
    }

    fn resolve(&self, host: &str, _: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        let addresses = (self.0)(host);
        Box::pin(async { Ok(addresses) })
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<Stream>> {
        if address.to_string() == DEAD {
            return Box::pin(std::future::pending());
        }
        Box::pin(async move { Ok(Stream(TcpStream::connect(address).await?)) })
    }

    fn websocket(transport: Transport<Self>, config: WebSocketConfig) -> Self::Socket {
        PolledSocket::new(transport, config)
    }

    fn transport(socket: &Self::Socket) -> &Transport<Self> {
        socket.stream()
    }

    fn into_transport(socket: Self::Socket) -> Transport<Self> {
        socket.into_stream()
    }
}

struct Stream(TcpStream);

impl ByteStream for Stream {
    fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(buffer);
        let read = Pin::new(&mut self.0).poll_read(context, &mut buffer);
        read.map_ok(|()| buffer.filled().len())
    }

    fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
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
    let (client, pump) = unstable::client(config, options, runtime);
    tokio::spawn(pump);
    client
}

#[tokio::test]
async fn a_dead_address_keeps_nobody_from_the_next_one() {
    let server = Server::start().expect("a server");
    let dead: SocketAddr = DEAD.parse().unwrap();
    let client = client(vec![dead, dead, server.addr()]);
    // Half a second at most is lost to the dead, were they tried one after the other.
    client.connected_timeout(Duration::from_secs(2)).await.expect("connected");
}

#[tokio::test]
async fn addresses_that_refuse_are_passed_over_at_once_and_all_of_them_are_named() {
    let server = Server::start().expect("a server");
    // No server listens on the port that was just given back.
    let gone = Server::start().expect("a server").addr();
    let mut addresses = vec![gone; 40];
    addresses.push(server.addr());
    let live = client(addresses);
    // With the least pause between two addresses it would be four seconds.
    live.connected_timeout(Duration::from_secs(3)).await.expect("connected");

    let client = client(vec![gone]);
    let error = client.attempted().await.expect_err("nobody");
    let loss = error.loss().expect("why").to_string();
    assert!(loss.contains(&gone.to_string()), "{loss}");
}

#[tokio::test]
async fn a_name_without_addresses_is_a_failure_of_its_own() {
    let error = client(Vec::new()).connected().await.expect_err("no address");
    assert!(matches!(error.loss(), Some(Loss::Dial(DialFailure::Dns(_)))), "{error}");
}

/// RFC 9110, section 5.6.7: all three forms of a date, by the runtime's time of the day.
#[tokio::test]
async fn a_date_to_come_back_at_is_a_pause_by_the_runtimes_time_of_the_day() {
    let server = Server::start().expect("a server");
    let refused = async |date: &str| {
        // With this status the client stops, and is not connected by a second attempt.
        server.fault_upgrades(1, UpgradeFault::status(404, &[("Retry-After", date)]));
        let client = client(vec![server.addr()]);
        match client.connected().await.expect_err("refused").loss() {
            Some(Loss::Dial(DialFailure::Http { retry_after, .. })) => *retry_after,
            other => panic!("{other:?}"),
        }
    };
    for date in [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
    ] {
        assert_eq!(refused(date).await, Some(Duration::from_secs(517)), "{date}");
    }
    assert_eq!(refused("Sun, 06 Nov 1994 08:00:00 GMT").await, Some(Duration::ZERO));
    assert_eq!(refused("soon").await, None);
    assert_eq!(refused(" 7 ").await, Some(Duration::from_secs(7)));
}

/// It does not say up to when its sockets were read, and whatever was read last proves nothing.
#[tokio::test]
async fn a_runtime_that_says_nothing_of_its_reads_has_gaps_as_long_as_the_connection_was() {
    let server = Server::start().expect("a server");
    let begun = tokio::time::Instant::now();
    let client = client(vec![server.addr()]);
    let mut news = client.subscribe("news").expect("a good name");
    news.subscribed().await.expect("subscribed");
    let subscribed = tokio::time::Instant::now();
    for _ in 0..5 {
        server.publish("news", "headline", "rain");
        tokio::time::sleep(Duration::from_millis(20)).await;
        client.flush().await.expect("a pong");
    }
    let least = subscribed.elapsed();
    server.drop_connections(Target::All);
    let (silent_for, since) = loop {
        if let Event::Gap { silent_for, since, .. } = news.recv().await.expect("it goes on") {
            break (silent_for, since);
        }
    };
    assert!((least..begun.elapsed()).contains(&silent_for), "{silent_for:?}");
    // Its time of the day stands still.
    assert!(since.is_some_and(|since| since <= NOW), "{since:?}");
}

#[cfg(feature = "http")]
mod endpoint;
