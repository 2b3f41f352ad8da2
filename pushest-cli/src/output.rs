//! Lines for people and lines for programs: [`Line`] is what standard output can carry, in both
//! forms. Status goes to standard error.

use std::borrow::Cow;
use std::fmt::{self, Display, Write as _};
use std::io::{self, Write as _};
use std::net::{IpAddr, SocketAddr};

use anstyle::{AnsiColor, Style};
use pushest_proto::{ChannelEvent, Event, LimitReached, Member, PresenceChange, PresenceUpdate};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

const CHANNEL: Style = AnsiColor::Cyan.on_default();
const NAME: Style = Style::new().bold();
const QUIET: Style = Style::new().dimmed();
const JOINED: Style = AnsiColor::Green.on_default();
const LEFT: Style = AnsiColor::Red.on_default();
const WARNING: Style = AnsiColor::Yellow.on_default();

/// One line of standard output. The names of its fields are an interface: scripts read them.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Line<'a> {
    /// A channel's event.
    Event {
        channel: &'a str,
        event: &'a str,
        data: Box<RawValue>,
        user_id: Option<Cow<'a, str>>,
        /// Whether the data came encrypted.
        decrypted: bool,
        /// The data as it reads for people.
        #[serde(skip)]
        text: Cow<'a, str>,
    },
    /// The whole list of members came: the difference to what was known.
    Members { channel: &'a str, joined: Vec<User<'a>>, left: Vec<User<'a>> },
    /// A member came.
    Joined {
        channel: &'a str,
        #[serde(flatten)]
        user: User<'a>,
    },
    /// A member went.
    Left {
        channel: &'a str,
        #[serde(flatten)]
        user: User<'a>,
    },
    /// Events may be missing.
    Gap { channel: &'a str, silent_ms: u64, cause: String },
    /// How many connections subscribe to a channel.
    SubscriptionCount { channel: &'a str, count: u64 },
    /// A cache channel has no cached event.
    CacheMiss { channel: &'a str },
    /// An encrypted event that could not be opened.
    Undecryptable { channel: &'a str, event: &'a str, reason: String },
    /// The server has confirmed who this is.
    SignedIn { user_id: &'a str },
    /// Users of the watchlist came online.
    Online { user_ids: &'a [String] },
    /// Users of the watchlist went offline.
    Offline { user_ids: &'a [String] },
    /// Standard output was read too slowly.
    Lagged { dropped: u64 },
    /// Somebody who is present.
    Member {
        channel: &'a str,
        #[serde(flatten)]
        user: User<'a>,
        /// Whether this is the user that the command itself joined as.
        me: bool,
    },
    /// The server has read a client event.
    Triggered { channel: &'a str, event: &'a str, round_trip_ms: f64 },
    /// The embedded server listens.
    Listening { host: IpAddr, port: u16, app_id: &'a str, key: &'a str, example: String },
    /// A step of the demo.
    Step { step: &'a str, elapsed_ms: u64, text: String },
}

impl<'a> Line<'a> {
    /// What there is to print about an event; `None` for what goes to standard error.
    pub(crate) fn of(event: &'a Event) -> Option<Self> {
        Some(match event {
            Event::Channel(event) => event.into(),
            Event::Presence(update) => update.into(),
            Event::Gap { channel, silent_for, cause } => Self::Gap {
                channel: channel.as_str(),
                silent_ms: silent_for.as_millis().try_into().unwrap_or(u64::MAX),
                cause: cause.to_string(),
            },
            Event::SubscriptionCount { channel, count } => {
                Self::SubscriptionCount { channel: channel.as_str(), count: *count }
            }
            Event::CacheMiss { channel } => Self::CacheMiss { channel: channel.as_str() },
            Event::Undecryptable { channel, name, reason } => Self::Undecryptable {
                channel: channel.as_str(),
                event: name,
                reason: reason.to_string(),
            },
            Event::SignedIn { user_id, .. } => Self::SignedIn { user_id },
            Event::Watchlist { online: true, user_ids } => Self::Online { user_ids },
            Event::Watchlist { online: false, user_ids } => Self::Offline { user_ids },
            Event::Lagged(dropped)
            | Event::LimitReached(LimitReached::StoredEvents { dropped }) => {
                Self::Lagged { dropped: *dropped }
            }
            _ => return None,
        })
    }

    /// Whether it is printed where only events of this name are wanted.
    pub(crate) fn passes(&self, name: &str) -> bool {
        match self {
            Self::Event { event, .. } | Self::Undecryptable { event, .. } => *event == name,
            Self::Gap { .. } | Self::Lagged { .. } => true,
            _ => false,
        }
    }
}

/// A user of a presence channel.
#[derive(Serialize)]
pub(crate) struct User<'a> {
    user_id: &'a str,
    user_info: Option<Box<RawValue>>,
}

impl<'a> From<&'a Member> for User<'a> {
    fn from(member: &'a Member) -> Self {
        let user_info = member.info_json().and_then(|info| serde_json::from_str(info).ok());
        Self { user_id: member.id(), user_info: user_info.map(one_line) }
    }
}

impl<'a> From<&'a ChannelEvent> for Line<'a> {
    fn from(event: &'a ChannelEvent) -> Self {
        let text = event.text();
        let data = event.json().map(one_line).unwrap_or_else(|_| {
            // Not JSON at all, which only a faulty server sends.
            to_raw_value(&*text).expect("a string can always be written as JSON")
        });
        let (channel, user_id) = (event.channel().as_str(), event.user_id());
        let decrypted = event.was_encrypted();
        Self::Event { channel, event: event.name(), data, user_id, decrypted, text }
    }
}

impl<'a> From<&'a PresenceUpdate> for Line<'a> {
    fn from(update: &'a PresenceUpdate) -> Self {
        let channel = update.channel.as_str();
        let users = |members: &'a [Member]| members.iter().map(User::from).collect();
        match &update.change {
            PresenceChange::Reset { joined, left } => {
                Self::Members { channel, joined: users(joined), left: users(left) }
            }
            PresenceChange::Joined(member) => Self::Joined { channel, user: member.into() },
            PresenceChange::Left(member) => Self::Left { channel, user: member.into() },
        }
    }
}

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

/// Standard output and standard error of a command.
pub(crate) struct Output {
    is_json: bool,
}

impl Output {
    pub(crate) fn new(is_json: bool) -> Self {
        Self { is_json }
    }

    /// Writes a line and flushes it, so that it is there at once in a pipe, too.
    pub(crate) fn line(&self, line: &Line<'_>) -> io::Result<()> {
        if self.is_json {
            let mut text = serde_json::to_string(line).expect("strings and numbers only");
            text.push('\n');
            // Not through anything that takes colours out: it would look into the data.
            let mut stdout = io::stdout().lock();
            stdout.write_all(text.as_bytes())?;
            stdout.flush()
        } else {
            let mut stdout = anstream::stdout().lock();
            writeln!(stdout, "{line}")?;
            stdout.flush()
        }
    }

    /// Says on standard error what happens meanwhile.
    pub(crate) fn status(&self, text: impl Display) {
        // There is nowhere left to report that standard error is closed.
        let _ = writeln!(anstream::stderr(), "{}", styled(QUIET, &text.to_string()));
    }

    /// Says on standard error that something is not as it should be.
    pub(crate) fn warning(&self, text: impl Display) {
        let text = format!("warning: {text}");
        let _ = writeln!(anstream::stderr(), "{}", styled(WARNING, &text));
    }
}

fn styled(style: Style, text: &str) -> String {
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

/// The same JSON without white space between its tokens.
fn one_line(json: Box<RawValue>) -> Box<RawValue> {
    if !json.get().contains(['\n', '\r', '\t', ' ']) {
        return json;
    }
    let (mut in_string, mut is_escaped) = (false, false);
    let keep = |character: &char| {
        if !in_string {
            in_string = *character == '"';
            return !character.is_ascii_whitespace();
        }
        if !is_escaped && *character == '"' {
            in_string = false;
        }
        is_escaped = !is_escaped && *character == '\\';
        true
    };
    let compact = json.get().chars().filter(keep).collect();
    RawValue::from_string(compact).unwrap_or(json)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    #[test]
    fn json_becomes_one_line_without_touching_strings() {
        let text = "{ \"a b\" :\n [1,\t\"c \\\" d\\\\\" , 2.50]}";
        assert_eq!(one_line(json(text)).get(), "{\"a b\":[1,\"c \\\" d\\\\\",2.50]}");
    }

    #[test]
    fn control_characters_are_shown_and_not_sent() {
        assert_eq!(printable("a\u{1b}[31m\nb é"), "a\\u{1b}[31m\\nb é");
    }

    #[test]
    fn json_lines_have_their_fields() {
        let user = |info: Option<&str>| User { user_id: "7", user_info: info.map(json) };
        let line = |line: Line<'_>| serde_json::to_string(&line).unwrap();
        assert_eq!(
            line(Line::Joined { channel: "presence-a", user: user(Some("{\"n\":1}")) }),
            r#"{"type":"joined","channel":"presence-a","user_id":"7","user_info":{"n":1}}"#
        );
        assert_eq!(
            line(Line::Member { channel: "presence-a", user: user(None), me: true }),
            r#"{"type":"member","channel":"presence-a","user_id":"7","user_info":null,"me":true}"#
        );
        assert_eq!(
            line(Line::Event {
                channel: "a",
                event: "b",
                data: json("[1]"),
                user_id: None,
                decrypted: true,
                text: "".into(),
            }),
            r#"{"type":"event","channel":"a","event":"b","data":[1],"user_id":null,"decrypted":true}"#
        );
        assert_eq!(
            line(Line::CacheMiss { channel: "cache-a" }),
            r#"{"type":"cache_miss","channel":"cache-a"}"#
        );
        assert_eq!(
            line(Line::Online { user_ids: &["7".to_owned()] }),
            r#"{"type":"online","user_ids":["7"]}"#
        );
    }
}
