//! What is meant by an error that names nothing, and by the end of a connection that says too
//! little: inferred from what is unanswered.

use alloc::boxed::Box;

use crate::agenda::Key;
use crate::channel::name::ChannelName;
use crate::channel::table::Channels;
use crate::event::failure::{InReplyTo, ServerError};
use crate::loss::Loss;
use crate::outgoing::SentClientEvents;
use crate::user::User;

/// What an error, or the end of a connection, is about.
#[derive(Debug)]
pub(crate) enum About {
    Subscription(Key),
    SignIn,
    ClientEvent { channel: ChannelName, event: Box<str> },
}

impl About {
    /// Enters the channel and the command into the error.
    pub(crate) fn enter(&self, error: &mut ServerError, channels: &Channels) {
        let (channel, in_reply_to) = match self {
            Self::Subscription(key) => (Some(channels.get(*key).name()), InReplyTo::Subscribe),
            Self::SignIn => (None, InReplyTo::SignIn),
            Self::ClientEvent { channel, event } => {
                (Some(channel), InReplyTo::ClientEvent { event: event.clone() })
            }
        };
        error.channel = channel.cloned();
        error.in_reply_to = Some(in_reply_to);
    }
}

/// Returns what a `pusher:error` is about that names no channel of ours; `None` if it is about the
/// connection, or that cannot be known. `names_nothing` says whether it names no channel at all
/// ([protocol, refused subscriptions](crate::protocol#refused-subscriptions)).
pub(crate) fn of_error(
    error: &ServerError,
    names_nothing: bool,
    sent: &mut SentClientEvents,
    (channels, user): (&Channels, &User),
) -> Option<About> {
    match error.code {
        Some(4301) => {
            let (channel, event) = sent.refused(&error.message)?;
            Some(About::ClientEvent { channel, event })
        }
        // These are about the connection and about the watchlist.
        Some(4000..=4008 | 4010..=4299 | 4302) => None,
        _ if names_nothing => of_unanswered(&error.message, channels, user),
        _ => None,
    }
}

/// Returns the unanswered channel that the message names, else the only thing that is unanswered.
fn of_unanswered(message: &str, channels: &Channels, user: &User) -> Option<About> {
    // What waits for an answer has a deadline. Without one a flood of errors costs no look at their words.
    let may_be_unanswered = channels.next_deadline().is_some() || !channels.unanswered().is_empty();
    if !may_be_unanswered && !user.request().is_unanswered() {
        return None;
    }
    if let Some(key) = named_in(message, channels) {
        // A channel that waits for no answer is not refused, and neither is another one.
        let is_unanswered = channels.get(key).request().is_unanswered();
        return is_unanswered.then_some(About::Subscription(key));
    }
    if !user.request().is_unanswered() {
        return only_unanswered(channels).map(About::Subscription);
    }
    let text = message.to_ascii_lowercase();
    let speaks_of_it = ["signin", "sign in", "sign-in", "user_data", "user data"]
        .iter()
        .any(|words| text.contains(words));
    (speaks_of_it || channels.unanswered().is_empty()).then_some(About::SignIn)
}

/// Returns the wanted channel that is named in an error's message.
fn named_in(message: &str, channels: &Channels) -> Option<Key> {
    let in_a_name = |character: char| {
        character.is_ascii_alphanumeric()
            || matches!(character, '_' | '-' | '=' | '@' | ',' | '.' | ';' | ':' | '#')
    };
    let words = message.split(|character| !in_a_name(character));
    words.filter(|word| !word.is_empty()).find_map(|word| {
        // A sentence may end right behind the name, and `channel=NAME` stand before it.
        let bare = word.trim_end_matches(['.', ',', ';', ':']);
        let value = bare.rsplit(['=', ':', '#']).next().unwrap_or(bare);
        // Most words are all three.
        let bare = Some(bare).filter(|bare| bare.len() < word.len());
        let value = Some(value).filter(|value| value.len() < bare.unwrap_or(word).len());
        let names = [Some(word), bare, value].into_iter().flatten();
        names.filter(|name| !name.is_empty()).find_map(|name| channels.wanted_key(name))
    })
}

/// Returns the unanswered signed channel, if there is just one.
pub(crate) fn only_unanswered(channels: &Channels) -> Option<Key> {
    let unanswered = channels.unanswered();
    unanswered.first().copied().filter(|_| unanswered.len() == 1)
}

/// Returns the unanswered presence channel, if there is just one.
pub(crate) fn only_unanswered_presence(channels: &Channels) -> Option<Key> {
    let unanswered = channels.unanswered().iter().copied();
    let mut keys = unanswered.filter(|key| channels.get(*key).is_presence());
    keys.next().filter(|_| keys.next().is_none())
}

/// Returns the refusal of the sign-in that a close may stand for: some servers close instead of
/// answering it.
pub(crate) fn sign_in_refused_by(loss: &Loss) -> Option<ServerError> {
    let (code, reason) = (loss.close_code()?, loss.close_reason()?);
    (4000..4100).contains(&code).then(|| ServerError {
        code: Some(code),
        message: reason.into(),
        channel: None,
        in_reply_to: Some(InReplyTo::SignIn),
        inferred: true,
    })
}

/// Finds the frame that is not sent again after a close with 1009.
///
/// A server that closes with 1009 does not say which frame was too large for it. It was the
/// largest one of the connection: what the server had read before is smaller. If it is
/// unanswered, it is sent again on the next connection, so that it fails if it was unanswered
/// at the former such close, too; if it is one that is not sent again (a client event, or the
/// subscribe of a channel that is no longer wanted), nothing fails. Each pair of closes takes
/// one frame away, and the others come through in the end (contract, C9).
pub(crate) fn of_size(largest_frame: usize, channels: &Channels, user: &User) -> Option<About> {
    let unanswered = channels.requests().filter_map(|(key, since, request)| {
        // Of several as large, one that was so at the last close with 1009 goes first, and then the
        // one that was wanted first.
        let first = (request.is_suspect(), core::cmp::Reverse(since));
        Some((request.unanswered_bytes()?, first, key))
    });
    let channel = unanswered.max();
    let of_channel = channel.map_or(0, |(bytes, ..)| bytes);
    let of_sign_in = user.request().unanswered_bytes().unwrap_or(0);
    if of_channel.max(of_sign_in) < largest_frame {
        // It is not sent again.
        None
    } else if of_sign_in > of_channel {
        user.request().is_suspect().then_some(About::SignIn)
    } else {
        let (_, (is_suspect, _), key) = channel?;
        is_suspect.then_some(About::Subscription(key))
    }
}
