//! Writes what servers send as inputs for the targets `decode` and `session`:
//!
//! ```text
//! cargo run -p pushest-fuzz --example record -- FOLDER
//! .ci/with-server sockudo cargo run -p pushest-fuzz --example record -- FOLDER
//! cargo run -p pushest-fuzz --example record -- FOLDER report.jsonl
//! ```
//!
//! The first records the testkit's server in every profile, the second the server that
//! `PUSHEST_TEST_URL` names; the third takes what a client recorded (`pushest listen --record`).
//! `FOLDER/decode` and `FOLDER/session` get a file for each message that
//! is not in `FOLDER/decode` yet; socket ids are written over, so that it can be.

#![allow(clippy::unwrap_used, reason = "a recorder may fail where it stands")]

mod client;

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use client::{App, Client};
use pushest_testkit::{Profile, Server};
use serde_json::json;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1).map(PathBuf::from);
    let folder = arguments.next().ok_or("a folder is missing")?;
    let recordings: Vec<PathBuf> = arguments.collect();
    for recording in &recordings {
        let name = recording.file_stem().ok_or("a recording is a file")?.to_string_lossy();
        write(&folder, &name, &heard(&fs::read_to_string(recording)?)?)?;
    }
    if !recordings.is_empty() {
        return Ok(());
    }
    if let Ok(url) = std::env::var("PUSHEST_TEST_URL") {
        let address = url.rsplit('@').next().unwrap_or(&url);
        let app = App::new(address, "1", "app-key", "app-secret");
        return write(&folder, "real", &record(&app)?);
    }
    for profile in Profile::ALL {
        let server = Server::builder().profile(profile).start()?;
        let app = App::new(
            &server.addr().to_string(),
            &server.app().id,
            &server.app().key,
            server.app().secret(),
        );
        write(&folder, profile.name(), &record(&app)?)?;
    }
    Ok(())
}

/// Returns what the server said, by a client's recording.
fn heard(recording: &str) -> Result<BTreeSet<String>, serde_json::Error> {
    let mut messages = BTreeSet::new();
    for line in recording.lines() {
        let line: serde_json::Value = serde_json::from_str(line)?;
        messages.extend(line["message"]["text"].as_str().map(str::to_string));
    }
    Ok(messages)
}

/// Returns everything that a server says to two clients that do all there is to do.
fn record(app: &App) -> Result<BTreeSet<String>, Box<dyn Error>> {
    let (mut alice, mut bob) = (Client::connect(app)?, Client::connect(app)?);
    for (client, id) in [(&mut alice, "me"), (&mut bob, "1")] {
        for channel in ["a", "private-a", "private-encrypted-a", "private-cache-b"] {
            client.subscribe(channel, None)?;
        }
        let member = json!({"user_id": id, "user_info": {"name": "Zoë \"Z\""}}).to_string();
        client.subscribe("presence-a", Some(&member))?;
        let user = json!({"id": id, "watchlist": ["me", "1", "2"]}).to_string();
        client.sign_in(&user)?;
        client.flush()?;
    }
    alice.subscribe_wrongly("private-b")?;
    alice.subscribe_wrongly("no name")?;
    alice.send("no message")?;
    for channel in ["a", "private-a", "presence-a", "private-cache-b", "#server-to-user-me"] {
        for (event, data) in [
            ("plain", r#"{"id":7}"#),
            ("App\\Events\\OrderShipped", r#"{"name":"caf\u00e9","path":"\/a"}"#),
            ("words", "not JSON: é \u{1F600}\n"),
            ("empty", ""),
        ] {
            app.publish(channel, event, data)?;
        }
    }
    for channel in ["private-a", "presence-a", "a"] {
        bob.send(
            &json!({"event": "client-typing", "channel": channel, "data": {"on": true}})
                .to_string(),
        )?;
    }
    bob.send(
        &json!({"event": "pusher:unsubscribe", "data": {"channel": "presence-a"}}).to_string(),
    )?;
    bob.flush()?;
    alice.flush()?;
    alice.flush()?;
    Ok([alice, bob].into_iter().flat_map(Client::into_heard).collect())
}

fn write(folder: &Path, server: &str, messages: &BTreeSet<String>) -> Result<(), Box<dyn Error>> {
    let [decode, session] = ["decode", "session"].map(|target| folder.join(target));
    fs::create_dir_all(&decode)?;
    fs::create_dir_all(&session)?;
    let mut known = BTreeSet::new();
    for entry in fs::read_dir(&decode)? {
        known.insert(fs::read(entry?.path())?);
    }
    let fresh = messages.iter().filter(|message| !known.contains(message.as_bytes()));
    for (number, message) in fresh.enumerate() {
        let name = format!("{server}-{number:02}");
        fs::write(decode.join(&name), message)?;
        fs::write(session.join(&name), input_of_session(message))?;
    }
    println!("{server}: {} messages", messages.len());
    Ok(())
}

/// Returns an input of `session`: one that signs and has the key wants the channels that are
/// recorded, is connected, and hears this message.
fn input_of_session(message: &str) -> Vec<u8> {
    const SIGNS_AND_HAS_THE_KEY: u8 = 3;
    const SEED: u8 = 7;
    let [connect, open, subscribe, sign_in, raw, established] = [0, 3, 14, 18, 23, 25];
    let mut input = vec![SIGNS_AND_HAS_THE_KEY, SEED];
    for channel in [0, 2, 3, 4, 6] {
        input.extend([subscribe, channel]);
    }
    input.extend([sign_in, 2, connect, open, established, 120, raw]);
    input.extend(u16::try_from(message.len()).unwrap().to_le_bytes());
    input.extend(message.as_bytes());
    input
}
