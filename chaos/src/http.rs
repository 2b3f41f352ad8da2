//! The server's HTTP API, as much of it as publishing takes.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::{Digest as _, Md5};
use sha2::Sha256;

use crate::app;

/// Longer than any server here is stopped: a call that was given up might be carried out after
/// later ones.
const LIMIT: Duration = Duration::from_secs(30);

/// Posts to a path of the app's, on a connection of its own: Sockudo closes it after each answer. An
/// error leaves open whether the server did what was asked.
pub(crate) fn post(server: SocketAddr, path: &str, body: &str) -> io::Result<()> {
    let stream = TcpStream::connect_timeout(&server, LIMIT)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    let path = format!("/apps/{}/{path}", app::ID);
    let request = format!(
        "POST {path}?{} HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        signed_query(&path, body),
        body.len()
    );
    let mut connection = BufReader::new(stream);
    connection.get_mut().write_all(request.as_bytes())?;
    match answer(&mut connection)? {
        200 => Ok(()),
        status => Err(io::Error::other(format!("the API answered {status}"))),
    }
}

/// Returns the query that authorizes a POST ([protocol, signing](pushest_proto::protocol#signing)).
fn signed_query(path: &str, body: &str) -> String {
    let query = format!(
        "auth_key={}&auth_timestamp={}&auth_version=1.0&body_md5={}",
        app::KEY,
        app::now().as_secs(),
        hex::encode(Md5::digest(body))
    );
    format!("{query}&auth_signature={}", sign(&format!("POST\n{path}\n{query}")))
}

/// Returns the signature of a text by the app's secret.
pub(crate) fn sign(text: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(app::SECRET.as_bytes())
        .expect("HMAC takes keys of any length");
    mac.update(text.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

/// Reads an answer to its end, and returns its status.
fn answer(connection: &mut BufReader<TcpStream>) -> io::Result<u16> {
    let broken = || io::Error::new(io::ErrorKind::InvalidData, "not an answer of the API");
    let mut line = String::new();
    connection.read_line(&mut line)?;
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
    let mut length = 0;
    loop {
        line.clear();
        connection.read_line(&mut line)?;
        let Some((name, value)) = line.split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().map_err(|_| broken())?;
        }
    }
    io::copy(&mut connection.take(length), &mut io::sink())?;
    status.ok_or_else(broken)
}
