//! The nodes of the one server, by the hosts that clients dial.

use std::collections::BTreeMap;
use std::time::Duration;

use pushest_proto::{DialFailure, Loss};

use crate::Refusal;

/// What is wrong with a node of the server ([`World::fail_node`](super::World::fail_node)).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum NodeFault {
    /// Nothing listens there.
    Down,
    /// Whoever dials it hears nothing.
    Silent,
    /// It opens the WebSocket and refuses the connection.
    Refusing(Refusal),
    /// It answers the upgrade with an HTTP status.
    Http {
        /// The status.
        status: u16,
        /// What its `Retry-After` says.
        retry_after: Option<Duration>,
    },
}

/// The nodes that do not work. All others do.
#[derive(Debug, Default)]
pub(super) struct Nodes(BTreeMap<String, NodeFault>);

/// What a dial finds.
pub(super) enum Found {
    /// A node that lets the client in.
    Node,
    /// A node that refuses.
    Refusal(Refusal),
    /// Nothing, ever.
    Silence,
    /// Why there is no connection.
    Failure(Loss),
}

impl Nodes {
    pub(super) fn set(&mut self, host: &str, fault: Option<NodeFault>) {
        match fault {
            Some(fault) => self.0.insert(host.to_owned(), fault),
            None => self.0.remove(host),
        };
    }

    pub(super) fn find(&self, host: &str) -> Found {
        match self.0.get(host) {
            None => Found::Node,
            Some(NodeFault::Down) => Found::Failure(nothing_listens()),
            Some(NodeFault::Silent) => Found::Silence,
            Some(NodeFault::Refusing(refusal)) => Found::Refusal(refusal.clone()),
            Some(NodeFault::Http { status, retry_after }) => {
                let (status, retry_after) = (*status, *retry_after);
                let (location, body) = (None, "as the test wants".into());
                let failure = DialFailure::Http { status, retry_after, location, body };
                Found::Failure(Loss::Dial(failure))
            }
        }
    }
}

/// Why a dial fails where nothing listens.
pub(super) fn nothing_listens() -> Loss {
    Loss::Dial(DialFailure::Connect("connection refused".into()))
}
