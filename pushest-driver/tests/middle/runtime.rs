//! The runtime, as the driver sees it.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::future::BoxFuture;
use pushest_driver::proto::Instant;
use pushest_driver::unstable::{PolledSocket, Runtime, Transport, WebSocketConfig};

use super::clock::Sleep;
use super::stream::{Socket, Stream};
use super::world::{Attempt, Call, World};

/// A runtime whose parts all belong to a [`World`].
pub(super) struct Scripted {
    world: World,
    _life: Arc<()>,
}

impl Scripted {
    pub(super) fn new(world: &World) -> Self {
        Self { world: world.clone(), _life: world.life() }
    }
}

impl Runtime for Scripted {
    type Tcp = Stream;
    type Tls = Infallible;
    type Socket = PolledSocket<Transport<Self>>;
    type Sleep = Sleep;

    fn now(&self) -> Instant {
        self.world.called(Call::Now);
        self.world.clock().now()
    }

    fn system_time(&self) -> SystemTime {
        let since_origin = self.world.clock().now().as_micros();
        UNIX_EPOCH + Duration::from_secs(1_700_000_000) + Duration::from_micros(since_origin)
    }

    fn sleep_until(&self, deadline: Instant) -> Sleep {
        self.world.clock().sleep_until(self.world.clone(), deadline)
    }

    fn resolve(&self, _: &str, _: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        self.world.called(Call::Resolve);
        let addresses = self.world.addresses();
        Box::pin(async { Ok(addresses) })
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<Stream>> {
        self.world.called(Call::Connect(address));
        let (attempt, born) = (self.world.next_attempt(), self.world.age());
        let connecting = Connecting { world: self.world.clone(), _life: self.world.life() };
        Box::pin(poll_fn(move |context| {
            let world = &connecting.world;
            world.called(Call::Dial);
            match attempt {
                Attempt::OpensAfter(times) if world.age() < born + times => {
                    world.wait(context.waker().clone());
                    Poll::Pending
                }
                Attempt::Opens | Attempt::OpensAfter(_) => {
                    let (socket, stream) = Socket::new(world);
                    world.add_socket(socket);
                    Poll::Ready(Ok(stream))
                }
                Attempt::Refused => Poll::Ready(Err(ErrorKind::ConnectionRefused.into())),
                Attempt::Silent => Poll::Pending,
            }
        }))
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

/// An attempt to connect.
struct Connecting {
    world: World,
    _life: Arc<()>,
}

impl Drop for Connecting {
    fn drop(&mut self) {
        self.world.forget_waiting();
        self.world.called(Call::Dropped("attempt"));
    }
}
