//! Clients without the secret, which an authorizer has.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pushest_tokio::proto::Signer;
use pushest_tokio::{
    Authorization, AuthorizationError, AuthorizationRequest, Client, Options, Timeouts,
};

use crate::common::{Target, subscribed, within};
use crate::start;

fn granted(target: &Target, request: &AuthorizationRequest) -> Authorization {
    let signer = Signer::new(&target.key, &target.secret);
    let channel = request.subject.channel().expect("these tests sign nobody in").as_str();
    let auth = signer.channel(&request.socket_id, channel, request.subject.data());
    let granted = Authorization::new(auth);
    match request.subject.data() {
        Some(data) => granted.channel_data(data),
        None => granted,
    }
}

fn client(target: &Target, options: Options) -> Client {
    let timeouts = Timeouts::default().authorization(Duration::from_millis(500));
    Client::with_options(target.builder().timeouts(timeouts).build().expect("valid"), options)
}

#[tokio::test]
async fn an_authorizer_may_use_the_client_it_works_for() {
    let (target, _server) = start();
    let client = Arc::new(Mutex::new(None::<Client>));
    let (signs, inner) = (target.clone(), client.clone());
    let options = Options::default().authorizer(move |request: AuthorizationRequest| {
        let status = inner.lock().unwrap().as_ref().expect("it is there").status();
        assert_eq!(status.socket_id.as_ref(), Some(&request.socket_id));
        let answer = granted(&signs, &request);
        async move { Ok(answer) }
    });
    let made = self::client(&target, options);
    *client.lock().unwrap() = Some(made.clone());
    let _orders = subscribed(&made, "private-orders").await;
    client.lock().unwrap().take();
}

#[tokio::test]
async fn an_abandoned_authorizer_may_hold_what_belongs_to_the_client() {
    let (target, _server) = start();
    let client = Arc::new(Mutex::new(None::<Client>));
    let (inner, asked) = (client.clone(), Arc::new(AtomicU32::new(0)));
    let count = asked.clone();
    let options = Options::default().authorizer(move |_: AuthorizationRequest| {
        let client = inner.lock().unwrap().clone().expect("it is there");
        let count = count.clone();
        async move {
            // Dropping either of them takes the client's lock.
            let held = (client.events(), client.subscribe("held"));
            count.fetch_add(1, Ordering::SeqCst);
            std::future::pending::<()>().await;
            drop(held);
            Err(AuthorizationError::refused(None, "never"))
        }
    });
    let made = self::client(&target, options);
    *client.lock().unwrap() = Some(made.clone());
    within(made.connected()).await.expect("connected");
    // Abandoned by its timeout, then by unsubscribing.
    let orders = made.subscribe("private-orders").expect("a good channel");
    within(async {
        while asked.load(Ordering::SeqCst) < 2 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    drop(orders);
    within(made.flush()).await.expect("the client lives");
    client.lock().unwrap().take();
}
