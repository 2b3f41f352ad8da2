//! The callback style.

use std::time::{Duration, Instant};

use pushest_blocking::{Client, Config, ConnectionState, Event, Handler, Loss, RunError, run};
use pushest_testkit::{Profile, Server};

#[derive(Default)]
struct Recorder {
    told: Vec<String>,
}

impl Handler for Recorder {
    fn on_event(&mut self, _: &Client, event: Event) {
        match event {
            Event::State(change) => self.told.push(change.to.to_string()),
            Event::ServerError(error) => self.told.push(error.to_string()),
            _ => {}
        }
    }
}

#[test]
fn running_ends_in_the_words_of_a_reverb_that_does_not_know_the_key() {
    let server = Server::builder().profile(Profile::Reverb).start().expect("a server");
    let config = Config::builder("other-key").host("127.0.0.1").port(server.port());
    let mut recorder = Recorder::default();
    let begun = Instant::now();
    let ended = run(config.build().expect("valid"), &mut recorder);
    let error = ended.expect_err("it is refused");
    // Far from the ten seconds of the handshake timeout, on a busy machine too.
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(4), "{took:?}");
    let RunError::Refused(Some(loss)) = error else { panic!("{error:?}") };
    assert_eq!(*loss, Loss::Refused { code: 4001, message: "Application does not exist".into() });
    let told = [
        ConnectionState::Connecting.to_string(),
        "Application does not exist (code 4001)".to_owned(),
        ConnectionState::Refused.to_string(),
    ];
    assert_eq!(recorder.told, told);
    assert_eq!(server.inspect(|view| view.upgrades), 1);
}
