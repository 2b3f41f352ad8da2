//! Commands tried out before anything is dialled: whatever the core would refuse is bad input.

use pushest_proto::{
    ChannelKind, ChannelName, CommandError, Config, Instant, Session, SubscribeOptions,
};
use serde_json::value::RawValue;

use crate::arguments::UserOptions;
use crate::failure::Failure;

/// A session that never connects. All rules about names, users and data are the core's own.
pub(crate) struct Rehearsal {
    session: Session,
}

impl Rehearsal {
    pub(crate) fn new(config: &Config) -> Self {
        Self { session: Session::new(config.clone(), 0, Instant::ORIGIN) }
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
            (Some(channel), None) => Err(Failure::input(format_args!(
                "{channel} is a presence channel: say who subscribes with --user-id"
            ))),
            (None, Some(id)) => Err(Failure::input(format_args!(
                "--user-id {id:?} is for presence channels, and none is given: their names begin \
                 with `presence-`"
            ))),
            (None, None) => Ok(SubscribeOptions::default()),
            (Some(_), Some(id)) => {
                let options = SubscribeOptions::member(id);
                Ok(match &user.user_info {
                    Some(info) => options.info(info),
                    None => options,
                })
            }
        }
    }

    pub(crate) fn subscribe(
        &mut self,
        channel: &str,
        options: &SubscribeOptions,
    ) -> Result<ChannelName, Failure> {
        let name = self.session.subscribe(channel, options, Instant::ORIGIN)?;
        if name.kind().is_signed() && !self.session.config().has_secret() {
            return Err(Failure::input(format_args!(
                "subscribing to {name} is signed: give the app's secret with --secret, --url or \
                 PUSHER_APP_SECRET"
            )));
        }
        Ok(name)
    }

    pub(crate) fn trigger(
        &mut self,
        channel: &str,
        event: &str,
        data: &RawValue,
    ) -> Result<(), Failure> {
        match self.session.trigger(channel, event, data, Instant::ORIGIN) {
            // All that is left to object to.
            Ok(()) | Err(CommandError::NotConnected) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn name(&self, channel: &str) -> Result<ChannelName, Failure> {
        let rules = &self.session.config().limits().channel_name;
        Ok(ChannelName::with_rules(channel, rules)?)
    }
}
