//! How the `Api` of a runtime's crate is put into the conformance suite.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use pushest_driver::proto::Config;
use pushest_testkit::conformance::{ApiClient, ApiDriver, ApiSettings, TlsLibrary};

use crate::{Adapted, Futures, OverNativeTls, Start, Waits};

/// A runtime whose crate has an `Api`.
pub trait Publishes: 'static {
    /// The adapter of it.
    type Api: ApiClient;

    /// Makes one.
    ///
    /// # Errors
    /// As [`ApiDriver::api`].
    fn api(config: &Config, settings: ApiSettings) -> Result<Self::Api, String>;
}

impl<W: Waits + Publishes> ApiDriver for Adapted<W> {
    type Api = W::Api;

    fn api(config: &Config, settings: ApiSettings) -> Result<W::Api, String> {
        W::api(config, settings)
    }
}

impl<W: Waits + Publishes> ApiDriver for OverNativeTls<W> {
    type Api = W::Api;

    const TLS: TlsLibrary = TlsLibrary::Native;

    fn api(config: &Config, settings: ApiSettings) -> Result<W::Api, String> {
        W::api(config, settings.native_tls(true))
    }
}

impl<S: Start + Publishes> Publishes for Futures<S> {
    type Api = S::Api;

    fn api(config: &Config, settings: ApiSettings) -> Result<S::Api, String> {
        S::api(config, settings)
    }
}

/// Runs futures at once, and returns their outputs in their order.
pub async fn all<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<Pin<Box<F>>> = futures.into_iter().map(Box::pin).collect();
    let mut outputs: Vec<Option<F::Output>> = running.iter().map(|_| None).collect();
    poll_fn(|context| {
        for (future, output) in running.iter_mut().zip(&mut outputs) {
            if output.is_none()
                && let Poll::Ready(ready) = future.as_mut().poll(context)
            {
                *output = Some(ready);
            }
        }
        if outputs.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    outputs.into_iter().map(|output| output.expect("all are ready")).collect()
}

/// Writes `settings`, which takes a scenario's settings as options of this crate, and `failure`, which
/// takes its errors, for a crate that has an `Api`: `api_parts!(pushest_tokio);`. A function `own_streams` must
/// be in scope, which is [`Features::connector`](crate::Features::connector).
#[macro_export]
macro_rules! api_parts {
    ($crate_of:ident) => {
        fn settings(settings: $crate::testkit::conformance::ApiSettings) -> $crate_of::ApiOptions {
            let mut options = $crate_of::Options::default().addresses(settings.addresses);
            if let Some(url) = settings.proxy.or_else($crate::proxy_of_real_server) {
                options = options.proxy(&url).expect("a good URL");
            } else if settings.proxy_from_env {
                options = options.proxy_from_env().expect("good variables");
            }
            let connector = settings.connector.or_else($crate::connector_of_real_server);
            if let Some(connector) = connector {
                options = own_streams(options.into(), connector).into();
            }
            if let Some(clock) = settings.time_of_day {
                options = options.time_of_day(move || clock());
            }
            #[cfg(any(feature = "tls", feature = "native-tls"))]
            if let Some(pem) = settings.authority_pem.or_else($crate::authority_of_real_server) {
                options = options.ca_pem(pem).expect("certificates");
            }
            #[cfg(any(feature = "tls", feature = "native-tls"))]
            if let Some(pem) = settings.identity_pem.or_else($crate::identity_of_real_server) {
                options = options.client_identity(pem).expect("an identity");
            }
            #[cfg(feature = "native-tls")]
            if settings.native_tls {
                options = options.tls_backend($crate_of::TlsBackend::NativeTls);
            }
            let mut api = $crate_of::ApiOptions::default()
                .options(options)
                .timeout(settings.timeout)
                .in_flight(settings.in_flight)
                .attempts(settings.attempts)
                .keep_alive(settings.keep_alive);
            if let Some(limits) = settings.limits {
                api = api.limits(limits);
            }
            api
        }

        fn failure(error: $crate_of::ApiError) -> $crate::testkit::conformance::ApiFailure {
            $crate::testkit::conformance::ApiFailure::new(&error)
                .may_have_arrived(error.may_have_arrived())
                .may_repeat(error.may_repeat())
                .retry_after(error.retry_after())
                .status(error.status())
        }
    };
}

/// Implements [`Publishes`](trait@crate::Publishes) for a runtime with futures, as a module of this
/// name: `api_of_futures!(module, pushest_tokio, Runtime, block_on);`, where the last is a function or a
/// closure that runs a future on the runtime.
#[macro_export]
macro_rules! api_of_futures {
    ($module:ident, $crate_of:ident, $runtime:ty, $block_on:expr) => {
        mod $module {
            use super::*;
            use $crate::testkit::conformance as suite;

            pub(crate) struct Adapter($crate_of::Api);

            $crate::api_parts!($crate_of);

            impl $crate::Publishes for $runtime {
                type Api = Adapter;

                fn api(
                    config: &$crate_of::Config,
                    given: suite::ApiSettings,
                ) -> Result<Adapter, String> {
                    let api = $crate_of::Api::with_options(config, settings(given));
                    api.map(Adapter).map_err(|error| error.to_string())
                }
            }

            impl suite::ApiClient for Adapter {
                fn call<C: $crate_of::api::Call + Send>(
                    &self,
                    call: C,
                ) -> Result<C::Answer, suite::ApiFailure> {
                    ($block_on)(self.0.call(call)).map_err(failure)
                }

                fn publish_all(
                    &self,
                    events: Vec<$crate_of::api::Publish>,
                ) -> Vec<Result<$crate_of::api::Published, suite::ApiFailure>> {
                    let calls = events.into_iter().map(|event| self.0.call(event));
                    let outcomes = ($block_on)($crate::all(calls));
                    outcomes.into_iter().map(|outcome| outcome.map_err(failure)).collect()
                }
            }

            impl suite::ApiFutures for Adapter {
                fn give_up(
                    &self,
                    event: $crate_of::api::Publish,
                    when: impl Fn() -> bool,
                ) -> Option<Result<$crate_of::api::Published, suite::ApiFailure>> {
                    let outcome = ($block_on)(async {
                        let mut call = ::std::pin::pin!(self.0.call(event));
                        ::std::future::poll_fn(|context| {
                            if when() {
                                return ::std::task::Poll::Ready(None);
                            }
                            // It is looked at again at once: what is waited for wakes nothing here.
                            context.waker().wake_by_ref();
                            call.as_mut().poll(context).map(Some)
                        })
                        .await
                    });
                    outcome.map(|outcome| outcome.map_err(failure))
                }
            }
        }
    };
}
