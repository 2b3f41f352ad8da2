//! What fails is an error, can cross threads, and names what it came from.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use pushest_driver::proto::NameError;
use pushest_driver::unstable::HostNameError;
use pushest_driver::{
    ChannelName, CommandError, ConnectionState, DecodeError, DialFailure, FlushError, Loss,
    NotConnected, NotSignedIn, OptionsError, RequestFailure, RunError, SignInError, StartError,
    SubscribeError, SubscriptionError,
};

fn is_error<E: Error + Send + Sync + 'static>() {}

#[test]
fn everything_that_fails_is_an_error_that_can_cross_threads() {
    is_error::<DecodeError>();
    is_error::<FlushError>();
    is_error::<HostNameError>();
    is_error::<NotConnected>();
    is_error::<NotSignedIn>();
    is_error::<OptionsError>();
    is_error::<RunError>();
    is_error::<SignInError>();
    is_error::<StartError>();
    is_error::<SubscribeError>();
    is_error::<SubscriptionError>();
}

/// What an error came from, from the nearest on.
fn sources<'a>(error: &'a (dyn Error + 'static)) -> Vec<&'a (dyn Error + 'static)> {
    std::iter::successors(error.source(), |&error| error.source()).collect()
}

#[test]
fn errors_lead_to_what_they_came_from() {
    let loss = || Arc::new(Loss::Dial(DialFailure::Dns("no such host".into())));
    let channel = ChannelName::new("news").expect("a good name");
    let timed_out = NotConnected::TimedOut {
        waited: Duration::from_secs(1),
        state: ConnectionState::Waiting,
        last_loss: Some(loss()),
    };
    let of_dials: [Box<dyn Error>; 7] = [
        Box::new(NotConnected::Refused(loss())),
        Box::new(NotConnected::Failed(loss())),
        Box::new(timed_out),
        Box::new(SubscribeError::Closed(NotConnected::Refused(loss()))),
        Box::new(SubscriptionError::NotConnected(NotConnected::Refused(loss()))),
        Box::new(NotSignedIn::NotConnected(NotConnected::Refused(loss()))),
        Box::new(RunError::Refused(Some(loss()))),
    ];
    for error in &of_dials {
        let sources = sources(&**error);
        let last = sources.last().unwrap_or_else(|| panic!("{error:?} came from a dial"));
        assert!(last.is::<DialFailure>(), "{error:?}: {last:?}");
        assert!(error.to_string().contains("no such host"), "{error}");
    }
    let reason = RequestFailure::NoAnswer;
    let failed = SubscriptionError::Failed { channel, reason };
    assert!(failed.source().is_some_and(|reason| reason.is::<RequestFailure>()));
    let not_signed_in = NotSignedIn::Failed(RequestFailure::NoAnswer);
    assert!(not_signed_in.source().is_some_and(|reason| reason.is::<RequestFailure>()));
    let refused = RunError::Subscribe(SubscribeError::Command(CommandError::UserDataMissing));
    assert!(refused.source().is_some_and(|error| error.is::<SubscribeError>()));
    let name: SubscribeError = CommandError::from(NameError::Empty).into();
    assert_eq!(name.to_string(), NameError::Empty.to_string(), "transparent, as its source is");
}
