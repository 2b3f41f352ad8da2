//! What the endpoint is asked, and what it grants.

use pushest_proto::SocketId;
use serde_json::{Value, json};

use super::Reply;
use crate::protocol::{App, sign};

/// A request that an [`AuthorizationEndpoint`](super::AuthorizationEndpoint) has received.
#[derive(Debug, Clone)]
pub struct ReceivedRequest {
    pub(super) app: App,
    pub(super) method: String,
    pub(super) target: String,
    /// In their order, by names in lower case.
    pub(super) headers: Vec<(String, String)>,
    pub(super) form: Vec<(String, String)>,
    pub(super) text: String,
}

impl ReceivedRequest {
    /// Returns the method: `POST`, of a client that keeps to the protocol.
    #[must_use]
    pub fn method(&self) -> &str {
        &self.method
    }

    /// Returns the path, and the query where there is one: `/pusher/auth?tenant=7`.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Returns the value of the first header of this name, in any case; `None` without one.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.header_values(name).first().copied()
    }

    /// Returns the values of all headers of this name, in any case and in their order.
    #[must_use]
    pub fn header_values(&self, name: &str) -> Vec<&str> {
        let same = self.headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        same.map(|(_, value)| value.as_str()).collect()
    }

    /// Returns the value of the form's first field of this name, decoded; `None` without one.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.form.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// Returns the names and values of the form, decoded and in their order.
    #[must_use]
    pub fn form(&self) -> &[(String, String)] {
        &self.form
    }

    /// Returns the socket id that the authorization is for.
    #[must_use]
    pub fn socket_id(&self) -> Option<&str> {
        self.field("socket_id")
    }

    /// Returns the channel that is to be authorized; `None` for a sign-in.
    #[must_use]
    pub fn channel(&self) -> Option<&str> {
        self.field("channel_name")
    }

    /// Returns the whole request as it came: request line, headers, body.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the reply of an app's server that allows the request to the user with this id: the
    /// signature, for a presence channel with `{"user_id": …}`, for an encrypted one with the channel's
    /// key by the [`App::master_key`], for a sign-in with `{"id": …}`.
    ///
    /// Without a [`SocketId`] it is a reply with status 400: a signature over anything else might be
    /// good for another purpose.
    #[must_use]
    pub fn grant(&self, user_id: &str) -> Reply {
        self.granted(user_id, None)
    }

    /// As [`grant`](Self::grant), with more about the user: `user_info` of the member and of the user.
    #[must_use]
    pub fn grant_with(&self, user_id: &str, user_info: &Value) -> Reply {
        self.granted(user_id, Some(user_info))
    }

    fn granted(&self, user_id: &str, user_info: Option<&Value>) -> Reply {
        let Some(socket_id) = self.socket_id().filter(|id| SocketId::new(id).is_some()) else {
            return Reply::new(400, "socket_id is missing, or is none");
        };
        let who = |id: &str| {
            let mut data = json!({ id: user_id });
            if let Some(info) = user_info {
                data["user_info"] = info.clone();
            }
            data.to_string()
        };
        let answer = match self.channel() {
            Some("") => return Reply::new(400, "channel_name is empty"),
            Some(channel) => {
                let member = channel.starts_with("presence-").then(|| who("user_id"));
                self.channel_granted(socket_id, channel, member.as_deref())
            }
            None => {
                let user = who("id");
                json!({ "auth": self.auth(&format!("{socket_id}::user::{user}")), "user_data": user })
            }
        };
        Reply::new(200, answer.to_string()).header("Content-Type", "application/json")
    }

    fn channel_granted(&self, socket_id: &str, channel: &str, member: Option<&str>) -> Value {
        let mut signed = format!("{socket_id}:{channel}");
        if let Some(member) = member {
            signed = format!("{signed}:{member}");
        }
        let mut answer = json!({ "auth": self.auth(&signed) });
        if let Some(member) = member {
            answer["channel_data"] = member.into();
        }
        if channel.starts_with("private-encrypted-") {
            answer["shared_secret"] = self.app.master_key().shared_secret(channel).into();
        }
        answer
    }

    /// `KEY:SIGNATURE` over a text ([protocol, signing](pushest_proto::protocol#signing)).
    fn auth(&self, text: &str) -> String {
        format!("{}:{}", self.app.key, sign(self.app.secret(), text))
    }
}
