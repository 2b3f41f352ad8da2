//! Publishing over the HTTP API, in the few lines that a test needs (protocol, HTTP side).

use std::io::{Error, Read, Write};
use std::net::TcpStream;
use std::time::{SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use sha2::Sha256;

use super::{PATIENCE, Target};

pub(crate) fn post(target: &Target, channel: &str, event: &str, data: &str) -> std::io::Result<()> {
    let path = "/apps/app-id/events";
    let body = serde_json::json!({ "name": event, "channel": channel, "data": data }).to_string();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(Error::other)?.as_secs();
    let digest = hex::encode(Md5::digest(&body));
    let query =
        format!("auth_key={}&auth_timestamp={now}&auth_version=1.0&body_md5={digest}", target.key);
    let mut mac = Hmac::<Sha256>::new_from_slice(target.secret.as_bytes()).map_err(Error::other)?;
    mac.update(format!("POST\n{path}\n{query}").as_bytes());
    let signature = hex::encode(mac.finalize().into_bytes());

    let mut stream = TcpStream::connect((target.host.as_str(), target.port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "POST {path}?{query}&auth_signature={signature} HTTP/1.1\r\n\
         Host: {}:{}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        target.host,
        target.port,
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    if answer.starts_with("HTTP/1.1 200 ") { Ok(()) } else { Err(Error::other(answer)) }
}
