//! How a client connects and delivers.

use pushest_driver::OptionsError;

/// How a client connects and delivers. `Options::default()` suits most.
///
/// ```
/// use pushest_blocking::{Options, Overflow};
///
/// let options = Options::default()
///     .header("X-Tenant", "blue")?
///     .queue(10_000, 32 * 1024 * 1024)
///     .overflow(Overflow::Wait);
/// # let _ = options;
/// # Ok::<(), pushest_blocking::OptionsError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Options {
    driver: pushest_driver::Options,
}

pushest_driver::__option_settings! {
    Options,
    Result<Self, OptionsError>,
    " # use pushest_blocking::*; use std::time::Duration; fn example() \
        -> Result<(), Box<dyn std::error::Error>> {",
    " let options = Options::default()",
    " # ; Ok(()) }",
    "?",
    ""
}

impl Options {
    fn option(
        self,
        change: impl FnOnce(pushest_driver::Options) -> pushest_driver::Options,
    ) -> Self {
        Self { driver: change(self.driver) }
    }

    fn try_option(
        self,
        change: impl FnOnce(pushest_driver::Options) -> Result<pushest_driver::Options, OptionsError>,
    ) -> Result<Self, OptionsError> {
        Ok(Self { driver: change(self.driver)? })
    }
}

#[doc(hidden)]
impl From<pushest_driver::Options> for Options {
    fn from(driver: pushest_driver::Options) -> Self {
        Self { driver }
    }
}

#[doc(hidden)]
impl From<Options> for pushest_driver::Options {
    fn from(options: Options) -> Self {
        options.driver
    }
}
