//! The embedded server on a port of your choice, until it is interrupted.
//!
//! `cargo run -p pushest-testkit --example serve -- --port 6001 --profile standard`

use std::error::Error;
use std::thread;

use pushest_testkit::{Profile, Server};

fn main() -> Result<(), Box<dyn Error>> {
    let mut port = 6001;
    let mut profile = Profile::Standard;
    let [mut id, mut key, mut secret] = ["1", "app-key", "app-secret"].map(str::to_owned);
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--port" => port = value.parse()?,
            "--profile" => {
                profile = Profile::from_name(&value).ok_or("no such profile")?;
            }
            "--app-id" => id = value,
            "--key" => key = value,
            "--secret" => secret = value,
            _ => return Err(format!("no such option: {name}").into()),
        }
    }
    let server = Server::builder().profile(profile).port(port).app(id, key, secret).start()?;
    println!("listening on {}, app key {}", server.addr(), server.app().key);
    loop {
        thread::park();
    }
}
