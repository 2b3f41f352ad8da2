//! Stands in for the device's network stack: one TCP socket that never blocks. What it offers is
//! what embedded stacks offer, too.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

use pushest_proto::{DialFailure, Endpoint, Loss};

pub(crate) struct Socket(TcpStream);

impl Socket {
    /// On a device this only begins, and a later tick finds out; over loopback the answer is there
    /// at once.
    pub(crate) fn dial(endpoint: &Endpoint) -> Result<Self, Loss> {
        let failed =
            |error: std::io::Error| Loss::Dial(DialFailure::Connect(error.to_string().into()));
        let host = endpoint.host_with_zone();
        let address = (&*host, endpoint.port());
        let stream = TcpStream::connect(address).map_err(failed)?;
        stream.set_nonblocking(true).map_err(failed)?;
        Ok(Self(stream))
    }

    /// How many bytes came; 0 if none did yet.
    pub(crate) fn read(&mut self, room: &mut [u8]) -> Result<usize, Loss> {
        match self.0.read(room) {
            Ok(0) if !room.is_empty() => Err(Loss::reset("it ended without a close frame")),
            result => unless_blocked(result),
        }
    }

    /// How many bytes were taken; 0 if none fit.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<usize, Loss> {
        unless_blocked(self.0.write(bytes))
    }
}

fn unless_blocked(result: std::io::Result<usize>) -> Result<usize, Loss> {
    match result {
        Ok(count) => Ok(count),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
            Ok(0)
        }
        Err(error) => Err(Loss::reset(&error.to_string())),
    }
}
