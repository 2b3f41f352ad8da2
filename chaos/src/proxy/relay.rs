//! One connection through the proxy.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use socket2::SockRef;

use super::{Cut, LOOK, Shared, Way, junk};

/// A client's connection and the server's, with a thread for each direction.
#[derive(Debug)]
pub(super) struct Relay {
    client: TcpStream,
    server: TcpStream,
    shared: Arc<Shared>,
    /// Cuts up to this one were before its time.
    cuts: u64,
    ended: AtomicBool,
}

impl Relay {
    pub(super) fn new(
        client: TcpStream,
        server: TcpStream,
        shared: Arc<Shared>,
    ) -> io::Result<Self> {
        for stream in [&client, &server] {
            stream.set_read_timeout(Some(LOOK))?;
            stream.set_write_timeout(Some(LOOK))?;
        }
        let cuts = shared.cut().0;
        Ok(Self { client, server, shared, cuts, ended: AtomicBool::new(false) })
    }

    /// Forwards what the client sends, until either side ends.
    pub(super) fn to_server(&self) {
        let dark = |way| matches!(way, Way::Dark { to_server: true, .. });
        self.pump(&self.client, &self.server, dark, |bytes| self.write(&self.server, bytes));
    }

    /// Forwards what the server sends, until either side ends or the connection is cut.
    pub(super) fn to_client(&self) {
        let dark = |way| matches!(way, Way::Dark { to_client: true, .. });
        self.pump(&self.server, &self.client, dark, |bytes| {
            let (number, cut) = self.shared.cut();
            if number > self.cuts {
                self.cut(bytes, cut)?;
                return Err(ErrorKind::ConnectionAborted.into());
            }
            match self.shared.way() {
                Way::Trickle => bytes.chunks(7).try_for_each(|few| {
                    thread::sleep(Duration::from_micros(50));
                    self.write(&self.client, few)
                }),
                _ => self.write(&self.client, bytes),
            }
        });
    }

    fn pump(
        &self,
        mut from: &TcpStream,
        to: &TcpStream,
        is_dark: impl Fn(Way) -> bool,
        forward: impl Fn(&[u8]) -> io::Result<()>,
    ) {
        let mut buffer = vec![0; 16 * 1024];
        while !self.ended.load(Ordering::Relaxed) {
            let way = self.shared.way();
            if is_dark(way) {
                // What is not read fills the buffers of the operating system.
                thread::sleep(LOOK);
                continue;
            }
            match from.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => {
                    if let Way::Delay(delay) = way {
                        thread::sleep(delay);
                    }
                    if forward(&buffer[..read]).is_err() {
                        break;
                    }
                }
                Err(error) if is_timeout(&error) => {}
                Err(_) => break,
            }
        }
        self.ended.store(true, Ordering::Relaxed);
        let _ = to.shutdown(Shutdown::Write);
    }

    /// Writes all of it, unless the connection ends meanwhile.
    fn write(&self, mut to: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            if self.ended.load(Ordering::Relaxed) {
                return Err(ErrorKind::ConnectionAborted.into());
            }
            match to.write(bytes) {
                Ok(written) => bytes = &bytes[written..],
                Err(error) if is_timeout(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Forwards the first half of these bytes, and then does what is to be done.
    fn cut(&self, bytes: &[u8], cut: Cut) -> io::Result<()> {
        self.write(&self.client, &bytes[..bytes.len() / 2])?;
        match cut {
            Cut::End => {}
            // Then the last owner of the socket resets the connection by closing it.
            Cut::Reset => SockRef::from(&self.client).set_linger(Some(Duration::ZERO))?,
            Cut::Garbage => {
                self.write(&self.client, &junk(300))?;
                self.hear_out(Duration::from_secs(2));
            }
            Cut::HalfClose => {
                self.client.shutdown(Shutdown::Write)?;
                self.hear_out(Duration::from_secs(2));
            }
        }
        Ok(())
    }

    /// Lets this time pass, while what the client sends is forwarded.
    fn hear_out(&self, time: Duration) {
        let looks = time.as_millis() / LOOK.as_millis();
        for _ in 0..looks {
            if self.ended.load(Ordering::Relaxed) {
                return;
            }
            thread::sleep(LOOK);
        }
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
