//! Our clients, and what signing alone takes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use pushest_proto::Config;
use pushest_proto::api::{App, HttpAnswer, Publish};
use tokio::runtime::Builder;

use crate::measure::{Book, Measured};
use crate::{IN_FLIGHT, Problem, data};

pub(crate) fn config(address: SocketAddr) -> Result<Config, Problem> {
    let config = Config::builder("app-key").app_id("1").secret("app-secret");
    Ok(config.host("127.0.0.1").port(address.port()).build()?)
}

pub(crate) fn event(number: u64) -> Publish {
    Publish::new("orders", "shipped", data(number))
}

pub(crate) fn on_tokio(
    address: SocketAddr,
    events: u64,
    has_threads: bool,
) -> Result<Measured, Problem> {
    let mut builder =
        if has_threads { Builder::new_multi_thread() } else { Builder::new_current_thread() };
    let runtime = builder.worker_threads(2).enable_all().build()?;
    let api = pushest_tokio::Api::new(&config(address)?)?;
    let book = Arc::new(Book::new(events));
    runtime.block_on(async {
        let publishers = [(); IN_FLIGHT].map(|()| {
            let (api, book) = (api.clone(), book.clone());
            tokio::spawn(async move {
                while let Some(number) = book.next() {
                    api.call(event(number)).await?;
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

pub(crate) fn on_smol(address: SocketAddr, events: u64) -> Result<Measured, Problem> {
    let api = pushest_async_std::Api::new(&config(address)?)?;
    let book = Arc::new(Book::new(events));
    smol::block_on(async {
        let publishers = [(); IN_FLIGHT].map(|()| {
            let (api, book) = (api.clone(), book.clone());
            smol::spawn(async move {
                while let Some(number) = book.next() {
                    api.call(event(number)).await?;
                }
                Ok::<(), Problem>(())
            })
        });
        for publisher in publishers {
            publisher.await?;
        }
        Ok::<(), Problem>(())
    })?;
    Arc::into_inner(book).ok_or("a publisher lives on")?.close()
}

pub(crate) fn blocking(address: SocketAddr, events: u64) -> Result<Measured, Problem> {
    let api = pushest_blocking::Api::new(&config(address)?)?;
    let book = Book::new(events);
    on_threads(&book, |number| Ok(api.call(event(number)).map(drop)?))?;
    book.close()
}

/// Building, signing and reading an answer, without any I/O.
pub(crate) fn signing(address: SocketAddr, events: u64) -> Result<Measured, Problem> {
    let app = App::new(&config(address)?)?;
    let book = Book::new(events);
    while let Some(number) = book.next() {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        let request = app.request(&event(number), now)?;
        request.read(&HttpAnswer::new(200, b"{}"), now)?;
    }
    book.close()
}

/// Publishes on as many threads as calls may be in flight.
pub(crate) fn on_threads(
    book: &Book,
    publish: impl Fn(u64) -> Result<(), Problem> + Sync,
) -> Result<(), Problem> {
    std::thread::scope(|scope| {
        let publishers = [(); IN_FLIGHT].map(|()| {
            scope.spawn(|| {
                while let Some(number) = book.next() {
                    publish(number)?;
                }
                Ok::<(), Problem>(())
            })
        });
        publishers.into_iter().try_for_each(|thread| thread.join().expect("no panic"))
    })
}
