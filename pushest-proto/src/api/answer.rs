//! What servers answer to calls that they carried out. Each part is read for itself ([protocol,
//! tolerance](crate::protocol#tolerance)).

use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::call::Answer;
use crate::wire::parts::Part;

/// The counts of a channel. Each is absent unless it was asked for, and the server knows it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// The number of users who are on the channel. Presence channels only.
    pub user_count: Option<u64>,
    /// The number of connections that are subscribed. Not every app has it enabled.
    pub subscription_count: Option<u64>,
}

impl Counts {
    fn read(part: Part<'_>) -> Self {
        let values = part.fields(["user_count", "subscription_count"]).map(|fields| fields.values);
        let [user_count, subscription_count] = values.unwrap_or_default();
        let number = |part: Option<Part<'_>>| part.and_then(Part::number);
        Self { user_count: number(user_count), subscription_count: number(subscription_count) }
    }
}

/// The answer to [`Publish`](super::Publish): the server has accepted the event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Published {
    /// The counts that were asked for, by the name of the channel; empty if none were.
    pub channels: BTreeMap<String, Counts>,
}

impl Answer for Published {
    fn read(body: Part<'_>) -> Option<Self> {
        let [channels] = body.fields(["channels"])?.values;
        // A server that knows nothing of `info` has published all the same.
        Some(Self { channels: channels.and_then(by_name).unwrap_or_default() })
    }
}

/// The answer to [`Batch`](super::Batch): the server has accepted all of its events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BatchPublished {
    /// The counts that were asked for, one for each event's channel in the order of the events;
    /// empty if none were.
    pub events: Vec<Counts>,
}

impl Answer for BatchPublished {
    fn read(body: Part<'_>) -> Option<Self> {
        let [batch] = body.fields(["batch"])?.values;
        let entries = batch.and_then(Part::values).into_iter().flatten();
        // A part that cannot be read keeps its place.
        let counts = |entry: Result<_, _>| entry.map(Counts::read).unwrap_or_default();
        Some(Self { events: entries.map(counts).collect() })
    }
}

/// The answer to [`ListChannels`](super::ListChannels).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OccupiedChannels {
    /// The channels that have subscribers, by their names.
    pub channels: BTreeMap<String, Counts>,
}

impl Answer for OccupiedChannels {
    fn read(body: Part<'_>) -> Option<Self> {
        let [channels] = body.fields(["channels"])?.values;
        Some(Self { channels: by_name(channels?)? })
    }
}

/// The answer to [`GetChannel`](super::GetChannel).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Occupancy {
    /// Whether at least one connection is subscribed to the channel.
    pub occupied: bool,
    /// The counts that [`GetChannel`](super::GetChannel) has asked for, of those that the server
    /// knows.
    pub counts: Counts,
    /// What the server says of the event that a cache channel keeps, as JSON; absent if it keeps
    /// none.
    pub cache: Option<String>,
}

impl Answer for Occupancy {
    fn read(body: Part<'_>) -> Option<Self> {
        let [occupied, cache] = body.fields(["occupied", "cache"])?.values;
        let occupied = match occupied?.text().as_ref() {
            "true" => true,
            "false" => false,
            _ => return None,
        };
        let cache = cache.map(|cache| cache.as_str().to_string());
        Some(Self { occupied, counts: Counts::read(body), cache })
    }
}

/// The answer to [`ListUsers`](super::ListUsers): their ids.
impl Answer for Vec<String> {
    fn read(body: Part<'_>) -> Option<Self> {
        let [users] = body.fields(["users"])?.values;
        // `{"id": …}`, or the id itself.
        let id = |user: Part<'_>| match user.fields(["id"]) {
            Some(fields) => fields.values[0]?.id().map(Cow::into_owned),
            None => user.id().map(Cow::into_owned),
        };
        let mut is_empty = true;
        let users = users?.values()?.inspect(|_| is_empty = false);
        let ids: Self = users.flatten().filter_map(id).collect();
        // A list of which nothing can be read is no sign that the channel has no users.
        (is_empty || !ids.is_empty()).then_some(ids)
    }
}

/// The answer to [`Terminate`](super::Terminate), which says no more than that it was done.
impl Answer for () {
    fn read(_: Part<'_>) -> Option<Self> {
        Some(())
    }
}

/// The answer to [`Custom`](super::Custom): the body.
impl Answer for String {
    const IS_KNOWN: bool = false;

    fn read(body: Part<'_>) -> Option<Self> {
        Some(body.as_str().to_string())
    }
}

fn by_name(channels: Part<'_>) -> Option<BTreeMap<String, Counts>> {
    let entry = |(name, counts): (Cow<'_, str>, _)| (name.into_owned(), Counts::read(counts));
    Some(channels.entries()?.flatten().map(entry).collect())
}
