//! What a client's builder collects: a configuration and options, or the first error.

use std::cell::Cell;
use std::env::VarError;

use pushest_proto::{Config, ConfigBuilder, ConfigError};

use crate::dial::host_name::check_endpoints;
use crate::error::{BuildError, OptionsError};
use crate::options::Options;

/// The settings of a client that is being built.
#[derive(Clone, Debug)]
pub struct Settings {
    collected: Result<(ConfigBuilder, Options), BuildError>,
    /// The environment was asked for a key.
    is_of_environment: bool,
}

impl Default for Settings {
    fn default() -> Self {
        let collected = Ok((ConfigBuilder::default(), Options::default()));
        Self { collected, is_of_environment: false }
    }
}

impl Settings {
    /// Changes the configuration.
    #[must_use]
    pub fn config(self, change: impl FnOnce(ConfigBuilder) -> ConfigBuilder) -> Self {
        self.try_config(|config| Ok(change(config)))
    }

    /// Changes the configuration, or keeps the error for [`Settings::finish`].
    #[must_use]
    pub fn try_config(
        mut self,
        change: impl FnOnce(ConfigBuilder) -> Result<ConfigBuilder, ConfigError>,
    ) -> Self {
        self.collected =
            self.collected.and_then(|(config, options)| Ok((change(config)?, options)));
        self
    }

    /// Changes the configuration to what environment variables say.
    #[must_use]
    pub fn environment(mut self) -> Self {
        self.is_of_environment = true;
        self.try_config(|config| from_environment(|lookup| config.variables(lookup)))
    }

    /// Changes the options.
    #[must_use]
    pub fn option(self, change: impl FnOnce(Options) -> Options) -> Self {
        self.try_option(|options| Ok(change(options)))
    }

    /// Changes the options, or keeps the error for [`Settings::finish`].
    #[must_use]
    pub fn try_option(
        mut self,
        change: impl FnOnce(Options) -> Result<Options, OptionsError>,
    ) -> Self {
        self.collected =
            self.collected.and_then(|(config, options)| Ok((config, change(options)?)));
        self
    }

    /// Validates the configuration and the options.
    ///
    /// # Errors
    /// The first error of a setting, or else of the options or the configuration as a whole.
    pub fn finish(self) -> Result<(Config, Options), BuildError> {
        let (config, options) = self.collected?;
        options.check()?;
        match config.build() {
            Ok(config) => {
                check_endpoints(&config)?;
                Ok((config, options))
            }
            // Without any variable this is the error that names those that were looked for.
            Err(ConfigError::Missing { what: "key" }) if self.is_of_environment => {
                Err(ConfigError::__no_key().into())
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Makes something of the configuration that the environment describes. What it lacks for that is named by the
/// variables that were looked for.
#[cfg(feature = "api")]
#[doc(hidden)]
pub fn __of_environment<T>(
    make: impl FnOnce(&Config) -> Result<T, ConfigError>,
) -> Result<T, ConfigError> {
    from_environment(|lookup| {
        make(&Config::from_variables(lookup)?).map_err(|error| error.__of_variables(lookup))
    })
}

/// Reads something from environment variables, of which none may be other than UTF-8.
pub(crate) fn from_environment<T>(
    read: impl FnOnce(&dyn Fn(&'static str) -> Option<String>) -> Result<T, ConfigError>,
) -> Result<T, ConfigError> {
    let unreadable = Cell::new(None);
    let result = read(&|name| match std::env::var(name) {
        Ok(value) => Some(value),
        Err(VarError::NotPresent) => None,
        // It is set, and to do without it would be a guess.
        Err(VarError::NotUnicode(_)) => {
            unreadable.set(Some(name));
            None
        }
    });
    match unreadable.get() {
        Some(name) => Err(ConfigError::Variable { name, problem: "is not UTF-8" }),
        None => result,
    }
}
