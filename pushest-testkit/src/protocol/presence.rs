//! Who is on a presence channel: users, each with one or more connections.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::value::RawValue;

use super::PeerId;

/// One user of a presence channel.
#[derive(Debug, Clone)]
pub(super) struct Member {
    /// The id as text.
    pub(super) id: String,
    /// The id as it was given: a string or a number.
    pub(super) id_token: Box<RawValue>,
    pub(super) info: Option<Box<RawValue>>,
}

/// The members of one channel, by id.
#[derive(Debug, Default)]
pub(super) struct Members {
    by_id: BTreeMap<String, Present>,
    /// Which member a connection is; every connection here stands in exactly one `Present`.
    by_peer: BTreeMap<PeerId, String>,
}

#[derive(Debug)]
struct Present {
    member: Member,
    peers: BTreeSet<PeerId>,
}

impl Members {
    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Member> {
        self.by_id.values().map(|present| &present.member)
    }

    /// Every connection and the member that it belongs to.
    pub(super) fn peers(&self) -> impl Iterator<Item = (PeerId, &Member)> {
        self.by_id
            .values()
            .flat_map(|present| present.peers.iter().map(|peer| (*peer, &present.member)))
    }

    pub(super) fn contains(&self, id: &str) -> bool {
        self.by_id.contains_key(id)
    }

    /// Returns the member that this connection belongs to.
    pub(super) fn of_peer(&self, peer: PeerId) -> Option<&Member> {
        self.by_peer.get(&peer).and_then(|id| self.by_id.get(id)).map(|present| &present.member)
    }

    /// Adds a connection that is not on the channel yet; true if its user was not there either.
    pub(super) fn join(&mut self, peer: PeerId, member: Member) -> bool {
        self.by_peer.insert(peer, member.id.clone());
        let id = member.id.clone();
        let present =
            self.by_id.entry(id).or_insert_with(|| Present { member, peers: BTreeSet::new() });
        present.peers.insert(peer);
        present.peers.len() == 1
    }

    /// Removes a connection; the member, if this was its last one.
    pub(super) fn leave(&mut self, peer: PeerId) -> Option<Member> {
        let id = self.by_peer.remove(&peer)?;
        let present = self.by_id.get_mut(&id)?;
        present.peers.remove(&peer);
        if !present.peers.is_empty() {
            return None;
        }
        self.by_id.remove(&id).map(|present| present.member)
    }
}
