//! Who is present: joins and leaves.

use std::hint::black_box;

use bytes::Bytes;
use pushest_proto::{Instant, SubscribeOptions};
use serde::de::IgnoredAny;

use super::session::Established;

const CHANNEL: &str = "presence-hall";

/// A session with one presence channel of many members, and one member that joins and leaves.
#[derive(Debug)]
pub struct Members {
    established: Established,
    joined: Bytes,
    left: Bytes,
}

impl Members {
    /// A session with this many members.
    pub fn new(count: u64) -> Self {
        let mut established = Established::new(true, |session| {
            let me = SubscribeOptions::member("user-0").info(r#"{"name":"Ada"}"#);
            session.subscribe(CHANNEL, &me, Instant::ORIGIN).expect("there is room");
        });
        let list =
            |each: &dyn Fn(u64) -> String| (0..count).map(each).collect::<Vec<_>>().join(",");
        let ids = list(&|index| format!(r#""user-{index}""#));
        let hash = list(&|index| format!(r#""user-{index}":{{"name":"Ada"}}"#));
        let data = format!(r#"{{"presence":{{"count":{count},"ids":[{ids}],"hash":{{{hash}}}}}}}"#);
        let message = serde_json::to_string(&data).expect("a string can be written");
        assert_eq!(established.confirm(CHANNEL, &message).presence, 1);
        let known = established.session.channel(CHANNEL).map_or(0, |view| view.members().count());
        assert_eq!(known as u64, count);
        let joined = format!(
            r#"{{"event":"pusher_internal:member_added","channel":"{CHANNEL}","data":"{{\"user_id\":\"guest\",\"user_info\":{{\"name\":\"Grace\"}}}}"}}"#
        );
        let left = format!(
            r#"{{"event":"pusher_internal:member_removed","channel":"{CHANNEL}","data":"{{\"user_id\":\"guest\"}}"}}"#
        );
        let mut members = Self { established, joined: joined.into(), left: left.into() };
        members.come_and_go(1);
        members
    }

    /// Skips both messages as JSON, this many times: the floor.
    pub fn skip(&self, count: u64) {
        for _ in 0..count {
            for message in [&self.joined, &self.left] {
                let skipped = serde_json::from_slice::<IgnoredAny>(black_box(message));
                assert!(black_box(skipped).is_ok(), "it is JSON");
            }
        }
    }

    /// Lets a member join and leave, this many times. Panics unless both are reported.
    pub fn come_and_go(&mut self, count: u64) {
        for _ in 0..count {
            self.join();
            self.leave();
        }
    }

    /// Lets the member join.
    pub fn join(&mut self) {
        assert_eq!(self.established.message(self.joined.clone()).presence, 1);
    }

    /// Lets the member leave.
    pub fn leave(&mut self) {
        assert_eq!(self.established.message(self.left.clone()).presence, 1);
    }
}
