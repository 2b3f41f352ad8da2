//! The function that gives streams of the user's own.

use std::future::Future;
use std::io;

use super::Options;
use crate::connector::{ConnectedStream, Connector, ConnectorTarget};

impl Options {
    /// Takes connected streams from this function, and opens no socket: a tunnel, a Unix socket, one end of
    /// an in-memory pair in a test. It is called for each attempt to connect, with the host, the port and what
    /// is wanted ([`ConnectorTarget`]), for everything that the client connects to: the WebSocket, the HTTP
    /// API and the authorization endpoint. No name is resolved. The last call counts.
    ///
    /// Everything else is as it is without: the endpoint's host stands in `Host`, in SNI and must be that of
    /// the certificate, and for `wss://` and `https://` the client speaks TLS over the stream, unless that is
    /// encrypted already ([`ConnectedStream::encrypted`]). With [`Options::proxy`] the function is asked for a
    /// stream to the proxy, and the client speaks CONNECT or SOCKS5 over it. With [`Options::addresses`] it is
    /// asked for them, one after the other.
    ///
    /// The future runs within nine tenths of [`Timeouts::dial`](crate::Timeouts::dial), or of the time that a
    /// call or a request has left; with [`Options::addresses`] each has its part of that. It is dropped after
    /// that, and when the client disconnects. A future that hangs, an error, a panic, or a stream that cannot
    /// be used fails the dial ([`DialFailure::Connector`](crate::DialFailure::Connector)), which is tried
    /// again with backoff; the error's text is shown, in logs, too. A panic in the stream ends the connection.
    ///
    /// Of a socket the client knows up to when it has read everything; of other streams it may not, and then a
    /// [`Gap`](crate::Event::Gap) begins with the connection: `connected_stream`, which makes a
    /// [`ConnectedStream`], says of which.
    ///
    /// ```
    /// # use pushest_driver::{ConnectedStream, Options};
    /// # fn connected_stream<S>(_: S) -> ConnectedStream { ConnectedStream::__new(()) }
    /// # async fn open_tunnel(_: &str, _: u16) -> std::io::Result<()> { Ok(()) }
    /// let options = Options::default().connector(|target| async move {
    ///     let tunnel = open_tunnel(&target.host, target.port).await?;
    ///     Ok(connected_stream(tunnel))
    /// });
    /// # let _ = options;
    /// ```
    #[must_use]
    pub fn connector<F, C>(mut self, connect: F) -> Self
    where
        F: Fn(ConnectorTarget) -> C + Send + Sync + 'static,
        C: Future<Output = io::Result<ConnectedStream>> + Send + 'static,
    {
        self.connector = Some(Connector::polled(connect));
        self
    }

    /// The same with a function that blocks, for drivers that take what has a descriptor. It is called on a
    /// thread of at most eight in the process, four of them for one function.
    #[doc(hidden)]
    #[must_use]
    pub fn __blocking_connector(
        mut self,
        connect: impl Fn(ConnectorTarget) -> io::Result<ConnectedStream> + Send + Sync + 'static,
    ) -> Self {
        self.connector = Some(Connector::blocking(connect));
        self
    }
}
