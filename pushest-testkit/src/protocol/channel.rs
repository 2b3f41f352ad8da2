//! Channels: their kinds, by name, and their subscribers.

use std::collections::BTreeSet;

use super::PeerId;
use super::presence::Members;

/// The prefix of the channel on which a signed-in user is sent events.
pub(super) const USER_CHANNEL: &str = "#server-to-user-";

/// What a channel's name says about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Public,
    Private,
    Encrypted,
    Presence,
    /// `#server-to-user-ID`: only for that user, once signed in.
    User,
}

impl Kind {
    pub(super) fn of(name: &str) -> Self {
        if name.starts_with("private-encrypted-") {
            Self::Encrypted
        } else if name.starts_with("private-") {
            Self::Private
        } else if name.starts_with("presence-") {
            Self::Presence
        } else if name.starts_with(USER_CHANNEL) {
            Self::User
        } else {
            Self::Public
        }
    }
}

/// Returns whether the last event of this channel is kept for those who subscribe later.
pub(super) fn is_cache(name: &str) -> bool {
    ["cache-", "private-cache-", "presence-cache-", "private-encrypted-cache-"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

/// Returns why a name is not a channel's name ([protocol, limits](pushest_proto::protocol#limits));
/// `None` if it is.
pub(super) fn name_fault(name: &str, longest: usize, extra: &str) -> Option<String> {
    if name.is_empty() {
        return Some("Channel name is empty".to_owned());
    }
    if name.len() > longest {
        return Some(format!("Channel name is longer than {longest} bytes"));
    }
    let checked = if Kind::of(name) == Kind::User { &name[USER_CHANNEL.len()..] } else { name };
    // A user's id may hold what a channel's name may not.
    let is_allowed = |character: char| {
        character.is_ascii_alphanumeric()
            || "-_=@,.;".contains(character)
            || extra.contains(character)
            || (checked.len() != name.len() && !character.is_control())
    };
    let stranger = checked.chars().find(|&character| !is_allowed(character))?;
    Some(format!("Channel name must not contain {stranger:?}"))
}

/// A channel that has subscribers.
#[derive(Debug, Default)]
pub(super) struct ServerChannel {
    /// In the order in which they connected.
    pub(super) subscribers: BTreeSet<PeerId>,
    /// Empty on other than presence channels.
    pub(super) members: Members,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_tells_the_kind() {
        assert_eq!(Kind::of("orders"), Kind::Public);
        assert_eq!(Kind::of("private-orders"), Kind::Private);
        assert_eq!(Kind::of("private-encrypted-orders"), Kind::Encrypted);
        assert_eq!(Kind::of("private-encrypted-cache-x"), Kind::Encrypted);
        assert_eq!(Kind::of("presence-cache-orders"), Kind::Presence);
        assert_eq!(Kind::of("#server-to-user-7"), Kind::User);
        assert!(is_cache("private-encrypted-cache-x") && is_cache("cache-x"));
        assert!(!is_cache("cached") && !is_cache("private-x-cache-y"));
    }

    #[test]
    fn names_are_checked() {
        let fault = |name: &str| name_fault(name, 20, "");
        assert_eq!(fault("private-a_=@,.;Z9"), None);
        assert!(fault("").is_some());
        assert!(fault("a:b").is_some());
        assert!(fault("ä").is_some());
        assert!(fault("#x").is_some());
        assert!(fault(&"a".repeat(21)).is_some());
        assert_eq!(fault("#server-to-user-a b"), None);
        assert_eq!(name_fault("a:b#", 20, ":#"), None);
    }
}
