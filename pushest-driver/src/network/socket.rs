//! Netlink sockets.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, recv, send, socket_with,
};

use super::message::{self, Message};

// `linux/rtnetlink.h`: links, addresses, routes and rules, of IPv4 and of IPv6.
const GROUPS: u32 = 0x1 | 0x10 | 0x40 | 0x80 | 0x100 | 0x400 | (1 << 18);

/// More than the kernel writes at once.
const BUFFER: usize = 64 * 1024;

/// A socket that never blocks.
#[derive(Debug)]
pub(super) struct Socket {
    descriptor: OwnedFd,
    buffer: Vec<u8>,
}

/// What was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Read {
    /// A datagram.
    Some,
    /// Nothing, for now.
    Nothing,
    /// There were more than the kernel keeps, and some are lost.
    Lost,
}

impl Socket {
    /// Returns a socket that notices come to.
    pub(super) fn of_notices() -> io::Result<Self> {
        Self::new(GROUPS)
    }

    /// Returns a socket to ask by.
    pub(super) fn of_requests() -> io::Result<Self> {
        Self::new(0)
    }

    fn new(groups: u32) -> io::Result<Self> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        // Without a protocol it is that of routes.
        let descriptor = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
        bind(&descriptor, &SocketAddrNetlink::new(0, groups))?;
        Ok(Self { descriptor, buffer: vec![0; BUFFER] })
    }

    pub(super) fn send(&self, request: &[u8]) -> io::Result<()> {
        send(&self.descriptor, request, SendFlags::empty())?;
        Ok(())
    }

    /// Reads a datagram, and tells its messages with the numbers of the requests that they answer.
    pub(super) fn read(&mut self, tell: impl FnMut(u32, Message)) -> io::Result<Read> {
        loop {
            return match recv(&self.descriptor, &mut self.buffer[..], RecvFlags::empty()) {
                Ok((length, _)) => {
                    message::read(&self.buffer[..length], tell);
                    Ok(Read::Some)
                }
                Err(Errno::INTR) => continue,
                Err(Errno::AGAIN) => Ok(Read::Nothing),
                Err(Errno::NOBUFS) => Ok(Read::Lost),
                Err(error) => Err(error.into()),
            };
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}
