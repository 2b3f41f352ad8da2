//! Lists in the server's messages: who is present, and who of a watchlist came and went.
//!
//! A list is known by what could be read of it. What could not is counted; a list of which nothing
//! could be read is none.

use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::collections::btree_map::Entry;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::parts::{Broken, Part};
use crate::presence::Member;

/// The members that a presence channel lists.
#[derive(Debug, Default)]
pub(crate) struct MemberList {
    pub(crate) members: Vec<Member>,
    /// How many more there were than the limit.
    pub(crate) dropped: u64,
    /// How many parts could not be read.
    pub(crate) lost: u64,
}

/// Returns the members that `subscription_succeeded` of a presence channel lists, at most `most` of
/// them: `hash` united with `ids`. No list at all means no members. `None` if there is something,
/// and nothing of it could be read; or if it counts members and lists none.
pub(crate) fn members(payload: &str, most: usize) -> Option<MemberList> {
    let data = Part::new(payload);
    if data.is_null() || data.as_str().is_empty() {
        return Some(MemberList::default());
    }
    let data = data.fields(["presence"])?;
    let mut listing = Listing { most, lost: data.lost, ..Listing::default() };
    if let [Some(presence)] = data.values {
        let presence = presence.fields(["ids", "hash", "count"])?;
        let [ids, hash, count] = presence.values;
        listing.lost += presence.lost;
        if let Some(hash) = hash {
            listing.hash(hash);
        }
        if let Some(ids) = ids {
            listing.ids(ids);
        }
        let is_counted = count.and_then(Part::number).is_some_and(|count| count > 0);
        listing.lost += u64::from(is_counted && listing.seen.is_empty());
    }
    let list = listing.finish();
    let is_unread = list.members.is_empty() && list.dropped == 0 && list.lost > 0;
    (!is_unread).then_some(list)
}

/// A list on its way.
#[derive(Default)]
struct Listing<'a> {
    most: usize,
    /// The ids that were listed so far, and their places in `members`; none for those without room.
    seen: BTreeMap<Cow<'a, str>, Option<usize>>,
    members: Vec<(Cow<'a, str>, Option<Part<'a>>)>,
    dropped: u64,
    lost: u64,
}

impl<'a> Listing<'a> {
    /// `hash`: an object from id to info, or an array, which stands for the ids 0, 1, 2 … (PHP
    /// writes a list with such keys as an array, and an empty one as `[]`).
    fn hash(&mut self, hash: Part<'a>) {
        if let Some(entries) = hash.entries() {
            for entry in entries {
                match entry {
                    Ok((id, info)) => self.add(id, Some(info)),
                    Err(Broken) => self.lost += 1,
                }
            }
        } else if let Some(infos) = hash.elements() {
            for (index, info) in infos.enumerate() {
                match info {
                    Ok(info) => self.add(index.to_string().into(), Some(info)),
                    Err(Broken) => self.lost += 1,
                }
            }
        } else {
            self.lost += 1;
        }
    }

    /// `ids`: an array, or an object whose values they are (Reverb has sent one from socket id to
    /// user id).
    fn ids(&mut self, ids: Part<'a>) {
        let Some(ids) = ids.values() else {
            self.lost += 1;
            return;
        };
        for id in ids {
            match id.ok().and_then(Part::id) {
                Some(id) => self.add(id, None),
                None => self.lost += 1,
            }
        }
    }

    /// Of duplicates the last info counts.
    fn add(&mut self, id: Cow<'a, str>, info: Option<Part<'a>>) {
        match self.seen.entry(id) {
            Entry::Occupied(seen) => {
                if let (Some(place), Some(info)) = (*seen.get(), info) {
                    self.members[place].1 = Some(info);
                }
            }
            Entry::Vacant(new) => {
                let has_room = self.members.len() < self.most;
                let place = has_room.then_some(self.members.len());
                if has_room {
                    self.members.push((new.key().clone(), info));
                } else {
                    self.dropped += 1;
                }
                new.insert(place);
            }
        }
    }

    fn finish(self) -> MemberList {
        let mut lost = self.lost;
        let member = |(id, info): (Cow<'a, str>, Option<Part<'a>>)| {
            let (info, is_lost) = readable(info);
            lost += u64::from(is_lost);
            Member::new(&id, info)
        };
        let members = self.members.into_iter().map(member).collect();
        MemberList { members, dropped: self.dropped, lost }
    }
}

/// `member_added`, and how many parts could not be read.
pub(crate) fn member(payload: &str) -> Option<(Member, u64)> {
    let fields = Part::new(payload).fields(["user_id", "user_info"])?;
    let [user_id, info] = fields.values;
    let id = user_id?.id()?;
    let (info, is_lost) = readable(info);
    Some((Member::new(&id, info), fields.lost + u64::from(is_lost)))
}

/// Returns what is told about a member, if it is JSON and not `null`, and whether there was
/// something else.
fn readable(info: Option<Part<'_>>) -> (Option<&str>, bool) {
    match info.filter(|info| !info.is_null()) {
        None => (None, false),
        Some(info) if info.is_json() => (Some(info.as_str()), false),
        Some(_) => (None, true),
    }
}

/// Maximum number of users on a watchlist ([protocol, client to
/// server](crate::protocol#client-to-server)).
pub(crate) const MOST_WATCHED: usize = 100;

/// Who of the watchlist came online (`true`) and who went offline, in order.
#[derive(Debug, Default)]
pub(crate) struct Watchlist {
    pub(crate) changes: Vec<(bool, Vec<String>)>,
    /// How many ids there were beyond those that one change may have.
    pub(crate) dropped: u64,
    /// How many parts could not be read.
    pub(crate) lost: u64,
}

impl Watchlist {
    /// Returns how many ids were read.
    pub(crate) fn kept(&self) -> u64 {
        self.changes.iter().map(|(_, ids)| ids.len() as u64).sum()
    }

    /// Adds a change with its first `most` ids.
    fn add(&mut self, online: bool, user_ids: Part<'_>, most: usize) {
        let Some(values) = user_ids.values() else {
            self.lost += 1;
            return;
        };
        let mut ids = Vec::new();
        let mut lost = 0;
        for value in values {
            match value.ok().and_then(Part::id) {
                Some(id) if ids.len() < most => ids.push(id.into_owned()),
                Some(_) => self.dropped += 1,
                None => lost += 1,
            }
        }
        if lost == 0 || !ids.is_empty() {
            ids.shrink_to_fit();
            self.changes.push((online, ids));
        }
        self.lost += lost;
    }

    /// It, unless nothing of it could be read.
    fn read(self) -> Option<Self> {
        (!self.changes.is_empty() || self.lost == 0).then_some(self)
    }
}

/// `watchlist_events`, at most `most` ids of each change.
pub(crate) fn watchlist_events(payload: &str, most: usize) -> Option<Watchlist> {
    let fields = Part::new(payload).fields(["events"])?;
    let [events] = fields.values;
    let mut watchlist = Watchlist { lost: fields.lost, ..Watchlist::default() };
    for event in events?.values()? {
        let fields = event.ok().and_then(|event| event.fields(["name", "user_ids"]));
        let Some(fields) = fields else {
            watchlist.lost += 1;
            continue;
        };
        watchlist.lost += fields.lost;
        let [name, user_ids] = fields.values;
        let online = match name.and_then(Part::string).as_deref() {
            Some("online") => Some(true),
            Some("offline") => Some(false),
            _ => None,
        };
        match (online, user_ids) {
            (Some(online), Some(user_ids)) => watchlist.add(online, user_ids, most),
            _ => watchlist.lost += 1,
        }
    }
    watchlist.read()
}

/// The same change as an event of its own ([protocol, watchlist](crate::protocol#watchlist)):
/// `{"user_ids": […]}`.
pub(crate) fn watchlist_event(online: bool, payload: &str, most: usize) -> Option<Watchlist> {
    let fields = Part::new(payload).fields(["user_ids"])?;
    let [user_ids] = fields.values;
    let mut watchlist = Watchlist { lost: fields.lost, ..Watchlist::default() };
    watchlist.add(online, user_ids?, most);
    watchlist.read()
}

#[cfg(test)]
mod tests {
    use alloc::{format, vec};

    use super::*;

    /// An id and an info.
    type Pair = (String, Option<String>);

    /// Returns the members, and how many parts were lost.
    fn listed(payload: &str) -> Option<(Vec<Pair>, u64)> {
        let pair =
            |member: &Member| (member.id().to_string(), member.info_json().map(str::to_string));
        let list = members(payload, 100)?;
        Some((list.members.iter().map(pair).collect(), list.lost))
    }

    fn some(id: &str, info: Option<&str>) -> Pair {
        (id.to_string(), info.map(str::to_string))
    }

    #[test]
    fn members_are_the_hash_united_with_the_ids() {
        assert_eq!(
            listed(r#"{"presence":{"count":2,"ids":["1",2,3.0],"hash":{"1":{"a":1},"2":null}}}"#),
            Some((vec![some("1", Some(r#"{"a":1}"#)), some("2", None), some("3", None)], 0))
        );
        assert_eq!(
            listed(r#"{"presence":{"hash":[{"a":1},{"b":2}]}}"#),
            Some((vec![some("0", Some(r#"{"a":1}"#)), some("1", Some(r#"{"b":2}"#))], 0))
        );
        // As a release of Reverb sends it.
        assert_eq!(
            listed(
                r#"{"presence":{"ids":{"123.4":"1","567.8":"2"},"hash":{"1":{"n":1},"2":{}},"count":2}}"#
            ),
            Some((vec![some("1", Some(r#"{"n":1}"#)), some("2", Some("{}"))], 0))
        );
        assert_eq!(
            listed(r#"{"presence":{"ids":{"0":7,"2":8},"hash":null}}"#),
            Some((vec![some("7", None), some("8", None)], 0))
        );
        for empty in [
            "{}",
            "null",
            "",
            " ",
            "[]",
            r#"{"presence":null}"#,
            r#"{"presence":[]}"#,
            r#"{"presence":{"hash":[]}}"#,
            r#"{"presence":{"ids":{},"count":"many"}}"#,
        ] {
            assert_eq!(listed(empty), Some((vec![], 0)), "{empty}");
        }
    }

    #[test]
    fn of_a_list_what_can_be_read_is_kept() {
        for (presence, ids, lost) in [
            (r#""ids":7,"hash":{"a":1,"b":2}"#, &["a", "b"][..], 1),
            (r#""ids":["a","b"],"hash":"junk""#, &["a", "b"], 1),
            (r#""ids":["a",null,{},[],true,01,"b","b"]"#, &["a", "b"], 5),
            (r#""ids":["a","b"],"hash":{"a":{"n":NaN},b:1,"c":}"#, &["a", "c", "b"], 3),
            (r#""ids":[],"hash":{"a":1},"hash":{"b":1}"#, &["b"], 0),
            (r#""hash":{"a":1,"a":2,"\u0061":01,"b":[}},"ids":["c"]"#, &["a", "b", "c"], 2),
            (r#""ids":["\ud83d","😀"],"x":nope"#, &["\u{fffd}", "😀"], 0),
            (r#""hash":[1,,2]"#, &["0", "2"], 1),
        ] {
            let payload = format!(r#"{{"presence":{{{presence}}}}}"#);
            let (members, counted) = listed(&payload).expect(&payload);
            let read: Vec<&str> = members.iter().map(|(id, _)| &**id).collect();
            assert_eq!((&*read, counted), (ids, lost), "{payload}");
        }
        let cut_off = r#"{"presence":{"ids":["a","b","#;
        assert_eq!(listed(cut_off), Some((vec![some("a", None), some("b", None)], 3)));
    }

    #[test]
    fn a_list_of_which_nothing_can_be_read_is_none() {
        for junk in [
            "7",
            "junk",
            "[1]",
            r#"{"presence":7}"#,
            r#"{"presence":"{}"}"#,
            r#"{"presence":{"ids":7}}"#,
            r#"{"presence":{"ids":7,"hash":{}}}"#,
            r#"{"presence":{"ids":[null]}}"#,
            r#"{"presence":{"ids":["a"],"ids":7}}"#,
            r#"{"presence"}"#,
            "{",
        ] {
            assert_eq!(listed(junk), None, "{junk}");
        }
    }

    #[test]
    fn no_more_members_are_listed_than_the_limit() {
        let many = members(r#"{"presence":{"ids":["a","b","c","d","a","d"]}}"#, 3).unwrap();
        assert_eq!((many.members.len(), many.dropped, many.lost), (3, 1, 0));
        // All of them have no room.
        let none = members(r#"{"presence":{"ids":["a",null]}}"#, 0).unwrap();
        assert_eq!((none.members.len(), none.dropped, none.lost), (0, 1, 1));
    }

    #[test]
    fn a_member_costs_no_more_than_its_odd_part() {
        let read = |payload| {
            let (member, lost) = member(payload)?;
            Some((member.id().to_string(), member.info_json().map(str::to_string), lost))
        };
        let a = |info: Option<&str>, lost| Some(("a".to_string(), info.map(str::to_string), lost));
        assert_eq!(read(r#"{"user_id":"a","user_info":{"n":1}}"#), a(Some(r#"{"n":1}"#), 0));
        assert_eq!(read(r#"{"user_id":"a","user_info":null,"x":nope}"#), a(None, 0));
        assert_eq!(read(r#"{"user_id":"a","user_info":{"n":1e}}"#), a(None, 1));
        assert_eq!(read(r#"{"user_id":7,"user_id":"a"}"#), a(None, 0));
        assert_eq!(read(r#"{"user_id":"a""#), a(None, 1));
        for none in ["", "7", "{}", "[]", r#"{"user_id":[1]}"#, r#"{"user_id":"a","user_id":{}}"#] {
            assert_eq!(read(none), None, "{none}");
        }
        let deep = "[".repeat(300_000) + &"]".repeat(300_000);
        let payload = format!(r#"{{"user_id":"a","user_info":{deep}}}"#);
        assert_eq!(read(&payload), a(Some(&deep), 0));
    }

    #[test]
    fn one_odd_change_of_a_watchlist_costs_no_other() {
        let read = |payload| watchlist_events(payload, 100).map(|list| (list.changes, list.lost));
        let ids = |ids: &[&str]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
        let payload = r#"{"events":[
            {"name":"online","user_ids":["1",2.0,null,{}]},
            7,
            {"name":"away","user_ids":["3"]},
            {"name":"offline"},
            {"name":"offline","user_ids":{"1":"4"},"name":"online"},
            {"name":"offline","user_ids":[[]]},
            {"name":"offline","user_ids":[]}
        ]}"#;
        let changes = vec![(true, ids(&["1", "2"])), (true, ids(&["4"])), (false, ids(&[]))];
        assert_eq!(read(payload), Some((changes, 6)));
        assert_eq!(read(r#"{"events":[]}"#), Some((vec![], 0)));
        for none in ["{}", "[]", "7", r#"{"events":7}"#, r#"{"events":[7]}"#] {
            assert_eq!(read(none), None, "{none}");
        }
        let read =
            |payload| watchlist_event(true, payload, 100).map(|list| (list.kept(), list.lost));
        assert_eq!(read(r#"{"user_ids":["1",null]}"#), Some((1, 1)));
        assert_eq!(read(r#"{"user_ids":[]}"#), Some((0, 0)));
        assert_eq!(read(r#"{"user_ids":[null]}"#), None);
        assert_eq!(read(r#"{"doors":7}"#), None);
    }
}
