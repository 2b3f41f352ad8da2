//! Authorizing for others: what an app's backend signs for its clients ([protocol, authorization
//! endpoint](crate::protocol#authorization-endpoint)).

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::Signer;
use super::member::{self, USER_ID_BYTES, Unsignable};
use super::request::Authorization;
use crate::channel::name::{ChannelKind, ChannelName};
use crate::channel::secret::MasterKey;
use crate::config::error::ConfigError;
use crate::id::SocketId;

/// Maximum number of ids in a watchlist ([protocol, limits](crate::protocol#limits)).
const MOST_WATCHED: usize = 100;

/// Who subscribes to a presence channel. Your program says so, from its session or token: what the
/// client sends may name any user.
///
/// ```
/// use pushest_proto::MemberData;
///
/// let ada = MemberData::new("7").info(r#"{"name":"Ada"}"#);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberData {
    user_id: String,
    user_info: Option<String>,
}

impl MemberData {
    /// Creates a member with this id, of 1 to 128 bytes.
    #[must_use]
    pub fn new(user_id: impl ToString) -> Self {
        Self { user_id: user_id.to_string(), user_info: None }
    }

    /// Sets what the other members may know of it (JSON).
    #[must_use]
    pub fn info(mut self, json: impl Into<String>) -> Self {
        self.user_info = Some(json.into());
        self
    }
}

/// Who signs in. Your program says so, from its session or token.
///
/// ```
/// use pushest_proto::UserData;
///
/// let ada = UserData::new("7").info(r#"{"name":"Ada"}"#).watchlist(["8", "9"]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserData {
    id: String,
    user_info: Option<String>,
    watchlist: Vec<String>,
}

impl UserData {
    /// Creates a user with this id, of 1 to 128 bytes.
    #[must_use]
    pub fn new(id: impl ToString) -> Self {
        Self { id: id.to_string(), user_info: None, watchlist: Vec::new() }
    }

    /// Sets what users who have this one on their watchlist may know of it (a JSON object).
    #[must_use]
    pub fn info(mut self, json: impl Into<String>) -> Self {
        self.user_info = Some(json.into());
        self
    }

    /// Sets the watchlist: at most 100 users whose coming online and going offline this one is
    /// told.
    #[must_use]
    pub fn watchlist<S: Into<String>>(mut self, ids: impl IntoIterator<Item = S>) -> Self {
        self.watchlist = ids.into_iter().map(Into::into).collect();
        self
    }
}

impl Signer {
    /// Adds the master key, of 32 bytes, which authorizing for encrypted channels needs.
    ///
    /// # Errors
    /// [`ConfigError::MasterKey`] if it does not have 32 bytes.
    pub fn with_master_key(mut self, bytes: &[u8]) -> Result<Self, ConfigError> {
        let key = MasterKey::new(bytes).ok_or(ConfigError::MasterKey { bytes: bytes.len() })?;
        self.master_key = Some(key);
        Ok(self)
    }

    /// Authorizes a client to subscribe to a private, presence or encrypted channel. Whether this
    /// client may do so is yours to decide, before.
    ///
    /// `member` is needed on presence channels, and left out on others. Encrypted channels need the
    /// master key; the authorization carries the channel's key then.
    ///
    /// ```
    /// use pushest_proto::{ChannelName, MemberData, Signer, SocketId};
    ///
    /// let signer = Signer::new("278d425bdf160c739803", "7ad3773142a6692b25b8");
    /// let socket_id = SocketId::new("1234.1234").expect("two runs of digits");
    /// let channel = ChannelName::new("presence-foobar")?;
    /// let member = MemberData::new("10").info(r#"{"name":"Mr. Pusher"}"#);
    /// let granted = signer.authorize_channel(&socket_id, &channel, Some(&member))?;
    /// assert_eq!(
    ///     granted.to_json(),
    ///     r#"{"auth":"278d425bdf160c739803:48dac51d2d7569e1e9c0f48c227d4b26f238fa68e5c0bb04222c966909c4f7c4","channel_data":"{\"user_id\":\"10\",\"user_info\":{\"name\":\"Mr. Pusher\"}}"}"#
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`SignError`] says what is missing or wrong. Nothing was signed. For a public channel this is
    /// [`SignError::Public`]: a signature over a name without a prefix could be used as that of
    /// something else.
    pub fn authorize_channel(
        &self,
        socket_id: &SocketId,
        channel: &ChannelName,
        member: Option<&MemberData>,
    ) -> Result<Authorization, SignError> {
        let name = channel.as_str();
        match channel.kind() {
            ChannelKind::Public | ChannelKind::User => {
                Err(SignError::Public { channel: channel.clone() })
            }
            ChannelKind::Private => Ok(Authorization::new(self.channel(socket_id, name, None))),
            ChannelKind::Presence => {
                let missing = || SignError::MemberMissing { channel: channel.clone() };
                let member = member.ok_or_else(missing)?;
                let data = member::channel_data(&member.user_id, member.user_info.as_deref())
                    .map_err(|problem| SignError::new(problem, member.user_id.len()))?;
                let auth = self.channel(socket_id, name, Some(&data));
                Ok(Authorization::new(auth).channel_data(data))
            }
            ChannelKind::Encrypted => {
                let missing = || SignError::MasterKeyMissing { channel: channel.clone() };
                let master_key = self.master_key.as_ref().ok_or_else(missing)?;
                let auth = self.channel(socket_id, name, None);
                let secret = master_key.shared_secret(name).to_base64();
                Ok(Authorization { shared_secret: Some(secret), ..Authorization::new(auth) })
            }
        }
    }

    /// Authenticates a client as a user of the app, at its sign-in.
    ///
    /// # Errors
    /// [`SignError`] says what is wrong with the user's data. Nothing was signed.
    pub fn authenticate_user(
        &self,
        socket_id: &SocketId,
        user: &UserData,
    ) -> Result<Authorization, SignError> {
        let count = user.watchlist.len();
        if count > MOST_WATCHED {
            return Err(SignError::Watchlist { count, limit: MOST_WATCHED });
        }
        let data = member::user_data(&user.id, user.user_info.as_deref(), &user.watchlist)
            .map_err(|problem| SignError::new(problem, user.id.len()))?;
        Ok(Authorization::new(self.user(socket_id, &data)).user_data(data))
    }
}

/// The reason why nothing was signed for a client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// Subscribing to a public channel needs no authorization.
    #[error("{channel} is a public channel: subscribing to it needs no authorization")]
    Public {
        /// The name that the client has asked for.
        channel: ChannelName,
    },
    /// A presence channel needs to be told who subscribes.
    #[error("{channel} is a presence channel: authorizing for it needs a member")]
    MemberMissing {
        /// The name of the presence channel.
        channel: ChannelName,
    },
    /// An encrypted channel needs the master key.
    #[error("{channel} is an encrypted channel: authorizing for it needs the master key")]
    MasterKeyMissing {
        /// The name of the encrypted channel.
        channel: ChannelName,
    },
    /// The user's id is empty or too long.
    #[error("the user's id has {length} bytes, 1 to {limit} are allowed")]
    UserId {
        /// The length of the id, in bytes.
        length: usize,
        /// The maximum of the protocol, in bytes.
        limit: usize,
    },
    /// The user's info is not JSON.
    #[error("the user's info is not JSON: {problem}")]
    UserInfo {
        /// The text of serde_json's error.
        problem: String,
    },
    /// There are too many ids in the watchlist.
    #[error("the watchlist has {count} ids, the limit is {limit}")]
    Watchlist {
        /// The number of ids that the watchlist has.
        count: usize,
        /// The maximum of the protocol.
        limit: usize,
    },
}

impl SignError {
    fn new(problem: Unsignable, length: usize) -> Self {
        match problem {
            Unsignable::UserId => Self::UserId { length, limit: USER_ID_BYTES },
            Unsignable::UserInfo(problem) => Self::UserInfo { problem },
        }
    }
}
