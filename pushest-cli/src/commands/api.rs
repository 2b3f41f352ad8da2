//! What the commands share that call the HTTP API ([protocol, HTTP
//! API](pushest_proto::protocol#http-api)).

use pushest_proto::NameRules;
use pushest_tokio::api::{ApiLimits, Call};
use pushest_tokio::{Api, ApiError, ApiOptions};

use crate::arguments::ApiArguments;
use crate::connection::Connection;
use crate::failure::Failure;
use crate::headers::Headers;

/// The API of the app that was given.
pub(super) fn api(arguments: &ApiArguments) -> Result<Api, Failure> {
    of(Connection::new(&arguments.connection, None)?, arguments, ApiLimits::default())
}

/// The API of a connection's app.
pub(super) fn of(
    connection: Connection,
    arguments: &ApiArguments,
    limits: ApiLimits,
) -> Result<Api, Failure> {
    let options = ApiOptions::default().options(connection.options).timeout(arguments.timeout);
    let limits = limits.channel_name(names(arguments.name_characters.as_deref()));
    let options = with_headers(options.limits(limits), &arguments.connection.header)?;
    Ok(Api::with_options(&connection.config, options)?)
}

/// The rules for channels' names, with these characters beside those of the hosted service.
pub(super) fn names(more: Option<&str>) -> NameRules {
    let rules = NameRules::default();
    more.map_or(rules.clone(), |more| rules.extra_characters(more))
}

/// The headers of `--header` for each request; files are read once.
pub(super) fn with_headers(
    mut options: ApiOptions,
    given: &[String],
) -> Result<ApiOptions, Failure> {
    let headers = Headers::parse("--header", given)?;
    let read = headers.read().map_err(Failure::input)?;
    for (name, value) in headers.fixed.iter().chain(&read) {
        options = options.header(name, value).map_err(Failure::input)?;
    }
    Ok(options)
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
