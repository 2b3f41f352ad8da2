//! Builds and signs what it is told, a JSON object a line, and prints the requests likewise. The
//! official libraries for backends are held against it (`pushest-testkit/official`).
//!
//! ```sh
//! echo '{"call":"publish","channels":["orders"],"name":"shipped","data":"{}","time":1353088179}' |
//!     cargo run -p pushest-proto --example signed_requests
//! ```
#![forbid(unsafe_code)]

use std::error::Error;
use std::io::{self, BufRead, Write};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use pushest_proto::api::{
    App, Batch, Call, Custom, GetChannel, ListChannels, ListUsers, Publish, Terminate,
};
use pushest_proto::{ChannelForm, Config, MemberData, UserData, UserForm};
use serde_json::{Value, json};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The app of all requests, as the official libraries are set up for it.
fn config() -> Result<Config> {
    let config = Config::builder("278d425bdf160c739803").app_id("3");
    let config = config.secret("7ad3773142a6692b25b8").master_key(&[7; 32]).host("localhost");
    Ok(config.build()?)
}

fn main() -> Result<()> {
    let config = config()?;
    let app = App::new(&config)?;
    let mut output = io::BufWriter::new(io::stdout().lock());
    for line in io::stdin().lock().lines() {
        let call: Value = serde_json::from_str(&line?)?;
        let answer = carried_out(&config, &app, &call)
            .unwrap_or_else(|error| json!({ "error": error.to_string() }));
        writeln!(output, "{answer}")?;
    }
    Ok(output.flush()?)
}

fn carried_out(config: &Config, app: &App, call: &Value) -> Result<Value> {
    let text = |name: &str| call[name].as_str().unwrap_or_default();
    let infos: Vec<&str> = text("info").split(',').collect();
    let wants = |info: &str| infos.contains(&info);
    match text("call") {
        "publish" => signed(app, &event(call)?, call),
        "batch" => {
            let events = call["batch"].as_array().ok_or("no batch")?;
            let events = events.iter().map(event).collect::<Result<Vec<_>>>()?;
            signed(app, &Batch::new(events), call)
        }
        "channels" => {
            let mut channels = ListChannels::new().prefix(text("prefix"));
            if wants("user_count") {
                channels = channels.with_user_count();
            }
            signed(app, &channels, call)
        }
        "channel" => {
            let mut channel = GetChannel::new(text("channel"));
            if wants("user_count") {
                channel = channel.with_user_count();
            }
            if wants("subscription_count") {
                channel = channel.with_subscription_count();
            }
            signed(app, &channel, call)
        }
        "users" => signed(app, &ListUsers::new(text("channel")), call),
        "terminate" => signed(app, &Terminate::user(text("user_id")), call),
        "get" => signed(app, &Custom::get(text("path")), call),
        "post" => signed(app, &Custom::post(text("path"), text("body")), call),
        "authorize" => authorized(config, call),
        "authenticate" => authenticated(config, call),
        other => Err(format!("{other:?} is no call").into()),
    }
}

fn event(event: &Value) -> Result<Publish> {
    let text = |name: &str| event[name].as_str().unwrap_or_default();
    let channels: Vec<&str> = match &event["channels"] {
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => vec![text("channel")],
    };
    let mut publish = Publish::new(channels, text("name"), text("data"));
    if let Some(socket_id) = event["socket_id"].as_str() {
        publish = publish.exclude(socket_id);
    }
    if text("info").contains("user_count") {
        publish = publish.with_user_count();
    }
    if text("info").contains("subscription_count") {
        publish = publish.with_subscription_count();
    }
    if let Some(nonce) = event["nonce"].as_str() {
        let nonce = BASE64.decode(nonce)?;
        publish = publish.nonce(nonce.try_into().map_err(|_| "a nonce has 24 bytes")?);
    }
    Ok(publish)
}

fn signed<C: Call>(app: &App, call: &C, line: &Value) -> Result<Value> {
    let time = line["time"].as_u64().ok_or("no time")?;
    let request = app.request(call, Duration::from_secs(time))?;
    Ok(json!({
        "method": request.method().as_str(),
        "target": request.target(),
        "body": request.body(),
    }))
}

fn authorized(config: &Config, call: &Value) -> Result<Value> {
    let form = call["form"].as_str().unwrap_or_default();
    let asked = ChannelForm::read("application/x-www-form-urlencoded", form.as_bytes())?;
    let member = call["user_id"].as_str().map(MemberData::new);
    let member = member.map(|member| match call["user_info"].as_str() {
        Some(info) => member.info(info),
        None => member,
    });
    let signer = config.signer().ok_or("no secret")?;
    let granted = signer.authorize_channel(&asked.socket_id, &asked.channel, member.as_ref())?;
    Ok(serde_json::from_str(&granted.to_json())?)
}

fn authenticated(config: &Config, call: &Value) -> Result<Value> {
    let form = call["form"].as_str().unwrap_or_default();
    let asked = UserForm::read("application/x-www-form-urlencoded", form.as_bytes())?;
    let user = UserData::new(call["user_id"].as_str().unwrap_or_default());
    let signer = config.signer().ok_or("no secret")?;
    let granted = signer.authenticate_user(&asked.socket_id, &user)?;
    Ok(serde_json::from_str(&granted.to_json())?)
}
