//! Connectors of scenarios, with streams of tokio's.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use pushest_conformance::wanted;
use pushest_testkit::conformance::{Connector, Connects};
use pushest_tokio::{Options, connected_stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, duplex};
use tokio::net::TcpStream;

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
                    tokio::net::UnixStream::connect(path).await.map(connected_stream)
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

impl AsyncRead for Breaks {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        panic!("as the scenario says")
    }
}

impl AsyncWrite for Breaks {
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

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
