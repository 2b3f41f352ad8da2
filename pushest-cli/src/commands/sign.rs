//! `pushest sign`: the authorization of a subscription or a sign-in.

use pushest_proto::{ChannelKind, ChannelName, Signer, SocketId};
use serde_json::Value;

use crate::arguments::SignArguments;
use crate::connection;
use crate::failure::Failure;
use crate::output::{Backend, Line, Output};

pub(crate) fn run(arguments: &SignArguments, output: &Output) -> Result<(), Failure> {
    let socket_id = SocketId::new(&arguments.socket_id).ok_or_else(|| {
        // A URL with a secret may have been pasted in its place.
        let id = &arguments.socket_id;
        let id = if id.contains(['@', ':']) { "…" } else { id };
        Failure::input(format_args!(
            "{id:?} is not a socket id: 1 to 100 letters, digits, dots, hyphens and underscores, such \
             as 1234.5678"
        ))
    })?;
    let signer = connection::signer(&arguments.connection)?;
    let auth = match (&arguments.channel, &arguments.user_data) {
        (Some(channel), _) => {
            let channel = ChannelName::new(channel)?;
            let data = arguments.channel_data.as_deref();
            check_channel_data(&channel, data)?;
            signer.channel(&socket_id, channel.as_str(), data)
        }
        (None, Some(user_data)) => {
            check_user(user_data, "--user-data", "id")?;
            signer.user(&socket_id, user_data)
        }
        (None, None) => return Err(Failure::input("give a CHANNEL or --user-data")),
    };
    let name = arguments.channel.as_deref().map(ChannelName::new).transpose()?;
    let shared_secret = match &name {
        Some(name) if name.kind() == ChannelKind::Encrypted => {
            let shared_secret = shared_secret(&signer, &socket_id, name);
            if shared_secret.is_none() {
                output.warning(format_args!(
                    "{name} is an encrypted channel: without --master-key its shared_secret is left \
                     out, and no client can read its events"
                ));
            }
            shared_secret
        }
        _ => None,
    };
    output.line(&Line::Backend(Backend::Signed {
        auth: &auth,
        channel_data: arguments.channel_data.as_deref(),
        shared_secret: shared_secret.as_deref(),
        user_data: arguments.user_data.as_deref(),
    }))?;
    Ok(())
}

/// The key of an encrypted channel, where the master key was given.
fn shared_secret(signer: &Signer, socket_id: &SocketId, channel: &ChannelName) -> Option<String> {
    let granted = signer.authorize_channel(socket_id, channel, None).ok()?;
    granted.shared_secret.map(|secret| secret.to_string())
}

/// Presence channels, and only they, sign who subscribes ([protocol,
/// signing](pushest_proto::protocol#signing)).
fn check_channel_data(channel: &ChannelName, data: Option<&str>) -> Result<(), Failure> {
    match (channel.kind(), data) {
        (ChannelKind::Presence, Some(data)) => check_user(data, "--channel-data", "user_id"),
        (ChannelKind::Presence, None) => Err(Failure::input(format_args!(
            "{channel} is a presence channel: give --channel-data, such as \
             '{{\"user_id\":\"7\"}}'"
        ))),
        (kind, None) if kind.is_signed() => Ok(()),
        (kind, Some(_)) if kind.is_signed() => Err(Failure::input(format_args!(
            "{channel} is no presence channel: --channel-data is not signed there"
        ))),
        _ => Err(Failure::input(format_args!(
            "{channel} is a public channel: subscribing to it needs no signature"
        ))),
    }
}

/// An object with an id, which servers insist on.
fn check_user(text: &str, option: &str, field: &str) -> Result<(), Failure> {
    let value: Value = serde_json::from_str(text)
        .map_err(|error| Failure::input(format_args!("{option} {text:?} is not JSON: {error}")))?;
    let has_id = match value.get(field) {
        Some(Value::String(id)) => !id.is_empty(),
        Some(Value::Number(_)) => true,
        _ => false,
    };
    if has_id {
        return Ok(());
    }
    Err(Failure::input(format_args!(
        "{option} {text:?} names no user: it must be an object whose {field:?} is a string or a \
         number, and not empty"
    )))
}
