//! The model: which of its endpoints a session may dial next, and whether backoff comes before that. In
//! which order it tries them is its own affair.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use pushest_proto::{Endpoint, Instant};

use crate::plan::{HOSTS, Setting};

/// The endpoints, by host.
pub(super) struct Endpoints {
    all: BTreeMap<String, Node>,
    /// The host that was dialled last.
    dialled: Option<String>,
    /// The pass without backoff is over.
    backs_off: bool,
    /// Where the next attempt may go.
    next: BTreeSet<String>,
}

struct Node {
    tls: bool,
    is_tried: bool,
    is_refused: bool,
    not_before: Instant,
}

/// What comes after a failure at one of several.
pub(super) enum Next {
    AtOnce,
    /// After backoff, and not before this pause is over.
    Later(Duration),
    Nothing,
}

impl Endpoints {
    pub(super) fn new(setting: Setting) -> Self {
        let hosts = if setting.several { &HOSTS[..] } else { &HOSTS[..1] };
        Self::of(hosts.iter().map(|host| (*host).to_owned()), setting.tls)
    }

    fn of(hosts: impl Iterator<Item = String>, tls: bool) -> Self {
        let (is_tried, is_refused, not_before) = (false, false, Instant::ORIGIN);
        let node = |host| (host, Node { tls, is_tried, is_refused, not_before });
        let all: BTreeMap<_, _> = hosts.map(node).collect();
        let next = all.keys().cloned().collect();
        Self { all, dialled: None, backs_off: false, next }
    }

    pub(super) fn replace(&mut self, host: &str) {
        *self = Self::of([host.to_owned()].into_iter(), false);
    }

    pub(super) fn are_several(&self) -> bool {
        self.all.len() > 1
    }

    /// One is dialled: one of those that may be.
    pub(super) fn dial(&mut self, endpoint: &Endpoint) {
        let host = endpoint.host();
        assert!(self.next.contains(host), "{host} is dialled, and not one of {:?}", self.next);
        assert_eq!(self.all[host].tls, endpoint.is_tls(), "TLS of {host}");
        self.dialled = Some(host.to_owned());
    }

    pub(super) fn is_tls(&mut self) -> bool {
        self.current().tls
    }

    /// The one that was dialled wants TLS, and is dialled again.
    pub(super) fn switch_to_tls(&mut self) {
        self.current().tls = true;
        self.next = self.dialled.iter().cloned().collect();
    }

    /// The user connects anew.
    pub(super) fn begin(&mut self, now: Instant) {
        for node in self.all.values_mut() {
            node.is_refused = false;
        }
        self.begin_pass(now);
    }

    /// What has failed may have failed for the network.
    pub(super) fn begin_pass(&mut self, now: Instant) {
        self.backs_off = false;
        self.forget_tried();
        self.next = self.free(now, |_, _| true);
        if self.next.is_empty() {
            self.next = self.earliest();
        }
    }

    /// The one that was dialled has failed.
    pub(super) fn fail(&mut self, asked: Duration, is_refused: bool, now: Instant) -> Next {
        let failed = self.dialled.clone().expect("one was dialled");
        let node = self.current();
        (node.is_tried, node.is_refused, node.not_before) = (true, is_refused, now + asked);
        self.next = self.free(now, |_, node| !node.is_tried);
        if !self.next.is_empty() {
            return if self.backs_off { Next::Later(Duration::ZERO) } else { Next::AtOnce };
        }
        self.backs_off = true;
        self.forget_tried();
        self.next = self.free(now, |host, _| host != failed);
        if self.next.is_empty() {
            self.next = self.free(now, |_, _| true);
        }
        if self.next.is_empty() {
            self.next = self.earliest();
        }
        match self.next.first() {
            Some(host) => Next::Later(self.all[host].not_before.saturating_duration_since(now)),
            None => Next::Nothing,
        }
    }

    /// Checks where the next attempt goes.
    pub(super) fn compare(&self, endpoint: &Endpoint) {
        assert!(self.next.contains(endpoint.host()), "{endpoint}, not one of {:?}", self.next);
    }

    fn current(&mut self) -> &mut Node {
        let host = self.dialled.as_ref().expect("one was dialled");
        self.all.get_mut(host).expect("it is one of them")
    }

    fn forget_tried(&mut self) {
        self.all.values_mut().for_each(|node| node.is_tried = false);
    }

    /// Returns those that may be dialled now.
    fn free(&self, now: Instant, fits: impl Fn(&str, &Node) -> bool) -> BTreeSet<String> {
        let is_free = |node: &Node| !node.is_refused && node.not_before <= now;
        let fitting = self.all.iter().filter(|(host, node)| is_free(node) && fits(host, node));
        fitting.map(|(host, _)| host.clone()).collect()
    }

    /// Returns those whose pause is over first.
    fn earliest(&self) -> BTreeSet<String> {
        let left = || self.all.iter().filter(|(_, node)| !node.is_refused);
        let first = left().map(|(_, node)| node.not_before).min();
        let earliest = left().filter(|(_, node)| Some(node.not_before) == first);
        earliest.map(|(host, _)| host.clone()).collect()
    }
}
