//! What fails is an error with its source, names come from text, and events can be compared.

use std::error::Error;

use pushest_proto::{
    AuthorizationError, ChannelName, CommandError, ConfigError, DecryptionFailure, DialFailure,
    Event, LimitReached, Loss, MalformedReason, NameError, RequestFailure, ServerError, SocketId,
};

use crate::harness::Harness;

#[test]
fn what_fails_is_an_error_and_names_what_it_came_from() {
    let dial = Loss::Dial(DialFailure::Dns("no such host".into()));
    let source = dial.source().expect("it came from a dial");
    assert!(matches!(source.downcast_ref(), Some(DialFailure::Dns(_))));
    assert!(Loss::PongTimeout.source().is_none());
    for reason in [
        RequestFailure::AuthorizationRefused(AuthorizationError::refused(Some(403), "no")),
        RequestFailure::AuthorizationUnavailable(AuthorizationError::unavailable(None, "later")),
    ] {
        let source = reason.source().expect("it came from an authorization");
        assert!(source.is::<AuthorizationError>(), "{source}");
    }
    assert!(RequestFailure::NoAnswer.source().is_none());
    let error: Box<dyn Error> = Box::new(DecryptionFailure::BadNonce);
    assert!(error.to_string().contains("nonce"));
}

#[test]
fn everything_that_fails_is_an_error_that_can_cross_threads() {
    fn is_error<E: Error + Send + Sync + 'static>() {}
    is_error::<AuthorizationError>();
    is_error::<CommandError>();
    is_error::<ConfigError>();
    is_error::<DecryptionFailure>();
    is_error::<DialFailure>();
    is_error::<LimitReached>();
    is_error::<Loss>();
    is_error::<MalformedReason>();
    is_error::<NameError>();
    is_error::<RequestFailure>();
    is_error::<ServerError>();
}

#[cfg(feature = "recording")]
#[test]
fn what_is_wrong_with_a_recording_is_an_error_too() {
    fn is_error<E: Error + Send + Sync + 'static>() {}
    is_error::<pushest_proto::trace::InvalidRecording>();
    is_error::<pushest_proto::trace::Difference>();
}

#[test]
fn names_are_made_of_text_and_read_as_text() {
    let name: ChannelName = "private-orders".parse().expect("a good name");
    assert_eq!(ChannelName::try_from("private-orders").as_ref(), Ok(&name));
    assert_eq!("a b".parse::<ChannelName>(), ChannelName::new("a b"));
    assert!(ChannelName::try_from("").is_err());
    let socket_id = SocketId::new("1.2").expect("a good id");
    let texts: [&dyn AsRef<str>; 2] = [&name, &socket_id];
    assert_eq!(texts.map(AsRef::as_ref), ["private-orders", "1.2"]);
}

#[test]
fn events_are_equal_if_they_say_the_same_however_they_were_written() {
    let event = |message: &str| {
        let mut harness = Harness::connected();
        harness.subscribed("orders");
        harness.receive(message);
        harness.events().into_iter().find(|event| matches!(event, Event::Channel(_)))
    };
    let one = event(r#"{"event":"shipped","channel":"orders","data":"7"}"#).expect("it comes");
    let same = event(r#"{"channel": "orders", "data": "\u0037", "event": "shipped"}"#);
    assert_eq!(Some(&one), same.as_ref());
    for other in [
        r#"{"event":"shipped","channel":"orders","data":"8"}"#,
        r#"{"event":"packed","channel":"orders","data":"7"}"#,
        r#"{"event":"shipped","channel":"orders","data":"7","user_id":"1"}"#,
    ] {
        assert_ne!(Some(&one), event(other).as_ref(), "{other}");
    }
    assert_ne!(one, Event::Lagged { dropped: 7 });
}
