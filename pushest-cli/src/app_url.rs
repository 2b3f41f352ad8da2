//! `--url`, and what may be given beside it.

use pushest_proto::ConfigBuilder;

use crate::failure::Failure;

/// Takes the parts of `--url`, beside which the app's id may be given where it does not stand in it.
pub(crate) fn of_url(url: &str, app_id: Option<&str>) -> Result<ConfigBuilder, Failure> {
    let builder = ConfigBuilder::default().url(url).map_err(|error| {
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let path = rest.find('/').map_or("", |at| &rest[at..]);
        match path.find("/apps/") {
            Some(1..) => Failure::input(format_args!(
                "{error}; for a server behind a path give --host, --port, --path, --app-id, --key and \
                 --secret in place of --url"
            )),
            _ => Failure::from(error),
        }
    })?;
    let own = builder.clone().build().ok().and_then(|config| config.app_id().map(str::to_owned));
    if let (Some(own), Some(given)) = (own, app_id)
        && own != given
    {
        return Err(Failure::input(
            "--app-id and --url name two apps: the URL's path is /apps/ID already",
        ));
    }
    Ok(builder)
}
