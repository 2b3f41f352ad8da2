//! Every order of subscribe, unsubscribe, loss, late authorization and confirmation, for one
//! channel: it always ends where the user last said.

use crate::harness::{Harness, asking, signing, succeeded};
use pushest_proto::{Action, Authorization, ChannelState, Loss};

const STEPS: usize = 6;

/// What can happen next.
#[derive(Debug, Clone, Copy)]
enum Step {
    Subscribe,
    Unsubscribe,
    /// The connection is lost, and another one is established.
    Loss,
    /// The oldest request that was not answered is answered, even if it is no longer waited for.
    Authorization,
    /// The server answers what it has been sent.
    Confirmation,
    /// The driver polls everything.
    Poll,
}

const ALL: [Step; 6] = [
    Step::Subscribe,
    Step::Unsubscribe,
    Step::Loss,
    Step::Authorization,
    Step::Confirmation,
    Step::Poll,
];

/// A server that keeps the subscriptions of its present connection, and the session.
struct Pair {
    harness: Harness,
    channel: &'static str,
    wanted: bool,
    served: bool,
    unconfirmed: usize,
    tickets: Vec<pushest_proto::Ticket>,
}

impl Pair {
    fn new(signs: bool, channel: &'static str) -> Self {
        let mut harness = Harness::unrecorded(if signs { signing() } else { asking() });
        harness.connect();
        Self { harness, channel, wanted: false, served: false, unconfirmed: 0, tickets: Vec::new() }
    }

    fn step(&mut self, step: Step) {
        let now = self.harness.now;
        match step {
            Step::Subscribe => {
                let plain = pushest_proto::SubscribeOptions::default();
                self.harness.session.subscribe(self.channel, &plain, now).unwrap();
                self.wanted = true;
            }
            Step::Unsubscribe => {
                let was_wanted = self.harness.session.unsubscribe(self.channel, now).is_ok();
                assert_eq!(was_wanted, self.wanted);
                self.wanted = false;
            }
            Step::Loss => {
                let connection = self.harness.current();
                self.harness.session.handle_close(connection, Loss::closed(Some(1001), ""), now);
                self.poll();
                self.served = false;
                self.unconfirmed = 0;
                self.harness.session.connect(now);
                self.poll();
                self.harness.establish();
                self.look();
            }
            Step::Authorization => {
                if !self.tickets.is_empty() {
                    let ticket = self.tickets.remove(0);
                    let granted = Authorization::new("key:signature");
                    self.harness.session.handle_authorization(ticket, Ok(granted), now);
                }
            }
            Step::Confirmation => {
                for _ in 0..core::mem::take(&mut self.unconfirmed) {
                    let answer = succeeded(self.channel, "{}");
                    let connection = self.harness.current();
                    self.harness.session.handle_slice(connection, answer.as_bytes(), now);
                }
            }
            Step::Poll => self.poll(),
        }
    }

    fn poll(&mut self) {
        self.harness.drain();
        self.look();
    }

    /// What the server makes of what was sent, in order.
    fn look(&mut self) {
        for action in core::mem::take(&mut self.harness.actions) {
            match action {
                Action::Send(frame) if frame.connection == self.harness.current() => {
                    if frame.text.contains("pusher:subscribe") {
                        self.served = true;
                        self.unconfirmed += 1;
                    } else if frame.text.contains("pusher:unsubscribe") {
                        self.served = false;
                    }
                }
                Action::Authorize(request) => self.tickets.push(request.ticket),
                _ => {}
            }
        }
    }

    /// The server and the authorizer answer everything.
    fn settle(&mut self) {
        for _ in 0..4 {
            self.poll();
            while !self.tickets.is_empty() {
                self.step(Step::Authorization);
                self.poll();
            }
            self.step(Step::Confirmation);
        }
        self.poll();
    }
}

fn every_order(signs: bool, channel: &'static str) {
    let orders = ALL.len().pow(u32::try_from(STEPS).unwrap());
    for order in 0..orders {
        let mut rest = order;
        let steps: Vec<Step> = (0..STEPS)
            .map(|_| {
                let step = ALL[rest % ALL.len()];
                rest /= ALL.len();
                step
            })
            .collect();
        let mut pair = Pair::new(signs, channel);
        for step in &steps {
            pair.step(*step);
        }
        pair.settle();
        let state = pair.harness.session.channel(channel).map(|view| view.state());
        let expected = pair.wanted.then_some(ChannelState::Subscribed);
        assert_eq!(state, expected, "{steps:?}");
        assert_eq!(pair.served, pair.wanted, "as the server sees it: {steps:?}");
    }
}

#[test]
fn a_public_channel_ends_where_the_user_last_said() {
    every_order(true, "orders");
}

#[test]
fn a_signed_channel_ends_where_the_user_last_said() {
    every_order(true, "private-orders");
}

#[test]
fn an_authorized_channel_ends_where_the_user_last_said() {
    every_order(false, "private-orders");
}
