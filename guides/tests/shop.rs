//! The program of the page "A shop's service" does what the page says.

#[path = "../examples/shop.rs"]
#[allow(dead_code, reason = "its own main is for users")]
mod shop;

use std::time::Duration;

use pushest_testkit::Server;
use pushest_tokio::{AuthEndpoint, Client, Config, Event, Options, Subscription};
use shop::{Shop, serve};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn the_page_shows_the_shop_that_is_tested_here() {
    let program = include_str!("../examples/shop.rs");
    let program = program.split_once("\n\n").expect("a line and a program").1;
    let program = program.replace("pub(crate) ", "");
    let page = include_str!("../docs/shop.md");
    assert!(page.contains(&format!("```rust,no_run\n{program}```\n")), "{program}");
}

async fn next(channel: &mut Subscription) -> (String, String) {
    let next = async {
        loop {
            if let Event::Channel(event) = channel.recv().await.expect("the client lives") {
                return (event.name().to_owned(), event.text().into_owned());
            }
        }
    };
    timeout(PATIENCE, next).await.expect("an event in time")
}

#[tokio::test]
async fn an_order_on_the_private_channel_is_answered_on_the_public_one() {
    let server = Server::start().expect("a server");
    let app = server.app();
    let config = Config::builder(&app.key).app_id(&app.id).secret(app.secret());
    let config = config.host("127.0.0.1").port(server.port()).build().expect("valid");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let (stop, stopped) = oneshot::channel::<()>();
    let shop = Shop::new(Client::new(config)).expect("a whole configuration");
    let serving = tokio::spawn(serve(shop, listener, async { drop(stopped.await) }));
    let is_there = server.until_subscribers("private-orders", 1);
    let waiting = tokio::task::spawn_blocking(move || is_there.wait(PATIENCE));
    waiting.await.expect("it ran").expect("it subscribes");

    // Browsers, which have no secret: the shop authorizes them.
    let browser = |token: &str| {
        let config = Config::builder(&server.app().key).host("127.0.0.1").port(server.port());
        let endpoint = AuthEndpoint::new(&format!("http://{address}/broadcasting/auth"))
            .header("Authorization", &format!("Bearer {token}"));
        let options = Options::default().auth_endpoint(endpoint);
        Client::with_options(config.build().expect("valid"), options)
    };
    let (staff, ada, eve) = (browser("staff-token"), browser("ada-token"), browser("none"));
    let mut stock = ada.subscribe("stock").expect("a good channel");
    timeout(PATIENCE, stock.subscribed()).await.expect("in time").expect("subscribed");
    for (client, channel, may) in [
        (&staff, "private-orders", true),
        (&staff, "private-App.Models.User.1", true),
        (&staff, "private-App.Models.User.2", false),
        (&ada, "private-App.Models.User.2", true),
        (&ada, "private-orders", false),
        (&ada, "private-encrypted-orders", false),
        (&eve, "private-App.Models.User.2", false),
    ] {
        let subscription = client.subscribe(channel).expect("a good channel");
        let outcome = timeout(PATIENCE, subscription.subscribed()).await.expect("in time");
        assert_eq!(outcome.is_ok(), may, "{channel}: {outcome:?}");
        if let Err(error) = outcome {
            assert!(error.to_string().contains("403"), "{error}");
        }
    }

    for (amount, left) in [(3, 7), (1, 6)] {
        let order = format!(r#"{{"article":"tea","amount":{amount}}}"#);
        server.publish("private-orders", r"App\Events\OrderPlaced", &order);
        let (name, data) = next(&mut stock).await;
        assert_eq!(name, r"App\Events\StockChanged");
        assert_eq!(data, format!(r#"{{"article":"tea","left":{left}}}"#));
    }
    stop.send(()).expect("it serves");
    timeout(PATIENCE, serving).await.expect("in time").expect("no panic").expect("it served");
}
