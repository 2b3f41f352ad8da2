//! Signed-in users and the watchlists that follow them.

use std::collections::BTreeSet;

use super::channel::USER_CHANNEL;
use super::decode::{SignIn, UserData};
use super::happening::Happening;
use super::profile::{Refusal, SignInAnswer, Watchlist};
use super::{Broker, PeerId, encode, signature};

/// A user with at least one signed-in connection.
#[derive(Debug, Default)]
pub(super) struct User {
    peers: BTreeSet<PeerId>,
    /// Whose coming and going this user hears of: the list of the latest sign-in.
    watches: BTreeSet<String>,
    /// Whether its latest sign-in brought a watchlist, be it an empty one.
    has_watchlist: bool,
}

impl Broker {
    /// Returns the connections of a signed-in user, oldest first.
    pub fn connections_of_user(&self, user_id: &str) -> impl Iterator<Item = PeerId> {
        self.users.get(user_id).into_iter().flat_map(|user| user.peers.iter().copied())
    }

    /// Sends an event to a signed-in user, on `#server-to-user-ID`.
    pub fn publish_to_user(
        &mut self,
        user_id: &str,
        event: &str,
        data: &str,
        now: pushest_proto::Instant,
    ) {
        self.publish(&format!("{USER_CHANNEL}{user_id}"), event, data, None, now);
    }

    /// Closes every connection of a user with 4009, as the HTTP API's `terminate_connections`.
    pub fn terminate_user(&mut self, user_id: &str) {
        let peers: Vec<_> = self.connections_of_user(user_id).collect();
        for peer in peers {
            self.close_peer(peer, 4009, "Connection terminated by the app");
        }
    }

    pub(super) fn sign_in(&mut self, peer: PeerId, wanted: &SignIn<'_>) {
        let Some(answer) = self.dialect().sign_in else {
            // A server without sign-in treats it as any event that it does not know.
            self.unknown_event(peer);
            return;
        };
        match self.check_sign_in(peer, wanted) {
            Ok(data) => self.signed_in(peer, answer, &wanted.user_data, data),
            Err((code, message)) => self.refuse_sign_in(peer, code, &message),
        }
    }

    /// A signed-in connection is gone.
    pub(super) fn signed_out(&mut self, peer: PeerId, user_id: &str) {
        let Some(user) = self.users.get_mut(user_id) else {
            return;
        };
        user.peers.remove(&peer);
        if user.peers.is_empty() {
            let is_seen =
                user.has_watchlist || !self.config.profile.dialect().hides_the_unwatching();
            self.users.remove(user_id);
            if is_seen {
                self.tell_watchers(user_id, false);
            }
        }
    }

    fn check_sign_in(
        &self,
        peer: PeerId,
        wanted: &SignIn<'_>,
    ) -> Result<UserData, (Option<u16>, String)> {
        let app = &self.config.app;
        let limits = &self.config.limits;
        let unauthorized = |message: String| (Some(4009), message);
        let Some(connection) = self.connections.get(&peer) else {
            return Err((None, "Connection is closed".to_owned()));
        };
        let parts = [&*connection.socket_id, "::user::", &*wanted.user_data];
        if !signature::verify_auth(&app.key, &app.secret, &parts, &wanted.auth) {
            return Err(unauthorized(format!(
                "Invalid signature: Expected HMAC SHA256 hex digest of {}",
                parts.concat()
            )));
        }
        let data: UserData = serde_json::from_str(&wanted.user_data)
            .map_err(|error| unauthorized(format!("user_data: {error}")))?;
        if data.id.is_empty() || data.id.len() > limits.user_id {
            let message = format!("user_data: id must have 1 to {} bytes", limits.user_id);
            return Err(unauthorized(message));
        }
        if connection.user.is_some() {
            return Err((None, "Connection is already signed in".to_owned()));
        }
        if data.watchlist.as_ref().map_or(0, Vec::len) > limits.watchlist {
            let message = format!("Watchlist is longer than {} users", limits.watchlist);
            return Err((Some(4302), message));
        }
        Ok(data)
    }

    fn signed_in(&mut self, peer: PeerId, answer: SignInAnswer, user_data: &str, data: UserData) {
        let UserData { id, watchlist } = data;
        let Some(connection) = self.connections.get_mut(&peer) else {
            return;
        };
        connection.user = Some(id.clone());
        let user_id = id.clone();
        self.note(peer, |socket_id| Happening::SignedIn { socket_id, user_id });
        let user = self.users.entry(id.clone()).or_default();
        let is_first = user.peers.is_empty();
        user.peers.insert(peer);
        user.has_watchlist = watchlist.is_some();
        user.watches = watchlist.into_iter().flatten().collect();
        let watches = user.watches.clone();
        let is_seen = user.has_watchlist || !self.dialect().hides_the_unwatching();
        let answer_last = matches!(self.dialect().watchlist, Watchlist::Plain);
        let success = encode::signed_in(answer, user_data);
        if !answer_last {
            self.send(peer, success.clone());
        }
        let (online, offline): (Vec<&str>, Vec<&str>) =
            watches.iter().map(String::as_str).partition(|id| self.users.contains_key(*id));
        self.tell_watchlist(peer, &online, &offline);
        if is_first && is_seen {
            self.tell_watchers(&id, true);
        }
        if answer_last {
            self.send(peer, success);
        }
    }

    fn refuse_sign_in(&mut self, peer: PeerId, code: Option<u16>, message: &str) {
        let reason = message.to_owned();
        self.note(peer, |socket_id| Happening::SignInRefused { socket_id, reason });
        let dialect = self.dialect();
        let code = match dialect.refusal {
            Refusal::Error { code: None, .. } if code == Some(4009) => None,
            _ => code,
        };
        self.send(peer, encode::error(&dialect, None, code, message));
    }

    /// Tells everyone who watches a user that it came or went.
    fn tell_watchers(&mut self, user_id: &str, is_online: bool) {
        let watchers: Vec<_> = self
            .users
            .iter()
            .filter(|(watcher, user)| *watcher != user_id && user.watches.contains(user_id))
            .flat_map(|(_, user)| user.peers.iter().copied())
            .collect();
        let (online, offline): (&[&str], &[&str]) =
            if is_online { (&[user_id], &[]) } else { (&[], &[user_id]) };
        for peer in watchers {
            self.tell_watchlist(peer, online, offline);
        }
    }

    fn tell_watchlist(&mut self, peer: PeerId, online: &[&str], offline: &[&str]) {
        if online.is_empty() && offline.is_empty() {
            return;
        }
        match self.dialect().watchlist {
            Watchlist::None => {}
            Watchlist::Internal => self.send(peer, encode::watchlist_events(online, offline)),
            Watchlist::Plain => {
                for (name, user_ids) in [("online", online), ("offline", offline)] {
                    if !user_ids.is_empty() {
                        self.send(peer, encode::plain_watchlist_event(name, user_ids));
                    }
                }
            }
        }
    }
}
