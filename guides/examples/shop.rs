//! The service of the page "A shop's service": `PUSHER_URL=… cargo run -p pushest-guides --example shop`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use pushest_tokio::proto::{AuthReply, ChannelForm};
use pushest_tokio::{Api, Client, Event, Subscription, config_from_env};
use tokio::net::TcpListener;

/// What the shop sends on `private-orders`: `class OrderPlaced implements ShouldBroadcast`.
#[derive(serde::Deserialize)]
struct OrderPlaced {
    article: String,
    amount: u32,
}

/// What is public. How many there are *now*: an event that arrives twice does no harm.
#[derive(serde::Serialize)]
struct StockChanged<'a> {
    article: &'a str,
    left: u32,
}

#[derive(Clone)]
struct User {
    id: u64,
    is_staff: bool,
}

/// What the loop and the handlers share.
pub(crate) struct Shop {
    client: Client,
    api: Api,
    stock: Mutex<HashMap<String, u32>>,
    /// Who has signed in, by token. Yours are in a database.
    users: HashMap<String, User>,
}

impl Shop {
    /// The configuration has the app's id and secret; with a signer it authorizes others, too.
    pub(crate) fn new(client: Client) -> Result<Arc<Self>, BoxError> {
        let api = client.api()?; // over connections of its own: neither half waits for the other
        client.config().signer().ok_or("the app's secret is missing")?;
        let stock = Mutex::new(HashMap::from([("tea".to_string(), 10)]));
        let user = |token: &str, id, is_staff| (token.to_string(), User { id, is_staff });
        let users = HashMap::from([user("staff-token", 1, true), user("ada-token", 2, false)]);
        Ok(Arc::new(Self { client, api, stock, users }))
    }
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    // It connects in the background: the service starts without the server, too.
    let client = Client::new(config_from_env()?);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}/broadcasting/auth", listener.local_addr()?);
    serve(Shop::new(client)?, listener, async { drop(tokio::signal::ctrl_c().await) }).await
}

/// Serves until `stop`, and answers what has arrived until then.
pub(crate) async fn serve(
    shop: Arc<Shop>,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), BoxError> {
    let orders = shop.client.subscribe("private-orders")?;
    let selling = tokio::spawn(sell(shop.clone(), orders));
    let routes = Router::new().route("/broadcasting/auth", post(authorize));
    axum::serve(listener, routes.with_state(shop.clone())).with_graceful_shutdown(stop).await?;
    shop.client.drain(Duration::from_secs(5)).await;
    selling.await?;
    Ok(())
}

/// Consumes the private channel, and answers on a public one. Ends with the client.
async fn sell(shop: Arc<Shop>, mut orders: Subscription) {
    while let Some(event) = orders.recv().await {
        match event {
            Event::Channel(event) if event.name() == r"App\Events\OrderPlaced" => {
                match event.json::<OrderPlaced>() {
                    Ok(order) => sold(&shop, &order).await,
                    Err(error) => eprintln!("not an order: {error}"),
                }
            }
            Event::Gap { since, .. } => eprintln!("refetch the orders since {since:?}"),
            Event::Lagged { dropped } => eprintln!("{dropped} orders lost here: refetch"),
            Event::SubscriptionFailed { reason, .. } => eprintln!("not subscribed: {reason}"),
            _ => {}
        }
    }
}

async fn sold(shop: &Shop, order: &OrderPlaced) {
    let left = {
        let mut stock = shop.stock.lock().expect("no holder panics");
        let left = stock.entry(order.article.clone()).or_default();
        *left = left.saturating_sub(order.amount);
        *left
    };
    let news = StockChanged { article: &order.article, left };
    let event = r"App\Events\StockChanged";
    match shop.api.publish("stock", event, &news).await {
        Ok(_) => {}
        // Here it does no harm to say it twice; of what would, this is for your program to decide.
        Err(error) if error.may_have_arrived() => {
            eprintln!("once more, because {error}");
            if let Err(error) = shop.api.publish("stock", event, &news).await {
                eprintln!("not published: {error}");
            }
        }
        // It was tried as often as it may be, or the server refuses: the error says what helps.
        Err(error) => eprintln!("not published: {error}"),
    }
}

/// Authorizes browsers, as Laravel does at this place.
async fn authorize(State(shop): State<Arc<Shop>>, headers: HeaderMap, body: Bytes) -> Response {
    let reply = authorized(&shop, &headers, &body);
    let status = StatusCode::from_u16(reply.status).expect("a status of HTTP");
    (status, [(header::CONTENT_TYPE, AuthReply::CONTENT_TYPE)], reply.body).into_response()
}

/// The rules of `routes/channels.php`. The token says who asks, and never the form.
fn authorized(shop: &Shop, headers: &HeaderMap, body: &[u8]) -> AuthReply {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let token = text(header::AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
    let Some(user) = token.and_then(|token| shop.users.get(token)) else {
        return AuthReply::forbidden("sign in first");
    };
    let asked = match ChannelForm::read(text(header::CONTENT_TYPE).unwrap_or_default(), body) {
        Ok(asked) => asked,
        Err(error) => return error.into(),
    };
    let own = format!("private-App.Models.User.{}", user.id);
    let may = match asked.channel.as_str() {
        "private-orders" => user.is_staff,
        name => name == own,
    };
    match shop.client.config().signer() {
        Some(signer) if may => {
            signer.authorize_channel(&asked.socket_id, &asked.channel, None).into()
        }
        _ => AuthReply::forbidden("not your channel"),
    }
}
