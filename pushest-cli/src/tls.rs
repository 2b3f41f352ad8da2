//! Which certificates are trusted, and which one is shown.

use std::path::Path;

use pushest_driver::Options;
use pushest_proto::{Config, Endpoint};

use crate::arguments::ConnectionOptions;
use crate::failure::Failure;

/// What is trusted over TLS, and what is shown.
pub(crate) fn with_tls(
    mut driver: Options,
    options: &ConnectionOptions,
    config: &Config,
) -> Result<Options, Failure> {
    let endpoint = config.endpoint();
    let asked = [&options.auth_endpoint, &options.user_auth_endpoint];
    let asks_tls = asked.into_iter().flatten().any(|url| url.starts_with("https://"));
    let has_tls = config.endpoints().iter().any(Endpoint::is_tls);
    let must_be_tls = |option: &str| {
        if has_tls || asks_tls {
            return Ok(());
        }
        Err(Failure::input(format_args!(
            "{option} is for TLS, and {}:{} is reached without: add --tls",
            endpoint.host(),
            endpoint.port(),
        )))
    };
    if let Some(path) = &options.ca_file {
        must_be_tls("--ca-file")?;
        driver = ca_file(driver, path)?;
    }
    if let Some(certificates) = &options.client_cert {
        must_be_tls("--client-cert")?;
        let key = options.client_key.as_ref().unwrap_or(certificates);
        driver = client_identity(driver, certificates, key)?;
    }
    Ok(driver)
}

#[cfg(any(feature = "tls-ring", feature = "native-tls"))]
fn ca_file(driver: Options, path: &Path) -> Result<Options, Failure> {
    driver.ca_file(path).map_err(Failure::input)
}

#[cfg(any(feature = "tls-ring", feature = "native-tls"))]
fn client_identity(driver: Options, certificates: &Path, key: &Path) -> Result<Options, Failure> {
    driver.client_identity_files(certificates, key).map_err(Failure::input)
}

#[cfg(not(any(feature = "tls-ring", feature = "native-tls")))]
fn ca_file(_: Options, _: &Path) -> Result<Options, Failure> {
    Err(Failure::input("--ca-file is for TLS, which this program was built without"))
}

#[cfg(not(any(feature = "tls-ring", feature = "native-tls")))]
fn client_identity(_: Options, _: &Path, _: &Path) -> Result<Options, Failure> {
    Err(Failure::input("--client-cert is for TLS, which this program was built without"))
}
