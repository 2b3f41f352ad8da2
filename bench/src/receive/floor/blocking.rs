//! A bare loop over tungstenite, on this thread.

use std::io::{Read, Write};
use std::net::TcpStream;

use rustls::{ClientConnection, StreamOwned};

use super::super::Target;
use super::{Floor, upgrade};
use crate::Problem;
use crate::tally::Tally;

pub(super) fn run(target: &Target, floor: Floor) -> Result<Tally, Problem> {
    let stream = TcpStream::connect(target.address)?;
    stream.set_nodelay(true)?;
    match &target.authority {
        None => receive(target, stream, floor),
        Some(authority) => {
            let (name, config) = upgrade::tls(target, authority)?;
            let connection = ClientConnection::new(config, name)?;
            receive(target, StreamOwned::new(connection, stream), floor)
        }
    }
}

fn receive<S: Read + Write>(
    target: &Target,
    stream: S,
    mut floor: Floor,
) -> Result<Tally, Problem> {
    let mut socket = upgrade::websocket(target, stream)?;
    while !floor.frame(&socket.read()?) {}
    Ok(floor.tally)
}
