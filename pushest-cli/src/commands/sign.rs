//! `pushest sign`: the authorization of a subscription or a sign-in.

use pushest_proto::{ChannelKind, ChannelName, MemberData, Signer, SocketId, UserData};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

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
            check_channel_data(&signer, &socket_id, &channel, data)?;
            signer.channel(&socket_id, channel.as_str(), data)
        }
        (None, Some(user_data)) => {
            let given = Given::read(user_data, "--user-data", "id")?;
            let watchlist = given.watchlist()?;
            let mut user = UserData::new(given.id).watchlist(watchlist);
            if let Some(info) = given.info {
                user = user.info(info);
            }
            // Signed as it stands; this one says whether it keeps the limits.
            signer
                .authenticate_user(&socket_id, &user)
                .map_err(|error| Failure::input(format_args!("--user-data: {error}")))?;
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
fn check_channel_data(
    signer: &Signer,
    socket_id: &SocketId,
    channel: &ChannelName,
    data: Option<&str>,
) -> Result<(), Failure> {
    match (channel.kind(), data) {
        (ChannelKind::Presence, Some(data)) => {
            let given = Given::read(data, "--channel-data", "user_id")?;
            let mut member = MemberData::new(given.id);
            if let Some(info) = given.info {
                member = member.info(info);
            }
            // Signed as it stands; this one says whether it keeps the limits.
            let checked = signer.authorize_channel(socket_id, channel, Some(&member));
            checked
                .map(drop)
                .map_err(|error| Failure::input(format_args!("--channel-data: {error}")))
        }
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

/// What was given of a member or a user.
struct Given {
    id: String,
    info: Option<String>,
    watchlist: Option<Value>,
}

impl Given {
    /// Reads an object with an id, which servers insist on.
    fn read(text: &str, option: &str, field: &str) -> Result<Self, Failure> {
        #[derive(Deserialize)]
        struct Fields {
            user_info: Option<Box<RawValue>>,
            watchlist: Option<Value>,
        }
        let value: Value = serde_json::from_str(text).map_err(|error| {
            Failure::input(format_args!("{option} {text:?} is not JSON: {error}"))
        })?;
        let id = match value.get(field) {
            Some(Value::String(id)) if !id.is_empty() => Some(id.clone()),
            Some(Value::Number(id)) => Some(id.to_string()),
            _ => None,
        };
        let id = id.ok_or_else(|| {
            Failure::input(format_args!(
                "{option} {text:?} names no user: it must be an object whose {field:?} is a string \
                 or a number, and not empty"
            ))
        })?;
        // As it stands: its size counts.
        let Fields { user_info, watchlist } = serde_json::from_str(text)
            .map_err(|error| Failure::input(format_args!("{option} cannot be read: {error}")))?;
        Ok(Self { id, info: user_info.map(|info| info.get().to_owned()), watchlist })
    }

    fn watchlist(&self) -> Result<Vec<String>, Failure> {
        let Some(watchlist) = &self.watchlist else { return Ok(Vec::new()) };
        let id = |value: &Value| match value {
            Value::String(id) => Some(id.clone()),
            Value::Number(id) => Some(id.to_string()),
            _ => None,
        };
        let ids = watchlist.as_array().and_then(|list| list.iter().map(id).collect());
        ids.ok_or_else(|| {
            Failure::input("--user-data: its \"watchlist\" is not a list of users' ids")
        })
    }
}
