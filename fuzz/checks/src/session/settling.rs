//! C9: from wherever a plan has led, with a server and an authorizer that answer, every wanted
//! channel ends subscribed, or failed with a reason.

use pushest_proto::{Action, ChannelState, Instant};

use super::driver::Driver;
use crate::frame::Frame;
use crate::plan::{Answer, authorization};

/// Maximum number of deadlines until everything has settled: unanswered tries, and pauses, end one
/// after the other.
const MOST_DEADLINES: usize = 200;

/// Beyond this, a pause of a day would end after the end of time.
const LATE: Instant = Instant::from_micros(u64::MAX / 4);

impl Driver {
    pub(super) fn settle(&mut self) {
        if self.now > LATE {
            return;
        }
        self.connect();
        for _ in 0..MOST_DEADLINES {
            self.answer_all();
            if self.is_settled() {
                return;
            }
            let deadline = self.session.poll_timeout();
            self.now = deadline.expect("C9: a channel is unsettled, and nothing will happen");
        }
        let unsettled: Vec<_> = self.session.wanted_channels().collect();
        panic!("C9: in {:?}, forgotten: {unsettled:?}", self.session.state());
    }

    /// Polls and answers until there is nothing more at this time.
    fn answer_all(&mut self) {
        self.session.handle_timeout(self.now);
        while let Some(action) = self.poll() {
            match action {
                Action::Connect { connection, .. } => {
                    self.session.handle_open(connection, self.now);
                    self.session.handle_slice(connection, ESTABLISHED, self.now);
                }
                Action::Send(frame) => {
                    if let Some(answer) = answer(&Frame::read(&frame.text)) {
                        self.session.handle_slice(frame.connection, answer.as_bytes(), self.now);
                    }
                }
                Action::Authorize(request) => {
                    let granted = authorization(Answer::Granted);
                    self.session.handle_authorization(request.ticket, granted, self.now);
                }
                _ => {}
            }
        }
    }

    fn is_settled(&self) -> bool {
        self.session.wanted_channels().all(|channel| match channel.state() {
            ChannelState::Subscribed => true,
            ChannelState::Failed => channel.failure().is_some(),
            // Of a user that is not signed in; that was told.
            _ if channel.name().as_str().starts_with('#') => {
                self.session.signed_in_user().is_none()
            }
            _ => false,
        })
    }
}

const ESTABLISHED: &[u8] =
    br#"{"event":"pusher:connection_established","data":"{\"socket_id\":\"1.2\"}"}"#;

/// Returns what a server says to a frame.
fn answer(frame: &Frame) -> Option<String> {
    match frame {
        Frame::Ping => Some(r#"{"event":"pusher:pong"}"#.to_owned()),
        Frame::Subscribe(channel) => Some(format!(
            r#"{{"event":"pusher_internal:subscription_succeeded","channel":"{channel}"}}"#
        )),
        Frame::SignIn => {
            Some(r#"{"event":"pusher:signin_success","data":{"user_data":{"id":"me"}}}"#.to_owned())
        }
        Frame::Unsubscribe(_) | Frame::Other => None,
    }
}
