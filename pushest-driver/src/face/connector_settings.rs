//! The setting of the function that gives streams of the user's own: one that is async, and one that blocks.
//!
//! A crate has one of these as `__connector_setting` in its root, for
//! [`__option_settings`](crate::__option_settings).

/// Writes the setting with a function that is async.
#[doc(hidden)]
#[macro_export]
macro_rules! __async_connector_setting {
    ($type:ident, $top:literal, $new:literal, $end:literal) => {
        /// # Streams of your own
        impl $type {
            /// Takes connected streams from this function, and opens no socket: a tunnel, a Unix socket, one
            /// end of an in-memory pair in a test. It is called for each attempt to connect, with the host,
            /// the port and what is wanted ([`ConnectorTarget`](crate::ConnectorTarget)), for everything that
            /// the client connects to: the WebSocket, the HTTP API and the authorization endpoint. No name is
            /// resolved. The last call counts.
            ///
            /// Everything else is as it is without: the endpoint's host stands in `Host`, in SNI and must be
            /// that of the certificate, and for `wss://` and `https://` the client speaks TLS over the
            /// stream, unless that is encrypted already
            /// ([`ConnectedStream::encrypted`](crate::ConnectedStream::encrypted)). With
            /// [`proxy`](Self::proxy) the function is asked for a stream to the proxy, and the client speaks
            /// CONNECT or SOCKS5 over it. With [`addresses`](Self::addresses) it is asked for them, one after
            /// the other.
            ///
            /// The future runs within nine tenths of [`Timeouts::dial`](crate::Timeouts::dial), or of the
            /// time that a call or a request has left; with [`addresses`](Self::addresses) each has its part
            /// of that. It is dropped after that, and when the client disconnects. A future that hangs, an
            /// error, a panic, or a stream that cannot be used fails the dial
            /// ([`DialFailure::Connector`](crate::DialFailure::Connector)), which is tried again with backoff;
            /// the error's text is shown, in logs, too. A panic in the stream ends the connection.
            ///
            /// ```
            #[doc = $top]
            /// # async fn open_tunnel(_: &str, _: u16) -> std::io::Result<ConnectedStream> { todo!() }
            /// # fn connected_stream(stream: ConnectedStream) -> ConnectedStream { stream }
            #[doc = $new]
            ///     .connector(|target| async move {
            ///         let tunnel = open_tunnel(&target.host, target.port).await?;
            ///         Ok(connected_stream(tunnel))
            ///     })
            #[doc = $end]
            /// ```
            #[must_use]
            pub fn connector<F, C>(self, connect: F) -> Self
            where
                F: ::core::ops::Fn($crate::ConnectorTarget) -> C + Send + Sync + 'static,
                C: ::core::future::Future<Output = ::std::io::Result<$crate::ConnectedStream>>
                    + Send
                    + 'static,
            {
                self.option(|options| options.connector(connect))
            }
        }
    };
}

/// Writes the setting with a function that blocks.
#[doc(hidden)]
#[macro_export]
macro_rules! __blocking_connector_setting {
    ($type:ident, $top:literal, $new:literal, $end:literal) => {
        /// # Streams of your own
        impl $type {
            /// Takes connected streams from this function, and opens no socket: a tunnel, a Unix socket, one
            /// of a pair of sockets in a test. It is called for each attempt to connect, with the host, the
            /// port and what is wanted ([`ConnectorTarget`](crate::ConnectorTarget)), for everything that the
            /// client connects to: the WebSocket, the HTTP API and the authorization endpoint. No name is
            /// resolved. The last call counts.
            ///
            /// Everything else is as it is without: the endpoint's host stands in `Host`, in SNI and must be
            /// that of the certificate, and for `wss://` and `https://` the client speaks TLS over the
            /// stream, unless that is encrypted already
            /// ([`ConnectedStream::encrypted`](crate::ConnectedStream::encrypted)). With
            /// [`proxy`](Self::proxy) the function is asked for a stream to the proxy, and the client speaks
            /// CONNECT or SOCKS5 over it. With [`addresses`](Self::addresses) it is asked for them, one after
            /// the other.
            ///
            /// It runs on a thread that may block. What it returns later than nine tenths of
            /// [`Timeouts::dial`](crate::Timeouts::dial) (or of the time that a call or a request has left;
            /// with [`addresses`](Self::addresses) each has its part of that), or after a disconnect, is
            /// dropped. Nothing can end a call that hangs: at most four run for one function,
            /// and at most eight in the process. A call that hangs, an error, a panic, or a stream that cannot be used fails the
            /// dial ([`DialFailure::Connector`](crate::DialFailure::Connector)), which is tried again with
            /// backoff; the error's text is shown, in logs, too. A panic in the stream ends the connection.
            ///
            /// `connected_stream`, which takes what has a descriptor, is there on Unix only.
            ///
            /// ```
            #[doc = $top]
            /// # fn open_tunnel(_: &str, _: u16) -> std::io::Result<ConnectedStream> { todo!() }
            /// # fn connected_stream(stream: ConnectedStream) -> ConnectedStream { stream }
            #[doc = $new]
            ///     .connector(|target| {
            ///         let tunnel = open_tunnel(&target.host, target.port)?;
            ///         Ok(connected_stream(tunnel))
            ///     })
            #[doc = $end]
            /// ```
            #[must_use]
            pub fn connector(
                self,
                connect: impl ::core::ops::Fn(
                    $crate::ConnectorTarget,
                ) -> ::std::io::Result<$crate::ConnectedStream>
                + Send
                + Sync
                + 'static,
            ) -> Self {
                self.option(|options| options.__blocking_connector(connect))
            }
        }
    };
}
