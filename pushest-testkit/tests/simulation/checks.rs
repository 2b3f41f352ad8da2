//! What holds when a run is over and everything works again.

use std::collections::BTreeSet;
use std::time::Duration;

use pushest_proto::{
    ChannelState, ChannelView, ConnectionState, Member, Memory, RequestFailure, Session,
};

use crate::run::{REFUSED, Run, VAST};

/// Bytes that the tables of a session may keep when they are empty.
const ROOM: usize = 16 * 1024;

impl Run {
    pub(crate) fn check(&self) {
        assert!(self.pings.is_empty(), "neither answered nor lost: {:?}", self.pings);
        for client in 0..self.world.clients() {
            let session = self.world.link(client).session();
            assert_eq!(session.state(), ConnectionState::Connected, "client {client}");
            self.check_what_is_wanted(client);
            for view in session.wanted_channels() {
                self.check_channel(client, view);
            }
            self.check_memory(client);
            let user = self.signs_in[client].then(|| format!("user-{}", client % 3));
            assert_eq!(session.signed_in_user(), user.as_deref(), "client {client}");
        }
    }

    /// The client and the server know what the user wants, and nothing else.
    fn check_what_is_wanted(&self, client: usize) {
        let broker = self.world.broker().expect("the server was started");
        let link = self.world.link(client);
        let peer = link.peer().expect("a connected session has a connection");
        let user_channel = format!("#server-to-user-user-{}", client % 3);
        let mut wanted = self.wanted[client].clone();
        if self.signs_in[client] {
            wanted.insert(&user_channel);
        }
        let views = link.session().wanted_channels();
        let known: BTreeSet<&str> = views.map(|view| view.name().as_str()).collect();
        assert_eq!(known, wanted, "client {client}");
        let served: BTreeSet<&str> = broker.subscriptions(peer).collect();
        wanted.retain(|channel| !self.is_refused(client, channel) && *channel != VAST);
        assert_eq!(served, wanted, "client {client}, as the server sees it");
    }

    /// Subscribed, or failed with a reason; and both sides know the same members.
    fn check_channel(&self, client: usize, view: ChannelView<'_>) {
        let (channel, failure) = (view.name().as_str(), view.failure());
        if self.is_refused(client, channel) {
            assert_eq!(view.state(), ChannelState::Failed, "client {client} on {channel}");
            assert!(
                matches!(failure, Some(RequestFailure::AuthorizationRefused(_))),
                "{failure:?}"
            );
            return;
        }
        if channel == VAST {
            // Neither forgotten nor tried again and again, and no other fails in its place.
            assert_eq!(view.state(), ChannelState::Failed, "client {client}");
            assert!(matches!(failure, Some(RequestFailure::TooLarge { .. })), "{failure:?}");
            return;
        }
        let state = view.state();
        assert_eq!(state, ChannelState::Subscribed, "client {client} on {channel}: {failure:?}");
        if channel.starts_with("presence-") {
            let broker = self.world.broker().expect("the server was started");
            let present: BTreeSet<&str> = broker.members(channel).collect();
            let mine: BTreeSet<&str> = view.members().map(Member::id).collect();
            assert_eq!(mine, present, "client {client} on {channel}");
            let told = &self.told[&(client, channel.to_string())];
            let told: BTreeSet<&str> = told.iter().map(String::as_str).collect();
            assert_eq!(told, present, "client {client} on {channel}, by the updates");
            assert!(view.me().is_some());
        }
    }

    /// Nothing waits, and the members' bytes are those of the members that are there.
    fn check_memory(&self, client: usize) {
        let session = self.world.link(client).session();
        let bytes = |member: &Member| member.id().len() + member.info_json().map_or(0, str::len);
        let members = session.wanted_channels().flat_map(|view| view.members());
        let (count, texts) =
            members.fold((0, 0), |(count, texts), member| (count + 1, texts + bytes(member)));
        let memory = session.memory();
        // Beside its texts, a member takes its place in the table: the same for all.
        let places = memory.member_bytes.checked_sub(texts).expect("texts count");
        assert!(places <= count * 128, "client {client}: {places} bytes for {count} places");
        assert!(places >= count * size_of::<Member>(), "client {client}: {places} for {count}");
        assert_eq!(memory.channels, session.wanted_channels().count(), "client {client}");
        assert_eq!(
            (memory.stored_events, memory.stored_bytes, memory.outgoing_bytes),
            (0, 0, 0),
            "client {client}"
        );
    }

    /// When nothing is wanted anymore, nothing is kept, on either side.
    pub(crate) fn check_nothing_is_left(&mut self) {
        for client in 0..self.world.clients() {
            let wanted = std::mem::take(&mut self.wanted[client]);
            self.world.command(client, |session, now| {
                for channel in wanted {
                    session.unsubscribe(channel, now).expect("it is wanted");
                }
            });
        }
        self.world.run(Duration::from_secs(60));
        for client in 0..self.world.clients() {
            let memory = self.world.link(client).session().memory();
            let mut nothing = Memory::default();
            // The channel of the signed-in user goes with the session only.
            nothing.channels = usize::from(self.signs_in[client]);
            // Tables keep some room, and the last loss and error stay known.
            nothing.channel_bytes = memory.channel_bytes.min(ROOM);
            nothing.other_bytes = memory.other_bytes.min(ROOM);
            assert_eq!(memory, nothing, "client {client}");
            assert!(memory.total() < 64 * 1024, "client {client}: {memory:?}");
        }
        self.every(Session::disconnect);
        self.world.run(Duration::from_secs(60));
        let broker = self.world.broker().expect("the server was started");
        assert_eq!((broker.peers().count(), broker.channels().count()), (0, 0));
        for client in 0..self.world.clients() {
            let session = self.world.link(client).session();
            assert_eq!(session.state(), ConnectionState::Disconnected, "client {client}");
            assert_eq!(session.poll_timeout(), None, "client {client} waits for something");
        }
    }

    fn is_refused(&self, client: usize, channel: &str) -> bool {
        channel == REFUSED && !self.signs[client]
    }
}
