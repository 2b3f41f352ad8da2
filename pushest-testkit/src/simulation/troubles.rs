//! What really went wrong in a simulation.

use std::ops::AddAssign;

/// Counts of what really happened: a simulation in which one of them stays zero proves nothing
/// about that kind of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Troubles {
    /// Messages that arrived later than they were sent.
    pub delayed: u64,
    /// Messages on their way to the server that a cut lost.
    pub lost_to_server: u64,
    /// Messages on their way to the client that a cut lost.
    pub lost_to_client: u64,
    /// Dials that found no server.
    pub refused_dials: u64,
    /// Ends of connections that the client was told of.
    pub closes: u64,
    /// Ends of connections that the client was told of once more.
    pub repeated_closes: u64,
    /// Errors that the client was told instead of a handshake, and that ended the attempt.
    pub refused_handshakes: u64,
    /// Messages that were too large for the server, which closed the connection with 1009.
    pub too_large: u64,
    /// Connections that ended with their server.
    pub stopped_servers: u64,
    /// Connections that ended with their node of the server.
    pub stopped_nodes: u64,
    /// Dials at a node that was down or silent, or refused.
    pub failed_nodes: u64,
    /// Dials at another host than the one before.
    pub moves: u64,
    /// Authorizations that were refused for good.
    pub refused_authorizations: u64,
    /// Authorizations that failed for now.
    pub unavailable_authorizations: u64,
    /// Authorizations that were never answered.
    pub lost_authorizations: u64,
    /// Authorizations that were answered before one that was asked for earlier.
    pub overtaking_authorizations: u64,
    /// Authorizations that were answered after they had been abandoned.
    pub late_authorizations: u64,
    /// Times that the client's clock was set forward.
    pub clocks_set_forward: u64,
    /// Inputs whose time lay before that of a former input.
    pub inputs_from_the_past: u64,
    /// Messages that had to wait because the client did not read.
    pub unread: u64,
    /// Times that the client's process was stopped.
    pub stops: u64,
    /// Times that the client's machine was suspended.
    pub suspensions: u64,
    /// Messages that were handed to the session later than they were read.
    pub handed_late: u64,
    /// Frames that waited in the session until the link took frames again.
    pub unwritten: u64,
}

impl AddAssign for Troubles {
    fn add_assign(&mut self, other: Self) {
        self.delayed += other.delayed;
        self.lost_to_server += other.lost_to_server;
        self.lost_to_client += other.lost_to_client;
        self.refused_dials += other.refused_dials;
        self.closes += other.closes;
        self.repeated_closes += other.repeated_closes;
        self.refused_handshakes += other.refused_handshakes;
        self.too_large += other.too_large;
        self.stopped_servers += other.stopped_servers;
        self.stopped_nodes += other.stopped_nodes;
        self.failed_nodes += other.failed_nodes;
        self.moves += other.moves;
        self.refused_authorizations += other.refused_authorizations;
        self.unavailable_authorizations += other.unavailable_authorizations;
        self.lost_authorizations += other.lost_authorizations;
        self.overtaking_authorizations += other.overtaking_authorizations;
        self.late_authorizations += other.late_authorizations;
        self.clocks_set_forward += other.clocks_set_forward;
        self.inputs_from_the_past += other.inputs_from_the_past;
        self.unread += other.unread;
        self.stops += other.stops;
        self.suspensions += other.suspensions;
        self.handed_late += other.handed_late;
        self.unwritten += other.unwritten;
    }
}

impl Troubles {
    /// Returns the kinds that did not happen.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        let all = [
            ("delayed", self.delayed),
            ("lost_to_server", self.lost_to_server),
            ("lost_to_client", self.lost_to_client),
            ("refused_dials", self.refused_dials),
            ("closes", self.closes),
            ("repeated_closes", self.repeated_closes),
            ("refused_handshakes", self.refused_handshakes),
            ("too_large", self.too_large),
            ("stopped_servers", self.stopped_servers),
            ("stopped_nodes", self.stopped_nodes),
            ("failed_nodes", self.failed_nodes),
            ("moves", self.moves),
            ("refused_authorizations", self.refused_authorizations),
            ("unavailable_authorizations", self.unavailable_authorizations),
            ("lost_authorizations", self.lost_authorizations),
            ("overtaking_authorizations", self.overtaking_authorizations),
            ("late_authorizations", self.late_authorizations),
            ("clocks_set_forward", self.clocks_set_forward),
            ("inputs_from_the_past", self.inputs_from_the_past),
            ("unread", self.unread),
            ("stops", self.stops),
            ("suspensions", self.suspensions),
            ("handed_late", self.handed_late),
            ("unwritten", self.unwritten),
        ];
        all.into_iter().filter(|(_, count)| *count == 0).map(|(name, _)| name).collect()
    }
}
