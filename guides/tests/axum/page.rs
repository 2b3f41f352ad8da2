//! The program of the page.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, RwLock};
use std::time::{Duration, SystemTime};

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use pushest_proto::webhook::{Delivery, Seen, WebhookEvent, Webhooks};
use pushest_proto::{
    AuthReply, ChannelForm, ChannelKind, ChannelName, MemberData, Signer, UserData, UserForm,
};
use pushest_tokio::{Client, ConnectionState, Event, Subscription};
use tokio::net::TcpListener;

#[derive(Clone, serde::Serialize, serde::Deserialize)]
pub(crate) struct Order {
    id: u64,
    state: String,
}

/// What all handlers share.
pub(crate) struct App {
    client: Client,
    pub(crate) orders: RwLock<HashMap<u64, Order>>,
    /// Who has signed in, by the token that only this user has.
    pub(crate) sessions: RwLock<HashMap<String, String>>,
    signer: Signer,
    webhooks: Webhooks,
    seen: Mutex<Seen>,
}

impl App {
    /// The client's configuration has the app's secret.
    pub(crate) fn new(client: Client) -> Result<Arc<Self>, BoxError> {
        let signer = client.config().signer().ok_or("the app's secret is missing")?.clone();
        let webhooks = Webhooks::from_config(client.config())?;
        let (orders, sessions) = (RwLock::default(), RwLock::default());
        let seen = Mutex::new(Seen::new(10_000));
        Ok(Arc::new(Self { client, orders, sessions, signer, webhooks, seen }))
    }
}

pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
pub(crate) async fn main() -> Result<(), BoxError> {
    // It connects in the background: the service starts without the server, too.
    let client = Client::new(pushest_tokio::config_from_env()?);
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    serve(App::new(client)?, listener, async { drop(tokio::signal::ctrl_c().await) }).await
}

/// Serves until `stop`, and handles what has arrived until then.
pub(crate) async fn serve(
    app: Arc<App>,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), BoxError> {
    let orders = app.client.subscribe("orders")?;
    let listening = tokio::spawn(listen(app.clone(), orders));
    axum::serve(listener, routes(app.clone())).with_graceful_shutdown(stop).await?;
    let left = app.client.drain(Duration::from_secs(5)).await;
    if left > 0 {
        eprintln!("{left} events waited for too long; they are handled now");
    }
    listening.await?;
    Ok(())
}

/// Runs in the background, and ends with the client.
async fn listen(app: Arc<App>, mut orders: Subscription) {
    while let Some(event) = orders.recv().await {
        match event {
            Event::Channel(event) => match event.json::<Order>() {
                Ok(order) => {
                    let mut orders = app.orders.write().expect("no writer panics");
                    orders.insert(order.id, order);
                }
                Err(error) => eprintln!("{}: not an order: {error}", event.name()),
            },
            Event::Gap { since, .. } => eprintln!("refetch since {since:?}"),
            Event::Lagged { dropped } => eprintln!("{dropped} events lost here: refetch"),
            Event::SubscriptionFailed { reason, .. } => eprintln!("not subscribed: {reason}"),
            _ => {}
        }
    }
}

pub(crate) fn routes(app: Arc<App>) -> Router {
    Router::new()
        .route("/orders/{id}", get(order))
        .route("/health", get(health))
        .route("/broadcasting/auth", post(authorize))
        .route("/broadcasting/user-auth", post(authenticate))
        .route("/webhooks", post(webhook))
        .with_state(app)
}

async fn order(State(app): State<Arc<App>>, Path(id): Path<u64>) -> Response {
    match app.orders.read().expect("no writer panics").get(&id) {
        Some(order) => Json(order.clone()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// 200 while connected, 503 with the reason otherwise.
async fn health(State(app): State<Arc<App>>) -> Response {
    let status = app.client.status();
    if status.state == ConnectionState::Connected {
        return "connected".into_response();
    }
    let why = status.last_loss.map(|loss| loss.to_string()).unwrap_or_default();
    (StatusCode::SERVICE_UNAVAILABLE, format!("{}: {why}", status.state)).into_response()
}

/// Authorizes browsers and other clients for private, encrypted and presence channels.
async fn authorize(State(app): State<Arc<App>>, headers: HeaderMap, body: Bytes) -> Response {
    respond(match user(&app, &headers) {
        Some(user) => authorize_as(&app.signer, &user, &headers, &body),
        None => AuthReply::forbidden("sign in first"),
    })
}

/// Authenticates them as the user who asks, for the sign-in of the protocol.
async fn authenticate(State(app): State<Arc<App>>, headers: HeaderMap, body: Bytes) -> Response {
    let Some(user) = user(&app, &headers) else {
        return respond(AuthReply::forbidden("sign in first"));
    };
    respond(match UserForm::read(content_type(&headers), &body) {
        Ok(asked) => app.signer.authenticate_user(&asked.socket_id, &UserData::new(user)).into(),
        Err(error) => error.into(),
    })
}

fn authorize_as(signer: &Signer, user: &str, headers: &HeaderMap, body: &[u8]) -> AuthReply {
    let asked = match ChannelForm::read(content_type(headers), body) {
        Ok(asked) => asked,
        Err(error) => return error.into(),
    };
    // Your rules. The form says nothing of who asks: only your session or token does.
    let may = match asked.channel.kind() {
        ChannelKind::Private | ChannelKind::Encrypted => owner(&asked.channel) == user,
        ChannelKind::Presence => true,
        _ => false,
    };
    if !may {
        return AuthReply::forbidden("not your channel");
    }
    let member = MemberData::new(user);
    signer.authorize_channel(&asked.socket_id, &asked.channel, Some(&member)).into()
}

/// Whose channel it is: `private-ada` and `private-encrypted-ada` are Ada's.
fn owner(channel: &ChannelName) -> &str {
    let name = channel.as_str();
    let encrypted = name.strip_prefix("private-encrypted-");
    encrypted.or_else(|| name.strip_prefix("private-")).unwrap_or_default()
}

/// Who asks, by your own sessions, which your login fills.
fn user(app: &App, headers: &HeaderMap) -> Option<String> {
    let token = text(headers, "authorization")?.strip_prefix("Bearer ")?;
    app.sessions.read().expect("no writer panics").get(token).cloned()
}

fn respond(reply: AuthReply) -> Response {
    let status = StatusCode::from_u16(reply.status).expect("a status of HTTP");
    (status, [(header::CONTENT_TYPE, AuthReply::CONTENT_TYPE)], reply.body).into_response()
}

/// What the server tells: which channels are occupied, who came and went.
async fn webhook(State(app): State<Arc<App>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let Ok(now) = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) else {
        return StatusCode::INTERNAL_SERVER_ERROR;
    };
    let webhook = match app.webhooks.read(|name| text(&headers, name), &body, now) {
        Ok(webhook) => webhook,
        Err(error) => return StatusCode::from_u16(error.status()).expect("a status of HTTP"),
    };
    // A server that got no answer in time sends it again, and does not wait for this one.
    let delivery = app.seen.lock().expect("no holder panics").begin(&webhook);
    let handling = match delivery {
        Delivery::First(handling) => handling,
        Delivery::Again => return StatusCode::OK,
        Delivery::Underway => return StatusCode::SERVICE_UNAVAILABLE, // it comes again
    };
    for event in &webhook.events {
        carry_out(event).await;
    }
    handling.done(); // once all of it is done
    StatusCode::OK
}

/// Your work, which may take its time.
async fn carry_out(event: &WebhookEvent) {
    match event {
        WebhookEvent::ChannelOccupied { channel } => println!("{channel} is occupied"),
        WebhookEvent::ChannelVacated { channel } => println!("{channel} is vacated"),
        other => println!("{}", other.name()),
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

fn content_type(headers: &HeaderMap) -> &str {
    text(headers, "content-type").unwrap_or_default()
}
