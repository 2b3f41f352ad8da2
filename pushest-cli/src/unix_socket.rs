//! The Unix socket that the server, or what stands before it, listens on.

use std::path::Path;
use std::sync::Arc;

use pushest_driver::Options;

use crate::arguments::ConnectionOptions;
use crate::failure::Failure;
use crate::runtime::Runtime;

/// Where the server is reached.
#[derive(Clone)]
pub(crate) struct UnixSocket(Arc<Path>);

impl UnixSocket {
    /// Returns the socket that was given, if one was.
    #[cfg(unix)]
    pub(crate) fn given(options: &ConnectionOptions) -> Result<Option<Self>, Failure> {
        let Some(path) = &options.unix_socket else { return Ok(None) };
        // One that is empty does not come as far as here.
        std::os::unix::net::SocketAddr::from_pathname(path).map_err(|error| {
            Failure::input(format_args!(
                "--unix-socket: {path:?} cannot be the path of a socket: {error}"
            ))
        })?;
        Ok(Some(Self(path.as_path().into())))
    }

    /// Returns none: the option is there on Unix only.
    #[cfg(not(unix))]
    pub(crate) fn given(_: &ConnectionOptions) -> Result<Option<Self>, Failure> {
        Ok(None)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Returns the options of a client of this runtime that reaches the server there.
    #[cfg(unix)]
    pub(crate) fn within(&self, options: Options, runtime: Runtime) -> Options {
        let path = self.0.clone();
        match runtime {
            Runtime::Tokio => options.connector(move |target| on_tokio(path.clone(), target)),
            Runtime::AsyncStd => {
                options.connector(move |target| on_async_std(path.clone(), target))
            }
            Runtime::Blocking => {
                let options = pushest_blocking::Options::from(options);
                options.connector(move |target| blocking(&path, &target)).into()
            }
        }
    }

    #[cfg(not(unix))]
    pub(crate) fn within(&self, options: Options, _: Runtime) -> Options {
        options
    }
}

#[cfg(unix)]
use connecting::{blocking, on_async_std, on_tokio};

/// The server is behind the socket; the app's own authorization endpoint is another one, and reached as ever.
#[cfg(unix)]
mod connecting {
    use std::io;
    use std::path::Path;
    use std::sync::Arc;

    use pushest_driver::{ConnectedStream, ConnectorPurpose, ConnectorTarget};

    pub(super) async fn on_tokio(
        path: Arc<Path>,
        target: ConnectorTarget,
    ) -> io::Result<ConnectedStream> {
        use pushest_tokio::connected_stream;
        use tokio::net::{TcpStream, UnixStream};

        if is_endpoint(&target) {
            let connected = TcpStream::connect((&*target.host, target.port)).await;
            return connected.map(connected_stream);
        }
        named(&path, UnixStream::connect(&path).await.map(connected_stream))
    }

    pub(super) async fn on_async_std(
        path: Arc<Path>,
        target: ConnectorTarget,
    ) -> io::Result<ConnectedStream> {
        use async_std::net::TcpStream;
        use async_std::os::unix::net::UnixStream;
        use pushest_async_std::connected_stream;

        if is_endpoint(&target) {
            let connected = TcpStream::connect((&*target.host, target.port)).await;
            return connected.map(connected_stream);
        }
        named(&path, UnixStream::connect(&*path).await.map(connected_stream))
    }

    pub(super) fn blocking(path: &Path, target: &ConnectorTarget) -> io::Result<ConnectedStream> {
        use std::net::TcpStream;
        use std::os::unix::net::UnixStream;

        use pushest_blocking::connected_stream;

        if is_endpoint(target) {
            return TcpStream::connect((&*target.host, target.port)).map(connected_stream);
        }
        named(path, UnixStream::connect(path).map(connected_stream))
    }

    fn is_endpoint(target: &ConnectorTarget) -> bool {
        target.purpose == ConnectorPurpose::AuthorizationEndpoint
    }

    /// The system's errors name no path.
    fn named<T>(path: &Path, connected: io::Result<T>) -> io::Result<T> {
        connected.map_err(|error| io::Error::new(error.kind(), format!("{path:?}: {error}")))
    }
}
