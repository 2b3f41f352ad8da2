//! The demo's backend: it publishes over the HTTP API, by the crate of the runtime that was chosen.

use pushest_proto::Config;
use pushest_testkit::Server;
use serde_json::Value;

use crate::failure::Failure;
use crate::runtime::Runtime;

pub(super) enum Backend {
    Tokio(pushest_tokio::Api),
    AsyncStd(pushest_async_std::Api),
    Blocking(pushest_blocking::Api),
}

impl Backend {
    pub(super) fn new(server: &Server, runtime: Runtime) -> Result<Self, Failure> {
        let app = server.app();
        let config = Config::builder(&app.key).app_id(&app.id).secret(app.secret());
        let config = config.host(&server.addr().ip().to_string()).port(server.port()).build()?;
        Ok(match runtime {
            Runtime::Tokio => Self::Tokio(pushest_tokio::Api::new(&config)?),
            Runtime::AsyncStd => Self::AsyncStd(pushest_async_std::Api::new(&config)?),
            Runtime::Blocking => Self::Blocking(pushest_blocking::Api::new(&config)?),
        })
    }

    pub(super) async fn publish(
        &self,
        channel: &'static str,
        event: &'static str,
        data: Value,
    ) -> Result<(), Failure> {
        let published = match self {
            Self::Tokio(api) => api.publish(channel, event, &data).await,
            Self::AsyncStd(api) => api.publish(channel, event, &data).await,
            Self::Blocking(api) => {
                let api = api.clone();
                let call = move || api.publish(channel, event, &data);
                tokio::task::spawn_blocking(call).await.map_err(Failure::failed)?
            }
        };
        published.map_err(Failure::failed)?;
        Ok(())
    }
}
