//! What an app's endpoint for authorizations is sent, and what its answer means.

use pushest_proto::{AuthEndpoint, EndpointAnswer};

use crate::{Driver, Mismatch, SUBSCRIBE, ensure, println};

const ANSWER: &str = r#"{"auth":"278d425bdf160c739803:58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4"}"#;

pub(crate) fn prove() -> Result<(), Mismatch> {
    let (mut driver, _) = Driver::asking()?;
    let request = driver.ask("private-foobar")?;
    let endpoint = AuthEndpoint::new("https://user:word@example.org/auth").parameter("tenant", "7");
    let sent = endpoint.request(&request);
    ensure(sent.url == "https://example.org/auth", "the endpoint's URL")?;
    let form = "socket_id=1234.1234&channel_name=private-foobar&tenant=7";
    ensure(sent.body == form, "the form")?;
    let body = ANSWER.as_bytes();
    let answer = EndpointAnswer::new(200, body);
    driver.session.handle_authorization(request.ticket, answer.read(), driver.now);
    driver.expect_frames("the authorized subscribe", &[SUBSCRIBE])?;
    println!("subscribed by an endpoint's answer");
    Ok(())
}
