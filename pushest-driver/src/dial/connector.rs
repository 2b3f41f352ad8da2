//! Streams for dials: over our own sockets, or from the user's connector.

use std::net::SocketAddr;

use pushest_proto::{DialFailure, Endpoint, Instant};

use super::address;
use super::within::{part, within};
use crate::connector::{Connector, ConnectorPurpose, ConnectorTarget};
use crate::unstable::traits::Runtime;

/// How streams are come by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Way<'a> {
    pub(super) connector: Option<&'a Connector>,
    pub(super) purpose: ConnectorPurpose,
    /// A connector, or a proxy, that is silent until then has failed.
    pub(super) deadline: Instant,
}

/// A stream to a server.
pub(super) struct Reached<S> {
    pub(super) stream: S,
    /// The connector has encrypted it: no TLS of ours is spoken over it.
    pub(super) is_encrypted: bool,
}

impl<S> Reached<S> {
    pub(super) fn plain(stream: S) -> Self {
        Self { stream, is_encrypted: false }
    }
}

impl Way<'_> {
    /// Connects to the endpoint, or to the first of the chosen addresses that can be reached.
    pub(super) async fn to_server<R: Runtime>(
        self,
        runtime: &R,
        endpoint: &Endpoint,
        chosen: &[SocketAddr],
    ) -> Result<Reached<R::Tcp>, DialFailure> {
        let (host, port) = (endpoint.host_with_zone(), endpoint.port());
        let Some(connector) = self.connector else {
            let connected = address::connect(runtime, &host, port, chosen).await;
            return connected.map(Reached::plain).map_err(|failure| match failure {
                DialFailure::Dns(why) => DialFailure::Dns(format!("{host}: {why}").into()),
                other => other,
            });
        };
        let target = |host: &str, port| ConnectorTarget {
            host: host.into(),
            port,
            is_tls: endpoint.is_tls(),
            purpose: self.purpose,
        };
        if chosen.is_empty() {
            let asked = ask(runtime, connector, target(&host, port), self.deadline).await;
            return asked.map_err(failed);
        }
        let mut failures: Vec<String> = Vec::new();
        for (index, address) in chosen.iter().enumerate() {
            let target = target(&address.ip().to_string(), address.port());
            // One that hangs leaves the others their time.
            let until = part(runtime.now(), self.deadline, chosen.len() - index);
            match ask(runtime, connector, target, until).await {
                Ok(reached) => return Ok(reached),
                Err(why) => failures.push(format!("{address}: {why}")),
            }
        }
        Err(failed(failures.join("; ")))
    }

    /// Connects to a proxy.
    ///
    /// # Errors
    /// [`DialFailure::Timeout`] if the proxy cannot be reached in time, and
    /// [`DialFailure::Connector`] if the connector gives no stream in time.
    pub(super) async fn to_proxy<R: Runtime>(
        self,
        runtime: &R,
        host: &str,
        port: u16,
    ) -> Result<R::Tcp, DialFailure> {
        let Some(connector) = self.connector else {
            let connecting = address::connect(runtime, host, port, &[]);
            let connected = within(runtime, self.deadline, connecting).await;
            return connected.unwrap_or(Err(DialFailure::Timeout));
        };
        let purpose = ConnectorPurpose::Proxy;
        let target = ConnectorTarget { host: host.into(), port, is_tls: false, purpose };
        let asked = ask(runtime, connector, target, self.deadline).await;
        asked.map(|reached| reached.stream).map_err(failed)
    }
}

async fn ask<R: Runtime>(
    runtime: &R,
    connector: &Connector,
    target: ConnectorTarget,
    until: Instant,
) -> Result<Reached<R::Tcp>, String> {
    let given = within(runtime, until, connector.connect(target)).await;
    let given = given.unwrap_or_else(|| Err("it gave no stream in time".to_string()))?;
    let is_encrypted = given.is_encrypted();
    let adopted = runtime.adopt(given.into_stream());
    let stream = adopted.map_err(|error| format!("its stream cannot be used: {error}"))?;
    Ok(Reached { stream, is_encrypted })
}

fn failed(why: String) -> DialFailure {
    DialFailure::Connector(why.into())
}
