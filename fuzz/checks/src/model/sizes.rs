//! The model of closes with 1009: which frame a server closed its connection for.

use pushest_proto::Loss;

use super::channels::Step;
use super::reference::Reference;

/// RFC 6455: too big.
const TOO_BIG: u16 = 1009;

/// The subscribe or sign-in that was sent last.
#[derive(Default)]
pub(super) struct SentFrame {
    pub(super) bytes: usize,
    /// It was unanswered at the last close with 1009.
    pub(super) is_suspect: bool,
}

impl Reference {
    pub(super) fn learn_from_size(&mut self, loss: &Loss) {
        match (loss, loss.close_code()) {
            (_, Some(TOO_BIG)) => self.closed_for_size(),
            (Loss::Closed { .. } | Loss::BadClose { .. }, _) => self.forget_suspects(),
            _ => {}
        }
    }

    pub(super) fn forget_suspects(&mut self) {
        self.user.frame.is_suspect = false;
        for channel in &mut self.channels {
            channel.frame.is_suspect = false;
        }
    }

    /// Of the largest frames of the connection one that is unanswered and was suspect fails.
    fn closed_for_size(&mut self) {
        let user = self.user.step == Step::Sent;
        let of_user = if user { self.user.frame.bytes } else { 0 };
        let sent = || self.channels.iter().filter(|channel| channel.step == Step::Sent);
        let of_channels = sent().map(|channel| channel.frame.bytes).max().unwrap_or(0);
        if of_user.max(of_channels) >= self.largest_frame {
            if of_user > of_channels {
                if self.user.frame.is_suspect {
                    self.user.step = Step::FailedForGood;
                }
            } else if let Some(guilty) = self.channels.iter_mut().find(|channel| {
                channel.step == Step::Sent
                    && channel.frame.bytes == of_channels
                    && channel.frame.is_suspect
            }) {
                guilty.step = Step::FailedForGood;
            }
        }
        self.user.frame.is_suspect |= user;
        for channel in &mut self.channels {
            channel.frame.is_suspect |= channel.step == Step::Sent;
        }
    }
}
