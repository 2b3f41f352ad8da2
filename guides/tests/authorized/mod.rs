//! What each page's authorization endpoint grants and refuses.

use std::time::Duration;

use pushest_testkit::Server;
use pushest_tokio::{AuthEndpoint, Client, Config, Event, Options};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

/// Connects as Ada, whose token the endpoints below `url` know, and asks for each kind of channel, for
/// channels of others, and for a sign-in.
pub(crate) async fn ada_gets_what_is_hers(server: &Server, url: &str) {
    let endpoint = AuthEndpoint::new(&format!("{url}/auth"))
        .user_url(&format!("{url}/user-auth"))
        .header("Authorization", "Bearer t0ken");
    let config = Config::builder("app-key").host("127.0.0.1").port(server.port());
    let options = Options::default().auth_endpoint(endpoint);
    let ada = Client::with_options(config.build().expect("valid"), options);

    for name in ["private-ada", "presence-room"] {
        let channel = ada.subscribe(name).expect("a name");
        timeout(PATIENCE, channel.subscribed()).await.expect("in time").expect("granted");
        channel.detach();
    }
    assert_eq!(server.members("presence-room"), ["ada"], "the endpoint says who");
    let mut diary = ada.subscribe("private-encrypted-ada").expect("a name");
    timeout(PATIENCE, diary.subscribed()).await.expect("in time").expect("granted");
    server.publish_encrypted("private-encrypted-ada", "entry", "dear diary");
    let entry = async {
        loop {
            match diary.recv().await.expect("it goes on") {
                Event::Channel(event) => return event.text().into_owned(),
                Event::Undecryptable { reason, .. } => panic!("{reason}"),
                _ => {}
            }
        }
    };
    assert_eq!(timeout(PATIENCE, entry).await.expect("in time"), "dear diary");
    for name in ["private-bob", "private-encrypted-bob"] {
        let other = ada.subscribe(name).expect("a name");
        let refused = timeout(PATIENCE, other.subscribed()).await.expect("in time");
        let refused = refused.expect_err("not hers").to_string();
        assert!(refused.contains("403") && refused.contains("not your channel"), "{refused}");
    }
    ada.sign_in(None).expect("asked for");
    let user = timeout(PATIENCE, ada.signed_in()).await.expect("in time").expect("granted");
    assert_eq!(user, "ada", "the endpoint says who");
    ada.shutdown().await;
}
