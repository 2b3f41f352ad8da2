//! Connectors of scenarios, with streams of futures.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use async_std::io::{Read, Write};
use async_std::net::TcpStream;
use pushest_async_std::{Options, connected_stream};
use pushest_conformance::wanted;
use pushest_testkit::conformance::{Connector, Connects};
use pushest_testkit::duplex;

pub(crate) fn own_streams(options: Options, connector: Connector) -> Options {
    options.connector(move |target| {
        let connects = connector(&wanted(&target));
        async move {
            match connects {
                Connects::Within { server, is_encrypted } => {
                    let (ours, theirs) = duplex(64 * 1024);
                    server.accept(theirs)?;
                    let stream = connected_stream(ours);
                    Ok(if is_encrypted { stream.encrypted() } else { stream })
                }
                Connects::To(address) => TcpStream::connect(address).await.map(connected_stream),
                #[cfg(unix)]
                Connects::ToSocket(path) => {
                    async_std::os::unix::net::UnixStream::connect(path).await.map(connected_stream)
                }
                Connects::Fails(text) => Err(io::Error::other(text)),
                Connects::Panics => panic!("as the scenario says"),
                Connects::Hangs => std::future::pending().await,
                Connects::Breaks => Ok(connected_stream(Breaks)),
            }
        }
    })
}

struct Breaks;

impl Read for Breaks {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        panic!("as the scenario says")
    }
}

impl Write for Breaks {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
