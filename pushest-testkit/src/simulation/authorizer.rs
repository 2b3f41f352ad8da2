//! Authorizers of a simulation, and their faults.

use std::collections::BTreeSet;
use std::time::Duration;

use pushest_proto::{
    Authorization, AuthorizationError, AuthorizationRequest, Instant, Signer, Ticket,
};

use super::Troubles;

/// An authorizer for a session without the secret. It answers each request after a delay of its
/// own, so that answers overtake each other. Shares are of 256.
///
/// ```
/// use pushest_proto::Signer;
/// use pushest_testkit::simulation::Authorizer;
///
/// let signer = Signer::new("app-key", "app-secret");
/// let authorizer = Authorizer::new(signer).unavailable(64).lost(16).refusing("private-vault");
/// # let _ = authorizer;
/// ```
#[derive(Debug, Clone)]
pub struct Authorizer {
    signer: Signer,
    unavailable: u8,
    lost: u8,
    late: u8,
    refused: BTreeSet<String>,
}

impl Authorizer {
    /// Creates an authorizer that grants everything.
    #[must_use]
    pub fn new(signer: Signer) -> Self {
        Self { signer, unavailable: 0, lost: 0, late: 0, refused: BTreeSet::new() }
    }

    /// Sets the share of requests that fail for now, and are asked again.
    #[must_use]
    pub fn unavailable(mut self, share: u8) -> Self {
        self.unavailable = share;
        self
    }

    /// Sets the share of requests that are never answered.
    #[must_use]
    pub fn lost(mut self, share: u8) -> Self {
        self.lost = share;
        self
    }

    /// Sets the share of the abandoned requests that are answered all the same.
    #[must_use]
    pub fn late(mut self, share: u8) -> Self {
        self.late = share;
        self
    }

    /// Refuses this channel for good.
    #[must_use]
    pub fn refusing(mut self, channel: &str) -> Self {
        self.refused.insert(channel.to_owned());
        self
    }

    fn answer(
        &self,
        request: &AuthorizationRequest,
        random: &mut fastrand::Rng,
        troubles: &mut Troubles,
    ) -> Result<Authorization, AuthorizationError> {
        let data = request.subject.data();
        let channel = request.subject.channel();
        if channel.is_some_and(|channel| self.refused.contains(channel.as_str())) {
            troubles.refused_authorizations += 1;
            return Err(AuthorizationError::refused(Some(403), "not for you"));
        }
        if random.u8(..) < self.unavailable {
            troubles.unavailable_authorizations += 1;
            return Err(AuthorizationError::unavailable(Some(503), "try again"));
        }
        let Some(channel) = channel else {
            let data = data.unwrap_or(r#"{"id":"nobody in particular"}"#);
            let auth = self.signer.user(&request.socket_id, data);
            return Ok(Authorization::new(auth).user_data(data));
        };
        let auth = self.signer.channel(&request.socket_id, channel.as_str(), data);
        let granted = Authorization::new(auth);
        Ok(match data {
            Some(data) => granted.channel_data(data),
            None => granted,
        })
    }
}

/// The requests that run.
#[derive(Debug, Default)]
pub(super) struct Requests {
    authorizer: Option<Authorizer>,
    running: Vec<Request>,
}

#[derive(Debug)]
struct Request {
    /// When it is answered; `None` if never.
    at: Option<Instant>,
    request: AuthorizationRequest,
    is_abandoned: bool,
}

impl Requests {
    pub(super) fn set_authorizer(&mut self, authorizer: Authorizer) {
        self.authorizer = Some(authorizer);
    }

    pub(super) fn begin(
        &mut self,
        request: AuthorizationRequest,
        now: Instant,
        delay: Duration,
        random: &mut fastrand::Rng,
    ) {
        let is_lost = self.authorizer.as_ref().is_some_and(|it| random.u8(..) < it.lost);
        let at = (!is_lost).then(|| now + delay);
        self.running.push(Request { at, request, is_abandoned: false });
    }

    pub(super) fn abandon(
        &mut self,
        ticket: Ticket,
        random: &mut fastrand::Rng,
        troubles: &mut Troubles,
    ) {
        let Some(place) = self.running.iter().position(|it| it.request.ticket == ticket) else {
            return;
        };
        let late = self.authorizer.as_ref().map_or(0, |it| it.late);
        let request = &mut self.running[place];
        troubles.lost_authorizations += u64::from(request.at.is_none());
        request.is_abandoned = true;
        if request.at.is_none() || random.u8(..) >= late {
            self.running.remove(place);
        }
    }

    pub(super) fn next_time(&self) -> Option<Instant> {
        self.running.iter().filter_map(|request| request.at).min()
    }

    /// The next answer that is there by now, the earliest first.
    pub(super) fn next_answer(
        &mut self,
        now: Instant,
        random: &mut fastrand::Rng,
        troubles: &mut Troubles,
    ) -> Option<(Ticket, Result<Authorization, AuthorizationError>)> {
        let due = self.running.iter().enumerate().filter_map(|(place, it)| Some((it.at?, place)));
        let (_, place) = due.filter(|(at, _)| *at <= now).min()?;
        let former = self.running[..place].iter();
        let overtakes = former.filter(|it| it.at.is_some() && !it.is_abandoned).count() > 0;
        let Request { request, is_abandoned, .. } = self.running.remove(place);
        troubles.overtaking_authorizations += u64::from(overtakes && !is_abandoned);
        troubles.late_authorizations += u64::from(is_abandoned);
        let answer = match &self.authorizer {
            Some(authorizer) => authorizer.answer(&request, random, troubles),
            None => Err(AuthorizationError::refused(Some(403), "nobody signs here")),
        };
        Some((request.ticket, answer))
    }
}
