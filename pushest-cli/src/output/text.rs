//! The lines as people read them.

use std::fmt::{self, Display};
use std::net::SocketAddr;

use anstyle::{AnsiColor, Style};

use super::line::{Line, Outcome, User};
use super::painter::Painter;

pub(super) const CHANNEL: Style = AnsiColor::Cyan.on_default();
pub(super) const NAME: Style = Style::new().bold();
pub(super) const QUIET: Style = Style::new().dimmed();
const JOINED: Style = AnsiColor::Green.on_default();
const LEFT: Style = AnsiColor::Red.on_default();
pub(super) const WARNING: Style = AnsiColor::Yellow.on_default();

impl Line<'_> {
    /// The line for people.
    pub(super) fn paint(&self, p: &mut Painter) {
        match self {
            Self::Event { channel, event, user_id, decrypted, text, .. } => {
                p.styled(CHANNEL, channel).text("  ").styled(NAME, event).text("  ").text(text);
                if *decrypted {
                    p.text("  ").styled(QUIET, "decrypted");
                }
                if let Some(id) = user_id {
                    p.text("  ").styled(QUIET, format_args!("from {}", Id(id)));
                }
            }
            Self::Members { channel, joined, left, known } => {
                p.styled(CHANNEL, channel).text("  members");
                for user in joined {
                    p.text("  ").styled(JOINED, format_args!("+ {user}"));
                }
                for user in left {
                    p.text("  ").styled(LEFT, format_args!("- {user}"));
                }
                if !known {
                    p.text("  ").styled(WARNING, "unknown: the list could not be read");
                } else if joined.is_empty() && left.is_empty() {
                    p.text("  unchanged");
                }
            }
            Self::Joined { channel, user } => {
                let user = format!("joined  {user}");
                p.styled(CHANNEL, channel).text("  ").styled(JOINED, user);
            }
            Self::Left { channel, user } => {
                let user = format!("left  {user}");
                p.styled(CHANNEL, channel).text("  ").styled(LEFT, user);
            }
            Self::Gap { channel, silent_ms, since_ms, cause } => {
                let seconds = Milliseconds(*silent_ms);
                // As `date +%s` counts, and `date --date=@…` reads.
                let since = since_ms.map(|since| {
                    format!(" (since {}.{:03}, in seconds since 1970)", since / 1000, since % 1000)
                });
                let since = since.unwrap_or_default();
                let text =
                    format!("gap  events of the last {seconds}{since} may be missing: {cause}");
                p.styled(CHANNEL, channel).text("  ").styled(WARNING, text);
            }
            Self::SubscriptionCount { channel, count } => {
                p.styled(CHANNEL, channel).text("  subscriptions  ").text(count);
            }
            Self::CacheMiss { channel } => {
                p.styled(CHANNEL, channel).text("  cache miss");
            }
            Self::Undecryptable { channel, event, reason } => {
                p.styled(CHANNEL, channel).text("  ").styled(NAME, event);
                p.text("  ").styled(WARNING, format_args!("undecryptable: {reason}"));
            }
            Self::SignedIn { user_id } => {
                p.text("signed in as ").styled(NAME, Id(user_id));
            }
            Self::Online { user_ids } => {
                p.styled(JOINED, format_args!("online  {}", Ids(user_ids)));
            }
            Self::Offline { user_ids } => {
                p.styled(LEFT, format_args!("offline  {}", Ids(user_ids)));
            }
            Self::Unrouted { event, message } => {
                p.text(Unrouted { event, message: message.get() });
            }
            Self::Lagged { dropped } => {
                let text = format!("lagged  {dropped} events are gone: they were read too slowly");
                p.styled(WARNING, text);
            }
            Self::Member { user, me, .. } => {
                p.text(user);
                if *me {
                    p.text("  ").styled(QUIET, "(this command)");
                }
            }
            Self::Triggered { channel, event, round_trip_ms } => {
                p.styled(CHANNEL, channel).text("  ").styled(NAME, event);
                p.text(format_args!("  sent; round trip {round_trip_ms:.1} ms"));
            }
            Self::Listening { host, port, app_id, key, profile, tls, example, .. } => {
                let address = SocketAddr::new(*host, *port);
                let tls = if *tls { " with TLS" } else { "" };
                p.text(format_args!("listening on {address}{tls} (app id {app_id}, key {key}"));
                if *profile != "standard" {
                    p.text(format_args!(", like {profile}"));
                }
                p.text(")");
                p.new_line().text("try:");
                for command in example {
                    p.new_line().text(command);
                }
            }
            Self::Replayed { lines, actions } => {
                p.styled(JOINED, format_args!("equal  {actions} actions in {lines} lines"));
            }
            Self::Differs { line, recorded, replayed } => {
                p.styled(LEFT, format_args!("differs  in line {line}"));
                p.new_line().text("  recorded  ").text(recorded);
                p.new_line().text("  replayed  ").text(replayed);
            }
            Self::Check { step, result, text, hint } => {
                let (style, result) = match result {
                    Outcome::Ok => (JOINED, "ok"),
                    Outcome::Failed => (LEFT, "failed"),
                    Outcome::Skipped => (QUIET, "skipped"),
                };
                p.styled(style, format_args!("{result:<7}")).text("  ");
                p.styled(NAME, format_args!("{step:<9}")).text("  ").text(text);
                if let Some(hint) = hint {
                    p.new_line().text(format_args!("{:20}", ""));
                    p.styled(WARNING, format_args!("hint: {hint}"));
                }
            }
            Self::Step { step, elapsed_ms, text } => {
                let elapsed = Milliseconds(*elapsed_ms).to_string();
                p.styled(QUIET, format_args!("{elapsed:>8}")).text("  ");
                p.styled(NAME, format_args!("{step:<9}")).text("  ").text(text);
            }
            Self::Backend(backend) => backend.paint(p),
            Self::State { .. }
            | Self::Subscribed { .. }
            | Self::SubscriptionFailed { .. }
            | Self::SignInFailed { .. }
            | Self::ServerError { .. }
            | Self::Malformed { .. }
            | Self::LimitReached { .. }
            | Self::Warning { .. }
            | Self::Note { .. }
            | Self::Error { .. }
            | Self::Served(_) => {
                if let Some((style, text)) = self.aside() {
                    p.styled(style, text);
                }
            }
        }
    }

    /// A message that belongs nowhere, as it reads for people.
    pub(super) fn unrouted(&self) -> Option<String> {
        match self {
            Self::Unrouted { event, message } => {
                Some(Unrouted { event, message: message.get() }.to_string())
            }
            _ => None,
        }
    }
}

struct Unrouted<'a> {
    event: &'a str,
    message: &'a str,
}

impl Display for Unrouted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { event, message } = self;
        let end = message.char_indices().nth(200).map_or(message.len(), |(at, _)| at);
        let rest = if end < message.len() { "…" } else { "" };
        let beginning = &message[..end];
        write!(f, "{event} belongs to no channel and is not known: {beginning}{rest}")
    }
}

impl Display for User<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Id(self.user_id).fmt(f)?;
        match &self.user_info {
            Some(info) => write!(f, " {info}"),
            None => Ok(()),
        }
    }
}

/// A user's id, which may be any text. It stands in quotation marks where it could pass for more
/// than an id: with white space, a comma or a quotation mark in it.
pub(super) struct Id<'a>(pub(super) &'a str);

impl Display for Id<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ends = |it: char| it.is_whitespace() || it == ',' || it == '"';
        if !self.0.is_empty() && !self.0.contains(ends) {
            return f.write_str(self.0);
        }
        write!(f, "\"{}\"", self.0.replace('"', "\\\""))
    }
}

struct Ids<'a>(&'a [String]);

impl Display for Ids<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, id) in self.0.iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            write!(f, "{comma}{}", Id(id))?;
        }
        Ok(())
    }
}

struct Milliseconds(u64);

impl Display for Milliseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03} s", self.0 / 1000, self.0 % 1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_says_how_long_it_is_and_since_when() {
        let text = |since_ms| {
            let mut painter = Painter::new(false);
            Line::Gap { channel: "a", silent_ms: 1_234, since_ms, cause: "b".into() }
                .paint(&mut painter);
            painter.finish()
        };
        let since = "a  gap  events of the last 1.234 s (since 1795680000.045, in seconds since 1970) \
                     may be missing: b";
        assert_eq!(text(Some(1_795_680_000_045)).trim_end(), since);
        assert_eq!(text(None).trim_end(), "a  gap  events of the last 1.234 s may be missing: b");
    }

    #[test]
    fn an_id_cannot_pass_for_more_than_an_id() {
        let shown = |id: &str| Id(id).to_string();
        assert_eq!(shown("ada@example.org|7"), "ada@example.org|7");
        assert_eq!(shown(""), "\"\"");
        assert_eq!(shown("ada  (this command)"), "\"ada  (this command)\"");
        assert_eq!(shown("7 {\"name\":\"Ada\"}"), r#""7 {\"name\":\"Ada\"}""#);
        assert_eq!(shown("ada\u{3000}x"), "\"ada\u{3000}x\"");
        let ids = ["ada, grace".to_owned(), "linus".to_owned()];
        assert_eq!(Ids(&ids).to_string(), "\"ada, grace\", linus");
    }
}
