//! The frames of a connection in the log, both ways: for those who look for a fault of a server, at
//! the level of `trace` alone (target `pushest::frames`).
//!
//! Signatures and keys are hidden ([`Masked`]), also where a server repeats what it was sent.

use pushest_proto::Masked;
use tracing::Level;
use tungstenite::Message;

use crate::masking::Mask;
use crate::websocket::Incoming;

/// The longest part of a message that is shown, in bytes; of the rest the length is told.
const SHOWN: usize = 64 * 1024;

/// Minimum number of sent secrets that are remembered; twice as many at most: each of them takes some
/// kilobytes.
const REMEMBERED: usize = 500;

/// Writes the frames of one connection.
#[derive(Default)]
pub(crate) struct FrameLog {
    /// What was sent and is hidden in what comes; `None` where nothing was logged, as nearly always.
    secrets: Option<Box<Secrets>>,
}

#[derive(Default)]
struct Secrets {
    /// The latest secrets, and those before them.
    latest: Mask,
    earlier: Mask,
    count: usize,
}

impl FrameLog {
    /// Writes a frame that the sink has taken; only where [`is_enabled`].
    pub(crate) fn sent(&mut self, message: &Message) {
        match message {
            Message::Text(text) => {
                let secrets = self.secrets.get_or_insert_default();
                Masked(text).secrets().for_each(|secret| secrets.remember(secret));
                self.write("sent", text);
            }
            Message::Close(frame) => {
                let code = frame.as_ref().map(|frame| u16::from(frame.code));
                tracing::trace!(target: "pushest::frames", code, "sent a close frame");
            }
            // The sink answers pings by itself.
            _ => {}
        }
    }

    /// Writes a frame that was read.
    #[inline]
    pub(crate) fn received(&self, incoming: &Incoming) {
        if is_enabled() {
            self.write_received(incoming);
        }
    }

    #[cold]
    fn write_received(&self, incoming: &Incoming) {
        match incoming {
            Incoming::Message(bytes) => self.write("received", &String::from_utf8_lossy(bytes)),
            Incoming::Ping => {
                tracing::trace!(target: "pushest::frames", "received a ping, which is answered");
            }
            Incoming::Pong => tracing::trace!(target: "pushest::frames", "received a pong"),
            Incoming::Closed(loss) => {
                // Its reason may repeat what was sent, as a message may.
                let loss = self.shown(&loss.to_string());
                tracing::trace!(target: "pushest::frames", "received a close frame: {loss}");
            }
        }
    }

    fn write(&self, direction: &str, text: &str) {
        let bytes = text.len();
        let text = self.shown(text);
        tracing::trace!(target: "pushest::frames", bytes, "{direction} {text}");
    }

    /// Returns a message as it is shown, escaped. All is hidden before it is cut: a value that is cut
    /// off would not be found any more.
    fn shown(&self, text: &str) -> String {
        let masked = Masked(text).unescaped();
        let none = Secrets::default();
        let secrets = self.secrets.as_deref().unwrap_or(&none);
        let masked = secrets.earlier.shown(masked.as_bytes(), usize::MAX);
        let mut shown = secrets.latest.shown(masked.as_bytes(), usize::MAX).into_string();
        if shown.len() > SHOWN {
            let end = (0..=SHOWN).rev().find(|at| shown.is_char_boundary(*at));
            shown.truncate(end.unwrap_or_default());
            shown.push('…');
        }
        shown
    }
}

impl Secrets {
    /// Servers repeat signatures with and without the app's key, which is no secret.
    fn remember(&mut self, secret: &str) {
        if self.count == REMEMBERED {
            self.earlier = std::mem::take(&mut self.latest);
            self.count = 0;
        }
        self.count += 1;
        self.latest.hide(secret.rsplit_once(':').map_or(secret, |(_, signature)| signature));
    }
}

/// Returns whether frames are logged, so that what is to be logged need not be kept otherwise.
#[inline]
pub(crate) fn is_enabled() -> bool {
    tracing::enabled!(target: "pushest::frames", Level::TRACE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(log: &mut FrameLog, text: &str) {
        let secrets = log.secrets.get_or_insert_default();
        Masked(text).secrets().for_each(|secret| secrets.remember(secret));
    }

    #[test]
    fn what_was_sent_is_hidden_where_a_server_repeats_it() {
        let mut log = FrameLog::default();
        sent(&mut log, r#"{"data":{"auth":"app-key:own-signature-1"}}"#);
        let error = r#"{"event":"pusher:error","data":"got app-key:own-signature-1 and \u006fwn-signature-1"}"#;
        let shown = log.shown(error);
        assert!(!shown.contains("signature-1") && shown.contains("got app-key:***"), "{shown}");
        // An empty signature hides nothing.
        sent(&mut log, r#"{"auth":"app-key:"}"#);
        assert!(log.shown("app-key").contains("app-key"));
    }

    #[test]
    fn of_the_secrets_the_latest_are_remembered_and_memory_is_bounded() {
        let mut log = FrameLog::default();
        for number in 0..3 * REMEMBERED {
            sent(&mut log, &format!(r#"{{"auth":"k:s3cret-{number:06}"}}"#));
        }
        let latest = format!("s3cret-{:06}", 3 * REMEMBERED - 1);
        let first_kept = format!("s3cret-{:06}", 2 * REMEMBERED - 1);
        assert_eq!(log.shown(&format!("[{latest} {first_kept}]")), "[*** ***]");
        let debug = log.secrets.map(|secrets| format!("{:?}{:?}", secrets.latest, secrets.earlier));
        let debug = debug.expect("secrets were sent");
        assert_eq!(debug.matches(&format!("values: {REMEMBERED}")).count(), 2, "{debug}");
    }

    #[test]
    fn of_a_long_message_the_beginning_is_shown() {
        let long = "x".repeat(SHOWN + 10);
        let shown = FrameLog::default().shown(&long);
        assert!(shown.starts_with("xxx") && shown.ends_with("x…"));
        assert!(shown.len() <= SHOWN + 3);
    }

    #[test]
    fn by_what_is_shown_a_message_is_long_and_its_cut_is_told() {
        let mut log = FrameLog::default();
        let secret = "s3cret".repeat(SHOWN / 6);
        sent(&mut log, &format!(r#"{{"auth":"k:{secret}"}}"#));
        assert_eq!(log.shown(&format!("[{secret} {secret}]")), "[*** ***]");
        let growing = "\u{1b}".repeat(SHOWN / 4);
        assert!(log.shown(&growing).ends_with('…'));
        // The character that does not fit as a whole is left out.
        let cut = log.shown(&format!("x{}", "ä".repeat(SHOWN)));
        assert!(cut.ends_with("ä…") && cut.len() == SHOWN - 1 + "…".len(), "{}", cut.len());
    }
}
