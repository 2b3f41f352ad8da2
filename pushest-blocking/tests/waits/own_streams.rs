//! Connectors of scenarios, with what has a descriptor.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use pushest_blocking::{ConnectedStream, ConnectorTarget, Options, connected_stream};
use pushest_conformance::{driver, wanted};
use pushest_testkit::conformance::{Connector, Connects};

pub(crate) fn own_streams(options: driver::Options, connector: Connector) -> driver::Options {
    let connect = move |target| connect(&target, &connector);
    Options::from(options).connector(connect).into()
}

fn connect(target: &ConnectorTarget, connector: &Connector) -> io::Result<ConnectedStream> {
    match connector(&wanted(target)) {
        Connects::Within { server, is_encrypted } => {
            let (ours, theirs) = UnixStream::pair()?;
            server.accept(theirs)?;
            let stream = connected_stream(ours);
            Ok(if is_encrypted { stream.encrypted() } else { stream })
        }
        Connects::To(address) => TcpStream::connect(address).map(connected_stream),
        Connects::ToSocket(path) => UnixStream::connect(path).map(connected_stream),
        Connects::Fails(text) => Err(io::Error::other(text)),
        Connects::Panics => panic!("as the scenario says"),
        Connects::Hangs => {
            thread::sleep(Duration::from_secs(1));
            Err(io::Error::other("it has hung for long enough"))
        }
        Connects::Breaks => {
            let (ours, theirs) = UnixStream::pair()?;
            Ok(connected_stream(Breaks { ours, _theirs: theirs }))
        }
    }
}

struct Breaks {
    ours: UnixStream,
    _theirs: UnixStream,
}

impl Read for Breaks {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        panic!("as the scenario says")
    }
}

impl Write for Breaks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsFd for Breaks {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.ours.as_fd()
    }
}
