//! What the commands share that call the HTTP API ([protocol, HTTP
//! API](pushest_proto::protocol#http-api)).

use pushest_tokio::api::Call;
use pushest_tokio::{Api, ApiError, ApiOptions};

use crate::arguments::ApiArguments;
use crate::connection::Connection;
use crate::failure::Failure;

/// The API of the app that was given.
pub(super) fn api(arguments: &ApiArguments) -> Result<Api, Failure> {
    of(Connection::new(&arguments.connection, None)?, arguments.timeout)
}

/// The API of a connection's app.
pub(super) fn of(connection: Connection, timeout: std::time::Duration) -> Result<Api, Failure> {
    let options = ApiOptions::default().options(connection.options).timeout(timeout);
    Ok(Api::with_options(&connection.config, options)?)
}

/// Carries out a call.
pub(super) async fn call<C: Call>(arguments: &ApiArguments, call: C) -> Result<C::Answer, Failure> {
    Ok(api(arguments)?.call(call).await?)
}

impl From<ApiError> for Failure {
    /// What was refused without asking the server is bad input.
    fn from(error: ApiError) -> Self {
        match &error {
            ApiError::Request(_) => Self::input(&error),
            ApiError::TimedOut { .. } => Self::timed_out(&error),
            _ => Self::failed(&error),
        }
    }
}
