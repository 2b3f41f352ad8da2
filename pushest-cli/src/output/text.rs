//! The lines as people read them.

use std::borrow::Cow;
use std::fmt::{self, Display, Write as _};
use std::net::SocketAddr;

use anstyle::{AnsiColor, Style};

use super::line::{Line, Outcome, User};

const CHANNEL: Style = AnsiColor::Cyan.on_default();
const NAME: Style = Style::new().bold();
pub(super) const QUIET: Style = Style::new().dimmed();
const JOINED: Style = AnsiColor::Green.on_default();
const LEFT: Style = AnsiColor::Red.on_default();
pub(super) const WARNING: Style = AnsiColor::Yellow.on_default();

/// For people. Colours stand in it always; who prints it takes them out where they do not belong.
impl Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event { channel, event, user_id, decrypted, text, .. } => {
                write!(f, "{}  {}", styled(CHANNEL, channel), styled(NAME, event))?;
                write!(f, "  {}", printable(text))?;
                if *decrypted {
                    write!(f, "  {}", styled(QUIET, "decrypted"))?;
                }
                match user_id {
                    Some(id) => write!(f, "  {}", styled(QUIET, &format!("from {id}"))),
                    None => Ok(()),
                }
            }
            Self::Members { channel, joined, left } => {
                write!(f, "{}  members", styled(CHANNEL, channel))?;
                for user in joined {
                    write!(f, "  {}", styled(JOINED, &format!("+ {user}")))?;
                }
                for user in left {
                    write!(f, "  {}", styled(LEFT, &format!("- {user}")))?;
                }
                if joined.is_empty() && left.is_empty() {
                    f.write_str("  unchanged")
                } else {
                    Ok(())
                }
            }
            Self::Joined { channel, user } => {
                let user = format!("joined  {user}");
                write!(f, "{}  {}", styled(CHANNEL, channel), styled(JOINED, &user))
            }
            Self::Left { channel, user } => {
                let user = format!("left  {user}");
                write!(f, "{}  {}", styled(CHANNEL, channel), styled(LEFT, &user))
            }
            Self::Gap { channel, silent_ms, cause } => {
                let seconds = Milliseconds(*silent_ms);
                let text = format!("gap  events of the last {seconds} may be missing: {cause}");
                write!(f, "{}  {}", styled(CHANNEL, channel), styled(WARNING, &text))
            }
            Self::SubscriptionCount { channel, count } => {
                write!(f, "{}  subscriptions  {count}", styled(CHANNEL, channel))
            }
            Self::CacheMiss { channel } => {
                write!(f, "{}  cache miss", styled(CHANNEL, channel))
            }
            Self::Undecryptable { channel, event, reason } => {
                write!(f, "{}  {}", styled(CHANNEL, channel), styled(NAME, event))?;
                write!(f, "  {}", styled(WARNING, &format!("undecryptable: {reason}")))
            }
            Self::SignedIn { user_id } => {
                write!(f, "signed in as {}", styled(NAME, user_id))
            }
            Self::Online { user_ids } => {
                f.write_str(&styled(JOINED, &format!("online  {}", user_ids.join(", "))))
            }
            Self::Offline { user_ids } => {
                f.write_str(&styled(LEFT, &format!("offline  {}", user_ids.join(", "))))
            }
            Self::Unrouted { event, message } => {
                let beginning: String = message.get().chars().take(200).collect();
                let rest = if beginning.len() < message.get().len() { "…" } else { "" };
                write!(f, "{event} belongs to no channel and is not known: {beginning}{rest}")
            }
            Self::Lagged { dropped } => {
                let text = format!("lagged  {dropped} events are gone: they were read too slowly");
                f.write_str(&styled(WARNING, &text))
            }
            Self::Member { user, me, .. } => {
                user.fmt(f)?;
                if *me { write!(f, "  {}", styled(QUIET, "(this command)")) } else { Ok(()) }
            }
            Self::Triggered { channel, event, round_trip_ms } => {
                let (channel, event) = (styled(CHANNEL, channel), styled(NAME, event));
                write!(f, "{channel}  {event}  sent; round trip {round_trip_ms:.1} ms")
            }
            Self::Listening { host, port, app_id, key, example } => {
                let address = SocketAddr::new(*host, *port);
                writeln!(f, "listening on {address} (app id {app_id}, key {key})")?;
                write!(f, "try:\n{example}")
            }
            Self::Replayed { lines, actions } => {
                let text = format!("equal  {actions} actions in {lines} lines");
                f.write_str(&styled(JOINED, &text))
            }
            Self::Differs { line, recorded, replayed } => {
                f.write_str(&styled(LEFT, &format!("differs  in line {line}")))?;
                write!(f, "\n  recorded  {}", printable(recorded))?;
                write!(f, "\n  replayed  {}", printable(replayed))
            }
            Self::Check { step, result, text, hint } => {
                let (style, result) = match result {
                    Outcome::Ok => (JOINED, "ok"),
                    Outcome::Failed => (LEFT, "failed"),
                    Outcome::Skipped => (QUIET, "skipped"),
                };
                let (result, step) = (format!("{result:<7}"), format!("{step:<9}"));
                write!(f, "{}  {}", styled(style, &result), styled(NAME, &step))?;
                write!(f, "  {}", printable(text))?;
                match hint {
                    Some(hint) => {
                        write!(f, "\n{:20}{}", "", styled(WARNING, &format!("hint: {hint}")))
                    }
                    None => Ok(()),
                }
            }
            Self::Step { step, elapsed_ms, text } => {
                let elapsed = format!("{:>8}", Milliseconds(*elapsed_ms).to_string());
                let (elapsed, step) =
                    (styled(QUIET, &elapsed), styled(NAME, &format!("{step:<9}")));
                write!(f, "{elapsed}  {step}  {}", printable(text))
            }
        }
    }
}

impl Display for User<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.user_id)?;
        match &self.user_info {
            Some(info) => write!(f, " {info}"),
            None => Ok(()),
        }
    }
}

struct Milliseconds(u64);

impl Display for Milliseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03} s", self.0 / 1000, self.0 % 1000)
    }
}

pub(super) fn styled(style: Style, text: &str) -> String {
    format!("{style}{}{style:#}", printable(text))
}

/// The text without control characters: it comes from strangers, and must neither break lines nor
/// command the terminal.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if character.is_control() {
            write!(clean, "{}", character.escape_default()).expect("a String takes everything");
        } else {
            clean.push(character);
        }
    }
    Cow::Owned(clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown_and_not_sent() {
        assert_eq!(printable("a\u{1b}[31m\nb é"), "a\\u{1b}[31m\\nb é");
    }
}
