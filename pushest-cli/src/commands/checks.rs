//! Checks before anything is dialled: whatever the core would refuse is bad input. All rules about
//! names, users and data are the core's own.

use std::fmt::Display;

use pushest_proto::{ChannelKind, ChannelName, SubscribeOptions};
use serde_json::value::RawValue;

use crate::arguments::UserOptions;
use crate::connection::Connection;
use crate::failure::Failure;

/// Checks against what a connection was configured with.
pub(crate) struct Checks<'a>(&'a Connection);

impl<'a> Checks<'a> {
    pub(crate) fn new(connection: &'a Connection) -> Self {
        Self(connection)
    }

    /// Who subscribes to these channels.
    pub(crate) fn user(
        &self,
        user: &UserOptions,
        channels: &[String],
    ) -> Result<SubscribeOptions, Failure> {
        let names = channels.iter().map(|channel| self.name(channel));
        let names: Vec<ChannelName> = names.collect::<Result<_, Failure>>()?;
        let presence = names.iter().find(|name| name.kind() == ChannelKind::Presence);
        match (presence, &user.user_id) {
            (Some(_), None) if self.0.has_endpoint => Ok(SubscribeOptions::default()),
            (Some(channel), None) => Err(Failure::input(format_args!(
                "{channel} is a presence channel: say who subscribes with --user-id"
            ))),
            (None, Some(id)) => Err(Failure::input(format_args!(
                "--user-id {id:?} is for presence channels, and none is given: their names begin \
                 with `presence-`"
            ))),
            (None, None) => Ok(SubscribeOptions::default()),
            (Some(_), Some(id)) => {
                let options = self.user_id(id)?;
                Ok(match &user.user_info {
                    Some(info) => options.info(info),
                    None => options,
                })
            }
        }
    }

    /// This user, where it is the command that says who subscribes.
    pub(crate) fn user_id(&self, id: &str) -> Result<SubscribeOptions, Failure> {
        if self.0.has_endpoint {
            return Err(Failure::input(format_args!(
                "--user-id {id:?} cannot be used: the endpoint says who subscribes"
            )));
        }
        Ok(SubscribeOptions::member(id))
    }

    pub(crate) fn subscribe(
        &self,
        channel: &str,
        options: &SubscribeOptions,
    ) -> Result<ChannelName, Failure> {
        let name = self.0.config.check_subscribe(channel, options)?;
        if name.kind().is_signed() && !self.0.can_sign() {
            return Err(unsigned(format_args!("subscribing to {name}")));
        }
        Ok(name)
    }

    pub(crate) fn sign_in(&self, user: Option<&str>) -> Result<(), Failure> {
        if !self.0.can_sign() {
            return Err(unsigned("signing in"));
        }
        Ok(self.0.config.check_sign_in(user)?)
    }

    pub(crate) fn trigger(
        &self,
        channel: &str,
        event: &str,
        data: &RawValue,
    ) -> Result<(), Failure> {
        Ok(self.0.config.check_trigger(channel, event, data)?)
    }

    fn name(&self, channel: &str) -> Result<ChannelName, Failure> {
        let rules = &self.0.config.limits().channel_name;
        Ok(ChannelName::with_rules(channel, rules)?)
    }
}

/// What `--sign-in` says: JSON, or `null` where the authorizer gives the user data.
pub(crate) fn user_data(text: &str) -> Option<&str> {
    (text.trim() != "null").then_some(text)
}

fn unsigned(what: impl Display) -> Failure {
    Failure::input(format_args!(
        "{what} is signed: give the app's secret with --secret, --url or PUSHER_APP_SECRET, or \
         an endpoint that signs with --auth-endpoint"
    ))
}
