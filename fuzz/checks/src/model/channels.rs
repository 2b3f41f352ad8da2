//! The model's channels: the wanted set.

use std::collections::BTreeMap;

use pushest_proto::{ChannelState, Ticket};

use super::reference::Reference;
use super::sizes::SentFrame;

/// The state of a subscription, or of the sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Step {
    /// For a connection, or for its next try.
    #[default]
    Waiting,
    /// An authorization is about to be asked for.
    Asking,
    Asked(Ticket),
    /// The server has not answered.
    Sent,
    /// Subscribed, or signed in.
    Done,
    /// Refused by the server, until the next connection.
    Failed,
    /// Refused by the authorizer, or too large for the server, until the user asks.
    FailedForGood,
}

impl Step {
    pub(super) fn is_running(self) -> bool {
        matches!(self, Self::Asking | Self::Asked(_) | Self::Sent | Self::Done)
    }
}

/// The user id and info of a presence channel.
pub(super) type Data = Option<(String, Option<String>)>;

/// A wanted channel.
pub(super) struct ModelChannel {
    name: String,
    data: Data,
    pub(super) step: Step,
    /// It waits for its next try on this connection.
    pub(super) pauses: bool,
    /// A subscribe was sent on this connection, and no unsubscribe since.
    pub(super) told: bool,
    /// It is the signed-in user's own.
    pub(super) is_users: bool,
    pub(super) frame: SentFrame,
    pub(super) members: BTreeMap<String, Option<String>>,
    /// The last list of members could be read.
    pub(super) knows_members: bool,
}

impl ModelChannel {
    pub(super) fn is_presence(&self) -> bool {
        self.name.starts_with("presence-")
    }

    pub(super) fn is_signed(&self) -> bool {
        self.is_presence() || self.name.starts_with("private-")
    }

    fn state(&self) -> ChannelState {
        match self.step {
            Step::Waiting => ChannelState::Waiting,
            Step::Asking | Step::Asked(_) => ChannelState::Authorizing,
            Step::Sent => ChannelState::Subscribing,
            Step::Done => ChannelState::Subscribed,
            Step::Failed | Step::FailedForGood => ChannelState::Failed,
        }
    }
}

impl Reference {
    pub(super) fn wanted(&self) -> impl Iterator<Item = (&str, ChannelState)> {
        self.channels.iter().map(|channel| (&*channel.name, channel.state()))
    }

    /// Returns what the server was told on this connection.
    pub(super) fn told(&self) -> impl Iterator<Item = &str> {
        self.channels.iter().filter(|channel| channel.told).map(|channel| &*channel.name)
    }

    pub(super) fn members(&self, name: &str) -> Option<&BTreeMap<String, Option<String>>> {
        self.find(name).map(|index| &self.channels[index].members)
    }

    pub(super) fn knows_members(&self, name: &str) -> Option<bool> {
        self.find(name).map(|index| self.channels[index].knows_members)
    }

    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.channels.iter().position(|channel| channel.name == name)
    }

    pub(super) fn want(&mut self, name: &str, data: Data) {
        let index = self.find(name).unwrap_or_else(|| self.add(name, false));
        let channel = &mut self.channels[index];
        let is_other = channel.data != data;
        if channel.step.is_running() && !is_other {
            return;
        }
        if is_other {
            // The server hears of the end of the former subscription first.
            channel.told = false;
        }
        channel.data = data;
        channel.frame.is_suspect = false;
        self.start_if_connected(index);
    }

    pub(super) fn want_users_channel(&mut self, id: &str) {
        let name = format!("#server-to-user-{id}");
        self.channels.retain(|channel| !channel.is_users || channel.name == name);
        let index = self.find(&name).unwrap_or_else(|| self.add(&name, true));
        if self.channels[index].step == Step::Waiting {
            self.start(index);
        }
    }

    pub(super) fn unsubscribe(&mut self, name: &str) -> bool {
        let Some(index) = self.find(name) else { return false };
        self.channels.remove(index);
        true
    }

    pub(super) fn retry(&mut self, name: &str) -> bool {
        let Some(index) = self.find(name) else { return false };
        let channel = &mut self.channels[index];
        if matches!(channel.step, Step::Failed | Step::FailedForGood) || channel.pauses {
            channel.frame.is_suspect = false;
            self.start_if_connected(index);
        }
        true
    }

    /// It is asked for on the established connection.
    pub(super) fn start(&mut self, index: usize) {
        let asks = self.channels[index].is_signed() && !self.setting.signs;
        let channel = &mut self.channels[index];
        channel.pauses = false;
        channel.step = if asks { Step::Asking } else { Step::Sent };
        channel.told |= !asks;
    }

    fn start_if_connected(&mut self, index: usize) {
        if self.is_connected() {
            self.start(index);
        } else {
            self.channels[index].step = Step::Waiting;
        }
    }

    fn add(&mut self, name: &str, is_users: bool) -> usize {
        self.channels.push(ModelChannel {
            name: name.to_owned(),
            data: None,
            step: Step::Waiting,
            pauses: false,
            told: false,
            is_users,
            frame: SentFrame::default(),
            members: BTreeMap::new(),
            knows_members: false,
        });
        self.channels.len() - 1
    }
}
