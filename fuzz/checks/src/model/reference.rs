//! The model: the connection, and what commands do.

use std::ops::RangeInclusive;
use std::time::Duration;

use pushest_proto::{ConnectionState, DialFailure, Instant, Loss, SubscribeOptions, Ticket};

use super::channels::{ModelChannel, Step};
use super::endpoints::{Endpoints, Next};
use super::sizes::SentFrame;
use crate::plan::{Answer, CHANNELS, SCHEDULE, Setting};

/// Maximum number of retries at once in a row; the next one waits like any other.
const IMMEDIATE_RETRIES: u32 = 3;

/// What is drawn on top of a pause that all have alike.
const JITTER: Duration = Duration::from_millis(500);

/// No pause after a failure is shorter.
const FLOOR: Duration = Duration::from_millis(100);

/// Within the second in which the model's time stands still.
const CLIENT_EVENTS: u32 = 2;

/// What must be so.
pub(super) struct Reference {
    pub(super) setting: Setting,
    state: ConnectionState,
    /// The WebSocket is open, and the connection not established.
    pub(super) is_opening: bool,
    pub(super) endpoints: Endpoints,
    immediate: u32,
    /// Since it began anew: how many pauses were more than jitter.
    failures: usize,
    /// The time until the next attempt, before the present input.
    pub(super) retry_in: Option<Duration>,
    /// The network has changed since the attempt that is under way began.
    is_changed: bool,
    hints: Hints,
    /// The bounds of the pause that has just begun.
    pub(super) pause: Option<RangeInclusive<Duration>>,
    client_events: u32,
    /// In the order in which they began to be wanted.
    pub(super) channels: Vec<ModelChannel>,
    pub(super) user: User,
    /// The size of the largest frame that was sent on this connection.
    pub(super) largest_frame: usize,
}

/// How many changes of the network are followed: three in a row, and then one every 30 seconds.
struct Hints {
    left: u32,
    /// Since when the next one grows.
    since: Instant,
}

const HINTS: u32 = 3;
const HINT_EVERY: Duration = Duration::from_secs(30);

impl Hints {
    fn take(&mut self, now: Instant) -> bool {
        while self.left < HINTS && self.since + HINT_EVERY <= now {
            (self.left, self.since) = (self.left + 1, self.since + HINT_EVERY);
        }
        if self.left == HINTS {
            self.since = now;
        }
        let is_followed = self.left > 0;
        self.left = self.left.saturating_sub(1);
        is_followed
    }
}

/// The sign-in.
#[derive(Default)]
pub(super) struct User {
    pub(super) wanted: bool,
    data: Option<&'static str>,
    pub(super) step: Step,
    id: Option<&'static str>,
    pub(super) frame: SentFrame,
}

impl Reference {
    pub(super) fn new(setting: Setting) -> Self {
        Self {
            setting,
            state: ConnectionState::Disconnected,
            is_opening: false,
            endpoints: Endpoints::new(setting),
            immediate: 0,
            failures: 0,
            retry_in: None,
            is_changed: false,
            hints: Hints { left: HINTS, since: Instant::ORIGIN },
            pause: None,
            client_events: 0,
            channels: Vec::new(),
            user: User::default(),
            largest_frame: 0,
        }
    }

    pub(super) fn state(&self) -> ConnectionState {
        self.state
    }

    pub(super) fn is_connected(&self) -> bool {
        self.state == ConnectionState::Connected
    }

    /// Returns whether messages of the connection count.
    pub(super) fn is_open(&self) -> bool {
        self.is_opening || self.is_connected()
    }

    pub(super) fn signed_in_user(&self) -> Option<&str> {
        self.user.id.filter(|_| self.user.step == Step::Done)
    }

    pub(super) fn connect(&mut self, now: Instant) {
        match self.state {
            ConnectionState::Refused | ConnectionState::Disconnected => {
                self.begin_anew();
                self.endpoints.begin(now);
                self.dial();
            }
            ConnectionState::Waiting => self.dial(),
            ConnectionState::Connecting | ConnectionState::Connected => {}
        }
    }

    pub(super) fn disconnect(&mut self) {
        self.forget_connection();
        self.begin_anew();
        self.state = ConnectionState::Disconnected;
    }

    pub(super) fn network_changed(&mut self, now: Instant) {
        self.is_changed |= self.state == ConnectionState::Connecting;
        let is_far = self.retry_in.is_some_and(|retry_in| retry_in > FLOOR + JITTER);
        // With one endpoint a hint only cuts a pause short, which is bounded when it begins.
        if self.endpoints.are_several() && is_far && self.hints.take(now) {
            self.endpoints.begin_pass(now);
        }
    }

    pub(super) fn set_endpoint(&mut self, now: Instant) {
        self.endpoints.replace("elsewhere");
        self.endpoints.begin(now);
        self.forget_suspects();
        match self.state {
            ConnectionState::Connecting | ConnectionState::Connected | ConnectionState::Waiting => {
                self.forget_connection();
                self.begin_anew();
                self.dial();
            }
            ConnectionState::Disconnected | ConnectionState::Refused => {}
        }
    }

    /// The time of the next attempt has come.
    pub(super) fn retried(&mut self) {
        self.dial();
    }

    pub(super) fn opened(&mut self, is_last: bool) {
        if is_last && self.state == ConnectionState::Connecting {
            self.is_opening = true;
        }
    }

    pub(super) fn established(&mut self) {
        if self.is_opening {
            self.is_opening = false;
            self.state = ConnectionState::Connected;
            self.client_events = 0;
            if self.user.wanted && self.user.step != Step::FailedForGood {
                self.start_sign_in();
            }
            for index in 0..self.channels.len() {
                if self.channels[index].step != Step::FailedForGood
                    && !self.channels[index].is_users
                {
                    self.start(index);
                }
            }
        }
    }

    /// The last connection that was asked for is gone, unless it was given up before.
    pub(super) fn lost(&mut self, loss: &Loss, now: Instant) {
        use ConnectionState::{Connected, Connecting, Refused, Waiting};
        if !matches!(self.state, Connecting | Connected) {
            return;
        }
        let was_established = self.is_connected();
        self.learn_from_size(loss);
        self.forget_connection();
        let stops = self.setting.stop_on_refusal;
        let (mut moves, mut is_refused) = (self.endpoints.are_several(), false);
        let mut at_once = match (loss, loss.close_code()) {
            (_, Some(4000)) if was_established => false,
            (_, Some(4000)) if !self.endpoints.is_tls() => {
                self.endpoints.switch_to_tls();
                moves = false;
                true
            }
            (_, Some(4000..=4099)) => return self.state = Refused,
            (_, Some(4200..=4299)) | (Loss::AddressGone, _) => true,
            (Loss::Dial(DialFailure::Unsupported(_)), _) => {
                is_refused = true;
                false
            }
            (
                Loss::Dial(
                    DialFailure::Dns(_)
                    | DialFailure::Tls { certificate: true, .. }
                    | DialFailure::Http { status: 404, .. },
                ),
                _,
            ) if stops => {
                is_refused = true;
                false
            }
            _ => false,
        };
        let mut asked = asked(loss);
        if moves {
            match self.endpoints.fail(asked, is_refused, now) {
                Next::AtOnce => {
                    self.pause = Some(FLOOR..=JITTER);
                    self.state = Waiting;
                    return;
                }
                Next::Later(at_least) => {
                    at_once &= at_least.is_zero();
                    asked = at_least;
                }
                Next::Nothing => return self.state = Refused,
            }
        } else if is_refused {
            return self.state = Refused;
        }
        let mut pause = if at_once && self.immediate < IMMEDIATE_RETRIES {
            self.immediate += 1;
            Duration::from_micros(1)..=JITTER
        } else {
            self.longer_pause(asked)
        };
        if self.is_changed && !self.endpoints.are_several() {
            // It may be cut short at once.
            pause = asked.max(FLOOR).min(*pause.start())..=*pause.end();
        }
        self.pause = Some(pause);
        self.state = Waiting;
    }

    /// The bounds of a pause that is more than jitter.
    fn longer_pause(&mut self, asked: Duration) -> RangeInclusive<Duration> {
        let failures = self.failures;
        self.failures += 1;
        if self.setting.scheduled {
            let pause = SCHEDULE[failures.min(SCHEDULE.len() - 1)].max(asked).max(FLOOR);
            pause..=pause + JITTER
        } else {
            asked + FLOOR..=asked + Duration::from_secs(30)
        }
    }

    pub(super) fn trigger(&mut self, channel: &str, event: &str) -> bool {
        let is_allowed = (channel.starts_with("private-") || channel.starts_with("presence-"))
            && !channel.starts_with("private-encrypted-")
            && event.strip_prefix("client-").is_some_and(|rest| !rest.is_empty());
        let is_subscribed =
            self.find(channel).is_some_and(|index| self.channels[index].step == Step::Done);
        let has_turn = !self.setting.rate_limited || self.client_events < CLIENT_EVENTS;
        let is_taken = is_allowed && self.is_connected() && is_subscribed && has_turn;
        self.client_events += u32::from(is_taken);
        is_taken
    }

    pub(super) fn sign_in(&mut self, data: Option<&'static str>) -> bool {
        let is_right = match data {
            None => !self.setting.signs,
            Some(data) => data.contains("id"),
        };
        if !is_right {
            return false;
        }
        let user = &mut self.user;
        if user.wanted && user.data == data && user.step.is_running() {
            return true;
        }
        user.wanted = true;
        user.data = data;
        user.frame.is_suspect = false;
        user.step = Step::Waiting;
        if self.is_connected() {
            self.start_sign_in();
        }
        true
    }

    pub(super) fn subscribe(&mut self, name: &'static str, options: &SubscribeOptions) -> bool {
        let is_presence = name.starts_with("presence-");
        let data = options.user_id.as_deref().filter(|_| is_presence);
        let info = options.user_info.as_deref().filter(|_| is_presence);
        let limit = self.setting.limits().channels;
        let others = self.channels.iter().filter(|channel| !channel.is_users).count();
        if name == CHANNELS[7]
            || data.is_some_and(str::is_empty)
            || info.is_some_and(|info| !info.starts_with('{'))
            || (is_presence && data.is_none() && self.setting.signs)
            || (name.starts_with("private-encrypted-")
                && self.setting.signs
                && !self.setting.master_key)
            || (self.find(name).is_none() && others >= limit)
        {
            return false;
        }
        let data = data.map(|id| (id.to_owned(), info.map(str::to_owned)));
        self.want(name, data);
        true
    }

    /// An authorization was asked for.
    pub(super) fn asked(&mut self, ticket: Ticket, channel: Option<&str>) {
        let step = match channel {
            None => &mut self.user.step,
            Some(name) => {
                let index = self.find(name).expect("a wanted channel");
                &mut self.channels[index].step
            }
        };
        match step {
            Step::Asking => *step = Step::Asked(ticket),
            // The key of an encrypted channel did not fit, and is asked for once more.
            Step::Done if channel.is_some_and(|name| name.contains("-encrypted-")) => {}
            other => panic!("{channel:?} asks for an authorization while {other:?}"),
        }
    }

    /// An authorizer answered; only the answer that is waited for counts.
    pub(super) fn authorized(&mut self, ticket: Ticket, channel: Option<&str>, answer: Answer) {
        let lacks_something = |name: Option<&str>| {
            name.is_none_or(|name| {
                name.starts_with("presence-") || name.starts_with("private-encrypted-")
            })
        };
        let next = match answer {
            Answer::Bare if lacks_something(channel) => Step::FailedForGood,
            Answer::Granted | Answer::WrongKey | Answer::Bare => Step::Sent,
            Answer::Refused | Answer::TooLarge => Step::FailedForGood,
            Answer::Unavailable | Answer::RetryAfter => Step::Waiting,
        };
        match channel {
            None if self.user.step == Step::Asked(ticket) => self.user.step = next,
            None => {}
            Some(name) => {
                let Some(index) = self.find(name) else { return };
                let channel = &mut self.channels[index];
                if channel.step == Step::Asked(ticket) {
                    channel.step = next;
                    channel.pauses = next == Step::Waiting;
                    channel.told |= next == Step::Sent;
                }
            }
        }
    }

    /// The server confirmed the sign-in: the user's own channel is wanted from then on.
    pub(super) fn signed_in(&mut self, id: &'static str) {
        if !self.user.wanted || !matches!(self.user.step, Step::Sent | Step::Failed) {
            return;
        }
        self.user.step = Step::Done;
        self.user.frame.is_suspect = false;
        self.user.id = Some(id);
        self.want_users_channel(id);
    }

    fn start_sign_in(&mut self) {
        self.user.step = if self.setting.signs { Step::Sent } else { Step::Asking };
    }

    fn begin_anew(&mut self) {
        self.immediate = 0;
        self.failures = 0;
    }

    fn dial(&mut self) {
        self.is_opening = false;
        self.is_changed = false;
        self.state = ConnectionState::Connecting;
    }

    fn forget_connection(&mut self) {
        self.is_opening = false;
        self.largest_frame = 0;
        if self.user.step != Step::FailedForGood {
            self.user.step = Step::Waiting;
        }
        for channel in &mut self.channels {
            channel.told = false;
            channel.pauses = false;
            if channel.step != Step::FailedForGood {
                channel.step = Step::Waiting;
            }
        }
    }
}

/// Returns the pause that a server asks for.
fn asked(loss: &Loss) -> Duration {
    match loss {
        Loss::Dial(DialFailure::Http { status: 429, .. }) => Duration::from_secs(7),
        // It asks for the end of time, and gets an hour.
        Loss::Dial(DialFailure::Http { status: 503, .. }) => Duration::from_secs(3_600),
        _ if matches!(loss.close_code(), Some(4100..=4199)) => Duration::from_secs(1),
        _ => Duration::ZERO,
    }
}
