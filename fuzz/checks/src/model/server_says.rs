//! What the model makes of the server's messages.

use pushest_proto::{Instant, Loss};

use super::channels::Step;
use super::reference::Reference;
use crate::plan::{IDS, ListForm, Message, infos};

impl Message {
    /// Returns the message, if the model knows what it means.
    pub(super) fn known(&self) -> Option<&Self> {
        (!matches!(self, Self::Raw(_))).then_some(self)
    }
}

impl Reference {
    pub(super) fn heard(&mut self, message: &Message, now: Instant) {
        if !self.is_opening && !self.is_connected() {
            return;
        }
        match message {
            Message::Established { .. } => self.established(),
            Message::Succeeded { channel, list, info, form } => {
                self.succeeded(channel, *list, *info, *form);
            }
            Message::Joined { channel, id, info, .. } => self.joined(channel, *id, *info),
            Message::Left { channel, id, .. } => {
                if let Some(index) = self.listening(channel) {
                    self.channels[index].members.remove(IDS[usize::from(*id)]);
                }
            }
            Message::Error { code, text, names, of_subscription, .. } => {
                let channel = (*names && !text.is_empty()).then_some(*text);
                match code.value {
                    _ if *of_subscription => self.subscription_error(channel),
                    // Instead of the handshake it decides like a close.
                    Some(code) if self.is_opening => {
                        self.lost(&Loss::Refused { code, message: "".into() }, now);
                    }
                    code => self.error(code, channel, text),
                }
            }
            Message::Other(text) => self.other(text),
            Message::Event { .. } | Message::Sealed { .. } | Message::Raw(_) => {}
        }
    }

    fn other(&mut self, text: &str) {
        if text.contains("pusher:signin_success") {
            self.signed_in(if text.contains("me") { "me" } else { "1" });
        } else if text.contains("pusher:subscription_error") {
            self.subscription_error(None);
        } else if text.contains("subscription_succeeded") {
            self.succeeded("#server-to-user-me", None, 0, ListForm::Ordinary);
        }
    }

    fn succeeded(&mut self, name: &str, list: Option<(u8, u8)>, info: u8, form: ListForm) {
        let (ids, hash) = match (list, form) {
            (Some((ids, hash)), ListForm::Ordinary | ListForm::Map) => (ids, hash),
            (Some((_, hash)), ListForm::OddIds) => (0, hash),
            (_, ListForm::Odd) | (None, _) => (0, 0),
        };
        let Some(index) = self.find(name).filter(|index| self.channels[*index].told) else {
            return;
        };
        let most = self.setting.limits().members;
        let channel = &mut self.channels[index];
        if channel.step != Step::Done {
            channel.frame.is_suspect = false;
        }
        channel.step = Step::Done;
        channel.pauses = false;
        if !channel.is_presence() {
            return;
        }
        channel.members.clear();
        channel.knows_members = match form {
            ListForm::Ordinary | ListForm::Map => true,
            // Something was listed, and nothing of it could be read.
            ListForm::OddIds => list.is_none() || hash != 0,
            ListForm::Odd => false,
        };
        let listed = |bits: u8| (0..IDS.len()).filter(move |index| bits & (1 << index) != 0);
        let with_info = listed(hash).map(|index| (IDS[index], infos(info)));
        for (id, info) in with_info.chain(listed(ids).map(|index| (IDS[index], None))) {
            if channel.members.len() < most && !channel.members.contains_key(id) {
                channel.members.insert(id.to_owned(), info.map(str::to_owned));
            }
        }
    }

    fn joined(&mut self, name: &str, id: u8, info: u8) {
        let most = self.setting.limits().members;
        let Some(index) = self.listening(name) else { return };
        let (members, id) = (&mut self.channels[index].members, IDS[usize::from(id)]);
        if members.len() < most || members.contains_key(id) {
            members.insert(id.to_owned(), infos(info).map(str::to_owned));
        }
    }

    /// Returns a presence channel whose members may change.
    fn listening(&self, name: &str) -> Option<usize> {
        let index = self.find(name)?;
        let channel = &self.channels[index];
        (channel.is_presence() && channel.step == Step::Done).then_some(index)
    }

    fn subscription_error(&mut self, channel: Option<&str>) {
        let index = match channel {
            Some(name) => self.find(name),
            None => self.only_unanswered(),
        };
        self.refuse(index);
    }

    fn error(&mut self, code: Option<u16>, channel: Option<&str>, text: &str) {
        let heard = channel.and_then(|name| self.find(name));
        if heard.is_some_and(|index| self.channels[index].told) {
            self.refuse(heard);
        } else if channel.is_some() || matches!(code, Some(4000..=4008 | 4010..=4299 | 4301 | 4302))
        {
            // About a channel that is not subscribed to, the connection, or something else.
        } else if let Some(index) = self.find(text) {
            self.refuse(Some(index));
        } else if self.user.step != Step::Sent {
            self.refuse(self.only_unanswered());
        } else if text == "sign in first" || self.unanswered().count() == 0 {
            self.user.step = Step::Failed;
        }
    }

    fn refuse(&mut self, index: Option<usize>) {
        let unanswered = index.filter(|index| self.channels[*index].step == Step::Sent);
        if let Some(index) = unanswered {
            self.channels[index].step = Step::Failed;
        }
    }

    fn only_unanswered(&self) -> Option<usize> {
        let mut unanswered = self.unanswered();
        unanswered.next().filter(|_| unanswered.next().is_none())
    }

    /// Returns the signed channels that the server has not answered.
    fn unanswered(&self) -> impl Iterator<Item = usize> {
        let channels = self.channels.iter().enumerate();
        channels
            .filter(|(_, channel)| channel.is_signed() && channel.step == Step::Sent)
            .map(|(index, _)| index)
    }
}
