//! Health as text, and as what it serializes to.

use std::fmt;
use std::time::Duration;

use pushest_proto::{Escaped, Loss};

use super::{Health, HealthReason, HealthState};

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.state.fmt(f)?;
        for (index, reason) in self.reasons.iter().enumerate() {
            f.write_str(if index == 0 { ": " } else { "; " })?;
            reason.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for HealthState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for HealthReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disconnected => f.write_str("disconnected by the program"),
            Self::ShutDown => f.write_str("shut down by the program"),
            Self::Ended => f.write_str("the client has ended"),
            Self::Refused { loss } => because(f, "refused for good", loss.as_deref()),
            Self::Away { away_for, loss } | Self::Reconnecting { away_for, loss } => {
                let away_for = Seconds(*away_for);
                because(f, &format!("not connected for {away_for}"), loss.as_deref())
            }
            Self::Stalled { overdue_for } => {
                write!(f, "nothing has run the client for {}", Seconds(*overdue_for))
            }
            Self::Draining => f.write_str("draining"),
            Self::ChannelsFailed { channels, channel, reason } => {
                write!(f, "{} failed, among them {channel}: {}", Number(*channels), Escaped(reason))
            }
            Self::ChannelsUnconfirmed { channels, channel, unconfirmed_for } => {
                let longest = Seconds(*unconfirmed_for);
                write!(f, "{} not confirmed, {channel} for {longest}", Number(*channels))
            }
            Self::AuthorizationsFailing { channels, channel, reason } => {
                let (number, reason) = (Number(*channels), Escaped(reason));
                write!(f, "{number} without authorization, among them {channel}: {reason}")
            }
            Self::SignInFailed { reason } => write!(f, "not signed in: {}", Escaped(reason)),
            Self::ReceiversLagging { last_dropped, dropped, channel } => {
                let ago = Seconds(*last_dropped);
                write!(f, "{dropped} events were dropped unreceived, the last {ago} ago")?;
                match channel {
                    Some(channel) => write!(f, " by a receiver of {channel}"),
                    None => Ok(()),
                }
            }
            Self::ReadingPaused { paused_for } => {
                write!(f, "a full receiver has held up reading for {}", Seconds(*paused_for))
            }
        }
    }
}

fn because(f: &mut fmt::Formatter<'_>, what: &str, loss: Option<&Loss>) -> fmt::Result {
    match loss {
        Some(loss) => write!(f, "{what}: {}", Escaped(loss)),
        None => f.write_str(what),
    }
}

/// A number of channels.
struct Number(usize);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} channel{}", self.0, if self.0 == 1 { "" } else { "s" })
    }
}

/// A time as people read it.
struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} s", self.0.as_secs_f64())
    }
}

/// `{"state": "degraded", "reasons": [{"kind": "reconnecting", "text": "not connected for 2.0 s"}]}`.
#[cfg(feature = "serde")]
mod form {
    use serde::ser::SerializeStruct as _;
    use serde::{Serialize, Serializer};

    use super::{Health, HealthReason, HealthState};

    impl Serialize for HealthState {
        fn serialize<S: Serializer>(&self, form: S) -> Result<S::Ok, S::Error> {
            form.serialize_str(self.name())
        }
    }

    impl Serialize for Health {
        fn serialize<S: Serializer>(&self, form: S) -> Result<S::Ok, S::Error> {
            let mut fields = form.serialize_struct("Health", 2)?;
            fields.serialize_field("state", &self.state)?;
            fields.serialize_field("reasons", &self.reasons)?;
            fields.end()
        }
    }

    impl Serialize for HealthReason {
        fn serialize<S: Serializer>(&self, form: S) -> Result<S::Ok, S::Error> {
            let mut fields = form.serialize_struct("HealthReason", 2)?;
            fields.serialize_field("kind", self.kind())?;
            fields.serialize_field("text", &format_args!("{self}"))?;
            fields.end()
        }
    }
}
