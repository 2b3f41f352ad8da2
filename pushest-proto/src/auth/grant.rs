//! Authorizing for others: what an app's backend signs for its clients ([protocol, authorization
//! endpoint](crate::protocol#authorization-endpoint)).

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::Signer;
use super::limits::SignLimits;
use super::member::{self, Unsignable};
use super::request::Authorization;
use crate::channel::name::{ChannelKind, ChannelName};
use crate::channel::secret::MasterKey;
use crate::config::error::ConfigError;
use crate::id::SocketId;

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
    /// Creates a member with this id, of 1 to 128 bytes ([`SignLimits::user_id`]).
    #[must_use]
    pub fn new(user_id: impl ToString) -> Self {
        Self { user_id: user_id.to_string(), user_info: None }
    }

    /// Sets what the other members may know of it: JSON of any kind, at most 1 KiB
    /// ([`SignLimits::user_info`]).
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
    /// Creates a user with this id, of 1 to 128 bytes ([`SignLimits::user_id`]).
    #[must_use]
    pub fn new(id: impl ToString) -> Self {
        Self { id: id.to_string(), user_info: None, watchlist: Vec::new() }
    }

    /// Sets what users who have this one on their watchlist may know of it: a JSON object, of at most
    /// 1 KiB ([`SignLimits::user_info`]).
    #[must_use]
    pub fn info(mut self, json: impl Into<String>) -> Self {
        self.user_info = Some(json.into());
        self
    }

    /// Sets the watchlist: the ids of at most 100 users ([`SignLimits::watchlist`]) whose coming online
    /// and going offline this one is told.
    #[must_use]
    pub fn watchlist<S: Into<String>>(mut self, ids: impl IntoIterator<Item = S>) -> Self {
        self.watchlist = ids.into_iter().map(Into::into).collect();
        self
    }
}

impl Signer {
    /// Replaces the limits of what is signed for a client, for servers that take more or less than the
    /// hosted service.
    #[must_use]
    pub fn with_limits(mut self, limits: SignLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Returns the limits of what is signed for a client.
    #[must_use]
    pub fn limits(&self) -> SignLimits {
        self.limits
    }

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
                let (id, info) = (&*member.user_id, member.user_info.as_deref());
                let limits = self.limits();
                limits.check_info(info)?;
                let data = member::channel_data(id, info, limits.user_id)
                    .map_err(|problem| limits.error(problem, id))?;
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
        let (info, limits) = (user.user_info.as_deref(), self.limits());
        limits.check_info(info)?;
        limits.check_watchlist(&user.watchlist)?;
        let data = member::user_data(&user.id, info, &user.watchlist, limits.user_id)
            .map_err(|problem| limits.error(problem, &user.id))?;
        // It is JSON, and trimmed as it is sent.
        if info.is_some_and(|info| !sent(info).starts_with('{')) {
            return Err(SignError::NotAnObject);
        }
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
        /// What [`SignLimits::user_id`] allows, in bytes.
        limit: usize,
    },
    /// The user's info is not JSON.
    #[error("the user's info is not JSON: {problem}")]
    UserInfo {
        /// The text of serde_json's error.
        problem: String,
    },
    /// The info of a user who signs in is JSON of another kind than an object.
    #[error("the user's info is not a JSON object")]
    NotAnObject,
    /// The user's info has more bytes than are allowed.
    #[error("the user's info has {size} bytes, the limit is {limit}")]
    UserInfoTooLarge {
        /// The size of the info as it would be sent, in bytes.
        size: usize,
        /// What [`SignLimits::user_info`] allows, in bytes.
        limit: usize,
    },
    /// There are too many ids in the watchlist.
    #[error("the watchlist has {count} ids, the limit is {limit}")]
    Watchlist {
        /// The number of ids that the watchlist has.
        count: usize,
        /// What [`SignLimits::watchlist`] allows.
        limit: usize,
    },
    /// An id in the watchlist is empty or too long.
    #[error("id {position} of the watchlist has {length} bytes, 1 to {limit} are allowed")]
    WatchedId {
        /// The place of the id in the watchlist, counted from 1.
        position: usize,
        /// The length of the id, in bytes.
        length: usize,
        /// What [`SignLimits::user_id`] allows, in bytes.
        limit: usize,
    },
}

impl SignLimits {
    fn check_info(&self, info: Option<&str>) -> Result<(), SignError> {
        let (size, limit) = (info.map_or(0, |info| sent(info).len()), self.user_info);
        if size > limit { Err(SignError::UserInfoTooLarge { size, limit }) } else { Ok(()) }
    }

    fn check_watchlist(&self, ids: &[String]) -> Result<(), SignError> {
        let (count, limit) = (ids.len(), self.watchlist);
        if count > limit {
            return Err(SignError::Watchlist { count, limit });
        }
        let limit = self.user_id;
        match ids.iter().position(|id| !(1..=limit).contains(&id.len())) {
            Some(index) => {
                let (position, length) = (index + 1, ids[index].len());
                Err(SignError::WatchedId { position, length, limit })
            }
            None => Ok(()),
        }
    }

    fn error(&self, problem: Unsignable, id: &str) -> SignError {
        match problem {
            Unsignable::UserId => SignError::UserId { length: id.len(), limit: self.user_id },
            Unsignable::UserInfo(problem) => SignError::UserInfo { problem },
        }
    }
}

/// Returns the part of a JSON text that is sent: without the white space around it.
fn sent(json: &str) -> &str {
    json.trim_matches([' ', '\t', '\n', '\r'])
}
