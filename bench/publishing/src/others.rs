//! Other HTTP clients for the requests that our core builds, which is how ours was chosen; and another
//! library.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use pushest_proto::api::{App, HttpAnswer};
use sockudo_http::{Channel, Sockudo};
use tokio::runtime::Builder;

use crate::measure::{Book, Measured};
use crate::ours::{config, event, on_threads};
use crate::{IN_FLIGHT, Problem, data};

fn now() -> Result<Duration, Problem> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?)
}

pub(crate) fn hyper(address: SocketAddr, events: u64) -> Result<Measured, Problem> {
    let app = Arc::new(App::new(&config(address)?)?);
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client: Client<_, Full<Bytes>> =
        Client::builder(TokioExecutor::new()).pool_max_idle_per_host(IN_FLIGHT).build(connector);
    let book = Arc::new(Book::new(events));
    Builder::new_current_thread().enable_all().build()?.block_on(async {
        let publishers = [(); IN_FLIGHT].map(|()| {
            let (app, client, book) = (app.clone(), client.clone(), book.clone());
            tokio::spawn(async move {
                while let Some(number) = book.next() {
                    let request = app.request(&event(number), now()?)?;
                    let mut sent = Request::post(request.url());
                    for (name, value) in request.headers() {
                        sent = sent.header(*name, *value);
                    }
                    let body = Full::from(request.body().to_owned());
                    // As our clients have it.
                    let answered = client.request(sent.body(body)?);
                    let response =
                        tokio::time::timeout(Duration::from_secs(10), answered).await??;
                    let status = response.status().as_u16();
                    let body = response.into_body().collect().await?.to_bytes();
                    request.read(&HttpAnswer::new(status, &body), now()?)?;
                }
                Ok::<(), Problem>(())
            })
        });
        for publisher in publishers {
            publisher.await??;
        }
        Ok::<(), Problem>(())
    })?;
    Arc::into_inner(book).ok_or("a publisher lives on")?.close()
}

pub(crate) fn ureq(address: SocketAddr, events: u64) -> Result<Measured, Problem> {
    let app = App::new(&config(address)?)?;
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .max_idle_connections(IN_FLIGHT)
        .max_idle_connections_per_host(IN_FLIGHT)
        .timeout_global(Some(Duration::from_secs(10)))
        .build()
        .into();
    let book = Book::new(events);
    on_threads(&book, |number| {
        let request = app.request(&event(number), now()?)?;
        let mut sent = agent.post(request.url());
        for (name, value) in request.headers() {
            sent = sent.header(*name, *value);
        }
        let mut response = sent.send(request.body())?;
        let status = response.status().as_u16();
        let body = response.body_mut().read_to_vec()?;
        request.read(&HttpAnswer::new(status, &body), now()?)?;
        Ok(())
    })?;
    book.close()
}

pub(crate) fn sockudo_http(address: SocketAddr, events: u64) -> Result<Measured, Problem> {
    let config = sockudo_http::Config::builder().app_id("1").key("app-key").secret("app-secret");
    let config = config.host("127.0.0.1").port(address.port()).use_tls(false);
    let config = config.timeout(Duration::from_secs(10)).pool_max_idle_per_host(IN_FLIGHT);
    let client = Sockudo::new(config.build()?)?;
    let channels = [Channel::from_string("orders")?];
    let book = Arc::new(Book::new(events));
    Builder::new_current_thread().enable_all().build()?.block_on(async {
        let publishers = [(); IN_FLIGHT].map(|()| {
            let (client, channels, book) = (client.clone(), channels.clone(), book.clone());
            tokio::spawn(async move {
                while let Some(number) = book.next() {
                    let response = client.trigger(&channels, "shipped", data(number), None).await?;
                    let status = response.status();
                    // The connection is kept for those who read the answer.
                    response.bytes().await?;
                    if !status.is_success() {
                        return Err(format!("{status}").into());
                    }
                }
                Ok::<(), Problem>(())
            })
        });
        for publisher in publishers {
            publisher.await??;
        }
        Ok::<(), Problem>(())
    })?;
    Arc::into_inner(book).ok_or("a publisher lives on")?.close()
}
